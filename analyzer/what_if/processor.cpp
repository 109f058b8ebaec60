// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/processor.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "analyzer/intervals/intervals.h"
#include "analyzer/timeline/counters.h"

namespace ridge::analyzer {

double processorShare(const Timeline& timeline, const StepSet& steps, std::int32_t workload) {
    const auto cpus = usableCpus(timeline);
    if (!cpus) return 0;
    std::map<std::int32_t, std::vector<Interval>> windows;  // by process
    for (const HostStep& step : steps.steps)
        if (step.workload == workload && step.process != kNoIndex) windows[step.process].push_back({step.start, step.end});
    std::map<std::string, double> used;  // by machine
    for (auto& [process, intervals] : windows)
        if (const auto cpu = cpusUsed(timeline, process, normalize(std::move(intervals)))) used[timeline.processes[static_cast<std::size_t>(process)].host] += *cpu;
    double most = 0;
    for (const auto& [host, sum] : used) most = std::max(most, sum / *cpus);
    return std::min(most, 1.0);
}

}  // namespace ridge::analyzer
