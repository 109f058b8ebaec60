// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/history/history.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "analyzer/regression/sessions.h"
#include "base/text.h"
#include "schemas_history_1_sql.h"
#include "schemas_history_2_sql.h"

namespace ridge::analyzer {
namespace {

constexpr int kWalTries = 50;
constexpr std::int64_t kApplicationId = 0x52444854;  // "RDHT"

Error wrong(const std::string& what) { return {ErrorCode::kBadInput, what}; }

Result<std::int64_t> oneNumber(Database& db, const std::string& sql) {
    RIDGE_TRY(Statement statement, db.prepare(sql));
    RIDGE_TRY(const bool row, statement.step());
    return row ? statement.integer(0) : std::int64_t{0};
}

std::string nullable(const Statement& s, int column) { return s.isNull(column) ? std::string() : std::string(s.text(column)); }

void bindOrNull(Statement& s, int parameter, const std::string& text) {
    if (text.empty()) s.bindNull(parameter);
    else s.bind(parameter, std::string_view(text));
}

std::string fieldsJson(const RunReport& run) {
    nlohmann::json json = nlohmann::json::object();
    for (const auto& [key, value] : run.keyFields) json[toValidUtf8(key)] = toValidUtf8(value);
    return json.dump();
}

HistoryPoint pointOf(const Statement& s) { return {s.integer(0), s.integer(1), s.integer(3), s.real(2)}; }

}  // namespace

std::optional<std::int64_t> parseTime(const std::string& text) {
    std::tm t{};
    int used = 0;
    if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec, &used) != 6) return std::nullopt;
    if (t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 24 || t.tm_min > 59 || t.tm_sec > 60 || t.tm_year < 1970 || t.tm_year > 9999) return std::nullopt;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    std::int64_t seconds = timegm(&t);
    const std::size_t zone = text.find_first_of("+-", static_cast<std::size_t>(used));
    int hours = 0, minutes = 0;
    if (zone != std::string::npos && std::sscanf(text.c_str() + zone + 1, "%2d:%2d", &hours, &minutes) == 2)
        seconds += (text[zone] == '+' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return seconds;
}

std::string timeText(std::int64_t seconds) {
    const std::time_t at = seconds;
    std::tm t{};
    std::array<char, 32> text{};
    if (!gmtime_r(&at, &t) || std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &t) == 0) return "-";
    return text.data();
}

Result<History> History::openOrCreate(const std::string& path) { return prepared(path); }

Result<History> History::open(const std::string& path) {
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) return wrong(path + ": no such history; ridge track add --db " + path + " RUN... makes it");
    return prepared(path);
}

Result<History> History::prepared(const std::string& path) {
    RIDGE_TRY(Database db, Database::openForWriting(path));
    RIDGE_TRY_STATUS(db.execute("PRAGMA busy_timeout=30000; PRAGMA trusted_schema=OFF;"));
    History history(std::move(db));
    RIDGE_TRY_STATUS(history.migrate());
    return history;
}

