// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Copies and memsets whose call returns only when the device is done.
std::vector<Finding> synchronousCopies(const RuleInput& input) {
    std::vector<Finding> findings;
    for (const bool sets : {false, true}) {
        Proof proof = sets ? syncSetTime(input) : syncCopyTime(input);
        const double calls = proof.evidence.value;
        if (calls <= 0) continue;
        Finding finding;
        finding.wallClass = WallClass::kSync;
        finding.cause = sets ? Cause::kHost : Cause::kCopyLink;
        // Of the time in the calls only what the device was idle for is lost.
        const Ns idle = input.total(WallClass::kSync) + input.total(WallClass::kApi) + input.total(WallClass::kCopy);
        finding.costNs = std::min(input.perStep(static_cast<Ns>(std::min(calls, 9e18))), input.perStep(idle));
        finding.savingHighNs = finding.costNs;
        finding.title = fmt::format("synchronous {} hold the host for {} per step", sets ? "memsets" : "copies", formatDuration(finding.costNs));
        prove(finding, std::move(proof));
        finding.confidence = Confidence::kMedium;
        finding.assumptions.push_back("high: the host has other work to do until the device is done");
        finding.tryThis = sets ? "cudaMemsetAsync on the stream that uses the memory"
                               : "cudaMemcpyAsync with pinned host memory, on a stream of its own where nothing waits for it";
        finding.verify = sets ? "no cudaMemset calls are left in the step" : "no cudaMemcpy calls are left in the step";
        findings.push_back(std::move(finding));
    }
    return findings;
}

}  // namespace ridge::analyzer::rules
