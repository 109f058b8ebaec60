// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/timeline/read_table.h"
#include "analyzer/analyze.h"

#include "analyzer/attribution/cpu_share.h"
#include "analyzer/communication/contention.h"
#include "analyzer/communication/gpu_collectives.h"
#include "analyzer/communication/report.h"
#include "analyzer/context.h"
#include "analyzer/critical_path/path.h"
#include "analyzer/energy/energy.h"
#include "analyzer/findings/registry.h"
#include "analyzer/gate/gate.h"
#include "analyzer/memory/footprint.h"
#include "analyzer/ranges/ranges.h"
#include "analyzer/roofline/device_roofs.h"
#include "analyzer/roofline/points.h"
#include "analyzer/roofline/ridgeline.h"
#include "analyzer/summary/summary.h"
#include "analyzer/threads.h"
#include "analyzer/timeline/load.h"
#include "analyzer/verdict/verdict.h"
#include "analyzer/what_if/what_if.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

namespace ridge::analyzer {
namespace {

std::vector<bool> processesWithGpu(const Timeline& timeline) {
    std::vector<bool> has(timeline.processes.size(), false);
    for (const GpuRow& row : timeline.gpu)
        if (row.process != kNoIndex) has[static_cast<std::size_t>(row.process)] = true;
    return has;
}

// From the first to the last row of each process.
std::vector<Ns> timeSeen(const Timeline& timeline) {
    std::vector<std::pair<Ns, Ns>> spans(timeline.processes.size(), {kMaxTime, -kMaxTime});
    const auto see = [&](std::int32_t thread, Ns start, Ns end) {
        auto& span = spans[static_cast<std::size_t>(timeline.threads[static_cast<std::size_t>(thread)].process)];
        span = {std::min(span.first, start), std::max(span.second, end)};
    };
    for (const Range& range : timeline.ranges) see(range.thread, range.start, range.end);
    for (const IoRow& row : timeline.io) see(row.thread, row.start, row.end);
    std::vector<Ns> seen;
    for (const auto& [first, last] : spans) seen.push_back(std::max<Ns>(0, last - first));
    return seen;
}

// Processes whose time is partitioned on the CPU: those that step, each for itself; else those with ranges; else,
// when there is no GPU either, those with I/O. Without steps the processes of a program are one lane (a shell and
// its pipeline, a script and its workers): that of their rank, or of their recording where nobody says ranks. The one
// that was seen longest stands for them.
std::vector<std::vector<std::int32_t>> cpuProcesses(const Timeline& timeline, const StepSet& steps,
                                       const std::vector<bool>& hasGpu) {
    std::vector<bool> wanted(timeline.processes.size(), false);
    const auto processOf = [&](std::int32_t thread) {
        return static_cast<std::size_t>(timeline.threads[static_cast<std::size_t>(thread)].process);
    };
    if (!steps.whole()) {
        for (const HostStep& step : steps.steps)
            wanted[static_cast<std::size_t>(step.process)] = true;
    } else {
        for (const Range& range : timeline.ranges) wanted[processOf(range.thread)] = true;
        if (timeline.ranges.empty() && timeline.gpu.empty())
            for (const IoRow& row : timeline.io) wanted[processOf(row.thread)] = true;
    }
    std::vector<std::vector<std::int32_t>> groups;
    if (!steps.whole()) {
        for (std::size_t i = 0; i < wanted.size(); ++i)
            if (wanted[i] && !hasGpu[i]) groups.push_back({static_cast<std::int32_t>(i)});
        return groups;
    }
    // A launcher and its shell are at rank 0 without being it: where ranks are known, only those count as one.
    std::map<std::tuple<std::int32_t, bool, std::int64_t>, std::vector<std::int32_t>> byRank;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const Process& process = timeline.processes[i];
        if (wanted[i] && !hasGpu[i])
            byRank[{process.file, !process.rankKnown, process.rankKnown ? process.rank : 0}].push_back(static_cast<std::int32_t>(i));
    }
    const std::vector<Ns> seen = timeSeen(timeline);
    for (auto& [key, group] : byRank) {
        std::stable_sort(group.begin(), group.end(), [&](std::int32_t a, std::int32_t b) {
            return seen[static_cast<std::size_t>(a)] > seen[static_cast<std::size_t>(b)];
        });
        groups.push_back(std::move(group));
    }
    return groups;
}

void addDevice(Analysis& answer, Device device, const IntervalSet& compute,
               const IntervalSet& communication, const IntervalSet& copy, const IntervalSet& busy,
               Interval span) {
    device.spanNs = span.end - span.start;
    device.busyNs = length(busy);
    device.idleNs = device.spanNs - device.busyNs;
    device.computeNs = length(compute);
    device.commNs = length(communication);
    device.copyNs = length(copy);
    device.overlapNs = length(intersect(communication, compute));
    device.exposedCommNs = device.commNs - device.overlapNs;
    device.exposedCopyNs = length(subtract(copy, unite(compute, communication)));
    answer.devices.push_back(std::move(device));
}

std::string cpuName(const Timeline& timeline) {
    for (const EnvironmentField& field : timeline.environment)
        if (field.name == "cpu.model") return field.value;
    return "CPU";
}

void addDevices(const Context& context, Analysis& answer) {
    const Timeline& timeline = context.timeline;
    for (const GpuPartition& p : context.gpus) {
        const GpuDevice& gpu = timeline.devices[static_cast<std::size_t>(p.device)];
        Device device;
        device.id = gpu.id;
        device.rank = p.rank;
        device.kind = "gpu";
        device.name = gpu.name;
        device.kernels = p.kernels;
        device.copies = p.copies;
        device.unlinked = p.unlinked;
        addDevice(answer, device, p.compute, p.communication, p.copy, p.busy,
                  {p.firstStart, p.lastEnd});
    }
    for (const CpuPartition& p : context.cpus) {
        Device device;
        device.rank = timeline.processes[static_cast<std::size_t>(p.process)].rank;
        device.kind = "cpu";
        device.name = cpuName(timeline);
        device.kernels = p.computeRows;
        device.copies = p.copyRows;
        addDevice(answer, device, p.compute, p.communication, p.copy, p.busy,
                  {p.firstStart, p.lastEnd});
    }
}

void handOutPartitions(const Context& context) {
    if (!context.options.onPartition) return;
    for (const GpuPartition& p : context.gpus)
        context.options.onPartition(p.rank, context.timeline.devices[static_cast<std::size_t>(p.device)].id, true, p.segments);
    for (const CpuPartition& p : context.cpus)
        context.options.onPartition(context.timeline.processes[static_cast<std::size_t>(p.process)].rank, 0, false, p.segments);
}

void handOutCollectives(const Context& context, const std::vector<bool>& communicationRows) {
    if (!context.options.onCollective) return;
    const Timeline& timeline = context.timeline;
    const auto processAt = [&](std::int32_t i) -> const Process& { return timeline.processes[static_cast<std::size_t>(i)]; };
    for (std::size_t i = 0; i < context.ops.rows.size(); ++i) {
        const OpRow& row = context.ops.rows[i];
        if (row.family != OpFamily::kCommunication) continue;
        const Work& work = timeline.works[static_cast<std::size_t>(row.work)];
        CollectivePart part;
        part.rank = processAt(row.process).rank;
        if (work.communicator != 0) part.communicator = fmt::format("{:x}", static_cast<std::uint64_t>(work.communicator));
        part.name = timeline.names.text(timeline.ranges[static_cast<std::size_t>(row.range)].name);
        part.startNs = row.start;
        part.endNs = row.end;
        part.latestStartNs = context.collectives.latestStart[i];
        context.options.onCollective(part);
    }
    const auto& latest = context.collectives.gpuLatestStart;
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i) {
        const GpuRow& row = timeline.gpu[i];
        if (!communicationRows[i] || row.process == kNoIndex) continue;
        CollectivePart part;
        part.rank = processAt(row.process).rank;
        part.gpu = true;
        if (row.device != kNoIndex) part.device = timeline.devices[static_cast<std::size_t>(row.device)].id;
        part.name = timeline.names.text(row.name);
        if (row.collective != kNoIndex) {
            const Collective& c = timeline.collectives[static_cast<std::size_t>(row.collective)];
            part.communicator = timeline.names.text(c.group);
            if (!timeline.names.text(c.name).empty()) part.name = timeline.names.text(c.name);
        }
        part.startNs = row.start;
        part.endNs = row.end;
        if (i < latest.size()) part.latestStartNs = latest[i];
        context.options.onCollective(part);
    }
}

