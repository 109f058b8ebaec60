// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Copies during which nothing computes.
std::vector<Finding> exposedCopies(const RuleInput& input) {
    if (input.context.gpus.empty()) return {};
    const Ns copy = input.total(WallClass::kCopy);
    if (copy <= 0) return {};
    Finding finding;
    finding.confidence = Confidence::kHigh;
    finding.wallClass = WallClass::kCopy;
    finding.cause = Cause::kCopyLink;
    finding.costNs = input.perStep(copy);
    finding.savingHighNs = finding.costNs;
    finding.savingLowNs = std::min(finding.costNs, std::max<Ns>(0, input.summary.medianStepNs - finding.costNs));
    double bytes = 0, seconds = 0;
    for (const GpuRow& row : input.context.timeline.gpu) {
        if (row.kind != GpuKind::kCopy || row.start < input.window.start || row.start >= input.window.end) continue;
        bytes += static_cast<double>(row.bytes);
        seconds += static_cast<double>(row.end - row.start) / 1e9;
    }
    finding.title = fmt::format("{} per step of copies is not hidden behind computation", formatDuration(finding.costNs));
    prove(finding, copyTime(input));
    finding.evidence.push_back({"exposed_copy_ns", static_cast<double>(copy), "ns"});
    finding.evidence.push_back({"bytes", bytes, "B"});
    if (seconds > 0) finding.evidence.push_back({"bandwidth", bytes / seconds, "B/s"});
    finding.assumptions.push_back("low: copies hide behind the rest of the step on a stream of their own; high: they are not needed");
    finding.tryThis = "keep data on the device, copy on another stream while computing, pinned memory, larger copies";
    finding.verify = "exposed copy time falls";
    return {finding};
}

}  // namespace ridge::analyzer::rules
