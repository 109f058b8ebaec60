// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/gate/gate.h"

#include "analyzer/gate/capture.h"
#include "analyzer/gate/completeness.h"

#include "analyzer/import/kineto/kineto.h"
#include "analyzer/kernels/classify.h"
#include "analyzer/summary/own_cpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace ridge::analyzer {
namespace {

constexpr Ns kStreamOverlapNs = 1000;
constexpr double kUnknownNameShare = 0.05, kLinkedWarn = 0.01;

class Gate {
public:
    explicit Gate(Analysis& answer) : m_answer(answer) {}
    void add(std::string check, std::int64_t count, Severity whenSeen, std::string detail) {
        m_answer.gate.push_back({std::move(check), count > 0 ? whenSeen : Severity::kInfo, count,
                                 count > 0 ? std::move(detail) : std::string("none")});
    }

    // As add(), into the entry of the same name where there is one: an imported trace brings what its importer saw.
    void join(const std::string& check, std::int64_t count, Severity whenSeen, std::string detail) {
        const auto it = std::find_if(m_answer.gate.begin(), m_answer.gate.end(), [&](const GateCheck& c) { return c.check == check; });
        if (it == m_answer.gate.end()) return add(check, count, whenSeen, std::move(detail));
        if (count <= 0) return;
        it->detail = it->count > 0 ? it->detail + "; " + detail : std::move(detail);
        it->count = saturatingAdd(it->count, count);
        it->severity = std::max(it->severity, whenSeen);
    }

private:
    Analysis& m_answer;
};

void checkTables(const Timeline& timeline, Gate& gate) {
    std::int64_t negative = 0, zero = 0, range = 0, type = 0, open = 0, broken = 0, without = 0, device = 0, thread = 0, bytes = 0;
    std::string where, error;
    for (const TableReport& t : timeline.tables) {
        negative += t.negative;
        zero += t.zero;
        range += t.outOfRange;
        type += t.wrongType;
        open += t.open;
        device += t.withoutDevice;
        thread += t.withoutThread;
        bytes += t.absurdBytes;
        without += t.table == kNoCategory ? t.rows : 0;
        if (t.negative + t.outOfRange + t.wrongType > 0)
            where += (where.empty() ? "" : ", ") + t.table;
        if (t.error.empty()) continue;
        ++broken;
        if (error.empty()) error = t.error;
    }
    gate.add("unreadable_tables", broken, Severity::kError,
             error + "; what came before that is used");
    gate.add("negative_durations", negative, Severity::kWarning,
             "rows that end before they start were left out: " + where);
    gate.add("times_out_of_range", range, Severity::kWarning,
             "rows without a usable time were left out: " + where);
    gate.add("wrong_types", type, Severity::kWarning,
             "cells that are not of their column's type read as missing: " + where);
    gate.add("zero_durations", zero, Severity::kInfo, "rows of no length count, but take no time");
    gate.add("open_ranges", open, Severity::kInfo,
             "ranges still open at the end were closed at the end of their process, or at the last time seen");
    if (device > 0) gate.add("rows_without_device", device, Severity::kWarning, "GPU rows that do not say which GPU they are of were left out");
    if (thread > 0) gate.add("rows_without_thread", thread, Severity::kWarning, "rows of the host that say no process or no thread were left out");
    if (bytes > 0)
        gate.add("impossible_bytes", bytes, Severity::kWarning, "copies of fewer than 0 bytes, or of more than any link moves in their time, count as copies of unknown size");
    if (without > 0)
        gate.add("events_without_category", without, Severity::kWarning,
                 "events of the trace name no category (\"cat\"), so that nobody knows what they are; they were left out");
}

// What the loaders say, by check: counts added, each text once.
void addRemarks(const Timeline& timeline, Gate& gate) {
    constexpr std::size_t kLongest = 600;
    std::map<std::string, Remark> all;
    std::vector<Remark> said = faultsOf(timeline);
    said.insert(said.end(), timeline.remarks.begin(), timeline.remarks.end());
    for (const Remark& r : said) {
        const auto [it, isNew] = all.try_emplace(r.check, r);
        if (isNew) continue;
        it->second.count = saturatingAdd(it->second.count, r.count);
        it->second.severity = std::max(it->second.severity, r.severity);
        if (it->second.detail.find(r.detail) == std::string::npos && it->second.detail.size() < kLongest) it->second.detail += "; " + r.detail;
    }
    for (auto& [check, r] : all) gate.join(check, r.count, r.severity, std::move(r.detail));
}

void checkLinks(const Context& context, Gate& gate) {
    const Timeline& timeline = context.timeline;
    if (timeline.gpu.empty()) return;
    std::int64_t unlinked = 0, early = 0;
    for (const GpuRow& row : timeline.gpu) {
        if (row.launch == kNoIndex)
            ++unlinked;
        else if (timeline.calls[static_cast<std::size_t>(row.launch)].start > row.start)
            ++early;
    }
    const double share = static_cast<double>(unlinked) / static_cast<double>(timeline.gpu.size());
    gate.add("unlinked_rows", unlinked, share > kLinkedWarn ? Severity::kWarning : Severity::kInfo,
             fmt::format("{:.1f} % of the GPU rows have no launch call in the trace; the gaps "
                         "before them have no cause",
                         share * 100));
    gate.add("kernel_before_launch", early, Severity::kWarning,
             "rows that start before the call that launched them: the clocks disagree");
}

void checkStreams(const Context& context, Gate& gate) {
    const Timeline& timeline = context.timeline;
    if (timeline.gpu.empty()) return;
    using Stream = std::tuple<std::int32_t, std::int32_t, std::int64_t>;
    std::map<Stream, Ns> lastEnd;
    std::vector<std::pair<const Stream, Ns>*> lastOf(timeline.devices.size(),
                                                     nullptr);  // the stream of the row before
    std::int64_t overlaps = 0;
    for (const GpuRow& row : timeline.gpu) {
        auto*& last = lastOf[static_cast<std::size_t>(row.device)];
        if (const Stream key{row.device, row.process, row.stream}; !last || last->first != key) {
            const auto [it, isNew] = lastEnd.try_emplace(key, row.end);
            last = &*it;
            if (isNew) continue;
        }
        if (row.start < last->second - kStreamOverlapNs) ++overlaps;
        last->second = std::max(last->second, row.end);
    }
    gate.add("same_stream_overlap", overlaps, Severity::kWarning,
             "rows of one stream overlap by more than 1 us");
}

void checkNames(const Context& context, Gate& gate) {
    const Timeline& timeline = context.timeline;
    double unknown = 0, all = 0;
    std::int64_t rows = 0;
    for (const GpuRow& row : timeline.gpu) {
        if (row.kind != GpuKind::kKernel) continue;
        const double ns = static_cast<double>(row.end - row.start);
        all += ns;
        if (context.rows.classOfName[row.name.value] == KernelClass::kOther) {
            unknown += ns;
            ++rows;
        }
    }
    if (all <= 0) return;
    const bool many = unknown > kUnknownNameShare * all;
    gate.add("unknown_kernel_names", many ? rows : 0, Severity::kInfo,
             fmt::format(
                 "{:.1f} % of the kernel time has names that no rule knows; it counts as compute",
                 unknown / all * 100));
}

void checkGraphs(const Context& context, Gate& gate) {
    const Timeline& timeline = context.timeline;
    if (timeline.graphLaunches == 0) return;
    std::vector<std::int64_t> rows(timeline.calls.size(), 0);
    for (const GpuRow& row : timeline.gpu)
        if (row.launch != kNoIndex) ++rows[static_cast<std::size_t>(row.launch)];
    std::int64_t empty = 0;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i] == 0 &&
            timeline.names.text(timeline.calls[i].name).find("GraphLaunch") != std::string::npos)
            ++empty;
    gate.add("graph_launches_without_rows", empty, Severity::kError,
             "graph launches of which no row was recorded: the idle time is not to be trusted");
}