// A class sum that misses its window is a bug of ours; it must never reach a report.
Status addStep(Analysis& answer, Context& context, Step step, const Segments& segments,
               StepOrigin origin) {
    step.workload = context.steps.workloads[static_cast<std::size_t>(origin.workload)];
    step.classes = classTimes(segments, {step.startNs, step.endNs});
    const Ns sum = std::accumulate(step.classes.begin(), step.classes.end(), Ns{0});
    const bool negative =
        std::any_of(step.classes.begin(), step.classes.end(), [](Ns ns) { return ns < 0; });
    if (sum != step.endNs - step.startNs || negative)
        return Error{ErrorCode::kInternal,
                     fmt::format("the classes of step {} of '{}' add up to {} ns, its window is {} "
                                 "ns: please report this",
                                 step.index, step.workload, sum, step.endNs - step.startNs)};
    for (std::size_t c = 0; c < kWallClassCount; ++c)
        answer.attribution[c] = saturatingAdd(answer.attribution[c], step.classes[c]);
    answer.steps.push_back(std::move(step));
    context.origins.push_back(origin);
    return {};
}

Status addGpuSteps(Context& context, Analysis& answer, std::size_t g, std::vector<Window> windows) {
    const GpuPartition& p = context.gpus[g];
    Step step;
    step.rank = p.rank;
    step.device = context.timeline.devices[static_cast<std::size_t>(p.device)].id;
    if (windows.empty() && !context.steps.whole()) {
        answer.gate.push_back(
            {"steps_without_device_rows", Severity::kWarning, 1,
             fmt::format(
                 "no row of device {} was launched inside a step; its window is the whole trace",
                 step.device)});
    }
    if (windows.empty()) windows.push_back({{p.firstStart, p.lastEnd}, kNoIndex});
    for (const Window& window : windows) {
        StepOrigin origin{0, kNoIndex, static_cast<std::int32_t>(g), window.hostStep};
        step.index = 0;
        if (window.hostStep != kNoIndex) {
            const HostStep& host = context.steps.steps[static_cast<std::size_t>(window.hostStep)];
            origin.workload = host.workload;
            step.index = static_cast<std::int64_t>(std::min<std::uint64_t>(host.index, 1ULL << 62));
        }
        step.startNs = window.span.start;
        step.endNs = window.span.end;
        RIDGE_TRY_STATUS(addStep(answer, context, step, p.segments, origin));
    }
    return {};
}

