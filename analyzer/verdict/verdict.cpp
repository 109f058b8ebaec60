// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/verdict/verdict.h"

#include "analyzer/communication/pipeline.h"
#include "analyzer/communication/report.h"

#include <algorithm>
#include <map>

namespace ridge::analyzer {
namespace {

constexpr double kMaterial = 0.25;  // of the step
constexpr double kLastOften = 0.6, kLastDelay = 0.5;
constexpr double kLastAtTimes = 0.4, kNearlyAllDelay = 0.8;

struct Wall {
    std::vector<WallClass> classes;
    double avoidable = 1;  // share of its time
};

std::vector<Wall> walls(const VerdictInput& input) {
    using enum WallClass;
    return {{{kComputeBound}, input.computeSlack},
            {{kMemoryWall}, input.memorySlack},
            {{kLatencyBound}, input.latencySlack},
            {{kComputeUnknown}, 0},
            {{kCommTransfer, kCommWait, kCommUnsplit}},
            {{kCopy}},
            {{kIoInput}},
            {{kIoCheckpoint}},
            {{kLaunch, kApi, kKernelGap}},
            {{kDevicePending}, 0},
            {{kDependency}, 0},
            {{kHost, kIdle, kSync}},
            {{kPreempted}},
            {{kUnlinked}, 0},
            {{kUnknownCapture}, 0}};
}

bool isDispatch(const Context& context, const OpGroup& g) {
    return static_cast<double>(g.medianNs) < 5 * context.dispatchNs;
}

// Time above the roof over time, for the groups of one class; of the time that the process had its CPU.
double slackOf(const Context& context, std::int32_t workload, WallClass wallClass) {
    const auto w = static_cast<std::size_t>(workload);
    const double cpuShare = w < context.cpuShare.size() ? context.cpuShare[w].onCpu : 1;
    double time = 0, above = 0;
    for (const OpGroup& g : context.ops.groups) {
        if (g.workload != workload || g.answer.wallClass != wallClass || !g.answer.attainment)
            continue;
        const double t = static_cast<double>(g.timeNs);
        time += t;
        const bool all = wallClass == WallClass::kLatencyBound && isDispatch(context, g);
        above += t * (all ? 1.0 : std::clamp(1 - *g.answer.attainment / cpuShare, 0.0, 1.0));
    }
    return time > 0 ? above / time : 0;
}

}  // namespace

Cause causeOf(WallClass wallClass) {
    switch (wallClass) {
        case WallClass::kComputeBound:
            return Cause::kCompute;
        case WallClass::kMemoryWall:
            return Cause::kMemoryBandwidth;
        case WallClass::kLatencyBound:
            return Cause::kLaunch;
        case WallClass::kCommTransfer:
        case WallClass::kCommWait:
        case WallClass::kCommUnsplit:
            return Cause::kCommunication;
        case WallClass::kCopy:
            return Cause::kCopyLink;
        case WallClass::kIoInput:
            return Cause::kInputIo;
        case WallClass::kIoCheckpoint:
            return Cause::kCheckpointIo;
        case WallClass::kLaunch:
        case WallClass::kApi:
        case WallClass::kKernelGap:
            return Cause::kLaunch;
        case WallClass::kHost:
        case WallClass::kSync:
        case WallClass::kIdle:
            return Cause::kHost;
        case WallClass::kPreempted:
            return Cause::kHostPreemption;
        default:
            return Cause::kNone;
    }
}

std::optional<std::int64_t> usuallyLast(const std::vector<LastRank>& collectives) {
    std::map<std::int64_t, std::pair<std::int64_t, Ns>> last;  // rank -> times last, delay
    Ns delay = 0;
    for (const LastRank& c : collectives) {
        delay = saturatingAdd(delay, c.marginalNs);
        auto& [count, ns] = last[c.rank];
        ++count;
        ns = saturatingAdd(ns, c.marginalNs);
    }
    for (const auto& [rank, x] : last) {
        if (delay <= 0) break;
        const double often = static_cast<double>(x.first) / static_cast<double>(collectives.size());
        const double share = static_cast<double>(x.second) / static_cast<double>(delay);
        if ((often >= kLastOften && share >= kLastDelay) ||
            (often >= kLastAtTimes && share >= kNearlyAllDelay))
            return rank;
    }
    return std::nullopt;
}

std::optional<std::int64_t> systematicallyLast(const Context& context, std::int32_t workload) {
    std::vector<LastRank> collectives;
    for (const Collectives::Instance& instance : context.collectives.instances) {
        if (instance.workload != workload || instance.rows.size() < 2) continue;
        collectives.push_back({instance.split.lastRank, instance.split.marginalNs});
    }
    for (const Collectives::Instance& instance : context.collectives.gpuInstances) {
        const GpuRow& row = context.timeline.gpu[static_cast<std::size_t>(instance.rows.front())];
        // Nobody was last beyond what the clocks can tell: says nothing about anybody.
        if (workloadOf(context, row) != workload || instance.split.marginalNs <= 0) continue;
        collectives.push_back({instance.split.lastRank, instance.split.marginalNs});
    }
    return usuallyLast(collectives);
}

bool latencyIsDispatch(const Context& context, std::int32_t workload) {
    double all = 0, small = 0;
    for (const OpGroup& g : context.ops.groups) {
        if (g.workload != workload || g.answer.wallClass != WallClass::kLatencyBound) continue;
        all += static_cast<double>(g.timeNs);
        if (isDispatch(context, g)) small += static_cast<double>(g.timeNs);
    }
    return all > 0 && small >= 0.5 * all;
}

VerdictAnswer judgeWall(const VerdictInput& input) {
    double total = 0;
    for (const Ns ns : input.classes) total += static_cast<double>(ns);
    if (total <= 0) return {{WallClass::kIdle, Cause::kNone}, 0};
    const std::vector<Wall> list = walls(input);
    const auto timeOf = [&](const Wall& wall) {
        double sum = 0;
        for (const WallClass c : wall.classes)
            sum += static_cast<double>(input.classes[static_cast<std::size_t>(c)]);
        return sum;
    };
    const auto larger = [&](bool avoidable) {
        return std::max_element(list.begin(), list.end(), [&](const Wall& a, const Wall& b) {
            return timeOf(a) * (avoidable ? a.avoidable : 1) <
                   timeOf(b) * (avoidable ? b.avoidable : 1);
        });
    };
    auto wall = larger(true);
    if (timeOf(*wall) * wall->avoidable < kMaterial * total) wall = larger(false);
    const WallClass wallClass = *std::max_element(
        wall->classes.begin(), wall->classes.end(), [&](WallClass a, WallClass b) {
            return input.classes[static_cast<std::size_t>(a)] <
                   input.classes[static_cast<std::size_t>(b)];
        });
    Cause cause = causeOf(wallClass);
    if (wallClass == WallClass::kCommWait && input.straggler) cause = Cause::kStraggler;
    if (wallClass == WallClass::kCommWait && input.pipeline) cause = Cause::kPipelineBubble;
    if (wallClass == WallClass::kLatencyBound && !input.dispatchLimited) cause = Cause::kNone;
    return {{wallClass, cause}, timeOf(*wall) / total};
}

VerdictInput verdictInputOf(const Context& context, const WorkloadSummary& summary, std::int32_t workload) {
    VerdictInput input;
    input.classes = summary.classes;
    input.computeSlack = slackOf(context, workload, WallClass::kComputeBound);
    input.memorySlack = slackOf(context, workload, WallClass::kMemoryWall);
    input.latencySlack = slackOf(context, workload, WallClass::kLatencyBound);
    input.straggler = systematicallyLast(context, workload).has_value();
    input.pipeline = findPipeline(context, workload).has_value();
    input.dispatchLimited = latencyIsDispatch(context, workload);
    return input;
}

void addVerdicts(const Context& context, Analysis& answer) {
    for (WorkloadSummary& summary : answer.workloads) {
        const auto it =
            std::find(context.steps.workloads.begin(), context.steps.workloads.end(), summary.name);
        const auto workload = static_cast<std::int32_t>(it - context.steps.workloads.begin());
        const VerdictAnswer verdict = judgeWall(verdictInputOf(context, summary, workload));
        summary.verdict = verdict.verdict;
        summary.verdictShare = verdict.share;
    }
}

}  // namespace ridge::analyzer
