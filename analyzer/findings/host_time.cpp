// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Time in which no op, copy or I/O ran: the host's own code, or nothing at all.
std::vector<Finding> hostTime(const RuleInput& input) {
    if (!input.context.gpus.empty()) return {};  // a GPU's idle time has rules of its own
    const Ns host = input.total(WallClass::kHost), idle = input.total(WallClass::kIdle);
    if (host + idle <= 0 || input.context.steps.source != "ridge") return {};
    Finding finding;
    finding.wallClass = host >= idle ? WallClass::kHost : WallClass::kIdle;
    finding.cause = Cause::kHost;
    finding.costNs = input.perStep(host + idle);
    finding.savingHighNs = finding.costNs;
    finding.title = fmt::format("{} per step outside any op", formatDuration(finding.costNs));
    prove(finding, stepTime(input));
    finding.evidence.push_back({"host_ns", static_cast<double>(host), "ns"});
    finding.evidence.push_back({"idle_ns", static_cast<double>(idle), "ns"});
    finding.confidence = Confidence::kMedium;
    finding.tryThis = host >= idle ? "profile the code between the ops, or move it off the thread that steps"
                                   : "name what runs there with a range; look for sleeps and locks";
    finding.verify = "host and idle time of the step fall";
    return {finding};
}

}  // namespace ridge::analyzer::rules