Status addCpuSteps(Context& context, Analysis& answer) {
    for (std::size_t c = 0; c < context.cpus.size(); ++c) {
        const CpuPartition& p = context.cpus[c];
        Step step;
        step.rank = context.timeline.processes[static_cast<std::size_t>(p.process)].rank;
        if (context.steps.whole()) {
            step.startNs = p.firstStart;
            step.endNs = p.lastEnd;
            RIDGE_TRY_STATUS(addStep(answer, context, step, p.segments,
                                     {0, static_cast<std::int32_t>(c), kNoIndex, kNoIndex}));
            continue;
        }
        for (const std::int32_t s : context.steps.ofProcess[static_cast<std::size_t>(p.process)]) {
            const HostStep& host = context.steps.steps[static_cast<std::size_t>(s)];
            step.index = static_cast<std::int64_t>(std::min<std::uint64_t>(host.index, 1ULL << 62));
            step.startNs = host.start;
            step.endNs = host.end;
            RIDGE_TRY_STATUS(addStep(answer, context, step, p.segments,
                                     {host.workload, static_cast<std::int32_t>(c), kNoIndex, s}));
        }
    }
    return {};
}

Status goOn(const AnalyzeOptions& options) {
    if (options.stop && *options.stop) return Error{ErrorCode::kIo, "the analysis was cancelled"};
    return {};
}

