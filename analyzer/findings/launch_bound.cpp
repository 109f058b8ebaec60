// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// The GPU waits for the next launch.
std::vector<Finding> launchBound(const RuleInput& input) {
    if (input.context.gpus.empty()) return {};
    const Ns launch = input.total(WallClass::kLaunch), api = input.total(WallClass::kApi), gap = input.total(WallClass::kKernelGap);
    const Ns total = launch + api + gap;
    if (total <= 0) return {};
    Finding finding;
    finding.confidence = Confidence::kHigh;
    finding.wallClass = launch >= api && launch >= gap ? WallClass::kLaunch : api >= gap ? WallClass::kApi : WallClass::kKernelGap;
    finding.cause = Cause::kLaunch;
    finding.costNs = input.perStep(total);
    finding.savingHighNs = finding.costNs;
    std::vector<Ns> durations;
    for (const GpuRow& row : input.context.timeline.gpu)
        if (row.kind == GpuKind::kKernel && row.start >= input.window.start && row.start < input.window.end)
            durations.push_back(row.end - row.start);
    if (durations.empty()) return {};
    const Ns typical = median(std::move(durations));
    finding.title = fmt::format("the GPU waits {} per step for launches; its kernels last {} (median)",
                                formatDuration(finding.costNs), formatDuration(typical));
    // The GPU that has most of it: the query gives all of its idle time inside its steps, of which this is a part.
    std::size_t worst = 0;
    Ns most = -1;
    RuleInput::OwnSteps own;
    for (std::size_t g = 0; g < input.context.gpus.size(); ++g) {
        const GpuPartition& p = input.context.gpus[g];
        const RuleInput::OwnSteps steps = input.stepsOf(p.rank, input.context.timeline.devices[static_cast<std::size_t>(p.device)].id);
        Ns ns = 0;
        for (const Interval& window : steps.windows) {
            const ClassTimes times = classTimes(p.segments, window);
            for (const WallClass c : {WallClass::kLaunch, WallClass::kApi, WallClass::kKernelGap}) ns = saturatingAdd(ns, times[static_cast<std::size_t>(c)]);
        }
        if (ns <= most) continue;
        most = ns;
        worst = g;
        own = steps;
    }
    prove(finding, gapTimeIn(input, worst, 1, own.windows));
    finding.evidence.push_back({"waits_for_launches_of_this_gpu_ns", static_cast<double>(most), "ns"});
    finding.evidence.push_back({"kernels", kernelCount(input).evidence.value, "1"});
    finding.evidence.push_back({"median_kernel_ns", static_cast<double>(typical), "ns"});
    finding.evidence.push_back({"launch_ns", static_cast<double>(launch), "ns"});
    finding.evidence.push_back({"api_ns", static_cast<double>(api), "ns"});
    finding.evidence.push_back({"kernel_gap_ns", static_cast<double>(gap), "ns"});
    finding.assumptions.push_back("the query gives all idle time in the steps of the GPU that waits most for launches; the cost is the part of launch, api and kernel gap");
    finding.assumptions.push_back("high: launching costs nothing at all");
    finding.tryThis = "CUDA graphs, fused kernels, larger batches; fewer calls between launches";
    finding.verify = "launch + api + kernel_gap falls while the kernels' time stays";
    return {finding};
}

}  // namespace ridge::analyzer::rules
