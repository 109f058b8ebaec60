// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

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
    std::size_t worst = 0;
    Ns most = -1;
    RuleInput::OwnSteps own;
    for (std::size_t g = 0; g < input.context.gpus.size(); ++g) {
        const GpuPartition& gpu = input.context.gpus[g];
        const RuleInput::OwnSteps steps = input.stepsOf(gpu.rank, input.context.timeline.devices[static_cast<std::size_t>(gpu.device)].id);
        Ns ns = 0;
        for (const Interval& window : steps.windows) ns = saturatingAdd(ns, classTimes(gpu.segments, window)[static_cast<std::size_t>(WallClass::kHost)]);
        if (ns <= most) continue;
        most = ns;
        worst = g;
        own = steps;
    }
    const GpuPartition& p = input.context.gpus[worst];
    const std::int64_t device = input.context.timeline.devices[static_cast<std::size_t>(p.device)].id;
    Finding finding;
    finding.wallClass = WallClass::kHost;
    finding.cause = Cause::kHost;
    finding.costNs = input.perStep(host);
    finding.savingHighNs = finding.costNs;
    finding.title = fmt::format("the GPU{} idle for {} per step while the thread that launches does its own work", input.context.gpus.size() > 1 ? "s are" : " is",
                                formatDuration(finding.costNs));
    prove(finding, gapTimeIn(input, worst, 1, own.windows));
    finding.evidence.push_back({"host_ns", static_cast<double>(host), "ns"});
    finding.evidence.push_back({"host_of_this_gpu_ns", static_cast<double>(most), "ns"});
    finding.where.push_back({p.rank, device, input.window.start, input.window.end});
    finding.confidence = Confidence::kMedium;
    finding.assumptions.push_back("the query gives all idle time in the steps of the GPU that waits most for its host; host_ns is the part in which the host called nothing");
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
