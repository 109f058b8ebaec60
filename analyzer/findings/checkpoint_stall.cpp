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
    finding.wallClass = WallClass::kIoCheckpoint;
    finding.cause = Cause::kCheckpointIo;
    finding.costNs = input.perStep(input.total(WallClass::kIoCheckpoint));
    // Hidden behind the rest of the step: what does not fit behind it stays, unless storage gets faster.
    finding.savingHighNs = finding.costNs;
    finding.savingLowNs = std::min(finding.costNs, std::max<Ns>(0, input.summary.medianStepNs - finding.costNs));
    double bytes = 0;
    std::vector<Interval> busy;
    for (const IoInterval& io : input.context.io) {
        if (io.checkpoint != true || io.start < input.window.start || io.start >= input.window.end) continue;
        busy.push_back({io.start, io.end});
        bytes += static_cast<double>(io.bytes);
    }
    const double seconds = static_cast<double>(length(normalize(std::move(busy)))) / 1e9;
    const bool calls = std::any_of(input.context.timeline.io.begin(), input.context.timeline.io.end(), [&](const IoRow& row) {
        return row.start >= input.window.start && row.start < input.window.end;
    });
    prove(finding, calls ? fileCallTime(input) : kindTime(input, 9));
    finding.evidence.push_back({"stall_ns", static_cast<double>(input.total(WallClass::kIoCheckpoint)), "ns"});
    finding.evidence.push_back({"bytes", bytes, "B"});
    if (seconds > 0) finding.evidence.push_back({"bandwidth", bytes / seconds, "B/s"});
    return finding;
}

}  // namespace

// The step waits for its state to be written (or read back).
std::vector<Finding> checkpointStall(const RuleInput& input) {
    if (input.total(WallClass::kIoCheckpoint) <= 0) return {};
    Finding finding = stall(input);
    finding.title = fmt::format("checkpointing stalls each step for {}", formatDuration(finding.costNs));
    finding.tryThis = "write in the background from a snapshot in memory, shard over ranks, direct I/O, or save less often";
    finding.verify = "io_checkpoint falls to the time of the memory copy";
    finding.assumptions.push_back("the snapshot in memory costs nothing; low: the write fits behind the rest of the step");
    return {finding};
}

}  // namespace ridge::analyzer::rules
