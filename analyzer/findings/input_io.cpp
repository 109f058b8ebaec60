// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include "analyzer/findings/io_stall.h"
#include "analyzer/findings/rules.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// The step waits for its input.
std::vector<Finding> inputIo(const RuleInput& input) {
    if (input.total(WallClass::kIoInput) <= 0) return {};
    Finding finding = ioStall(input, WallClass::kIoInput, Cause::kInputIo);
    finding.title = fmt::format("each step waits {} for input", formatDuration(finding.costNs));
    finding.tryThis = "read ahead in the background (prefetch, more loader workers), larger reads, fewer and larger files, a faster or local disk";
    finding.verify = "io_input falls; with enough read-ahead the step lasts max(compute, read)";
    finding.assumptions.push_back("low: one reader hides behind the rest of the step; high: reading is spread over enough workers");
    return {finding};
}

}  // namespace ridge::analyzer::rules
