// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The few questions that every report for people asks of an Analysis: which metric stands for a workload,
// how did it do against the answer key, how do its steps group. No numbers are made here that the
// analysis does not carry, apart from sums and medians of its integers.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/model/analysis.h"

namespace ridge::reports {

// Was it merged from summaries, which hold sums and no timeline?
bool ofSummaries(const analyzer::Analysis& a);
// "nsys, schema 3.25, Nsight Systems 2026.1"; what is not known is left out.
std::string sourceText(const analyzer::Source& source);

using analyzer::Analysis;
using analyzer::ClassTimes;
using analyzer::Ns;

// The metric that stands for the workload: the first whose direction is "higher", else the first with a
// value, else nothing.
const analyzer::WorkloadMetric* resultMetric(const analyzer::WorkloadSummary& workload);

// A number that no unit scales: four digits and no exponent, 22431 -> "22430"; from a million on three and a prefix,
// 371e6 -> "371 M"; below a ten-thousandth an exponent. NaN and infinity -> "-".
std::string formatNumber(double value);
// A value with the unit's usual prefix: "1.23 GFLOP/s", "12.3 ms", "0.98"; "-" when there is none.
std::string formatMetric(const analyzer::WorkloadMetric& metric);
std::string formatValue(double value, std::string_view unit);
// The metric of resultMetric(), named; else the median step; else "-".
std::string resultText(const analyzer::WorkloadSummary& workload);

// "memory wall (memory bandwidth)"; a cause of none is left out.
std::string verdictText(const analyzer::Verdict& verdict);

// The same without the cause where the class alone implies it: "memory wall".
std::string shortVerdictText(const analyzer::Verdict& verdict);

// Why a workload was skipped; empty: it was not.
std::string skipReason(const analyzer::WorkloadSummary& workload);

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

// "comm_hidden" -> "communication hidden"; a change without a text of ours stays as it is.
std::string changeText(std::string_view change);
// The what-ifs, the largest part of the step saved first, by the cautious end of the prediction.
std::vector<const analyzer::WhatIf*> rankedWhatIf(const Analysis& analysis);

// The class whose colour and name a kind of the critical path has; kUnlinked for one that is not known.
WallClass classOfPathKind(std::string_view kind);
// "comm_wait" -> "comm wait"
std::string pathKindText(std::string_view kind);

// Is there anything to judge a verdict by? If not, reports have no column for the answer key.
bool hasAnswerKey(const Analysis& analysis);

// "4 findings below half a percent of their step are not shown"; empty when there are none.
std::string belowFloorText(const Analysis& analysis);

// The path in one sentence where a second chain is nearly as long; else empty.
std::string secondChainText(const analyzer::CriticalPath& path);

// The classes with joules, the largest first: "memory wall 61 %, host 20 %"; at most three.
std::string energyClassesText(const analyzer::WorkloadEnergy& energy);

// Number of checks of a severity or worse.
std::size_t countAtLeast(const Analysis& analysis, Severity severity);

// Did nothing get lost: no source dropped a record, no file broke off, and no row or event was left out.
bool nothingLost(const Analysis& analysis);

}  // namespace ridge::reports