// The graph of a long trace is made, used and thrown away part by part.
class Paths {
public:
    // Begins with the first part beside the caller. The steps of the answer must stay as they are.
    Paths(const Context& context, const Analysis& answer) : m_context(context), m_steps(answer.steps), m_next([this] {
        m_plan = planGraphs(m_context, m_steps);
        return build(0);
    }) {}
    // stop: ends it after the part that is at work; nothing is added then.
    void addTo(Analysis& answer, const std::atomic<bool>* stop) {
        std::optional<PathGraph> graph = m_next.get();
        PathReport path(m_context, m_plan, answer);
        WhatIfReport whatIf(m_context, answer);
        for (std::size_t part = 0; graph && !(stop && *stop); ++part) {
            Beside<std::optional<PathGraph>> next([this, part] { return build(part + 1); });
            Beside<void> replays([&] { whatIf.add(*graph); });
            path.add(*graph);
            replays.get();
            graph = next.get();
        }
        if (stop && *stop) return;
        path.finish();
        whatIf.finish();
    }

private:
    std::optional<PathGraph> build(std::size_t part) const {
        if (part >= m_plan.parts.size()) return std::nullopt;
        return buildPathGraph(m_context, m_steps, m_plan, m_plan.parts[part]);
    }
    const Context& m_context;
    const std::vector<Step>& m_steps;
    GraphPlan m_plan;
    Beside<std::optional<PathGraph>> m_next;
};

void addRanks(const Context& context, Analysis& answer) {
    std::map<std::int64_t, Rank> ranks;
    std::vector<bool> wanted(context.timeline.processes.size(), false);
    std::vector<std::int64_t> rankOf(wanted.size());
    for (std::size_t i = 0; i < rankOf.size(); ++i) rankOf[i] = context.timeline.processes[i].rank;
    for (const CpuPartition& p : context.cpus)
        for (const std::int32_t process : p.processes) {
            wanted[static_cast<std::size_t>(process)] = true;
            rankOf[static_cast<std::size_t>(process)] = context.timeline.processes[static_cast<std::size_t>(p.process)].rank;
        }
    for (const GpuRow& row : context.timeline.gpu)
        if (row.process != kNoIndex) wanted[static_cast<std::size_t>(row.process)] = true;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!wanted[i]) continue;
        const Process& process = context.timeline.processes[i];
        Rank& rank = ranks[rankOf[i]];
        rank.rank = rankOf[i];
        if (rank.host.empty()) rank.host = process.host;
        rank.pids.push_back(process.pid);
    }
    for (auto& [number, rank] : ranks) answer.ranks.push_back(std::move(rank));
}

}  // namespace

Result<Analysis> analyze(const std::vector<std::string>& tracePaths,
                         const AnalyzeOptions& options) {
    RIDGE_TRY(const Timeline timeline, load(tracePaths, options.stop));
    return analyzeTimeline(timeline, options);
}

