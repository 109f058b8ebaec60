// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/timeline/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <tuple>

#include "analyzer/import/kineto/kineto.h"
#include "analyzer/timeline/link.h"
#include "analyzer/timeline/order.h"
#include "analyzer/timeline/reader.h"
#include "analyzer/timeline/schema_check.h"
#include "analyzer/threads.h"
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

// Kineto rows get the numbers that they have in the tables of ridge import.
void numberRows(Timeline& timeline) {
    std::array<std::int64_t, 4> gpu{};
    for (GpuRow& row : timeline.gpu) row.rowid = ++gpu[static_cast<std::size_t>(row.kind)];
    const auto number = [](auto& rows) {
        std::int64_t next = 0;
        for (auto& row : rows) row.rowid = ++next;
    };
    number(timeline.calls);
    number(timeline.ranges);
    number(timeline.syncs);
}

void finish(Timeline& timeline, bool allKineto) {
    for (Range& range : timeline.ranges)
        if (range.open && !range.endKnown) range.end = std::max(range.start, timeline.lastTime);
    sortOwners(timeline);
    numberRanks(timeline);
    sortAll(timeline);
    if (allKineto)
        numberRows(timeline);
    else
        linkOps(timeline);
    numberCollectives(timeline);
}

bool isKineto(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 256> head{};
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    std::string_view text(head.data(), static_cast<std::size_t>(file.gcount()));
    if (text.starts_with("\x1f\x8b")) return true;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

// The same file under two names would count everything twice.
Status refuseDoubles(const std::vector<std::string>& paths) {
    std::error_code ec;
    for (std::size_t i = 0; i < paths.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (paths[i] == paths[j] || std::filesystem::equivalent(paths[i], paths[j], ec))
                return Error{ErrorCode::kBadInput, fmt::format("{} is given twice{}; give each trace once", paths[j],
                                                               paths[i] == paths[j] ? "" : fmt::format(" (also as {})", paths[i]))};
    return {};
}

Status refuseEqualRanks(const Timeline& timeline, const std::vector<std::string>& paths) {
    std::map<std::int64_t, std::int32_t> fileOfRank;
    for (const Process& process : timeline.processes) {
        if (!process.rankKnown) continue;
        const auto [it, isNew] = fileOfRank.try_emplace(process.rank, process.file);
        if (it->second != process.file)
            return Error{ErrorCode::kBadInput, fmt::format("{} and {} are both of rank {}; give each rank of one run once",
                                                           paths[static_cast<std::size_t>(it->second)],
                                                           paths[static_cast<std::size_t>(process.file)], process.rank)};
    }
    return {};
}

Ns shiftTo(std::int64_t utc, std::int64_t origin) {
    if (utc <= 0 || origin <= 0) return 0;
    const Ns shift = utc - origin;
    return shift <= -kMaxTime / 2 || shift >= kMaxTime / 2 ? 0 : shift;
}

// The clock of t = 0: that of the first file; of Kineto traces alone, the earliest row of all.
std::int64_t originOf(const std::vector<KinetoTrace>& kineto, std::int64_t firstUtc) {
    std::int64_t origin = firstUtc;
    for (const KinetoTrace& trace : kineto)
        if (shiftTo(trace.utcOfZero, firstUtc) != 0) origin = std::min(origin, trace.utcOfZero);
    return origin;
}

Status readSqlite(Database& db, const std::string& path, std::int32_t file, Ns shift, Timeline& result, const std::atomic<bool>* stop) {
    RIDGE_TRY(Source source, describe(db, path));
    const bool ours = source.kind == "ridge";
    if (!ours)
        for (std::string& lack : findMissing(db, source.schema)) result.missing.push_back(std::move(lack));
    result.sources.push_back(std::move(source));
    FileReader reader(db, result, file, shift, ours);
    using Read = void (FileReader::*)();
    const auto readAll = [&](std::initializer_list<Read> reads) -> Status {
        for (const Read read : reads) {
            if (stop && *stop) return Error{ErrorCode::kIo, "reading was cancelled"};
            (reader.*read)();
        }
        return {};
    };
    RIDGE_TRY_STATUS(readAll({&FileReader::readStrings, &FileReader::readProcesses, &FileReader::readMeta}));
    {   // Half of a large file is calls and GPU rows: read beside the ranges, through a handle of their own.
        Beside<Result<Timeline>> rows([&] { return reader.readRows(path, stop); });
        RIDGE_TRY_STATUS(readAll({&FileReader::readRanges}));
        RIDGE_TRY(Timeline part, rows.get());
        reader.takeRows(std::move(part));
    }
    RIDGE_TRY_STATUS(readAll({&FileReader::readGpu, &FileReader::readIo, &FileReader::readCounters, &FileReader::readPreemptions,
                              &FileReader::readDiagnostics, &FileReader::readKernelMetrics, &FileReader::readMemoryEvents}));
    timeline::TableScan run(db, "RIDGE_RUN", {"outcome"});
    if (file == 0 && run.next()) result.outcome = toValidUtf8(run.text(0));
    return {};
}

}  // namespace

Result<Timeline> load(const std::vector<std::string>& paths, const std::atomic<bool>* stop) {
    if (paths.empty()) return Error{ErrorCode::kBadInput, "no trace was given"};
    RIDGE_TRY_STATUS(refuseDoubles(paths));
    std::vector<std::string> kinetoPaths;
    std::vector<std::int32_t> kinetoFiles;
    for (std::size_t i = 0; i < paths.size(); ++i)
        if (isKineto(paths[i])) {
            kinetoPaths.push_back(paths[i]);
            kinetoFiles.push_back(static_cast<std::int32_t>(i));
        }
    RIDGE_TRY(std::vector<KinetoTrace> kineto, readKinetoFiles(kinetoPaths, kinetoFiles, stop));
    const bool allKineto = kineto.size() == paths.size();
    Timeline result;
    if (allKineto && paths.size() == 1) {
        result = std::move(kineto.front().timeline);
        result.utcOfZero = kineto.front().utcOfZero;
        finish(result, true);
        return result;
    }
    std::size_t nextKineto = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const auto file = static_cast<std::int32_t>(i);
        if (nextKineto < kineto.size() && kinetoFiles[nextKineto] == file) {
            KinetoTrace& trace = kineto[nextKineto++];
            if (i == 0) result.utcOfZero = allKineto ? originOf(kineto, trace.utcOfZero) : trace.utcOfZero;
            append(result, std::move(trace.timeline), shiftTo(trace.utcOfZero, result.utcOfZero));
            continue;
        }
        auto opened = Database::openForReading(paths[i]);
        if (!opened.ok()) return Error{opened.error().code, timeline::oneLine(opened.error().message)};
        Database db = std::move(opened).value();
        const std::int64_t utc = utcAnchor(db);
        if (i == 0) result.utcOfZero = utc;
        RIDGE_TRY_STATUS(readSqlite(db, paths[i], file, shiftTo(utc, result.utcOfZero), result, stop));
    }
    RIDGE_TRY_STATUS(refuseEqualRanks(result, paths));
    finish(result, allKineto);
    return result;
}

Result<Timeline> loadKinetoText(std::string_view text) {
    RIDGE_TRY(KinetoTrace trace, readKinetoText(text, 0));
    Timeline result = std::move(trace.timeline);
    result.utcOfZero = trace.utcOfZero;
    finish(result, true);
    return result;
}

}  // namespace ridge::analyzer
