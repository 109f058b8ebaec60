// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/timeline/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "analyzer/gate/capture.h"
#include "analyzer/import/kineto/kineto.h"
#include "analyzer/intervals/intervals.h"
#include "analyzer/timeline/link.h"
#include "analyzer/timeline/order.h"
#include "analyzer/timeline/reader.h"
#include "analyzer/timeline/schema_check.h"
#include "analyzer/threads.h"
#include "base/text.h"
#include "schemas/sqlite/whole_file.h"
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

// What the importer had to say of the trace that the file was made of: check, severity, count, text.
void readRemarks(Database& db, Timeline& result) {
    constexpr std::size_t kMost = 1000;
    timeline::TableScan scan(db, "META_DATA_CAPTURE", {"name", "value"});
    while (scan.next() && result.remarks.size() < kMost) {
        if (scan.text(0) != kRemarkName) continue;
        const auto parts = split(scan.text(1), '\t');
        if (parts.size() != 4) continue;
        const auto severity = parseEnum<Severity>(kSeverityNames, parts[1]);
        std::int64_t count = 0;
        const auto [end, error] = std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), count);
        if (!severity || error != std::errc() || count < 0) continue;
        result.remarks.push_back({toValidUtf8(parts[0]), toValidUtf8(parts[3]), count, *severity});
    }
}

// Names of tables of a timeline that are views in this file: these may compute without end, and are not read.
std::vector<std::string> viewsOf(Database& db) {
    std::vector<std::string> found;
    auto views = db.prepare("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name");
    if (!views.ok()) return found;
    for (auto row = views->step(); row.ok() && *row; row = views->step()) {
        const std::string name = toValidUtf8(views->text(0));
        if (timeline::findTable(name)) found.push_back(name);
    }
    return found;
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
    const std::string product = metaValue(db, "EXPORT_PRODUCT_VERSION");
    source.product = product.empty() ? "Nsight Systems" : "Nsight Systems " + product;
    for (const char* table : {"NVTX_EVENTS", "CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_MEMCPY",
                              "CUPTI_ACTIVITY_KIND_RUNTIME", "OSRT_API"})
        if (timeline::TableScan(db, table, {}).exists()) return source;
    if (const auto views = viewsOf(db); !views.empty())
        return Error{ErrorCode::kBadInput, fmt::format("{}: is a SQLite database, but no timeline: {} is a view, and views are not read; make it a table (CREATE TABLE ... AS SELECT)", path, views.front())};
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
    std::set<std::int32_t> saying;  // files of which some process says its rank: helpers beside it (a launcher, a shell)
    for (const Process& process : timeline.processes)
        if (process.rankKnown) {    // stay at rank 0 and have no steps
            taken.insert(process.rank);
            saying.insert(process.file);
        }
    std::vector<bool> active(timeline.processes.size(), false);
    for (const GpuRow& row : timeline.gpu)
        if (row.process != kNoIndex) active[static_cast<std::size_t>(row.process)] = true;
    for (const Range& range : timeline.ranges)
        active[static_cast<std::size_t>(timeline.threads[static_cast<std::size_t>(range.thread)].process)] = true;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < active.size(); ++i)
        if (active[i] && !saying.contains(timeline.processes[i].file)) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const Process& x = timeline.processes[a];
        const Process& y = timeline.processes[b];
        return std::tie(x.file, x.globalPid) < std::tie(y.file, y.globalPid);
    });
    std::int64_t next = 0;
    std::set<std::int32_t> silent;
    std::string given;
    for (const std::size_t i : order) {
        while (taken.contains(next)) ++next;
        silent.insert(timeline.processes[i].file);
        if (given.size() < 40) given += fmt::format("{}{}", given.empty() ? "" : ", ", next);
        timeline.processes[i].rank = next++;
    }
    if (timeline.sources.size() > 1 && !silent.empty())
        timeline.remarks.push_back({"ranks_numbered", fmt::format("files do not say their rank; they are numbered as they were given: {}", given),
                                    static_cast<std::int64_t>(silent.size()), saying.empty() ? Severity::kInfo : Severity::kWarning});
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

