// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/summary/summary.h"

#include <algorithm>
#include <map>

#include "analyzer/summary/own_cpu.h"
#include "schemas/enums/op_kind.h"

namespace ridge::analyzer {
namespace {

// Time-weighted attainment of the compute ops whose roof is known and credible.
std::optional<double> roofShareOf(const Context& context, std::int32_t workload) {
    double roof = 0, time = 0;
    for (const OpGroup& g : context.ops.groups) {
        if (g.workload != workload || !computes(g.work.opKind) || g.answer.roofNs <= 0 || g.answer.bound == "unreliable") continue;
        roof += g.answer.roofNs * static_cast<double>(g.count);
        time += static_cast<double>(g.medianNs) * static_cast<double>(g.count);
    }
    if (time <= 0) return std::nullopt;
    return roof / time;
}

}  // namespace

void addSummaries(const Context& context, Analysis& answer) {
    struct Lane {
        std::int64_t rank, device;
        auto operator<=>(const Lane&) const = default;
    };
    std::vector<std::map<Lane, std::vector<Ns>>> times(context.steps.workloads.size());
    std::vector<WorkloadSummary> summaries(context.steps.workloads.size());
    for (std::size_t i = 0; i < answer.steps.size(); ++i) {
        const Step& step = answer.steps[i];
        const auto w = static_cast<std::size_t>(context.origins[i].workload);
        times[w][{step.rank, step.device}].push_back(step.endNs - step.startNs);
        ++summaries[w].steps;
        for (std::size_t c = 0; c < kWallClassCount; ++c)
            summaries[w].classes[c] = saturatingAdd(summaries[w].classes[c], step.classes[c]);
    }
    for (std::size_t w = 0; w < summaries.size(); ++w) {
        if (times[w].empty()) continue;
        WorkloadSummary& summary = summaries[w];
        summary.name = context.steps.workloads[w];
        summary.samples = times[w].begin()->second;
        summary.medianStepNs = median(summary.samples);
        summary.roofShare = roofShareOf(context, static_cast<std::int32_t>(w));
        for (const BenchmarkRow& row : context.timeline.benchmarks)
            if (row.workload == summary.name) summary.metrics.push_back(row.metric);
        if (const double share = context.cpuShare[w].undisturbed; share < 1) summary.metrics.push_back({std::string(kCpuShareMetric), share, "share", "none"});
        answer.workloads.push_back(std::move(summary));
    }
}

}  // namespace ridge::analyzer
