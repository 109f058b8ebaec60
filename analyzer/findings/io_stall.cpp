// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/findings/io_stall.h"

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/verdict/verdict.h"

namespace ridge::analyzer::rules {

Finding ioStall(const RuleInput& input, WallClass wallClass, Cause cause) {
    const bool checkpoint = wallClass == WallClass::kIoCheckpoint;
    Finding finding;
    finding.confidence = Confidence::kHigh;
    finding.wallClass = wallClass;
    finding.cause = cause;
    finding.costNs = input.perStep(input.total(wallClass));
    // Hidden behind the rest of the step: what does not fit behind it stays, unless storage gets faster.
    finding.savingHighNs = finding.costNs;
    finding.savingLowNs = std::min(finding.costNs, std::max<Ns>(0, input.summary.medianStepNs - finding.costNs));
    double bytes = 0;
    std::vector<Interval> busy;
    for (const IoInterval& io : input.context.io) {
        if (io.checkpoint != checkpoint || io.start < input.window.start || io.start >= input.window.end) continue;
        busy.push_back({io.start, io.end});
        bytes += static_cast<double>(io.bytes);
    }
    const double seconds = static_cast<double>(length(normalize(std::move(busy)))) / 1e9;
    prove(finding, ioTime(input, checkpoint));
    finding.evidence.push_back({"stall_ns", static_cast<double>(input.total(wallClass)), "ns"});
    finding.evidence.push_back({"bytes", bytes, "B"});
    if (seconds > 0) finding.evidence.push_back({"bandwidth", bytes / seconds, "B/s"});
    return finding;
}

}  // namespace ridge::analyzer::rules
