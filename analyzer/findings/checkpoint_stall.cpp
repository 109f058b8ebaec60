// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include "analyzer/findings/io_stall.h"
#include "analyzer/findings/rules.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// The step waits for its state to be written (or read back).
std::vector<Finding> checkpointStall(const RuleInput& input) {
    if (input.total(WallClass::kIoCheckpoint) <= 0) return {};
    Finding finding = ioStall(input, WallClass::kIoCheckpoint, Cause::kCheckpointIo);
    finding.title = fmt::format("checkpointing stalls each step for {}", formatDuration(finding.costNs));
    finding.tryThis = "write in the background from a snapshot in memory, shard over ranks, direct I/O, or save less often";
    finding.verify = "io_checkpoint falls to the time of the memory copy";
    finding.assumptions.push_back("the snapshot in memory costs nothing; low: the write fits behind the rest of the step");
    return {finding};
}

}  // namespace ridge::analyzer::rules
