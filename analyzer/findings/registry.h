// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Findings: each rule is one function in one file, listed in kRules (registry.cpp).
//
// A rule looks at one workload and returns what it can prove, or nothing. It fills class, cause, title,
// cost (per median step), saving [low, high], evidence and the SQL whose single value is the first
// evidence number; the registry adds id, share and workload, caps the saving by the cost, lowers the
// confidence to what the capture allows, drops (and counts) what costs less
// than half a percent of the step and ranks the rest. Where the cure is a what-if, its interval is the saving.

#include <optional>
#include <vector>

#include "analyzer/context.h"

namespace ridge::analyzer {

struct RuleInput {
    const Context& context;
    const Analysis& answer;
    const WorkloadSummary& summary;
    std::int32_t workload = 0;          // into StepSet::workloads
    Interval window;                    // first start to last end of the workload's steps

    // Nanoseconds of a class per median step, and over all steps.
    [[nodiscard]] Ns perStep(Ns total) const;
    // The same of what one device (of one rank) alone has: its share of the steps of that device.
    [[nodiscard]] Ns perStepOf(Ns total, std::int64_t rank, std::int64_t device) const;
    [[nodiscard]] Ns total(WallClass c) const { return summary.classes[static_cast<std::size_t>(c)]; }
};

using Rule = std::vector<Finding> (*)(const RuleInput& input);
struct RuleEntry {
    const char* name;
    Rule rule;
};
const std::vector<RuleEntry>& findingRules();

void addFindings(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
