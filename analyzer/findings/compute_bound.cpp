// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Time that the arithmetic units limit. Near the roof the finding says so: only less arithmetic helps.
std::vector<Finding> computeBound(const RuleInput& input) {
    auto finding = roofFinding(input, WallClass::kComputeBound);
    if (!finding) return {};
    const double attainment = finding->evidence[1].value;
    const bool atRoof = attainment >= 0.8;
    finding->title = fmt::format("{} of the step is limited by arithmetic, at {} of the measured peak{}",
                                 formatShare(static_cast<double>(finding->costNs) / static_cast<double>(input.summary.medianStepNs)),
                                 formatShare(attainment), atRoof ? ": it is at the roof" : "");
    finding->tryThis = atRoof ? "a narrower type (bf16, fp8), less recomputation, or a smaller model; the kernels are at their roof"
                              : "larger or better shaped products (batch, padding to the kernel's tile), another library kernel";
    finding->verify = "the attainment of the named ops rises towards 1, or their FLOP fall";
    return {*finding};
}

}  // namespace ridge::analyzer::rules
