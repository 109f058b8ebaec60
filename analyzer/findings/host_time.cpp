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

namespace {

// The GPU that waits most for its host speaks for the evidence; the cost is over all of them.
std::vector<Finding> hostTimeOfGpus(const RuleInput& input) {
    const Ns host = input.total(WallClass::kHost);
    if (host <= 0) return {};
    constexpr std::array kHost{WallClass::kHost};
    const RuleInput::WorstGpu worst = input.worstGpu(kHost);
    Finding finding;
    finding.wallClass = WallClass::kHost;
    finding.cause = Cause::kHost;
    finding.costNs = input.perStep(host);
    finding.savingHighNs = finding.costNs;
    finding.title = fmt::format("the GPU{} idle for {} per step while the thread that launches does its own work", input.context.gpus.size() > 1 ? "s are" : " is",
                                formatDuration(finding.costNs));
    prove(finding, waitTime(input, worst, kHost, "host_of_this_gpu_ns"));
    finding.evidence.push_back({"host_ns", static_cast<double>(host), "ns"});
    finding.where.push_back({input.context.gpus[worst.gpu].rank, worst.device, input.window.start, input.window.end});
    finding.confidence = Confidence::kMedium;
    finding.assumptions.push_back("the first number is of all steps of the GPU that waits most for its host; host_ns and the cost are over all GPUs");
    finding.tryThis = "profile the code between the launches; launch ahead of the device, or move work off the launching thread";
    finding.verify = "host time of the step falls";
    return {finding};
}

}  // namespace

// Time in which no op, copy or I/O ran: the host's own code, or nothing at all.
std::vector<Finding> hostTime(const RuleInput& input) {
    if (!input.context.gpus.empty()) return hostTimeOfGpus(input);
    const Ns host = input.total(WallClass::kHost), idle = input.total(WallClass::kIdle);
    if (host + idle <= 0 || input.answer.steps.empty()) return {};
    Finding finding;
    finding.wallClass = host >= idle ? WallClass::kHost : WallClass::kIdle;
    finding.cause = Cause::kHost;
    finding.costNs = input.perStep(host + idle);
    finding.savingHighNs = finding.costNs;
    finding.title = fmt::format("{} per step outside any op", formatDuration(finding.costNs));
    Proof steps = stepsProof(input, input.answer.steps.front().rank, input.answer.steps.front().device);
    if (steps.evidence.value <= 0) return {};
    prove(finding, std::move(steps));
    finding.evidence.push_back({"host_ns", static_cast<double>(host), "ns"});
    finding.evidence.push_back({"idle_ns", static_cast<double>(idle), "ns"});
    // Without steps nobody said what belongs to the work: a program may be at rest because it is done.
    finding.confidence = input.context.steps.whole() ? Confidence::kLow : Confidence::kMedium;
    finding.tryThis = host >= idle ? "profile the code between the ops, or move it off the thread that steps"
                                   : "name what runs there with a range; look for sleeps and locks";
    finding.verify = "host and idle time of the step fall";
    return {finding};
}

}  // namespace ridge::analyzer::rules