Result<Analysis> analyzeTimeline(const Timeline& timeline, const AnalyzeOptions& options) {
    Analysis answer;
    answer.sources = timeline.sources;
    answer.environment = timeline.environment;
    answer.losses = timeline.losses;
    answer.ceilings = options.ceilings;
    answer.ceilings.insert(answer.ceilings.end(), timeline.ceilings.begin(),
                           timeline.ceilings.end());

    RIDGE_TRY_STATUS(goOn(options));
    Context context{timeline, options, {}, {}, {}, {}, {}, {}, 0, {}, {}, {}};
    const std::vector<bool> hasGpu = processesWithGpu(timeline);
    context.dispatchNs = Roofs(answer.ceilings).dispatchNs();
    context.steps = findSteps(timeline, options.stepName);
    if (!options.stepName.empty() && context.steps.source != "--step " + options.stepName)
        return Error{ErrorCode::kBadInput,
                     ridge::timeline::oneLine(fmt::format("no range of this trace is named \"{}\" (--step)", options.stepName))};
    RIDGE_TRY_STATUS(goOn(options));
    context.ops = findOps(timeline, context.steps, hasGpu);
    context.cpuShare = cpuShares(timeline, context.steps, context.ops, hasGpu);
    RIDGE_TRY_STATUS(goOn(options));
    judgeGroupsWhereTheyRun(context.ops, timeline, context.steps, answer.ceilings, context.cpuShare, hasGpu);
    Beside<RowFacts> rows([&] { return factsOfRows(timeline, context.ops); });
    context.collectives = matchCollectives(timeline, context.ops);
    context.rows = rows.get();
    RIDGE_TRY_STATUS(goOn(options));
    matchGpuCollectives(timeline, context.rows.communication, context.collectives);
    RIDGE_TRY_STATUS(goOn(options));
    context.io = findIo(timeline, context.ops, options, context.steps.source != "ridge");
    context.measured = measureKernels(timeline, context.steps, context.ops, context.rows, answer.ceilings);
    RIDGE_TRY_STATUS(goOn(options));
    context.gpus = partitionGpu(timeline, context.ops, context.io, options, context.collectives.gpuLatestStart, context.measured.classOfRow, &context.rows);
    RIDGE_TRY_STATUS(goOn(options));
    context.cpus = partitionCpu(timeline, context.steps, context.ops, context.collectives,
                                context.io, cpuProcesses(timeline, context.steps, hasGpu));
    RIDGE_TRY_STATUS(goOn(options));
    handOutPartitions(context);
    if (options.onCollective) handOutCollectives(context, findCommunicationRows(timeline));
    addDevices(context, answer);
    answer.stepSource = context.steps.source;
    std::vector<std::vector<Window>> windows(context.gpus.size());
    parallelFor(windows.size(), [&](std::size_t g) { windows[g] = deviceWindows(timeline, context.steps, context.gpus[g]); });
    for (std::size_t g = 0; g < windows.size(); ++g)
        RIDGE_TRY_STATUS(addGpuSteps(context, answer, g, std::move(windows[g])));
    RIDGE_TRY_STATUS(addCpuSteps(context, answer));
    if (answer.steps.empty()) answer.stepSource = "none";
    RIDGE_TRY_STATUS(goOn(options));
    Paths paths(context, answer);
    // Each of these fills its own parts of the answer and reads none that another fills.
    const std::vector<std::function<void()>> tables{
        [&] { addContention(context, answer); },
        [&] { addRanges(timeline, context.steps, answer); },
        [&] {
            addGate(context, answer);
            addRoofline(context, answer);
            addMeasured(timeline, context.steps, context.measured, answer);
        },
        [&] { addCommunication(context, answer); },
        [&] {
            addRanks(context, answer);
            addSummaries(context, answer);
        },
    };
    parallelFor(tables.size(), [&](std::size_t i) {
        if (goOn(options).ok()) tables[i]();
    });
    RIDGE_TRY_STATUS(goOn(options));
    addVerdicts(context, answer);
    RIDGE_TRY_STATUS(goOn(options));
    {
        Beside<void> besidePaths([&] {
            addRidgeline(context, answer);
            addEnergy(context, answer);
        });
        paths.addTo(answer, options.stop);
        besidePaths.get();
    }
    RIDGE_TRY_STATUS(goOn(options));
    addMemory(context, answer);
    RIDGE_TRY_STATUS(goOn(options));
    addFindings(context, answer);
    applyGate(answer);
    if (options.onContext) options.onContext(context, answer);
    return answer;
}

void joinFacts(Analysis& analysis, const std::vector<WorkloadFacts>& facts) {
    for (const WorkloadFacts& fact : facts) {
        auto it = std::find_if(analysis.workloads.begin(), analysis.workloads.end(),
                               [&](const WorkloadSummary& w) { return w.name == fact.name; });
        if (it == analysis.workloads.end()) {
            it = analysis.workloads.insert(it, WorkloadSummary{});
            it->name = fact.name;
            it->verdict = {WallClass::kComputeUnknown, Cause::kNone};
        }
        for (const auto& [key, value] : fact.params) it->params[key] = value;
        for (const WorkloadMetric& metric : fact.metrics) {
            std::erase_if(it->metrics,
                          [&](const WorkloadMetric& m) { return m.name == metric.name; });
            it->metrics.push_back(metric);
        }
        if (!fact.check.empty() || !fact.checkDetail.empty()) {  // without a check: why it was skipped
            it->check = fact.check;
            it->checkDetail = fact.checkDetail;
        }
        if (fact.expected) it->expected = fact.expected;
    }
}

}  // namespace ridge::analyzer