// Files that were given as the ranks of one run, and what speaks against it.
void doubtOneRun(Timeline& timeline) {
    const std::size_t files = timeline.sources.size();
    if (files < 2) return;
    std::vector<Interval> span(files, {kMaxTime, -kMaxTime});
    const auto see = [&](std::int32_t process, Ns start, Ns end) {
        if (process == kNoIndex) return;
        const auto file = static_cast<std::size_t>(timeline.processes[static_cast<std::size_t>(process)].file);
        if (file >= files) return;
        Interval& s = span[file];
        s = {std::min(s.start, start), std::max(s.end, end)};
    };
    for (const GpuRow& row : timeline.gpu) see(row.process, row.start, row.end);
    for (const Range& range : timeline.ranges) see(timeline.threads[static_cast<std::size_t>(range.thread)].process, range.start, range.end);
    std::set<std::int64_t> worlds;
    for (const Process& process : timeline.processes)
        if (process.worldSize > 0) worlds.insert(process.worldSize);
    std::set<std::string> gpus, kinds;
    for (const GpuDevice& device : timeline.devices)
        if (!device.name.empty()) gpus.insert(device.name);
    for (const Source& source : timeline.sources) kinds.insert(source.kind);
    std::vector<std::string> against;
    Ns latestStart = -kMaxTime, firstEnd = kMaxTime;
    for (const Interval& s : span)
        if (s.start <= s.end) {
            latestStart = std::max(latestStart, s.start);
            firstEnd = std::min(firstEnd, s.end);
        }
    if (latestStart > firstEnd) against.push_back(fmt::format("one ends {} before another begins", formatDuration(latestStart - firstEnd)));
    if (worlds.size() > 1) against.push_back(fmt::format("they say {} and {} as the number of ranks", *worlds.begin(), *worlds.rbegin()));
    if (gpus.size() > 1) against.push_back(fmt::format("their GPUs differ ({}, {})", *gpus.begin(), *gpus.rbegin()));
    if (kinds.size() > 1) against.push_back(fmt::format("they are of different tools ({}, {})", *kinds.begin(), *kinds.rbegin()));
    std::string detail;
    for (const std::string& reason : against) detail += (detail.empty() ? "" : "; ") + reason;
    if (!against.empty())
        timeline.remarks.push_back({"one_run",
                                    "the files are taken for the ranks of one run, and may not be: " + detail + "; shares and medians over them mean little then: analyze each alone",
                                    static_cast<std::int64_t>(against.size()), Severity::kWarning});
}

