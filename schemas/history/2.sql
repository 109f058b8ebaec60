-- SPDX-License-Identifier: Apache-2.0
-- Version 2: where the level changed and who accepted it; references for drift.
CREATE TABLE change_point(
    id INTEGER PRIMARY KEY,
    environment INTEGER NOT NULL, metric INTEGER NOT NULL,
    at INTEGER NOT NULL, run INTEGER NOT NULL,   -- the first point on the new level
    worse INTEGER NOT NULL, ratio REAL,          -- after / before, in the metric's own sense; NULL: said by a person
    found_by TEXT NOT NULL,                      -- 'scan', 'fresh', 'person'
    found_at INTEGER NOT NULL,
    accepted_by TEXT, accepted_at INTEGER, comment TEXT
) STRICT;
CREATE INDEX change_point_series ON change_point(environment, metric, at);
CREATE TABLE pin(
    environment INTEGER PRIMARY KEY,
    run INTEGER NOT NULL, at INTEGER NOT NULL,
    pinned_by TEXT NOT NULL, pinned_at INTEGER NOT NULL
) STRICT;
