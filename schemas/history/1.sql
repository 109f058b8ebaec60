-- SPDX-License-Identifier: Apache-2.0
-- A history of runs, version 1. Derived from immutable run.json files: it can be made anew from them. One writer at a
-- time (WAL); not for network file systems. Times are seconds since 1970, UTC.
CREATE TABLE environment(
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,     -- run.json's environment.key
    fields TEXT NOT NULL          -- its key fields, as JSON
) STRICT;
CREATE TABLE run(
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL,
    at INTEGER NOT NULL,          -- when it began
    environment INTEGER NOT NULL REFERENCES environment(id),
    git_sha TEXT, branch TEXT, tag TEXT,
    source TEXT,                  -- the file it came from
    added_at INTEGER NOT NULL
) STRICT;
CREATE TABLE metric(
    id INTEGER PRIMARY KEY,
    benchmark TEXT NOT NULL, metric TEXT NOT NULL, unit TEXT NOT NULL, direction TEXT NOT NULL,
    UNIQUE(benchmark, metric, unit, direction)
) STRICT;
-- One value per session: the median of its processes' medians.
CREATE TABLE point(
    environment INTEGER NOT NULL, metric INTEGER NOT NULL, at INTEGER NOT NULL, run INTEGER NOT NULL,
    value REAL NOT NULL, samples INTEGER NOT NULL,
    PRIMARY KEY(environment, metric, at, run)
) STRICT, WITHOUT ROWID;
