// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>
#include <array>

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
    constexpr std::array kWaits{WallClass::kLaunch, WallClass::kApi, WallClass::kKernelGap};
    const RuleInput::WorstGpu worst = input.worstGpu(kWaits);
    prove(finding, waitTime(input, worst, kWaits, "waits_for_launches_of_this_gpu_ns"));
    finding.evidence.push_back({"kernels", kernelCount(input).evidence.value, "1"});
    finding.evidence.push_back({"median_kernel_ns", static_cast<double>(typical), "ns"});
    finding.evidence.push_back({"launch_ns", static_cast<double>(launch), "ns"});
    finding.evidence.push_back({"api_ns", static_cast<double>(api), "ns"});
    finding.evidence.push_back({"kernel_gap_ns", static_cast<double>(gap), "ns"});
    finding.assumptions.push_back("the first number is of all steps of the GPU that waits most for launches; the cost is over all GPUs, per median step");
    finding.assumptions.push_back("high: launching costs nothing at all");
    finding.tryThis = "CUDA graphs, fused kernels, larger batches; fewer calls between launches";
    finding.verify = "launch + api + kernel_gap falls while the kernels' time stays";
    return {finding};
}

}  // namespace ridge::analyzer::rules
