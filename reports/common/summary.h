// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The few questions that every report for people asks of an Analysis: which metric stands for a workload,
// how did it do against the answer key, how do its steps group. No numbers are made here that the
// analysis does not carry, apart from sums and medians of its integers.

#include <optional>
#include <string>
#include <vector>

#include "analyzer/model/analysis.h"

namespace ridge::reports {

using analyzer::Analysis;
using analyzer::ClassTimes;
using analyzer::Ns;

// The metric that stands for the workload: the first whose direction is "higher", else the first with a
// value, else nothing.
const analyzer::WorkloadMetric* resultMetric(const analyzer::WorkloadSummary& workload);

// A value with the unit's usual prefix: "1.23 GFLOP/s", "12.3 ms", "0.98"; "-" when there is none.
std::string formatMetric(const analyzer::WorkloadMetric& metric);
std::string formatValue(double value, std::string_view unit);
// The metric of resultMetric(), named; else the median step; else "-".
std::string resultText(const analyzer::WorkloadSummary& workload);

// "memory wall (memory bandwidth)"; a cause of none is left out.
std::string verdictText(const analyzer::Verdict& verdict);

// The same without the cause where the class alone implies it: "memory wall".
std::string shortVerdictText(const analyzer::Verdict& verdict);

enum class Match { kNoExpectation, kMatched, kMissed };
Match matchOf(const analyzer::WorkloadSummary& workload);

// Cost of the wall per median step: share x median step, and the share itself.
Ns wallCostNs(const analyzer::WorkloadSummary& workload);

Ns sumOf(const ClassTimes& classes);
Ns medianOf(std::vector<Ns> values);  // 0 when empty; the lower of the two middle ones

// Steps of one workload on one device of one rank.
struct StepGroup {
    std::string workload;
    std::int64_t rank = 0, device = 0;
    std::vector<const analyzer::Step*> steps;
    ClassTimes classes{};
    Ns totalNs = 0, medianNs = 0;
};
// In the order of first appearance.
std::vector<StepGroup> groupSteps(const Analysis& analysis);

// Classes with time, largest first (ties in the order of the enum).
struct ClassShare {
    WallClass wallClass;
    Ns ns;
    double share;
};
std::vector<ClassShare> rankedClasses(const ClassTimes& classes);

// Number of checks of a severity or worse.
std::size_t countAtLeast(const Analysis& analysis, Severity severity);

}  // namespace ridge::reports
