// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/timeline/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "analyzer/timeline/reader.h"
#include "base/text.h"
#include "schemas/timeline/ddl.h"

namespace ridge::analyzer {
namespace {

std::string metaValue(Database& db, std::string_view name) {
    for (const char* table : {"META_DATA_EXPORT", "EXPORT_META_DATA"}) {
        timeline::TableScan scan(db, table, {"name", "value"});
        while (scan.next())
            if (scan.text(0) == name) return toValidUtf8(scan.text(1));
    }
    return {};
}

std::int64_t pragma(Database& db, const char* sql) {
    auto statement = db.prepare(sql);
    if (!statement.ok()) return 0;
    auto row = statement->step();
    return row.ok() && *row ? statement->integer(0) : 0;
}

Result<Source> describe(Database& db, const std::string& path) {
    Source source;
    source.path = path;
    if (pragma(db, "PRAGMA application_id") == timeline::kApplicationId) {
        const std::int64_t version = pragma(db, "PRAGMA user_version");
        if (version > timeline::kSchemaVersion)
            return Error{ErrorCode::kBadInput,
                         fmt::format("{}: was written with schema version {}, this program reads up to {}; use a newer ridge",
                                     path, version, timeline::kSchemaVersion)};
        source.kind = "ridge";
        source.schema = fmt::format("{}", version);
        timeline::TableScan run(db, "RIDGE_RUN", {"toolVersion"});
        source.product = run.next() ? "ridge " + toValidUtf8(run.text(0)) : "ridge";
        return source;
    }
    source.kind = "nsys";
    source.schema = metaValue(db, "EXPORT_SCHEMA_VERSION");
    source.product = "Nsight Systems " + metaValue(db, "EXPORT_PRODUCT_VERSION");
    for (const char* table : {"NVTX_EVENTS", "CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_MEMCPY",
                              "CUPTI_ACTIVITY_KIND_RUNTIME", "OSRT_API"})
        if (timeline::TableScan(db, table, {}).exists()) return source;
    return Error{ErrorCode::kBadInput,
                 fmt::format("{}: is a SQLite database, but no timeline (no NVTX, CUDA or OS table); give a trace of "
                             "ridge record or an export of nsys",
                             path)};
}

// UTC of t = 0; 0: not known.
std::int64_t utcAnchor(Database& db) {
    timeline::TableScan scan(db, "TARGET_INFO_SESSION_START_TIME", {"utcEpochNs"});
    const std::int64_t utc = scan.next() ? scan.integerOr(0, 0) : 0;
    return utc > 0 ? utc : 0;
}

template <typename Row>
void sortByStart(std::vector<Row>& rows) {
    const auto less = [](const Row& a, const Row& b) { return std::tie(a.start, a.end) < std::tie(b.start, b.end); };
    if (!std::is_sorted(rows.begin(), rows.end(), less)) std::stable_sort(rows.begin(), rows.end(), less);
}

// Calls move when they are sorted; GPU rows point at them.
void sortCalls(Timeline& timeline) {
    std::vector<std::int32_t> order(timeline.calls.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
    const auto& calls = timeline.calls;
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
        const Call& x = calls[static_cast<std::size_t>(a)];
        const Call& y = calls[static_cast<std::size_t>(b)];
        return std::tie(x.start, x.end) < std::tie(y.start, y.end);
    });
    std::vector<std::int32_t> newIndex(order.size());
    std::vector<Call> sorted;
    sorted.reserve(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        newIndex[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
        sorted.push_back(calls[static_cast<std::size_t>(order[i])]);
    }
    timeline.calls = std::move(sorted);
    for (GpuRow& row : timeline.gpu)
        if (row.launch != kNoIndex) row.launch = newIndex[static_cast<std::size_t>(row.launch)];
}

// Processes that the file gives no rank get the first free number, in the order of their pids.
void numberRanks(Timeline& timeline) {
    std::set<std::int64_t> taken;
    for (const Process& process : timeline.processes)
        if (process.rankKnown) taken.insert(process.rank);
    if (!taken.empty()) return;  // helpers beside ranks (a launcher, a shell) stay at rank 0 and have no steps
    std::vector<bool> active(timeline.processes.size(), false);
    for (const GpuRow& row : timeline.gpu)
        if (row.process != kNoIndex) active[static_cast<std::size_t>(row.process)] = true;
    for (const Range& range : timeline.ranges)
        active[static_cast<std::size_t>(timeline.threads[static_cast<std::size_t>(range.thread)].process)] = true;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < active.size(); ++i)
        if (active[i]) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const Process& x = timeline.processes[a];
        const Process& y = timeline.processes[b];
        return std::tie(x.file, x.globalPid) < std::tie(y.file, y.globalPid);
    });
    for (std::size_t i = 0; i < order.size(); ++i) timeline.processes[order[i]].rank = static_cast<std::int64_t>(i);
}

void finish(Timeline& timeline) {
    for (Range& range : timeline.ranges)
        if (range.open) range.end = std::max(range.start, timeline.lastTime);
    numberRanks(timeline);
    sortCalls(timeline);
    sortByStart(timeline.gpu);
    sortByStart(timeline.ranges);
    sortByStart(timeline.io);
    sortByStart(timeline.preemptions);
    std::sort(timeline.flushes.begin(), timeline.flushes.end());
}

}  // namespace

Result<Timeline> load(const std::vector<std::string>& paths) {
    if (paths.empty()) return Error{ErrorCode::kBadInput, "no trace was given"};
    Timeline result;
    std::int64_t firstUtc = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        auto opened = Database::openForReading(paths[i]);
        if (!opened.ok()) return Error{opened.error().code, timeline::oneLine(opened.error().message)};
        Database db = std::move(opened).value();
        RIDGE_TRY(Source source, describe(db, paths[i]));
        const std::int64_t utc = utcAnchor(db);
        if (i == 0) firstUtc = utc;
        Ns shift = utc > 0 && firstUtc > 0 ? utc - firstUtc : 0;
        if (shift <= -kMaxTime / 2 || shift >= kMaxTime / 2) shift = 0;
        result.sources.push_back(std::move(source));
        FileReader reader(db, result, static_cast<std::int32_t>(i), shift);
        reader.readStrings();
        reader.readProcesses();
        reader.readMeta();
        reader.readRanges();
        reader.readGpu();
        reader.readIo();
        reader.readCounters();
        reader.readPreemptions();
        timeline::TableScan run(db, "RIDGE_RUN", {"outcome"});
        if (i == 0 && run.next()) result.outcome = toValidUtf8(run.text(0));
    }
    finish(result);
    return result;
}

}  // namespace ridge::analyzer
