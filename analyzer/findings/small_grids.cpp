// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analyzer/findings/evidence.h"
#include "analyzer/findings/rules.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer::rules {

// Kernels with fewer blocks than any data-centre GPU of the last years has multiprocessors: most of it idles.
std::vector<Finding> smallGrids(const RuleInput& input) {
    Proof proof = smallGridTime(input, kSmallGrid);
    if (proof.evidence.value <= 0) return {};
    Finding finding;
    finding.wallClass = WallClass::kComputeUnknown;
    finding.cause = Cause::kNone;
    const Ns compute = input.total(WallClass::kComputeUnknown) + input.total(WallClass::kLatencyBound) + input.total(WallClass::kMemoryWall) +
                       input.total(WallClass::kComputeBound);
    finding.costNs = std::min(input.perStep(static_cast<Ns>(std::min(proof.evidence.value, 9e18))), input.perStep(compute));
    finding.savingHighNs = finding.costNs;
    std::map<std::uint32_t, Ns> byName;
    for (const GpuRow& row : input.context.timeline.gpu)
        if (isSmallGrid(row, kSmallGrid) && row.start >= input.window.start && row.start < input.window.end) byName[row.name.value] += row.end - row.start;
    std::vector<std::pair<Ns, std::uint32_t>> order;
    for (const auto& [name, ns] : byName) order.emplace_back(ns, name);
    std::sort(order.rbegin(), order.rend());
    for (std::size_t i = 0; i < std::min<std::size_t>(5, order.size()); ++i)
        finding.ops.push_back(toValidUtf8(input.context.timeline.names.text(NameId{order[i].second})));
    finding.title = fmt::format("kernels of fewer than {} blocks take {} per step and leave most of the GPU idle", kSmallGrid, formatDuration(finding.costNs));
    prove(finding, std::move(proof));
    finding.evidence.push_back({"kernel_names", static_cast<double>(byName.size()), "1"});
    finding.confidence = Confidence::kLow;  // how many multiprocessors there are, and what runs beside, is not looked at
    finding.assumptions.push_back("low: the kernel is bound by the latency of one block and gains nothing from more of them");
    finding.tryThis = "larger batches, split reductions (split-K, several blocks per row), or fuse them with neighbours";
    finding.verify = "the named kernels get more blocks and become shorter";
    return {finding};
}

}  // namespace ridge::analyzer::rules
