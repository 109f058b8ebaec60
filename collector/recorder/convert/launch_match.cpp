// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/launch_match.h"

#include "schemas/sqlite/database.h"
#include "schemas/timeline/ddl.h"

#include <fmt/format.h>

#include <map>
#include <tuple>

namespace ridge::recorder {
namespace {

using Key = std::tuple<std::size_t, std::string>;  // context by its first launch, kernel

std::map<Key, std::vector<std::size_t>> byKernel(const std::vector<LaunchId>& launches) {
    std::map<std::pair<std::int64_t, std::uint32_t>, std::size_t> contexts;
    std::map<Key, std::vector<std::size_t>> result;
    for (std::size_t i = 0; i < launches.size(); ++i) {
        const std::size_t context =
            contexts.try_emplace({launches[i].process, launches[i].context}, contexts.size())
                .first->second;
        result[{context, launches[i].kernel}].push_back(i);
    }
    return result;
}

struct Launches {
    std::vector<LaunchId> ids;
    std::vector<std::pair<std::int64_t, std::int64_t>> keys;  // globalPid, correlationId
};

Result<Launches> read(Database& db, const std::string& sql) {
    Launches result;
    RIDGE_TRY(auto statement, db.prepare(sql));
    for (;;) {
        RIDGE_TRY(const bool row, statement.step());
        if (!row) return result;
        result.ids.push_back({statement.integer(0),
                              static_cast<std::uint32_t>(statement.integer(1)),
                              std::string(statement.text(3))});
        result.keys.emplace_back(statement.integer(0), statement.integer(2));
    }
}

Status makeDiagnostics(Database& db) {
    std::string create = timeline::findTable("DIAGNOSTIC_EVENT")->createTable;
    create.insert(create.find("CREATE TABLE ") + 13, "IF NOT EXISTS ");
    return db.execute(create);
}

// Why there are no counters is said in the run that was to take them.
Status copyReasons(Database& db) {
    RIDGE_TRY(
        auto there,
        db.prepare("SELECT count(*) FROM counters.sqlite_master WHERE name = 'DIAGNOSTIC_EVENT'"));
    RIDGE_TRY_STATUS(there.step());
    if (there.integer(0) == 0) return {};
    RIDGE_TRY_STATUS(makeDiagnostics(db));
    return db.execute(
        "INSERT INTO main.DIAGNOSTIC_EVENT SELECT timestamp, timestampType, source, severity, "
        "text, NULL "
        "FROM counters.DIAGNOSTIC_EVENT WHERE text LIKE 'GPU counters%'");
}

Status insert(Database& db, const Launches& timeline, const Launches& counted,
              const LaunchMatch& match) {
    const timeline::TableDdl* table = timeline::findTable("RIDGE_KERNEL_METRIC");
    RIDGE_TRY_STATUS(
        db.execute("CREATE TEMP TABLE matched (pid, correlation, ownPid, own, PRIMARY KEY (pid, "
                   "correlation))"));
    RIDGE_TRY(auto add, db.prepare("INSERT OR IGNORE INTO temp.matched VALUES (?, ?, ?, ?)"));
    for (std::size_t i = 0; i < match.counted.size(); ++i) {
        if (match.counted[i] < 0) continue;
        const auto& [pid, correlation] = counted.keys[static_cast<std::size_t>(match.counted[i])];
        add.bind(1, pid);
        add.bind(2, correlation);
        add.bind(3, timeline.keys[i].first);
        add.bind(4, timeline.keys[i].second);
        RIDGE_TRY_STATUS(add.step());
    }
    RIDGE_TRY(
        auto there,
        db.prepare("SELECT count(*) FROM main.sqlite_master WHERE name = 'RIDGE_KERNEL_METRIC'"));
    RIDGE_TRY_STATUS(there.step());
    if (there.integer(0) == 0) {
        RIDGE_TRY_STATUS(db.execute(table->createTable));
        for (const std::string& index : table->indexes) RIDGE_TRY_STATUS(db.execute(index));
    }
    RIDGE_TRY_STATUS(db.execute(
        "INSERT INTO main.RIDGE_KERNEL_METRIC (globalPid, correlationId, graphNodeId, metric, "
        "value) "
        "SELECT m.ownPid, m.own, NULL, k.metric, k.value FROM counters.RIDGE_KERNEL_METRIC k "
        "JOIN temp.matched m ON m.pid = k.globalPid AND m.correlation = k.correlationId"));
    if (match.differing == 0) return {};
    RIDGE_TRY_STATUS(makeDiagnostics(db));
    return db.execute(
        fmt::format("INSERT INTO main.DIAGNOSTIC_EVENT VALUES (0, 1, 3, 2, '{} of {} kernels got "
                    "no counters: the run in which they "
                    "were counted did not launch them as often', NULL)",
                    match.differing, match.counted.size()));
}

}  // namespace

LaunchMatch matchLaunches(const std::vector<LaunchId>& timeline,
                          const std::vector<LaunchId>& counted) {
    LaunchMatch match;
    match.counted.assign(timeline.size(), -1);
    const auto theirs = byKernel(counted);
    for (const auto& [key, places] : byKernel(timeline)) {
        const auto found = theirs.find(key);
        if (found == theirs.end() || found->second.size() != places.size()) {
            match.differing += places.size();
            continue;
        }
        for (std::size_t k = 0; k < places.size(); ++k)
            match.counted[places[k]] = static_cast<std::int64_t>(found->second[k]);
        match.matched += places.size();
    }
    return match;
}

Result<bool> hasKernels(const std::string& timelinePath) {
    RIDGE_TRY(auto db, Database::openForReading(timelinePath));
    return db.hasTable("CUPTI_ACTIVITY_KIND_KERNEL");  // made with its first row
}

Result<std::size_t> joinKernelCounters(const std::string& timelinePath,
                                       const std::string& counters) {
    RIDGE_TRY(auto db, Database::openForWriting(timelinePath));
    RIDGE_TRY(auto attach, db.prepare("ATTACH ?1 AS counters"));
    attach.bind(1, std::string_view(counters));
    RIDGE_TRY_STATUS(attach.step());
    RIDGE_TRY_STATUS(copyReasons(db));
    RIDGE_TRY(auto there,
              db.prepare("SELECT (SELECT count(*) FROM counters.sqlite_master WHERE name IN "
                         "('RIDGE_KERNEL_LAUNCH', "
                         "'RIDGE_KERNEL_METRIC')) + (SELECT count(*) FROM main.sqlite_master WHERE "
                         "name = 'CUPTI_ACTIVITY_KIND_KERNEL')"));
    RIDGE_TRY_STATUS(there.step());
    if (there.integer(0) != 3) return std::size_t{0};  // no kernels, or none counted
    RIDGE_TRY(const Launches own,
              read(db,
                   "SELECT k.globalPid, k.contextId, k.correlationId, s.value FROM "
                   "main.CUPTI_ACTIVITY_KIND_KERNEL k "
                   "JOIN main.StringIds s ON s.id = k.mangledName WHERE k.graphNodeId IS NULL "
                   "ORDER BY k.globalPid, k.correlationId"));
    RIDGE_TRY(
        const Launches theirs,
        read(db,
             "SELECT l.globalPid, l.contextId, l.correlationId, s.value FROM "
             "counters.RIDGE_KERNEL_LAUNCH l "
             "JOIN counters.StringIds s ON s.id = l.nameId ORDER BY l.globalPid, l.correlationId"));
    const LaunchMatch match = matchLaunches(own.ids, theirs.ids);
    RIDGE_TRY_STATUS(db.execute("BEGIN"));
    RIDGE_TRY_STATUS(insert(db, own, theirs, match));
    RIDGE_TRY_STATUS(db.execute("COMMIT"));
    return match.matched;
}

}  // namespace ridge::recorder
