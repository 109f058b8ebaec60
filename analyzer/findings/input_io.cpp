// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

namespace {

Finding stall(const RuleInput& input) {
    Finding finding;
    finding.confidence = Confidence::kHigh;
    finding.wallClass = WallClass::kIoInput;
    finding.cause = Cause::kInputIo;
    finding.costNs = input.perStep(input.total(WallClass::kIoInput));
    // Hidden behind the rest of the step: what does not fit behind it stays, unless storage gets faster.
    finding.savingHighNs = finding.costNs;
    finding.savingLowNs = std::min(finding.costNs, std::max<Ns>(0, input.summary.medianStepNs - finding.costNs));
    double bytes = 0;
    std::vector<Interval> busy;
    for (const IoInterval& io : input.context.io) {
        if (io.checkpoint != false || io.start < input.window.start || io.start >= input.window.end) continue;
        busy.push_back({io.start, io.end});
        bytes += static_cast<double>(io.bytes);
    }
    const double seconds = static_cast<double>(length(normalize(std::move(busy)))) / 1e9;
    const bool calls = std::any_of(input.context.timeline.io.begin(), input.context.timeline.io.end(), [&](const IoRow& row) {
        return row.start >= input.window.start && row.start < input.window.end;
    });
    prove(finding, calls ? fileCallTime(input) : kindTime(input, 9));
    finding.evidence.push_back({"stall_ns", static_cast<double>(input.total(WallClass::kIoInput)), "ns"});
    finding.evidence.push_back({"bytes", bytes, "B"});
    if (seconds > 0) finding.evidence.push_back({"bandwidth", bytes / seconds, "B/s"});
    return finding;
}

}  // namespace

// The step waits for its input.
std::vector<Finding> inputIo(const RuleInput& input) {
    if (input.total(WallClass::kIoInput) <= 0) return {};
    Finding finding = stall(input);
    finding.title = fmt::format("each step waits {} for input", formatDuration(finding.costNs));
    finding.tryThis = "read ahead in the background (prefetch, more loader workers), larger reads, fewer and larger files, a faster or local disk";
    finding.verify = "io_input falls; with enough read-ahead the step lasts max(compute, read)";
    finding.assumptions.push_back("low: one reader hides behind the rest of the step; high: reading is spread over enough workers");
    return {finding};
}

}  // namespace ridge::analyzer::rules