void finish(Timeline& timeline, bool allKineto) {
    for (Range& range : timeline.ranges)
        if (range.open && !range.endKnown) range.end = std::max(range.start, timeline.lastTime);
    sortNames(timeline);
    sortOwners(timeline);
    numberRanks(timeline);
    doubtOneRun(timeline);
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

Status refuseEqualRanks(const Timeline& timeline) {
    const auto pathOf = [&](std::int32_t file) { return timeline.sources[static_cast<std::size_t>(file)].path; };
    std::map<std::int64_t, std::int32_t> fileOfRank;
    for (const Process& process : timeline.processes) {
        if (!process.rankKnown) continue;
        const auto [it, isNew] = fileOfRank.try_emplace(process.rank, process.file);
        if (it->second != process.file)
            return Error{ErrorCode::kBadInput, fmt::format("{} and {} are both of rank {}; give each rank of one run once",
                                                           pathOf(it->second), pathOf(process.file), process.rank)};
    }
    return {};
}

// Traces of two tools are of one run only where all of them say which rank of it they are. Else their times, GPUs and
// ranks would be added up for nothing.
Status refuseMixedTools(const Timeline& timeline) {
    std::set<std::int32_t> saying;
    for (const Process& process : timeline.processes)
        if (process.rankKnown) saying.insert(process.file);
    const auto& sources = timeline.sources;
    const auto other = std::find_if(sources.begin(), sources.end(), [&](const Source& s) { return s.kind != sources.front().kind; });
    if (other == sources.end() || saying.size() == sources.size()) return {};
    return Error{ErrorCode::kBadInput, fmt::format("{} ({}) and {} ({}) are of different tools, and not all say which rank of one run they are; analyze each alone",
                                                   sources.front().path, sources.front().kind, other->path, other->kind)};
}

// The smallest rank that a trace says.
constexpr std::int64_t kNoRank = std::numeric_limits<std::int64_t>::max();
std::int64_t rankOf(const Timeline& timeline) {
    std::int64_t rank = kNoRank;
    for (const Process& process : timeline.processes)
        if (process.rankKnown) rank = std::min(rank, process.rank);
    return rank;
}
std::int64_t rankOf(const std::string& path) {
    auto db = Database::openForReading(path);
    if (!db.ok()) return kNoRank;  // told when it is read
    std::int64_t rank = kNoRank;
    timeline::TableScan scan(*db, "RIDGE_RANK", {"rank"});
    while (scan.next())
        if (const auto number = scan.integer(0); number && *number >= 0) rank = std::min(rank, *number);
    return rank;
}

// One of the traces, read already where it is of Kineto.
struct Given {
    std::string path;
    std::optional<KinetoTrace> kineto;
    std::int64_t rank = kNoRank;
};

// In the order of their ranks, whatever the order in which they were given; those that say none stand behind, as they were
// given, which is the number that they get.
Result<std::vector<Given>> readGiven(const std::vector<std::string>& paths, const std::atomic<bool>* stop) {
    std::vector<Given> given;
    std::vector<std::string> kinetoPaths;
    std::vector<std::int32_t> kinetoFiles;
    for (const std::string& path : paths) {
        if (isKineto(path)) {
            kinetoPaths.push_back(path);
            kinetoFiles.push_back(static_cast<std::int32_t>(given.size()));
        }
        given.push_back({path, std::nullopt, kNoRank});
    }
    RIDGE_TRY(std::vector<KinetoTrace> kineto, readKinetoFiles(kinetoPaths, kinetoFiles, stop));
    for (std::size_t i = 0; i < kineto.size(); ++i) given[static_cast<std::size_t>(kinetoFiles[i])].kineto = std::move(kineto[i]);
    if (given.size() == 1) return given;
    for (Given& one : given) one.rank = one.kineto ? rankOf(one.kineto->timeline) : rankOf(one.path);
    std::stable_sort(given.begin(), given.end(), [](const Given& a, const Given& b) { return a.rank < b.rank; });
    for (std::size_t i = 0; i < given.size(); ++i)
        if (given[i].kineto) setFile(*given[i].kineto, static_cast<std::int32_t>(i));
    return given;
}

Ns shiftTo(std::int64_t utc, std::int64_t origin) {
    if (utc <= 0 || origin <= 0) return 0;
    const Ns shift = utc - origin;
    return shift <= -kMaxTime / 2 || shift >= kMaxTime / 2 ? 0 : shift;
}

// The clock of t = 0: that of the first file; of Kineto traces alone, the earliest row of all.
std::int64_t originOf(const std::vector<Given>& given) {
    const std::int64_t firstUtc = given.front().kineto->utcOfZero;
    std::int64_t origin = firstUtc;
    for (const Given& one : given)
        if (one.kineto && shiftTo(one.kineto->utcOfZero, firstUtc) != 0) origin = std::min(origin, one.kineto->utcOfZero);
    return origin;
}

Status readSqlite(Database& db, const std::string& path, std::int32_t file, Ns shift, Timeline& result, const std::atomic<bool>* stop) {
    RIDGE_TRY(Source source, describe(db, path));
    const bool ours = source.kind == "ridge";
    if (!ours)
        for (std::string& lack : findMissing(db, source.schema)) result.missing.push_back(std::move(lack));
    result.sources.push_back(std::move(source));
    for (const std::string& view : viewsOf(db))
        result.remarks.push_back({std::string(kViewCheck), fmt::format("{0} is a view, not a table, and was not read: make it one (CREATE TABLE ... AS SELECT * FROM {0})", view), 1,
                                  Severity::kError});
    if (ours) readRemarks(db, result);
    if (std::string cut = whatIsCutOff(path); !cut.empty()) result.remarks.push_back({"file_cut", path + ": " + cut, 1, Severity::kError});
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
    {  // Half of a large file is calls and GPU rows: read beside the ranges, through handles of
       // their own.
        Beside<Result<Timeline>> besideCalls([&] { return reader.readCallRows(path); });
        Beside<Result<Timeline>> besideGpu([&] { return reader.readGpuRows(path, stop); });
        RIDGE_TRY_STATUS(readAll({&FileReader::readRanges}));
        RIDGE_TRY(Timeline calls, besideCalls.get());
        RIDGE_TRY(Timeline gpu, besideGpu.get());
        reader.takeRows(std::move(calls), std::move(gpu));
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
    RIDGE_TRY(std::vector<Given> given, readGiven(paths, stop));
    const bool allKineto = std::all_of(given.begin(), given.end(), [](const Given& one) { return one.kineto.has_value(); });
    Timeline result;
    if (allKineto && given.size() == 1) {
        result = std::move(given.front().kineto->timeline);
        result.utcOfZero = given.front().kineto->utcOfZero;
        finish(result, true);
        return result;
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
        Given& one = given[i];
        if (one.kineto) {
            if (i == 0) result.utcOfZero = allKineto ? originOf(given) : one.kineto->utcOfZero;
            append(result, std::move(one.kineto->timeline), shiftTo(one.kineto->utcOfZero, result.utcOfZero));
            continue;
        }
        auto opened = Database::openForReading(one.path);
        if (!opened.ok() && opened.error().message.find("file is not a database") != std::string::npos)
            return Error{ErrorCode::kBadInput, fmt::format("{}: is of no kind that is read here: a timeline of ridge record, an SQLite export of nsys, or a PyTorch "
                                                           "profiler trace (JSON, also gzipped)", timeline::oneLine(one.path))};
        if (!opened.ok()) return Error{opened.error().code, timeline::oneLine(opened.error().message)};
        Database db = std::move(opened).value();
        const std::int64_t utc = utcAnchor(db);
        if (i == 0) result.utcOfZero = utc;
        RIDGE_TRY_STATUS(readSqlite(db, one.path, static_cast<std::int32_t>(i), shiftTo(utc, result.utcOfZero), result, stop));
    }
    RIDGE_TRY_STATUS(refuseMixedTools(result));
    RIDGE_TRY_STATUS(refuseEqualRanks(result));
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
