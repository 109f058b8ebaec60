// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A history of runs in SQLite (schemas/history/): one value per session, metric and environment, where the level changed and
// who accepted it, and the run that drift is measured against.
//
// WAL, one writer at a time (another waits up to 30 s), every addition one transaction: cut off in mid-write, all of it or
// nothing is there. Older files are brought to this version when they are opened; newer ones are refused.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/regression/judge.h"
#include "base/result.h"
#include "schemas/sqlite/database.h"

namespace ridge::analyzer {

inline constexpr int kHistoryVersion = 2;

struct SeriesId {
    std::int64_t environment = 0, metric = 0;
};
struct Series {
    SeriesId id;
    std::string benchmark, metric, unit, direction, environmentKey;
    std::int64_t points = 0;
    [[nodiscard]] std::string name() const { return benchmark + " " + metric; }
};
struct HistoryPoint {
    std::int64_t at = 0, run = 0, samples = 0;
    double value = 0;
};
struct HistoryRun {
    std::int64_t id = 0, at = 0, points = 0;
    std::string runId, environmentKey, gitSha, branch, tag, source;
};
struct ChangePoint {
    std::int64_t id = 0, at = 0, run = 0, foundAt = 0, acceptedAt = 0;
    SeriesId series;
    bool worse = false;
    std::optional<double> ratio;
    std::string foundBy, acceptedBy, comment;
    [[nodiscard]] bool accepted() const { return !acceptedBy.empty(); }
};
struct Pin {
    std::int64_t environment = 0, run = 0, at = 0;
    std::string runId, by;
};

struct AddResult {
    std::size_t runs = 0, points = 0, known = 0;  // known: they were there already
};

class History {
public:
    // Makes the file.
    static Result<History> openOrCreate(const std::string& path);
    // Errors: it is not there.
    static Result<History> open(const std::string& path);

    // Runs that share a session become one point. All or nothing.
    Result<AddResult> add(const std::vector<StoredRun>& runs, const std::string& tag);
    // A point that comes from an export instead of a run.
    struct Row {
        HistoryRun run;
        std::string sessionId, benchmark, metric, unit, direction;
        std::int64_t samples = 0;
        double value = 0;
    };
    Result<AddResult> addRows(const std::vector<Row>& rows);

    Result<std::vector<Series>> series();
    Result<std::vector<HistoryRun>> runs(std::int64_t most);
    // The newest ones, oldest first, not before `since`.
    Result<std::vector<HistoryPoint>> points(SeriesId series, std::int64_t since, std::int64_t most);
    // The last ones up to and including the time, oldest first.
    Result<std::vector<HistoryPoint>> pointsUntil(SeriesId series, std::int64_t until, std::int64_t most);
    Result<std::vector<Row>> rows();

    Result<std::vector<ChangePoint>> changePoints();
    Result<std::int64_t> addChangePoint(const ChangePoint& point);
    // Errors: kBadInput, there is none with this number.
    Status accept(std::int64_t changePoint, const std::string& by, const std::string& comment);
    // By its run_id, or by tag. Errors: none or several.
    Result<HistoryRun> run(const std::string& idOrTag);
    Status pin(const HistoryRun& run, const std::string& by);
    Result<std::vector<Pin>> pins();
    Result<HistoryRun> newestRun();

    Database& database() { return m_db; }

private:
    explicit History(Database db) : m_db(std::move(db)) {}
    static Result<History> prepared(const std::string& path);
    Status migrate();
    Result<std::vector<HistoryPoint>> pointsWhere(SeriesId series, const char* condition, std::int64_t at, std::int64_t most);
    Result<std::int64_t> idOf(const char* select, const char* insert, const std::vector<std::string>& values);
    Status inTransaction(const std::function<Status()>& work);
    Database m_db;
};

// "2026-01-05T10:00:00Z" or with an offset, as seconds since 1970; nothing when it is no time.
std::optional<std::int64_t> parseTime(const std::string& text);
std::string timeText(std::int64_t seconds);

}  // namespace ridge::analyzer
