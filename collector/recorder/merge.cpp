// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/merge.h"

#include "base/text.h"
#include "schemas/sqlite/attach.h"
#include "schemas/timeline/ddl.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <unistd.h>

namespace ridge::recorder {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSameBootNs = 1'000'000'000;  // the two clocks of one boot agree so far

struct Input {
    std::string path;
    nlohmann::ordered_json about;
    nlohmann::ordered_json parts =
        nlohmann::ordered_json::array();  // of one that was merged itself: its MERGED_FROM
    std::int64_t utc = 0, monotonic = 0, duration = 0, clockError = 0;
    std::int64_t offset = 0;  // of its t = 0, ns since the merged file's
};

// One row each, of which the earliest recording's stays; the others' are told in MERGED_FROM.
const std::set<std::string_view> kOfOneSession = {
    "RIDGE_RUN",         "TARGET_INFO_SESSION_START_TIME",
    "ANALYSIS_DETAILS",  "META_DATA_EXPORT",
    "META_DATA_CAPTURE", "StringIds"};

std::string sqlText(std::string_view text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
    return result + "'";
}

Result<std::int64_t> number(Database& db, const std::string& sql) {
    RIDGE_TRY(Statement statement, db.prepare(sql));
    RIDGE_TRY(const bool row, statement.step());
    return row ? statement.integer(0) : 0;
}

// What an earlier merge made the file of; empty: it is one recording.
Result<nlohmann::ordered_json> partsOf(Database& db) {
    auto parts = nlohmann::ordered_json::array();
    if (!db.hasTable("META_DATA_CAPTURE")) return parts;
    RIDGE_TRY(Statement rows,
              db.prepare("SELECT value FROM META_DATA_CAPTURE WHERE name = 'MERGED_FROM'"));
    for (;;) {
        RIDGE_TRY(const bool row, rows.step());
        if (!row) return parts;
        const auto read = nlohmann::ordered_json::parse(rows.text(0), nullptr, false);
        if (!read.is_array()) continue;
        for (const auto& part : read)
            if (part.is_object()) parts.push_back(part);
    }
}

std::string runIdOf(const nlohmann::ordered_json& part) {
    const auto id = part.find("runId");
    return id != part.end() && id->is_string() ? id->get<std::string>() : std::string();
}

// One recording twice, as a copy or inside of a merged file, would count everything of it twice.
Status refuseDoubles(const std::vector<Input>& inputs) {
    std::map<std::string, std::string> holders;
    for (const Input& input : inputs) {
        const auto own = nlohmann::ordered_json::array({input.about});
        for (const auto& part : input.parts.empty() ? own : input.parts) {
            const std::string id = runIdOf(part);
            if (id.empty()) continue;
            const auto [known, isNew] = holders.emplace(id, input.path);
            if (!isNew)
                return Error{
                    ErrorCode::kBadInput,
                    fmt::format(
                        "{} holds a recording that {} holds too (RUN_ID {}); name only one of them",
                        input.path, known->second, id)};
        }
    }
    return {};
}

Result<Input> readInput(const std::string& path) {
    RIDGE_TRY(Database db, Database::openForReading(path));
    RIDGE_TRY(const std::int64_t id, number(db, "PRAGMA application_id"));
    if (id != timeline::kApplicationId || !db.hasTable("RIDGE_RUN"))
        return Error{
            ErrorCode::kBadInput,
            fmt::format("{} was not recorded by ridge; ridge analyze reads several files as "
                        "they are",
                        path)};
    RIDGE_TRY(const std::int64_t version, number(db, "PRAGMA user_version"));
    if (version > timeline::kSchemaVersion)
        return Error{ErrorCode::kBadInput, fmt::format("{} was written by a newer ridge", path)};
    RIDGE_TRY(Statement run, db.prepare("SELECT startUtcNs, startMonotonicNs, durationNs, "
                                        "clockErrorNs, runId, command, exitStatus, outcome "
                                        "FROM RIDGE_RUN"));
    RIDGE_TRY(const bool row, run.step());
    if (!row) return Error{ErrorCode::kBadInput, fmt::format("{}: RIDGE_RUN is empty", path)};
    Input input;
    input.path = path;
    input.utc = run.integer(0);
    input.monotonic = run.integer(1);
    input.duration = run.integer(2);
    input.clockError = run.integer(3);
    input.about = {{"path", toValidUtf8(path)},
                   {"runId", toValidUtf8(run.text(4))},
                   {"command", toValidUtf8(run.text(5))},
                   {"outcome", toValidUtf8(run.text(7))}};
    if (!run.isNull(6)) input.about["exitStatus"] = run.integer(6);
    RIDGE_TRY(input.parts, partsOf(db));
    return input;
}

// Column name -> what timeline.sql says of it.
std::map<std::string, std::string> commentsOf(const timeline::TableDdl& table) {
    std::map<std::string, std::string> comments;
    for (std::string_view line : split(table.createTable, '\n')) {
        line = trim(line);
        const std::size_t comment = line.find("--");
        if (comment == std::string_view::npos || comment == 0) continue;
        comments[std::string(line.substr(0, line.find(' ')))] = line.substr(comment);
    }
    return comments;
}

bool isGlobal(const std::string& column) {
    static const std::set<std::string_view> kGlobals = {"globalTid", "endGlobalTid", "globalPid",
                                                        "globalVid", "fromTid",      "toTid"};
    return kGlobals.contains(column);
}

class Merge {
public:
    Merge(Database db, std::vector<Input> inputs)
        : m_db(std::move(db)), m_inputs(std::move(inputs)) {}

