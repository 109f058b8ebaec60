// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Time that memory bandwidth limits.
std::vector<Finding> memoryWall(const RuleInput& input) {
    auto finding = roofFinding(input, WallClass::kMemoryWall);
    if (!finding) return {};
    finding->title = fmt::format("{} of the step waits for memory, at {} of the measured bandwidth",
                                 formatShare(static_cast<double>(finding->costNs) / static_cast<double>(input.summary.medianStepNs)),
                                 formatShare(finding->evidence[1].value));
    finding->tryThis = "move fewer bytes: fuse neighbours, a narrower type or quantised weights, a larger batch where weights are read per item";
    finding->verify = "bytes per step of the named ops fall and the step shortens in proportion";
    finding->assumptions.push_back("the saving is what is above the bandwidth roof; moving fewer bytes can save more");
    return {*finding};
}

}  // namespace ridge::analyzer::rules
