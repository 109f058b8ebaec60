// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/gate/completeness.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "analyzer/gate/capture.h"
#include "analyzer/import/kineto/kineto.h"

namespace ridge::analyzer {
namespace {

constexpr double kLowShare = 0.01, kNoVerdictShare = 0.2;  // of rows left out
constexpr double kMissingShare = 0.05;
constexpr std::int64_t kFewMissing = 10;
constexpr double kBacklogShare = 0.02;  // of a process's launches in time: how far its last rows may be behind
constexpr Ns kShortestBacklog = 1'000'000;

// What the answer rests on; every other table only lowers the confidence.
enum class Pool : unsigned char { kGpu, kCalls, kRanges, kOther };

Pool poolOf(std::string_view table) {
    constexpr std::array<std::pair<std::string_view, Pool>, 12> kPools{
        {{"CUPTI_ACTIVITY_KIND_KERNEL", Pool::kGpu}, {"CUPTI_ACTIVITY_KIND_MEMCPY", Pool::kGpu}, {"CUPTI_ACTIVITY_KIND_MEMSET", Pool::kGpu},
         {"CUPTI_ACTIVITY_KIND_GRAPH_TRACE", Pool::kGpu}, {"kernel", Pool::kGpu}, {"gpu_memcpy", Pool::kGpu}, {"gpu_memset", Pool::kGpu},
         {"CUPTI_ACTIVITY_KIND_RUNTIME", Pool::kCalls}, {"cuda_runtime", Pool::kCalls},
         {"NVTX_EVENTS", Pool::kRanges}, {"cpu_op", Pool::kRanges}, {"user_annotation", Pool::kRanges}}};
    const auto* const it = std::find_if(kPools.begin(), kPools.end(), [&](const auto& entry) { return entry.first == table; });
    return it == kPools.end() ? Pool::kOther : it->second;
}

bool holdsKernels(std::string_view table) { return table == "CUPTI_ACTIVITY_KIND_KERNEL" || table == "kernel"; }

double shareOf(std::int64_t part, std::int64_t all) { return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0; }

void addLeftOut(const Timeline& timeline, std::vector<Remark>& faults) {
    struct Sum {
        std::int64_t left = 0, rows = 0;
    };
    std::array<Sum, 3> pools{};
    std::int64_t all = 0;
    std::string where;
    for (const TableReport& t : timeline.tables) {
        const std::int64_t left = t.leftOut();
        const Pool pool = poolOf(t.table);
        if (pool != Pool::kOther) {
            Sum& sum = pools[static_cast<std::size_t>(pool)];
            sum.left += left;
            sum.rows += t.rows;
        }
        if (t.table == kNoCategory || shareOf(left, t.rows) <= kLowShare) continue;
        all += left;
        where += fmt::format("{}{} of {} rows of {}", where.empty() ? "" : ", ", left, t.rows, t.table);
    }
    if (all <= 0) return;
    faults.push_back({"rows_left_out", where + " could not be taken; what is said rests on the others", all, Severity::kError});
    constexpr std::array<std::string_view, 3> kWhat{"GPU rows", "API calls", "ranges"};
    for (std::size_t i = 0; i < pools.size(); ++i)
        if (shareOf(pools[i].left, pools[i].rows) > kNoVerdictShare)
            faults.push_back({std::string(kNoVerdictCheck),
                              fmt::format("{} of {} {} have no usable time, no GPU or no thread and were left out: too many for a verdict", pools[i].left, pools[i].rows, kWhat[i]),
                              pools[i].left, Severity::kError});
}

// Rows of the host that all take no time were written without their ends, or without times at all.
template <typename Row>
void addZeroRows(const std::vector<Row>& rows, std::string_view what, bool alone, std::vector<Remark>& faults) {
    if (rows.empty() || std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.end > row.start; })) return;
    faults.push_back({fmt::format("zero_length_{}", what), fmt::format("all {} {} take no time at all: what the host did cannot be told", rows.size(), what),
                      static_cast<std::int64_t>(rows.size()), alone ? Severity::kError : Severity::kWarning});
}

void addZeroKernels(const Timeline& timeline, std::vector<Remark>& faults) {
    std::int64_t zero = 0, kept = 0;
    for (const TableReport& t : timeline.tables) {
        if (!holdsKernels(t.table)) continue;
        zero += t.zero;
        kept += t.rows - t.leftOut();
    }
    if (kept <= 0 || 2 * zero <= kept) return;
    faults.push_back({"zero_length_kernels", fmt::format("{} of {} kernels take no time at all: how long the GPU worked cannot be told", zero, kept), zero,
                      zero >= kept ? Severity::kError : Severity::kWarning});
    if (zero >= kept)
        faults.push_back(
            {std::string(kNoVerdictCheck),
             fmt::format("{}: when the GPU worked cannot be told, so there is no verdict",
                         kept == 1 ? "the only kernel takes no time at all"
                                   : fmt::format("none of {} kernels takes any time", kept)),
             zero, Severity::kError});
}

