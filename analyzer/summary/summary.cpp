// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/summary/summary.h"

#include <algorithm>
#include <map>

namespace ridge::analyzer {
namespace {

constexpr std::size_t kDrawnSamples = 500;

// Time-weighted attainment of the compute ops whose roof is known and credible.
std::optional<double> roofShareOf(const Context& context, std::int32_t workload) {
    double roof = 0, time = 0;
    for (const OpGroup& g : context.ops.groups) {
        const bool moves = g.work.opKind >= 7 && g.work.opKind <= 9;
        if (g.workload != workload || moves || g.answer.roofNs <= 0 || g.answer.bound == "unreliable") continue;
        roof += g.answer.roofNs * static_cast<double>(g.count);
        time += static_cast<double>(g.medianNs) * static_cast<double>(g.count);
    }
    if (time <= 0) return std::nullopt;
    return roof / time;
}

void addMemory(const Timeline& timeline, Analysis& answer) {
    const CounterSeries* largest = nullptr;
    for (const CounterSeries& series : timeline.counters) {
        double peak = 0;
        for (const auto& [time, value] : series.samples) peak = std::max(peak, value);
        const auto bytes = static_cast<std::int64_t>(std::min(peak, 9e18));
        if (series.name == "gpu.memory.used" && !series.samples.empty())
            answer.memory.deviceBytesPeak = std::max(answer.memory.deviceBytesPeak.value_or(0), bytes);
        if (series.name != "process.rss" || series.samples.empty()) continue;
        if (answer.memory.peakRssBytes && *answer.memory.peakRssBytes >= bytes) continue;
        answer.memory.peakRssBytes = bytes;
        largest = &series;
    }
    if (!largest) return;
    // The largest of each bucket, so that thinning never hides the peak.
    const std::size_t bucket = (largest->samples.size() + kDrawnSamples - 1) / kDrawnSamples;
    for (std::size_t i = 0; i < largest->samples.size(); i += bucket) {
        auto best = largest->samples[i];
        for (std::size_t k = i; k < std::min(i + bucket, largest->samples.size()); ++k)
            if (largest->samples[k].second > best.second) best = largest->samples[k];
        answer.memory.rss.push_back(best);
    }
}

// Trapezoid over the power samples of every GPU.
void addEnergy(const Timeline& timeline, Analysis& answer) {
    for (const CounterSeries& series : timeline.counters) {
        if (series.name != "gpu.power" || series.samples.size() < 2) continue;
        double joules = 0;
        for (std::size_t i = 1; i < series.samples.size(); ++i) {
            const double seconds = static_cast<double>(series.samples[i].first - series.samples[i - 1].first) / 1e9;
            if (seconds > 0) joules += seconds * (series.samples[i].second + series.samples[i - 1].second) / 2;
        }
        answer.energy.joules = answer.energy.joules.value_or(0) + joules;
        answer.energy.source = "nvml";
    }
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
        answer.workloads.push_back(std::move(summary));
    }
    addMemory(context.timeline, answer);
    addEnergy(context.timeline, answer);
}

}  // namespace ridge::analyzer