Status History::migrate() {
    const std::string& path = m_db.path();
    RIDGE_TRY_STATUS(m_db.execute("BEGIN"));  // one moment for all three: another may be making the file
    RIDGE_TRY(std::int64_t version, oneNumber(m_db, "PRAGMA user_version"));
    RIDGE_TRY(std::int64_t owner, oneNumber(m_db, "PRAGMA application_id"));
    RIDGE_TRY(std::int64_t tables, oneNumber(m_db, "SELECT count(*) FROM sqlite_master"));
    RIDGE_TRY_STATUS(m_db.execute("COMMIT"));
    if (tables > 0 && owner != kApplicationId) return wrong(path + ": is a database, but no history of ridge track");
    if (version > kHistoryVersion) return wrong(path + ": is of version " + std::to_string(version) + "; this program knows " + std::to_string(kHistoryVersion));
    if (version == kHistoryVersion) return {};
    // The switch does not wait as other statements do; two that make the file at once meet here.
    Status wal = m_db.execute("PRAGMA journal_mode=WAL");
    for (int i = 0; i < kWalTries && !wal.ok(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        wal = m_db.execute("PRAGMA journal_mode=WAL");
    }
    if (!wal.ok()) return wal;
    const std::array<std::string, kHistoryVersion> steps{std::string(kHistory1Sql), std::string(kHistory2Sql)};
    return inTransaction([&]() -> Status {
        RIDGE_TRY(version, oneNumber(m_db, "PRAGMA user_version"));  // another may have been faster
        for (auto step = static_cast<std::size_t>(version); step < steps.size(); ++step) RIDGE_TRY_STATUS(m_db.execute(steps[step]));
        return m_db.execute("PRAGMA application_id=" + std::to_string(kApplicationId) + "; PRAGMA user_version=" + std::to_string(kHistoryVersion));
    });
}

Status History::inTransaction(const std::function<Status()>& work) {
    RIDGE_TRY_STATUS(m_db.execute("BEGIN IMMEDIATE"));
    if (Status status = work(); !status.ok()) {
        (void)m_db.execute("ROLLBACK");
        return status;
    }
    if (Status status = m_db.execute("COMMIT"); !status.ok()) {
        (void)m_db.execute("ROLLBACK");
        return status;
    }
    return {};
}

// The row's id; made when it is not there. The last statement parameters are those of the insert alone.
Result<std::int64_t> History::idOf(const char* select, const char* insert, const std::vector<std::string>& values) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        RIDGE_TRY(Statement find, m_db.prepare(select));
        for (std::size_t i = 0; i < values.size(); ++i)
            if (std::string(select).find("?" + std::to_string(i + 1)) != std::string::npos) find.bind(static_cast<int>(i + 1), std::string_view(values[i]));
        RIDGE_TRY(const bool row, find.step());
        if (row) return find.integer(0);
        RIDGE_TRY(Statement make, m_db.prepare(insert));
        for (std::size_t i = 0; i < values.size(); ++i) make.bind(static_cast<int>(i + 1), std::string_view(values[i]));
        RIDGE_TRY(const bool ignored, make.step());
        (void)ignored;
    }
    return Error{ErrorCode::kInternal, m_db.path() + ": a row that was just written is not there"};
}

namespace {

// The runs of a session as rows: the metrics are those of all of them.
std::vector<History::Row> rowsOfSession(const std::vector<StoredRun>& runs, const std::string& session, const std::string& tag) {
    std::vector<StoredRun> own;
    for (const StoredRun& r : runs)
        if (r.run.sessionId == session) own.push_back(r);
    const RunReport& first = own.front().run;
    const auto field = [&](const char* name) {
        const auto at = first.subject.find(name);
        return at == first.subject.end() ? std::string() : at->second;
    };
    HistoryRun run;
    run.runId = first.id;
    run.at = parseTime(first.startedAt).value_or(0);
    run.environmentKey = first.environmentKey;
    run.gitSha = field("git_sha");
    run.branch = field("branch");
    run.tag = tag;
    run.source = own.front().path;
    std::vector<History::Row> rows;
    std::set<std::pair<std::string, std::string>> seen;
    for (const StoredRun& r : own)
        for (const RunBenchmark& b : r.run.benchmarks)
            for (const RunMetric& m : b.metrics) {
                if (m.direction == "none" || !seen.emplace(b.id, m.name).second) continue;
                const std::vector<double> value = sessionMedians(own, b.id, m.name);
                if (value.size() != 1) continue;
                rows.push_back({run, session, b.id, m.name, m.unit, m.direction, static_cast<std::int64_t>(validValues(m).size()), value.front()});
            }
    return rows;
}

}  // namespace

