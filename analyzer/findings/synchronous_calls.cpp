// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// The host waits for the device, and the device then waits for the host.
std::vector<Finding> synchronousCalls(const RuleInput& input) {
    if (input.context.gpus.empty()) return {};
    const Ns sync = input.total(WallClass::kSync);
    Finding finding;
    finding.confidence = Confidence::kHigh;
    finding.wallClass = WallClass::kSync;
    finding.cause = Cause::kHost;
    finding.costNs = input.perStep(sync);
    finding.savingHighNs = finding.costNs;
    std::int64_t calls = 0;
    for (const Call& call : input.context.timeline.calls)
        calls += call.blocking && call.start >= input.window.start && call.start < input.window.end ? 1 : 0;
    if (sync <= 0 || calls == 0) return {};
    finding.title = fmt::format("{} calls make the host wait for the GPU; the GPU is idle in them for {} per step", calls,
                                formatDuration(finding.costNs));
    prove(finding, blockingTime(input));
    finding.evidence.push_back({"calls", static_cast<double>(calls), "1"});
    finding.evidence.push_back({"idle_in_calls_ns", static_cast<double>(sync), "ns"});
    finding.assumptions.push_back("only the idle time inside the calls is counted, not the launches that they delay");
    finding.tryThis = "asynchronous copies, events instead of synchronize calls, decisions kept on the device, checks every n-th step";
    finding.verify = "the number of blocking calls and the sync time fall";
    return {finding};
}

}  // namespace ridge::analyzer::rules
