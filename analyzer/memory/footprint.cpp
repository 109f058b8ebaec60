// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/memory/footprint.h"

#include "analyzer/memory/allocations.h"

#include <algorithm>
#include <map>

namespace ridge::analyzer {
namespace {

constexpr std::size_t kDrawnSamples = 500;

std::int64_t bytesOf(double value) { return static_cast<std::int64_t>(std::clamp(value, 0.0, 9e18)); }

// The largest of each bucket, so that thinning never hides the peak.
std::vector<std::pair<Ns, double>> thinned(const std::vector<std::pair<Ns, double>>& samples) {
    std::vector<std::pair<Ns, double>> drawn;
    const std::size_t bucket = std::max<std::size_t>(1, (samples.size() + kDrawnSamples - 1) / kDrawnSamples);
    for (std::size_t i = 0; i < samples.size(); i += bucket) {
        auto best = samples[i];
        for (std::size_t k = i; k < std::min(i + bucket, samples.size()); ++k)
            if (samples[k].second > best.second) best = samples[k];
        drawn.push_back(best);
    }
    return drawn;
}

// The value that held at a time: the last sample before it.
double valueAt(const std::vector<std::pair<Ns, double>>& samples, Ns time) {
    const auto it = std::upper_bound(samples.begin(), samples.end(), time, [](Ns t, const auto& s) { return t < s.first; });
    return it == samples.begin() ? 0 : std::prev(it)->second;
}

bool holdsMemory(const std::string& name) {
    return name == "process.rss" || name == "gpu.memory.used" || name.starts_with("torch.gpu.") || name.starts_with("memory.");
}

std::int64_t rankOf(const Timeline& timeline, const CounterSeries& series) {
    return series.process == kNoIndex ? 0 : timeline.processes[static_cast<std::size_t>(series.process)].rank;
}

void addCurves(const Timeline& timeline, Analysis& answer) {
    MemorySummary& memory = answer.memory;
    double largestRss = -1;
    for (const CounterSeries& series : timeline.counters) {
        if (!holdsMemory(series.name) || series.samples.empty()) continue;
        const auto peak = std::max_element(series.samples.begin(), series.samples.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        MemoryCurve curve;
        curve.name = series.name;
        curve.rank = rankOf(timeline, series);
        curve.peakBytes = bytesOf(peak->second);
        curve.peakTimeNs = peak->first;
        curve.lastBytes = bytesOf(series.samples.back().second);
        curve.samples = thinned(series.samples);
        if (series.name == "gpu.memory.used" || series.name == "torch.gpu.reserved")
            memory.deviceBytesPeak = std::max(memory.deviceBytesPeak.value_or(0), curve.peakBytes);
        if (series.name == "process.rss" && peak->second > largestRss) {
            largestRss = peak->second;
            memory.peakRssBytes = curve.peakBytes;
            memory.rss = curve.samples;
        }
        memory.curves.push_back(std::move(curve));
    }
}

void addFragmentation(const Timeline& timeline, Analysis& answer) {
    const CounterSeries *allocated = nullptr, *reserved = nullptr;
    for (const CounterSeries& series : timeline.counters) {
        if (series.samples.empty()) continue;
        if (series.name == "torch.gpu.allocated" && !allocated) allocated = &series;
        if (series.name == "torch.gpu.reserved" && !reserved) reserved = &series;
    }
    if (!allocated || !reserved) return;
    const auto peak = std::max_element(reserved->samples.begin(), reserved->samples.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (peak->second <= 0) return;
    // At one instant several allocations may be sampled; the largest use while that much was reserved counts.
    double most = valueAt(allocated->samples, peak->first);
    for (const auto& [time, value] : allocated->samples)
        if (time >= peak->first && valueAt(reserved->samples, time) >= peak->second) most = std::max(most, value);
    answer.memory.fragmentation = std::clamp(1 - most / peak->second, 0.0, 1.0);
    answer.memory.reservedUnusedBytes = bytesOf(peak->second - most);
}

void addBandwidth(const Context& context, Analysis& answer) {
    for (const WorkloadSummary& summary : answer.workloads) {
        const auto it = std::find(context.steps.workloads.begin(), context.steps.workloads.end(), summary.name);
        const auto workload = static_cast<std::int32_t>(it - context.steps.workloads.begin());
        BandwidthWall wall;
        wall.workload = summary.name;
        double time = 0, roof = 0, bytes = 0, half = 0;
        for (const OpGroup& g : context.ops.groups) {
            if (g.workload != workload || g.answer.wallClass != WallClass::kMemoryWall) continue;
            const double t = static_cast<double>(g.medianNs) * static_cast<double>(g.count);
            const double r = std::min(g.answer.roofNs * static_cast<double>(g.count), t);
            time += t;
            roof += r;
            bytes += (g.work.bytesRead + g.work.bytesWritten) * static_cast<double>(g.count);
            half += t / 2;  // half the bytes at the bandwidth that it has now
        }
        if (time <= 0 || summary.steps <= 0) continue;
        const double steps = static_cast<double>(summary.steps);
        const auto perStep = [&](double ns) { return static_cast<Ns>(ns / steps); };
        wall.timeNs = perStep(time);
        wall.aboveRoofNs = perStep(time - roof);
        wall.bytes = bytes / steps;
        wall.halfTypeSavesNs = perStep(half);
        for (const WhatIf& w : answer.whatIf)
            if (w.workload == summary.name && w.change == "fused") wall.fusionSavesNs = w.stepNs - w.replayNs;
        answer.memory.bandwidth.push_back(std::move(wall));
    }
}

}  // namespace

void addMemory(const Context& context, Analysis& answer) {
    addCurves(context.timeline, answer);
    addFragmentation(context.timeline, answer);
    addBandwidth(context, answer);
    addAllocations(context, answer);
}

}  // namespace ridge::analyzer