    Result<MergeOutcome> run() {
        RIDGE_TRY_STATUS(m_db.execute(fmt::format(
            "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
            "PRAGMA application_id = {}; PRAGMA user_version = {}; "
            "CREATE TEMP TABLE strings (old INTEGER PRIMARY KEY, new INTEGER NOT NULL); "
            "CREATE TEMP TABLE texts (value PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID",
            timeline::kApplicationId, timeline::kSchemaVersion)));
        for (std::size_t i = 0; i < m_inputs.size(); ++i) RIDGE_TRY_STATUS(add(i));
        RIDGE_TRY_STATUS(describe());
        for (const timeline::TableDdl& table : timeline::tables())
            for (const std::string& index : table.indexes)
                if (m_made.contains(table.name)) RIDGE_TRY_STATUS(m_db.execute(index));
        RIDGE_TRY_STATUS(m_db.execute(timeline::viewsFor(m_made)));
        return std::move(m_outcome);
    }

private:
    Status add(std::size_t index) {
        const Input& input = m_inputs[index];
        RIDGE_TRY_STATUS(attachForReading(m_db, input.path, "src"));
        RIDGE_TRY_STATUS(m_db.execute("BEGIN"));
        RIDGE_TRY_STATUS(addStrings());
        RIDGE_TRY_STATUS(findCollisions(index));
        m_bases.clear();
        std::set<std::string> known;
        for (const timeline::TableDdl& table : timeline::tables()) {
            known.insert(table.name);
            if (kOfOneSession.contains(table.name) && (index != 0 || table.name == "StringIds"))
                continue;
            auto status = addTable(table, input);
            if (!status.ok() && status.error().code != ErrorCode::kBadInput) return status;
            if (!status.ok())
                return Error{ErrorCode::kBadInput, fmt::format("{}: {}: {}", input.path, table.name,
                                                               status.error().message)};
        }
        RIDGE_TRY_STATUS(tellUnknown(known, input.path));
        return m_db.execute("COMMIT; DETACH src");
    }

    Status addStrings() {
        RIDGE_TRY_STATUS(make(*timeline::findTable("StringIds")));
        RIDGE_TRY_STATUS(m_db.execute("DELETE FROM temp.strings"));
        RIDGE_TRY(const std::int64_t there, number(m_db,
                                                   "SELECT count(*) FROM src.sqlite_master "
                                                   "WHERE name = 'StringIds'"));
        if (there == 0) return {};
        return m_db.execute(
            "INSERT OR IGNORE INTO temp.texts SELECT value, (SELECT ifnull(max(id), 0) FROM "
            "main.StringIds) + row_number() OVER () FROM (SELECT DISTINCT value FROM src.StringIds "
            "WHERE value NOT IN (SELECT value FROM temp.texts));"
            "INSERT INTO main.StringIds (id, value) SELECT id, value FROM temp.texts WHERE id > "
            "(SELECT ifnull(max(id), 0) FROM main.StringIds) ORDER BY id;"
            "INSERT INTO temp.strings SELECT s.id, t.id FROM src.StringIds s JOIN temp.texts t "
            "ON t.value = s.value");
    }

    // Two machines may have given one number to two processes.
    Status findCollisions(std::size_t index) {
        m_vm = 0;
        if (index == 0 || !m_made.contains("PROCESSES")) return {};
        RIDGE_TRY(const std::int64_t tables, number(m_db,
                                                    "SELECT count(*) FROM src.sqlite_master "
                                                    "WHERE name = 'PROCESSES'"));
        if (tables == 0) return {};
        RIDGE_TRY(const std::int64_t same, number(m_db,
                                                  "SELECT count(*) FROM src.PROCESSES WHERE "
                                                  "globalPid IN (SELECT globalPid FROM "
                                                  "main.PROCESSES)"));
        if (same != 0) m_vm = static_cast<std::int64_t>(index);
        if (m_vm > 255)
            return Error{ErrorCode::kBadInput,
                         "more than 255 recordings with the same process numbers"};
        return {};
    }

