// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Asynchronous copies from or to pageable memory: they are staged, and not asynchronous at all.
std::vector<Finding> pageableCopies(const RuleInput& input) {
    if (input.context.gpus.empty()) return {};
    Proof proof = pageableTime(input);
    if (proof.evidence.value <= 0) return {};
    Finding finding;
    finding.wallClass = WallClass::kCopy;
    finding.cause = Cause::kCopyLink;
    const Ns total = static_cast<Ns>(std::min(proof.evidence.value, 9e18));
    finding.costNs = std::min(input.perStep(total), input.perStep(input.total(WallClass::kCopy)));
    finding.savingHighNs = finding.costNs;
    finding.title = fmt::format("asynchronous copies of pageable memory take {} per step", formatDuration(finding.costNs));
    prove(finding, std::move(proof));
    finding.confidence = Confidence::kMedium;
    finding.tryThis = "pinned host memory (cudaHostAlloc, pin_memory=True)";
    finding.verify = "srcKind and dstKind of the copies are pinned, and their bandwidth rises to the link's";
    return {finding};
}

}  // namespace ridge::analyzer::rules