void addRangesOnly(const Timeline& timeline, std::vector<Remark>& faults) {
    const bool foreign = std::any_of(timeline.sources.begin(), timeline.sources.end(), [](const Source& s) { return s.kind != "ridge"; });
    if (!foreign || timeline.ranges.empty() || !timeline.works.empty() || !timeline.gpu.empty() || !timeline.calls.empty()) return;
    faults.push_back({std::string(kRangesOnlyCheck), "no GPU or CUDA rows in this file; ranges only: what the device did cannot be told", 1, Severity::kError});
}

enum class CallKind : unsigned char { kOther, kLaunch, kBeginCapture, kEndCapture, kGraphLaunch };

CallKind kindOf(std::string_view name) {
    const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
    if (has("StreamBeginCapture")) return CallKind::kBeginCapture;
    if (has("StreamEndCapture")) return CallKind::kEndCapture;
    if (has("GraphLaunch")) return CallKind::kGraphLaunch;
    return has("LaunchKernel") || has("LaunchCooperativeKernel") ? CallKind::kLaunch : CallKind::kOther;
}

// Of one process: the times in which some thread captured a graph, and what it launched.
struct Launches {
    std::vector<Interval> captures;
    Ns captureFrom = 0;
    std::int64_t openCaptures = 0;
    bool sawCapture = false, launchesGraphs = false;
    struct One {
        Ns start = 0, end = 0;
        std::int32_t thread = kNoIndex;
        bool has = false;
    };
    std::vector<One> list;  // by start
};

void seeCapture(Launches& p, const Call& call, CallKind kind) {
    if (kind == CallKind::kBeginCapture) {
        p.sawCapture = true;
        if (p.openCaptures++ == 0) p.captureFrom = call.start;
    } else if (kind == CallKind::kEndCapture) {
        // An end without a begin: the capture was under way when the recording began.
        if (p.openCaptures == 0) p.captures.push_back({std::numeric_limits<Ns>::min(), call.end});
        else if (--p.openCaptures == 0) p.captures.push_back({p.captureFrom, call.end});
        p.sawCapture = true;
    } else if (kind == CallKind::kGraphLaunch) {
        p.launchesGraphs = true;
    }
}

// (correlation, process) of every GPU row; process kNoIndex where it is not known.
std::vector<std::pair<std::int64_t, std::int32_t>> rowsById(const Timeline& timeline) {
    std::vector<std::pair<std::int64_t, std::int32_t>> rows;
    rows.reserve(timeline.gpu.size());
    for (const GpuRow& row : timeline.gpu)
        if (row.correlation != 0) rows.emplace_back(row.correlation, row.process);
    std::sort(rows.begin(), rows.end());
    return rows;
}

std::map<std::int32_t, Launches> launchesOf(const Timeline& timeline) {
    std::optional<std::vector<std::pair<std::int64_t, std::int32_t>>> known;  // asked for by few launches, in most traces by none
    const auto hasRow = [&](std::int64_t correlation, std::int32_t process) {
        if (!known) known = rowsById(timeline);
        const auto& rows = *known;
        return std::binary_search(rows.begin(), rows.end(), std::pair(correlation, process)) ||
               std::binary_search(rows.begin(), rows.end(), std::pair(correlation, kNoIndex));
    };
    std::vector<bool> linked(timeline.calls.size(), false);
    for (const GpuRow& row : timeline.gpu)
        if (row.launch != kNoIndex) linked[static_cast<std::size_t>(row.launch)] = true;
    std::map<std::int32_t, Launches> processes;
    std::pair<const std::int32_t, Launches>* last = nullptr;  // the process of the call before
    std::vector<CallKind> kinds(timeline.names.size(), CallKind::kOther);
    for (std::uint32_t i = 0; i < kinds.size(); ++i) kinds[i] = kindOf(timeline.names.text(NameId{i}));
    std::vector<std::size_t> outer(timeline.threads.size(), std::numeric_limits<std::size_t>::max());
    for (std::size_t i = 0; i < timeline.calls.size(); ++i) {  // by start
        const Call& call = timeline.calls[i];
        const CallKind kind = kinds[call.name.value];
        if (kind == CallKind::kOther) continue;
        const std::int32_t process = timeline.threads[static_cast<std::size_t>(call.thread)].process;
        if (!last || last->first != process) last = &*processes.try_emplace(process).first;
        Launches& p = last->second;
        seeCapture(p, call, kind);
        if (call.correlation == 0 || kind != CallKind::kLaunch) continue;
        const bool has = linked[i] || hasRow(call.correlation, process);
        // The runtime's launch calls the driver's: one launch, whichever of the two the row names.
        std::size_t& around = outer[static_cast<std::size_t>(call.thread)];
        if (around < p.list.size() && call.start < p.list[around].end) {
            p.list[around].has = p.list[around].has || has;
            continue;
        }
        around = p.list.size();
        p.list.push_back({call.start, call.end, call.thread, has});
    }
    for (auto& [process, p] : processes)
        if (p.openCaptures > 0) p.captures.push_back({p.captureFrom, std::numeric_limits<Ns>::max()});
    return processes;
}

}  // namespace