void checkRanks(const Context& context, Gate& gate) {
    std::set<std::int64_t> seen;
    std::int64_t world = 0;
    bool known = false;
    for (const Process& process : context.timeline.processes) {
        if (!process.rankKnown) continue;
        known = true;
        seen.insert(process.rank);
        world = std::max(world, process.worldSize);
    }
    const auto present = static_cast<std::int64_t>(seen.size());
    if (known)
        gate.add("missing_ranks", std::max<std::int64_t>(0, world - present), Severity::kWarning,
                 fmt::format(
                     "{} of {} ranks are in the trace: waiting and transfer cannot be told apart",
                     present, world));
    if (context.collectives.worldAssumed)
        gate.add("assumed_ranks", static_cast<std::int64_t>(context.collectives.instances.size()),
                 Severity::kWarning,
                 "no process says its rank: those that share a communicator are taken for all its "
                 "ranks, numbered by process id");
    if (context.collectives.incomplete > 0)
        gate.add("incomplete_collectives", context.collectives.incomplete, Severity::kInfo,
                 "collectives of which not all ranks were found count as unsplit communication");
}

void checkCpu(const Context& context, Gate& gate) {
    double least = 1;
    std::int64_t shared = 0;
    for (const CpuShare& share : context.cpuShare) {
        least = std::min(least, share.undisturbed);
        shared += share.undisturbed < kOwnCpu ? 1 : 0;
    }
    gate.add("shared_cpu", shared, Severity::kWarning,
             fmt::format("compute ops were on a CPU for only {:.0f} % of their time: other load "
                         "had it, and times are longer by that",
                         least * 100));
}

