// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// The machine took the CPU away while no work of the step ran.
std::vector<Finding> hostPreemption(const RuleInput& input) {
    const Ns preempted = input.total(WallClass::kPreempted);
    if (preempted <= 0) return {};
    Finding finding;
    finding.wallClass = WallClass::kPreempted;
    finding.cause = Cause::kHostPreemption;
    finding.costNs = input.perStep(preempted);
    finding.savingHighNs = finding.costNs;
    finding.title = fmt::format("{} per step in which a CPU was taken away", formatDuration(finding.costNs));
    prove(finding, preemptionTime(input));
    finding.evidence.push_back({"preempted_ns", static_cast<double>(preempted), "ns"});
    finding.confidence = Confidence::kMedium;
    finding.assumptions.push_back("gaps that fall into computation or I/O are not counted here");
    finding.tryThis = "dedicated CPUs, fewer threads than CPUs, no neighbours on the host";
    finding.verify = "the recorded preemption gaps shrink";
    return {finding};
}

}  // namespace ridge::analyzer::rules
