// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Communication that no computation covers. With everything hidden the step still lasts as long as the
// communication itself, so the saving is at most step - communication.
std::vector<Finding> exposedCommunication(const RuleInput& input) {
    const Ns exposed = input.total(WallClass::kCommTransfer) + input.total(WallClass::kCommUnsplit);
    if (exposed <= 0) return {};
    Ns busy = 0, overlap = 0;
    std::int64_t count = 0;
    Finding finding;
    for (const CommunicationOp& op : input.answer.communication) {
        if (op.workload != input.summary.name) continue;
        busy += op.busyNs;
        overlap += op.overlapNs;
        count += op.count;
        if (finding.ops.size() < 5) finding.ops.push_back(op.name);
    }
    finding.wallClass = input.total(WallClass::kCommTransfer) >= input.total(WallClass::kCommUnsplit) ? WallClass::kCommTransfer
                                                                                                  : WallClass::kCommUnsplit;
    finding.cause = Cause::kCommunication;
    finding.costNs = input.perStep(exposed);
    const Ns communication = input.perStep(busy);
    finding.savingHighNs = std::min(finding.costNs, std::max<Ns>(0, input.summary.medianStepNs - communication));
    finding.title = fmt::format("{} per step of communication is not hidden behind computation", formatDuration(finding.costNs));
    prove(finding, communicationTime(input));
    finding.evidence.push_back({"exposed_ns", static_cast<double>(exposed), "ns"});
    finding.evidence.push_back({"overlap_ns", static_cast<double>(overlap), "ns"});
    finding.evidence.push_back({"operations", static_cast<double>(count), "1"});
    finding.confidence = Confidence::kMedium;
    if (input.context.gpus.empty() && input.context.timeline.works.empty())
        finding.assumptions.push_back("ranges without a work payload are not known to compute: communication beside them counts as exposed");
    finding.assumptions.push_back(
        "enough independent computation exists to hide it; at the high end of the saving hiding it "
        "slows neither");
    finding.tryThis = "start the operation earlier (buckets, prefetch), give it a stream or thread of its own with priority, send fewer bytes";
    finding.verify = "exposed communication falls while communication time stays";
    return {finding};
}

}  // namespace ridge::analyzer::rules