// Idle is "in no range"; a program that computes there is busy with what nobody marked.
void checkUnmarked(const Context& context, const Analysis& answer, Gate& gate) {
    constexpr double kMuch = 0.5;
    if (!context.gpus.empty() || !context.steps.whole() || answer.steps.empty()) return;
    double idle = 0, all = 0, cpus = 0;
    for (const Step& step : answer.steps) {
        idle += static_cast<double>(step.classes[static_cast<std::size_t>(WallClass::kIdle)]);
        all += static_cast<double>(step.endNs - step.startNs);
    }
    for (const CounterSeries& series : context.timeline.counters) {
        if (series.name != "process.cpu" || series.samples.empty()) continue;
        double sum = 0;
        for (const auto& [time, value] : series.samples) sum += value;
        cpus = std::max(cpus, sum / static_cast<double>(series.samples.size()));
    }
    gate.add("unmarked_cpu_time", all > 0 && idle > kMuch * all && cpus > kMuch ? 1 : 0, Severity::kInfo,
             fmt::format("a process used {:.1f} CPUs on average, and no range was open for {:.0f} % of the time: that time is called "
                         "idle because nothing says what it was; put NVTX ranges around the work",
                         cpus, all > 0 ? 100 * idle / all : 0.0));
}

// What the steps leave out belongs to no number per step; where that is most of the time, the steps may not be the work.
void checkCoverage(const Context& context, const Analysis& answer, Gate& gate) {
    constexpr double kMost = 0.9, kHalf = 0.5;
    if (context.steps.source != "kernel periodicity") return;
    double inSteps = 0, all = 0;
    for (const Step& step : answer.steps) inSteps += static_cast<double>(step.endNs - step.startNs);
    for (const GpuPartition& p : context.gpus) all += static_cast<double>(p.lastEnd - p.firstStart);
    const double share = all > 0 ? inSteps / all : 1;
    gate.add("steps_cover_part", share < kMost ? 1 : 0, share < kHalf ? Severity::kWarning : Severity::kInfo,
             fmt::format("the steps that were found cover {:.0f} % of the GPUs' time; the rest belongs to none (--step NAME names steps by a range)",
                         100 * share));
}

void checkSteps(const Context& context, Gate& gate) {
    std::int64_t open = 0;
    for (const HostStep& step : context.steps.steps) open += step.open ? 1 : 0;
    if (!context.steps.whole())
        gate.add("partial_steps", open, Severity::kWarning,
                 "steps still open at the end of the recording");
    gate.add("few_steps",
             !context.steps.whole() && context.steps.steps.size() < 5
                 ? static_cast<std::int64_t>(context.steps.steps.size())
                 : 0,
             Severity::kInfo, "fewer than 5 steps: medians are weak");
}

// Files, and machines within a file, may each have a clock of their own.
void checkClocks(const Context& context, Gate& gate) {
    std::set<std::pair<std::int32_t, std::int64_t>> clocks;
    for (const Process& process : context.timeline.processes) clocks.insert(clockOf(process));
    if (clocks.size() < 2) return;
    std::int64_t aligned = 0;
    for (const ClockOffset& c : context.collectives.clocks) aligned += c.applied ? 1 : 0;
    gate.add("clock_alignment", static_cast<std::int64_t>(clocks.size()), Severity::kInfo,
             aligned > 0 ? fmt::format("several clocks are laid on one by their UTC anchors; {} ranks are aligned by the ends of their collectives, "
                                       "residual {} ns",
                                       aligned, context.collectives.clockResidualNs)
                         : std::string("several clocks are laid on one by their UTC anchors; skew between machines is not corrected"));
}

}  // namespace

void addGate(const Context& context, Analysis& answer) {
    Gate gate(answer);
    checkTables(context.timeline, gate);
    std::int64_t lost = 0, lostBytes = 0;
    std::string sources;
    for (const Loss& loss : context.timeline.losses) {
        if (loss.count <= 0) continue;
        std::int64_t& sum = loss.inBytes() ? lostBytes : lost;
        sum = saturatingAdd(sum, loss.count);
        sources += (sources.empty() ? "" : ", ") + loss.source;
    }
    // Bytes of a spool hold at least one record; how many cannot be told.
    gate.add("dropped_records", lostBytes > 0 ? saturatingAdd(lost, 1) : lost, Severity::kWarning,
             (lostBytes > 0 ? fmt::format("at least, and {} bytes of the recording: ", lostBytes) : std::string("records were lost: ")) + sources);
    if (!context.timeline.outcome.empty())
        gate.add("recording_complete", context.timeline.outcome == "complete" ? 0 : 1,
                 Severity::kInfo, "the recording is '" + context.timeline.outcome + "'");
    addRemarks(context.timeline, gate);
    checkLinks(context, gate);
    checkLaunches(context.timeline, answer);
    checkStreams(context, gate);
    checkNames(context, gate);
    checkGraphs(context, gate);
    checkRanks(context, gate);
    checkCpu(context, gate);
    checkSteps(context, gate);
    checkCoverage(context, answer, gate);
    checkUnmarked(context, answer, gate);
    checkCapture(context, answer);
    checkClocks(context, gate);
    if (answer.steps.empty())
        gate.add("nothing_to_analyse", 1, Severity::kError,
                 "the trace holds no step, no range and no GPU row");
}

Confidence captureConfidence(const Analysis& answer) {
    Confidence confidence = Confidence::kHigh;
    for (const GateCheck& check : answer.gate) {
        if (check.severity == Severity::kError) return Confidence::kLow;
        if (check.severity == Severity::kWarning) confidence = Confidence::kMedium;
    }
    return confidence;
}

}  // namespace ridge::analyzer