    Status make(const timeline::TableDdl& table) {
        if (!m_made.insert(table.name).second) return {};
        return m_db.execute(table.createTable);
    }

    // What numbers of this kind begin behind, in the file so far; "T(rowid)", "T(id)", ...
    Result<std::int64_t> base(const std::string& reference) {
        const auto known = m_bases.find(reference);
        if (known != m_bases.end()) return known->second;
        const std::size_t open = reference.find('(');
        const std::string table = reference.substr(0, open);
        std::int64_t most = 0;
        if (m_made.contains(table)) {
            RIDGE_TRY(
                most,
                number(m_db, fmt::format("SELECT ifnull(max({}), 0) FROM main.{}",
                                         reference.substr(open + 1, reference.size() - open - 2),
                                         table)));
        }
        m_bases[reference] = most;
        return most;
    }

    Result<std::string> expression(const timeline::TableDdl& table, const std::string& column,
                                   const std::string& comment, std::int64_t offset) {
        const std::string name = fmt::format("\"{}\"", column);
        if (comment.find("-> StringIds(id)") != std::string::npos)
            return fmt::format("(SELECT new FROM temp.strings WHERE old = {})", name);
        if (comment.find("ns since session start") != std::string::npos) {
            if (comment.find(", 0:") == std::string::npos)
                return fmt::format("{} + {}", name, offset);
            return fmt::format("CASE {0} WHEN 0 THEN 0 ELSE {0} + {1} END", name, offset);
        }
        if (isGlobal(column) && m_vm != 0)
            return fmt::format("({} & ~(255 << 48)) | ({} << 48)", name, m_vm);
        if (column == "vmId" && m_vm != 0) return std::to_string(m_vm);
        std::string reference;
        const std::size_t arrow = comment.find("-> ");
        if (arrow != std::string::npos && comment.compare(arrow + 3, 5, "ENUM_") != 0)
            reference = comment.substr(arrow + 3, comment.find(')', arrow) - arrow - 2);
        else if (column == "id" && !table.name.starts_with("ENUM_") &&
                 !table.name.starts_with("TARGET_INFO"))
            reference = table.name + "(id)";
        else if (column == "collectiveId" && table.name == "RIDGE_COLLECTIVE")
            reference = "RIDGE_COLLECTIVE(collectiveId)";
        else if (column == "callchainId")
            reference = table.name.starts_with("OSRT") ? "OSRT_CALLCHAINS(id)" : "";
        if (reference.empty() || column == "graphNodeId") return name;
        RIDGE_TRY(const std::int64_t first, base(reference));
        return column == "callchainId"
                   ? fmt::format("CASE {0} WHEN 0 THEN 0 ELSE {0} + {1} END", name, first)
                   : fmt::format("{} + {}", name, first);
    }

    Status addTable(const timeline::TableDdl& table, const Input& input) {
        static const std::set<std::string_view> kReferred = {"NVTX_EVENTS", "OSRT_API",
                                                             "CUPTI_ACTIVITY_KIND_KERNEL"};
        std::set<std::string> there;
        RIDGE_TRY(Statement info,
                  m_db.prepare(
                      fmt::format("SELECT name FROM pragma_table_info('{}', 'src')", table.name)));
        for (;;) {
            RIDGE_TRY(const bool row, info.step());
            if (!row) break;
            there.emplace(info.text(0));
        }
        if (there.empty()) return {};
        const auto comments = commentsOf(table);
        std::string into, from;
        if (kReferred.contains(table.name)) {
            RIDGE_TRY(const std::int64_t first, base(table.name + "(rowid)"));
            into = "rowid";
            from = fmt::format("rowid + {}", first);
        }
        for (const std::string& column : table.columns) {
            if (!there.contains(column)) continue;
            const auto comment = comments.find(column);
            RIDGE_TRY(const std::string value,
                      expression(table, column, comment == comments.end() ? "" : comment->second,
                                 input.offset));
            into += fmt::format("{}\"{}\"", into.empty() ? "" : ", ", column);
            from += fmt::format("{}{}", from.empty() ? "" : ", ", value);
        }
        RIDGE_TRY_STATUS(make(table));
        // Facts about the machine come once however many of its recordings have them.
        const bool facts = table.name.starts_with("ENUM_") ||
                           table.name.starts_with("TARGET_INFO") ||
                           table.name == "RIDGE_ENVIRONMENT" || table.name == "RIDGE_SOURCE" ||
                           table.name == "RIDGE_CEILING";
        RIDGE_TRY_STATUS(m_db.execute(fmt::format(
            "INSERT {} INTO main.{} ({}) SELECT {} FROM src.{} {}", facts ? "OR IGNORE" : "",
            table.name, into, from, table.name,
            facts ? fmt::format("EXCEPT SELECT {} FROM main.{}", into, table.name) : "")));
        m_outcome.rows += static_cast<std::uint64_t>(sqlite3_changes64(m_db.handle()));
        return {};
    }

