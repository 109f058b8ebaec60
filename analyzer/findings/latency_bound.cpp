// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Ops too small or too slow to reach any roof.
std::vector<Finding> latencyBound(const RuleInput& input) {
    auto finding = roofFinding(input, WallClass::kLatencyBound);
    if (!finding) return {};
    finding->title = fmt::format("{} of the step is spent in ops that reach {} of their roof",
                                 formatShare(static_cast<double>(finding->costNs) / static_cast<double>(input.summary.medianStepNs)),
                                 formatShare(finding->evidence[1].value));
    finding->evidence.push_back({"dispatch_ns", input.context.dispatchNs, "ns"});
    if (groupsOf(input, WallClass::kLatencyBound).empty()) {
        finding->cause = Cause::kNone;  // told by counters of kernels: what the host did is not in them
    } else if (!latencyIsDispatch(input.context, input.workload)) {
        finding->cause = Cause::kNone;
        finding->assumptions.push_back("other load on the same CPUs makes ops look like this: compare with an idle machine");
    }
    finding->tryThis = "batch or fuse the named ops so that each does more work; check how many threads or blocks they use";
    finding->verify = "the attainment of the named ops rises above 0.6";
    return {*finding};
}

}  // namespace ridge::analyzer::rules
