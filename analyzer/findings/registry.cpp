// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/findings/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/rules.h"
#include "analyzer/gate/gate.h"

namespace ridge::analyzer {
namespace {

constexpr double kWorthSaying = 0.01;  // of the step
constexpr std::size_t kFewSteps = 5;

Interval windowOf(const Context& context, const Analysis& answer, std::int32_t workload) {
    Interval window{0, 0};
    bool first = true;
    for (std::size_t i = 0; i < answer.steps.size(); ++i) {
        if (context.origins[i].workload != workload) continue;
        const Step& step = answer.steps[i];
        window.start = first ? step.startNs : std::min(window.start, step.startNs);
        window.end = first ? step.endNs : std::max(window.end, step.endNs);
        first = false;
    }
    return window;
}

}  // namespace

Ns RuleInput::perStep(Ns total) const {
    if (summary.steps <= 0) return 0;
    // Share of all steps, laid on the median step: one long step does not inflate the cost.
    double all = 0;
    for (const Ns ns : summary.classes) all += static_cast<double>(ns);
    if (all <= 0) return 0;
    return static_cast<Ns>(static_cast<double>(total) / all * static_cast<double>(summary.medianStepNs));
}

const std::vector<RuleEntry>& findingRules() {
    static const std::vector<RuleEntry> rules{
        {"compute_bound", rules::computeBound},
        {"memory_wall", rules::memoryWall},
        {"latency_bound", rules::latencyBound},
        {"exposed_communication", rules::exposedCommunication},
        {"wait_for_peers", rules::waitForPeers},
        {"input_io", rules::inputIo},
        {"checkpoint_stall", rules::checkpointStall},
        {"host_preemption", rules::hostPreemption},
        {"host_time", rules::hostTime},
        {"launch_bound", rules::launchBound},
        {"synchronous_calls", rules::synchronousCalls},
        {"pageable_copies", rules::pageableCopies},
        {"exposed_copies", rules::exposedCopies},
        {"gpu_gaps", rules::gpuGaps},
    };
    return rules;
}

void addFindings(const Context& context, Analysis& answer) {
    const Confidence capture = captureConfidence(answer);
    for (const WorkloadSummary& summary : answer.workloads) {
        const auto it = std::find(context.steps.workloads.begin(), context.steps.workloads.end(), summary.name);
        RuleInput input{context, answer, summary, static_cast<std::int32_t>(it - context.steps.workloads.begin()), {}};
        input.window = windowOf(context, answer, input.workload);
        for (const RuleEntry& entry : findingRules()) {
            int number = 0;
            for (Finding& finding : entry.rule(input)) {
                if (summary.medianStepNs <= 0 || finding.evidence.empty()) continue;
                finding.share = static_cast<double>(finding.costNs) / static_cast<double>(summary.medianStepNs);
                if (finding.share < kWorthSaying) continue;
                finding.rule = entry.name;
                finding.workload = summary.name;
                finding.id = fmt::format("{}{}{}-{}", summary.name, summary.name.empty() ? "" : "/", entry.name, ++number);
                finding.savingHighNs = std::clamp<Ns>(finding.savingHighNs, 0, finding.costNs);
                finding.savingLowNs = std::clamp<Ns>(finding.savingLowNs, 0, finding.savingHighNs);
                finding.confidence = std::max(finding.confidence, capture);
                if (summary.samples.size() < kFewSteps)
                    finding.confidence = std::max(finding.confidence, Confidence::kMedium);
                if (finding.where.empty())
                    finding.where.push_back({answer.steps.front().rank, answer.steps.front().device, input.window.start, input.window.end});
                answer.findings.push_back(std::move(finding));
            }
        }
    }
    // Low confidence never stands above medium.
    std::stable_sort(answer.findings.begin(), answer.findings.end(), [](const Finding& a, const Finding& b) {
        const bool lowA = a.confidence == Confidence::kLow, lowB = b.confidence == Confidence::kLow;
        if (lowA != lowB) return lowB;
        return a.savingHighNs != b.savingHighNs ? a.savingHighNs > b.savingHighNs : a.costNs > b.costNs;
    });
}

}  // namespace ridge::analyzer
