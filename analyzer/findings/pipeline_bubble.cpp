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

// Stages of a pipeline wait for their neighbours while it fills and while it drains.
std::vector<Finding> pipelineBubble(const RuleInput& input) {
    const Ns wait = input.total(WallClass::kCommWait);
    if (wait <= 0) return {};
    const auto bubble = findPipeline(input.context, input.workload);
    if (!bubble || bubble->allWaitNs <= 0) return {};
    // Of the waiting that nothing hides, the part that the bubble has of all waiting.
    const double share = std::min(1.0, static_cast<double>(bubble->waitNs()) / static_cast<double>(bubble->allWaitNs));
    Finding finding;
    finding.wallClass = WallClass::kCommWait;
    finding.cause = Cause::kPipelineBubble;
    finding.costNs = static_cast<Ns>(share * static_cast<double>(input.perStep(wait)));
    finding.savingHighNs = finding.costNs;
    finding.title = fmt::format("{} ranks are the stages of a pipeline, which waits {} per step while it fills and drains", bubble->stages,
                                formatDuration(finding.costNs));
    prove(finding, exchangeTime(input));
    finding.evidence.push_back({"fill_wait_ns", static_cast<double>(bubble->fillNs), "ns"});
    finding.evidence.push_back({"drain_wait_ns", static_cast<double>(bubble->drainNs), "ns"});
    finding.evidence.push_back({"wait_in_all_collectives_ns", static_cast<double>(bubble->allWaitNs), "ns"});
    finding.evidence.push_back({"exchanges", static_cast<double>(bubble->exchanges), "1"});
    finding.evidence.push_back({"stages", static_cast<double>(bubble->stages), "1"});
    finding.confidence = Confidence::kMedium;
    finding.assumptions.push_back("low: the number of micro-batches cannot be raised; high: there is no bubble left");
    finding.assumptions.push_back("with stages of equal length and m micro-batches, p stages are idle for (p - 1) / (m + p - 1) of the schedule");
    finding.tryThis = "more micro-batches per step, an interleaved schedule (several smaller stages per rank), fewer stages; stages of equal length";
    finding.verify = "comm_wait falls as (p - 1) / (m + p - 1) does when micro-batches are added";
    return {finding};
}

}  // namespace ridge::analyzer::rules
