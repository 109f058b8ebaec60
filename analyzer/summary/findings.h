// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Findings that sums over ranks can prove: time of a class over all steps of all ranks, who arrives last, and the tail
// of the step's distribution. No op or range is at hand, so that none is named, none has SQL, and none is sure (high).
// Same sums, same findings, in the same order.

#include <array>
#include <map>
#include <optional>
#include <string>

#include "analyzer/model/analysis.h"
#include "analyzer/summary/rank_summary.h"

namespace ridge::analyzer {

// What the report of a merge knows of one workload beside Analysis::workloads.
struct MergedWorkload {
    std::optional<std::int64_t> usuallyLast;  // the rank for which the others wait
    std::int64_t fewestSteps = 0;             // of any of its lanes
    std::array<Ns, 3> aboveRoofNs{};          // of compute_bound, memory_wall and latency_bound time
};

// answer: with steps, workloads, communication, stragglers and gate.
void addMergedFindings(const Summary& summary, const std::map<std::string, MergedWorkload>& workloads, Analysis& answer);

}  // namespace ridge::analyzer
