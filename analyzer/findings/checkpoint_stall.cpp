// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/io_stall.h"
#include "analyzer/findings/rules.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// The step waits for its state to be written (or read back).
std::vector<Finding> checkpointStall(const RuleInput& input) {
    if (input.total(WallClass::kIoCheckpoint) <= 0) return {};
    Finding finding = ioStall(input, WallClass::kIoCheckpoint, Cause::kCheckpointIo);
    const bool says = std::any_of(input.context.io.begin(), input.context.io.end(), [&](const IoInterval& io) {
        return io.saysCheckpoint && io.start >= input.window.start && io.start < input.window.end;
    });
    finding.title = fmt::format("{} stalls each step for {}", says ? "checkpointing" : "writing files", formatDuration(finding.costNs));
    if (!says) finding.assumptions.push_back("no path and no range says checkpoint, ckpt or save: these may be writes of any kind");
    finding.tryThis = "write in the background from a snapshot in memory, shard over ranks, direct I/O, or save less often";
    finding.verify = "io_checkpoint falls to the time of the memory copy";
    finding.assumptions.push_back("the snapshot in memory costs nothing; low: the write fits behind the rest of the step");
    return {finding};
}

}  // namespace ridge::analyzer::rules
