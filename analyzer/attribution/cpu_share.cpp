// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/attribution/cpu_share.h"

#include "analyzer/timeline/counters.h"

#include <algorithm>
#include <map>
#include <optional>

namespace ridge::analyzer {
namespace {

constexpr double kLeast = 0.05;  // what is less cannot be told from nothing

// Of the part of the windows that the series covers.
std::optional<double> covered(const CounterSeries& series, const IntervalSet& windows) {
    if (series.samples.size() < kFewCounterSamples) return std::nullopt;
    return integrate(series, intersect(windows, {{series.samples.front().first, series.samples.back().first}}));
}

struct Times {
    double ran = 0, waited = 0;
};

Times timesOf(const Timeline& timeline, std::int32_t process, const IntervalSet& compute) {
    Times times;
    for (const CounterSeries& series : timeline.processorTime) {
        if (series.process != process) continue;
        const bool ran = series.name.starts_with("thread.cpu/");
        if (!ran && !series.name.starts_with("thread.wait/")) continue;
        if (const auto time = covered(series, compute)) (ran ? times.ran : times.waited) += *time;
    }
    return times;
}

// CPU time of whoever is not in the trace; nothing: it does not say.
std::optional<double> timeOfOthers(const Timeline& timeline, const IntervalSet& windows) {
    std::optional<double> busy;
    for (const CounterSeries& series : timeline.processorTime)
        if (series.name == "cpu.busy")
            if (const auto time = covered(series, windows)) busy = busy.value_or(0) + *time;
    if (!busy) return std::nullopt;
    for (const CounterSeries& series : timeline.counters)
        if (series.name == "process.cpu") *busy -= covered(series, windows).value_or(0);
    return std::max(*busy, 0.0);
}

}  // namespace

std::vector<CpuShare> cpuShares(const Timeline& timeline, const StepSet& steps, const Ops& ops,
                                const std::vector<bool>& processHasGpu) {
    std::vector<std::map<std::int32_t, std::vector<Interval>>> compute(steps.workloads.size());
    for (const OpRow& row : ops.rows)
        if (row.workload != kNoIndex && row.family == OpFamily::kCompute && !processHasGpu[static_cast<std::size_t>(row.process)])
            compute[static_cast<std::size_t>(row.workload)][row.process].push_back({row.start, row.end});
    std::vector<CpuShare> shares(steps.workloads.size());
    if (timeline.processorTime.empty()) return shares;
    for (std::size_t w = 0; w < shares.size(); ++w) {
        Times all;
        std::vector<Interval> windows;
        for (auto& [process, intervals] : compute[w]) {
            windows.insert(windows.end(), intervals.begin(), intervals.end());
            const Times times = timesOf(timeline, process, normalize(std::move(intervals)));
            all.ran += times.ran;
            all.waited += times.waited;
        }
        const double ready = all.ran + all.waited;
        if (!(all.ran > 0)) continue;
        const double taken = std::min(all.waited, timeOfOthers(timeline, normalize(std::move(windows))).value_or(all.waited));
        shares[w] = {std::max(all.ran / ready, kLeast), std::max(1 - taken / ready, kLeast)};
    }
    return shares;
}

}  // namespace ridge::analyzer
