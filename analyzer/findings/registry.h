// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Findings: each rule is one function in one file, listed in kRules (registry.cpp).
//
// A rule looks at one workload and returns what it can prove, or nothing. It fills class, cause, title,
// cost (per median step), saving [low, high], evidence and the SQL whose single value is the first
// evidence number; the registry adds id, workload and (where the rule has none of its own steps) share, caps the saving
// by the cost and by the time of the classes that it names, lowers the confidence to what capture and sample allow, drops (and counts) what costs less
// than half a percent of the step and ranks the rest. Where the cure is a what-if, its interval is the saving.

#include <optional>
#include <span>
#include <string_view>
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
    // The steps of one device of one rank: a finding about it is held against these, not against the workload's median.
    struct OwnSteps {
        std::int64_t count = 0;
        Ns totalNs = 0;
        IntervalSet windows;  // neighbours joined
        [[nodiscard]] Ns perStep(Ns total) const { return count > 0 ? total / static_cast<Ns>(count) : 0; }
        [[nodiscard]] double share(Ns total) const { return totalNs > 0 ? static_cast<double>(total) / static_cast<double>(totalNs) : 0; }
    };
    [[nodiscard]] OwnSteps stepsOf(std::int64_t rank, std::int64_t device) const;
    // The GPU that spends most of its own steps in these classes; only where there is one.
    struct WorstGpu {
        std::size_t gpu = 0;  // into Context::gpus
        std::int64_t device = 0;
        Ns ns = 0;            // in these classes, over its steps
        OwnSteps own;
    };
    [[nodiscard]] WorstGpu worstGpu(std::span<const WallClass> classes) const;
    [[nodiscard]] Ns total(WallClass c) const { return summary.classes[static_cast<std::size_t>(c)]; }
};

// The classes that the cost of a rule is the sum of; empty: the one that the finding names, or a part of it.
std::vector<WallClass> coveredClasses(std::string_view rule, bool gpu);

using Rule = std::vector<Finding> (*)(const RuleInput& input);
struct RuleEntry {
    const char* name;
    Rule rule;
};
const std::vector<RuleEntry>& findingRules();

void addFindings(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
