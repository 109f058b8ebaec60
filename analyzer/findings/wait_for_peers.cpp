// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/communication/pipeline.h"
#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Time in collectives before the last rank arrived.
std::vector<Finding> waitForPeers(const RuleInput& input) {
    const Ns wait = input.total(WallClass::kCommWait);
    if (wait <= 0) return {};
    // What the bubble of a pipeline explains is a finding of its own.
    double rest = 1;
    if (const auto bubble = findPipeline(input.context, input.workload); bubble && bubble->allWaitNs > 0)
        rest = std::max(0.0, 1 - static_cast<double>(bubble->waitNs()) / static_cast<double>(bubble->allWaitNs));
    if (rest <= 0) return {};
    Finding finding;
    finding.wallClass = WallClass::kCommWait;
    const auto last = systematicallyLast(input.context, input.workload);
    finding.cause = last ? Cause::kStraggler : Cause::kCommunication;
    finding.costNs = static_cast<Ns>(rest * static_cast<double>(input.perStep(wait)));
    finding.savingHighNs = finding.costNs;
    std::string excess;
    Ns blame = 0;
    for (const Straggler& s : input.answer.stragglers) {
        if (s.workload != input.summary.name || (last && s.rank != *last)) continue;
        blame = saturatingAdd(blame, s.blameNs);
        if (excess.empty()) excess = s.excessClass;
    }
    finding.title = last ? fmt::format("ranks wait for rank {}, which arrives last{}", *last,
                                       excess.empty() ? std::string() : fmt::format(" and spends more in {} than its peers", words(excess)))
                         : std::string("ranks wait for each other; no single one is always last");
    prove(finding, communicationTime(input));
    finding.evidence.push_back({"wait_ns", static_cast<double>(wait), "ns"});
    finding.evidence.push_back({"marginal_delay_ns", static_cast<double>(blame), "ns"});
    if (last) finding.evidence.push_back({"last_rank", static_cast<double>(*last), "rank"});
    finding.confidence = Confidence::kMedium;
    finding.tryThis = last ? "look at what that rank does more of; balance its share of the work or move it to another node"
                           : "balance the work between ranks; look for jitter of the host";
    finding.verify = "comm_wait falls on the ranks that waited";
    return {finding};
}

}  // namespace ridge::analyzer::rules