std::vector<Remark> faultsOf(const Timeline& timeline) {
    std::vector<Remark> faults;
    addLeftOut(timeline, faults);
    addZeroKernels(timeline, faults);
    addZeroRows(timeline.calls, "calls", timeline.gpu.empty(), faults);
    addZeroRows(timeline.ranges, "ranges", timeline.gpu.empty(), faults);
    addRangesOnly(timeline, faults);
    return faults;
}

MissingRows missingRows(const Timeline& timeline) {
    MissingRows result;
    std::map<std::int32_t, Ns> lastRow;
    for (const GpuRow& row : timeline.gpu) {
        const auto [it, isNew] = lastRow.try_emplace(row.process, row.end);
        if (!isNew) it->second = std::max(it->second, row.end);
    }
    for (const auto& [process, p] : launchesOf(timeline)) {
        if (p.list.empty()) continue;
        std::size_t afterLast = p.list.size();  // launches from here on have no row: the capture's end, or a loss
        while (afterLast > 0 && !p.list[afterLast - 1].has) --afterLast;
        Ns reached = std::numeric_limits<Ns>::min();  // the device was still at work on earlier launches until here
        if (const auto it = lastRow.find(process); it != lastRow.end() && afterLast > 0) {
            const Ns span = p.list.back().start - p.list.front().start;
            reached = it->second + std::max(kShortestBacklog, static_cast<Ns>(kBacklogShare * static_cast<double>(span)));
        }
        std::int64_t launches = 0, missing = 0;
        for (std::size_t i = 0; i < p.list.size(); ++i) {
            const Launches::One& one = p.list[i];
            const auto inside = [&](const Interval& c) { return one.start >= c.start && one.start < c.end; };
            if (!one.has && std::any_of(p.captures.begin(), p.captures.end(), inside)) continue;
            if (!one.has && i >= afterLast && one.start <= reached) continue;
            ++launches;
            missing += one.has ? 0 : 1;
        }
        result.all += launches;
        if (missing <= kFewMissing || shareOf(missing, launches) <= kMissingShare) continue;
        result.launches += launches;
        result.missing += missing;
        result.unsure = result.unsure || (p.launchesGraphs && !p.sawCapture);
    }
    return result;
}

void checkLaunches(const Timeline& timeline, Analysis& answer) {
    const MissingRows rows = missingRows(timeline);
    if (rows.all == 0) return;
    const bool anyKernel = std::any_of(timeline.gpu.begin(), timeline.gpu.end(),
                                       [](const GpuRow& row) { return row.kind == GpuKind::kKernel || row.kind == GpuKind::kGraph; });
    if (!anyKernel)
        answer.gate.push_back({std::string(kNoVerdictCheck), Severity::kError, rows.all,
                               fmt::format("{} kernels were launched and the trace holds none: what the GPU did cannot be told, so there is no verdict", rows.all)});
    const double share = shareOf(rows.missing, rows.launches);
    std::string detail = "none";
    if (rows.missing > 0)
        detail = fmt::format("{} of {} launches have no GPU row ({:.0f} %): {}", rows.missing, rows.launches, share * 100,
                             rows.unsure ? "they may have been captured into a graph, or their kernels are missing and the GPU worked more than is seen"
                                         : "their kernels are missing, and the GPU worked more than is seen");
    answer.gate.push_back({"launches_without_rows", rows.missing == 0 ? Severity::kInfo : rows.unsure ? Severity::kWarning : Severity::kError, rows.missing, detail});
}

}  // namespace ridge::analyzer