Result<AddResult> History::add(const std::vector<StoredRun>& runs, const std::string& tag) {
    std::vector<std::string> sessions;
    std::map<std::string, std::string> fields;
    for (const StoredRun& r : runs) {
        if (std::find(sessions.begin(), sessions.end(), r.run.sessionId) == sessions.end()) sessions.push_back(r.run.sessionId);
        if (!parseTime(r.run.startedAt)) return wrong(r.path + ": has no time (run.started_at); a history is in the order of time");
        fields[r.run.environmentKey] = fieldsJson(r.run);
    }
    std::vector<Row> rows;
    for (const std::string& session : sessions) {
        auto own = rowsOfSession(runs, session, tag);
        rows.insert(rows.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
    }
    RIDGE_TRY(const AddResult result, addRows(rows));
    for (const auto& [key, json] : fields) {
        RIDGE_TRY(Statement statement, m_db.prepare("UPDATE environment SET fields=?2 WHERE key=?1 AND fields<>?2"));
        statement.bind(1, std::string_view(key));
        statement.bind(2, std::string_view(json));
        RIDGE_TRY(const bool ignored, statement.step());
        (void)ignored;
    }
    return result;
}

Result<AddResult> History::addRows(const std::vector<Row>& rows) {
    AddResult result;
    const std::int64_t now = std::time(nullptr);
    const Status status = inTransaction([&]() -> Status {
        std::map<std::string, std::int64_t> environments, metrics;
        std::map<std::string, std::optional<std::int64_t>> runs;  // nothing: it was there before
        RIDGE_TRY(Statement insertRun, m_db.prepare("INSERT OR IGNORE INTO run(run_id,session_id,at,environment,git_sha,branch,tag,source,added_at) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) RETURNING id"));
        RIDGE_TRY(Statement insertPoint, m_db.prepare("INSERT INTO point(environment,metric,at,run,value,samples) VALUES(?1,?2,?3,?4,?5,?6)"));
        for (const Row& row : rows) {
            if (!environments.count(row.run.environmentKey)) {
                RIDGE_TRY(environments[row.run.environmentKey], idOf("SELECT id FROM environment WHERE key=?1", "INSERT INTO environment(key,fields) VALUES(?1,?2)", {row.run.environmentKey, "{}"}));
            }
            const std::int64_t environment = environments[row.run.environmentKey];
            const std::string key = row.benchmark + "\n" + row.metric + "\n" + row.unit + "\n" + row.direction;
            if (!metrics.count(key)) {
                RIDGE_TRY(metrics[key], idOf("SELECT id FROM metric WHERE benchmark=?1 AND metric=?2 AND unit=?3 AND direction=?4", "INSERT INTO metric(benchmark,metric,unit,direction) VALUES(?1,?2,?3,?4)",
                                             {row.benchmark, row.metric, row.unit, row.direction}));
            }
            if (!runs.count(row.run.runId)) {
                insertRun.bind(1, std::string_view(row.run.runId));
                insertRun.bind(2, std::string_view(row.sessionId));
                insertRun.bind(3, row.run.at);
                insertRun.bind(4, environment);
                bindOrNull(insertRun, 5, row.run.gitSha);
                bindOrNull(insertRun, 6, row.run.branch);
                bindOrNull(insertRun, 7, row.run.tag);
                bindOrNull(insertRun, 8, row.run.source);
                insertRun.bind(9, now);
                RIDGE_TRY(const bool made, insertRun.step());
                runs[row.run.runId] = made ? std::optional(insertRun.integer(0)) : std::nullopt;
                insertRun.reset();
                ++(made ? result.runs : result.known);
            }
            const auto run = runs[row.run.runId];
            if (!run) continue;
            insertPoint.bind(1, environment);
            insertPoint.bind(2, metrics[key]);
            insertPoint.bind(3, row.run.at);
            insertPoint.bind(4, *run);
            insertPoint.bind(5, row.value);
            insertPoint.bind(6, row.samples);
            RIDGE_TRY(const bool ignored, insertPoint.step());
            (void)ignored;
            ++result.points;
        }
        return {};
    });
    if (!status.ok()) return status.error();
    return result;
}

Result<std::vector<Series>> History::series() {
    RIDGE_TRY(Statement s, m_db.prepare("SELECT p.environment, p.metric, m.benchmark, m.metric, m.unit, m.direction, e.key, p.n FROM (SELECT environment, metric, count(*) AS n FROM point GROUP BY environment, metric) p "
                                        "JOIN metric m ON m.id = p.metric JOIN environment e ON e.id = p.environment ORDER BY m.benchmark, m.metric, e.key"));
    std::vector<Series> out;
    for (;;) {
        RIDGE_TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back({{s.integer(0), s.integer(1)}, std::string(s.text(2)), std::string(s.text(3)), std::string(s.text(4)), std::string(s.text(5)), std::string(s.text(6)), s.integer(7)});
    }
}

namespace {

constexpr const char* kRunColumns = "SELECT r.id, r.at, 0, r.run_id, e.key, r.git_sha, r.branch, r.tag, r.source FROM run r JOIN environment e ON e.id = r.environment ";

HistoryRun runOf(const Statement& s) {
    return {s.integer(0), s.integer(1), s.integer(2), std::string(s.text(3)), std::string(s.text(4)), nullable(s, 5), nullable(s, 6), nullable(s, 7), nullable(s, 8)};
}

Result<std::vector<HistoryRun>> allRuns(Statement& s) {
    std::vector<HistoryRun> out;
    for (;;) {
        RIDGE_TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back(runOf(s));
    }
}

}  // namespace

Result<std::vector<HistoryRun>> History::runs(std::int64_t most) {
    RIDGE_TRY(Statement s, m_db.prepare(std::string(kRunColumns) + "ORDER BY r.at DESC, r.id DESC LIMIT ?1"));
    s.bind(1, most);
    return allRuns(s);
}

Result<HistoryRun> History::newestRun() {
    RIDGE_TRY(std::vector<HistoryRun> newest, runs(1));
    if (newest.empty()) return Error{ErrorCode::kNoVerdict, m_db.path() + ": holds no run yet"};
    return newest.front();
}

Result<HistoryRun> History::run(const std::string& idOrTag) {
    RIDGE_TRY(Statement s, m_db.prepare(std::string(kRunColumns) + "WHERE r.run_id = ?1 OR r.tag = ?1 ORDER BY r.at DESC, r.id DESC LIMIT 1"));
    s.bind(1, std::string_view(idOrTag));
    RIDGE_TRY(std::vector<HistoryRun> found, allRuns(s));
    if (found.empty()) return wrong(m_db.path() + ": has no run or tag " + idOrTag + "; ridge track list --runs names them");
    return found.front();
}

Result<std::vector<HistoryPoint>> History::points(SeriesId series, std::int64_t since, std::int64_t most) { return pointsWhere(series, "at>=?3", since, most); }

Result<std::vector<HistoryPoint>> History::pointsUntil(SeriesId series, std::int64_t until, std::int64_t most) { return pointsWhere(series, "at<=?3", until, most); }

// Along the index from the newest on: as many rows are touched as are returned.
Result<std::vector<HistoryPoint>> History::pointsWhere(SeriesId series, const char* condition, std::int64_t at, std::int64_t most) {
    RIDGE_TRY(Statement s, m_db.prepare(std::string("SELECT at, run, value, samples FROM point WHERE environment=?1 AND metric=?2 AND ") + condition + " ORDER BY at DESC, run DESC LIMIT ?4"));
    s.bind(1, series.environment);
    s.bind(2, series.metric);
    s.bind(3, at);
    s.bind(4, most);
    std::vector<HistoryPoint> out;
    for (;;) {
        RIDGE_TRY(const bool row, s.step());
        if (!row) break;
        out.push_back(pointOf(s));
    }
    std::reverse(out.begin(), out.end());
    return out;
}

Result<std::vector<History::Row>> History::rows() {
    RIDGE_TRY(Statement s, m_db.prepare("SELECT r.id, r.at, 0, r.run_id, e.key, r.git_sha, r.branch, r.tag, r.source, r.session_id, m.benchmark, m.metric, m.unit, m.direction, p.samples, p.value "
                                        "FROM point p JOIN run r ON r.id = p.run JOIN metric m ON m.id = p.metric JOIN environment e ON e.id = p.environment ORDER BY r.at, r.id, m.benchmark, m.metric"));
    std::vector<Row> out;
    for (;;) {
        RIDGE_TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back({runOf(s), std::string(s.text(9)), std::string(s.text(10)), std::string(s.text(11)), std::string(s.text(12)), std::string(s.text(13)), s.integer(14), s.real(15)});
    }
}

Result<std::vector<ChangePoint>> History::changePoints() {
    RIDGE_TRY(Statement s, m_db.prepare("SELECT id, at, run, found_at, accepted_at, environment, metric, worse, ratio, found_by, accepted_by, comment FROM change_point ORDER BY id"));
    std::vector<ChangePoint> out;
    for (;;) {
        RIDGE_TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back({s.integer(0), s.integer(1), s.integer(2), s.integer(3), s.integer(4), {s.integer(5), s.integer(6)}, s.integer(7) != 0, s.isNull(8) ? std::nullopt : std::optional(s.real(8)), std::string(s.text(9)),
                       nullable(s, 10), nullable(s, 11)});
    }
}

Result<std::int64_t> History::addChangePoint(const ChangePoint& c) {
    RIDGE_TRY(Statement s, m_db.prepare("INSERT INTO change_point(environment,metric,at,run,worse,ratio,found_by,found_at,accepted_by,accepted_at,comment) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) RETURNING id"));
    const std::int64_t now = std::time(nullptr);
    s.bind(1, c.series.environment);
    s.bind(2, c.series.metric);
    s.bind(3, c.at);
    s.bind(4, c.run);
    s.bind(5, std::int64_t{c.worse});
    if (c.ratio) s.bind(6, *c.ratio);
    else s.bindNull(6);
    s.bind(7, std::string_view(c.foundBy));
    s.bind(8, now);
    bindOrNull(s, 9, c.acceptedBy);
    if (c.accepted()) s.bind(10, now);
    else s.bindNull(10);
    bindOrNull(s, 11, c.comment);
    RIDGE_TRY(const bool row, s.step());
    const std::int64_t id = row ? s.integer(0) : 0;
    s.reset();
    return id;
}

Status History::accept(std::int64_t id, const std::string& by, const std::string& comment) {
    RIDGE_TRY(Statement s, m_db.prepare("UPDATE change_point SET accepted_by=?2, accepted_at=?3, comment=coalesce(?4, comment) WHERE id=?1 RETURNING id"));
    s.bind(1, id);
    s.bind(2, std::string_view(by));
    s.bind(3, std::int64_t{std::time(nullptr)});
    bindOrNull(s, 4, comment);
    RIDGE_TRY(const bool row, s.step());
    s.reset();
    if (!row) return wrong(m_db.path() + ": has no change point " + std::to_string(id) + "; ridge track list --changes numbers them");
    return {};
}

Status History::pin(const HistoryRun& run, const std::string& by) {
    RIDGE_TRY(Statement s, m_db.prepare("INSERT OR REPLACE INTO pin(environment,run,at,pinned_by,pinned_at) SELECT environment, id, at, ?2, ?3 FROM run WHERE id=?1"));
    s.bind(1, run.id);
    s.bind(2, std::string_view(by));
    s.bind(3, std::int64_t{std::time(nullptr)});
    RIDGE_TRY(const bool ignored, s.step());
    (void)ignored;
    return {};
}

Result<std::vector<Pin>> History::pins() {
    RIDGE_TRY(Statement s, m_db.prepare("SELECT p.environment, p.run, p.at, r.run_id, p.pinned_by FROM pin p JOIN run r ON r.id = p.run"));
    std::vector<Pin> out;
    for (;;) {
        RIDGE_TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back({s.integer(0), s.integer(1), s.integer(2), std::string(s.text(3)), std::string(s.text(4))});
    }
}

}  // namespace ridge::analyzer