    Status tellUnknown(const std::set<std::string>& known, const std::string& path) {
        RIDGE_TRY(Statement names, m_db.prepare("SELECT name FROM src.sqlite_master WHERE type = "
                                                "'table' AND name NOT LIKE 'sqlite_%'"));
        for (;;) {
            RIDGE_TRY(const bool row, names.step());
            if (!row) return {};
            if (const std::string name(names.text(0)); !known.contains(name))
                m_outcome.notes.push_back(fmt::format("{}: table {} is not known and was left out",
                                                      path, toValidUtf8(name)));
        }
    }

    Status describe() {
        std::int64_t duration = 0, clockError = 0;
        nlohmann::ordered_json from = nlohmann::ordered_json::array();
        for (const Input& input : m_inputs) {
            duration = std::max(duration, input.offset + input.duration);
            clockError = std::max(clockError, input.clockError);
            if (input.parts.empty()) {
                from.push_back(input.about);
                from.back()["offset_ns"] = input.offset;
            }
            for (nlohmann::ordered_json part : input.parts) {
                const auto offset = part.find("offset_ns");
                const bool known = offset != part.end() && offset->is_number_integer();
                part["offset_ns"] = input.offset + (known ? offset->get<std::int64_t>() : 0);
                from.push_back(std::move(part));
            }
        }
        RIDGE_TRY_STATUS(make(*timeline::findTable("META_DATA_CAPTURE")));
        std::string sql = fmt::format(
            "DELETE FROM META_DATA_CAPTURE WHERE name = 'MERGED_FROM';"
            "INSERT INTO META_DATA_CAPTURE (name, value) VALUES ('MERGED_FROM', {});"
            "UPDATE RIDGE_RUN SET durationNs = {}, clockErrorNs = {};",
            sqlText(from.dump()), duration, clockError);
        if (m_made.contains("ANALYSIS_DETAILS"))
            sql += fmt::format(
                "UPDATE ANALYSIS_DETAILS SET duration = {0}, stopTime = startTime + {0};",
                duration);
        return m_db.execute(sql);
    }

    Database m_db;
    std::vector<Input> m_inputs;  // the earliest first
    std::set<std::string> m_made;
    std::map<std::string, std::int64_t> m_bases;
    std::int64_t m_vm = 0;  // of the input at hand; 0: its process numbers stay
    MergeOutcome m_outcome;
};

// The earliest first, each with its distance from that one.
void layOnOneClock(std::vector<Input>& inputs) {
    std::stable_sort(inputs.begin(), inputs.end(),
                     [](const Input& a, const Input& b) { return a.utc < b.utc; });
    for (Input& input : inputs) {
        const std::int64_t utc = input.utc - inputs.front().utc;
        const std::int64_t monotonic = input.monotonic - inputs.front().monotonic;
        const bool sameBoot = monotonic - utc < kSameBootNs && utc - monotonic < kSameBootNs;
        input.offset = sameBoot ? monotonic : utc;
        input.about["clock"] = sameBoot ? "monotonic" : "utc";
    }
}

}  // namespace

Result<MergeOutcome> mergeTimelines(const std::vector<std::string>& inputs,
                                    const std::string& output) {
    std::vector<Input> read;
    std::set<std::string> seen;
    std::error_code ec;
    for (const std::string& path : inputs) {
        RIDGE_TRY(Input input, readInput(path));
        if (!seen.insert(fs::weakly_canonical(path, ec).string()).second)
            return Error{ErrorCode::kBadInput, fmt::format("{} is named twice", path)};
        read.push_back(std::move(input));
    }
    RIDGE_TRY_STATUS(refuseDoubles(read));
    layOnOneClock(read);
    const std::string partial = output + ".partial";
    unlink(partial.c_str());
    auto outcome = [&]() -> Result<MergeOutcome> {
        RIDGE_TRY(Database db, Database::openForWriting(partial));
        return Merge(std::move(db), std::move(read)).run();
    }();
    if (outcome.ok() && std::rename(partial.c_str(), output.c_str()) != 0)
        outcome = Error{ErrorCode::kIo, fmt::format("{}: {}", output, std::strerror(errno))};
    if (!outcome.ok()) unlink(partial.c_str());
    return outcome;
}

}  // namespace ridge::recorder
