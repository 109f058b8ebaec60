// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the three renderings for people have in common: the sentences, and which rows are shown.

#include <cstddef>
#include <string>
#include <vector>

#include "analyzer/compare/comparison.h"

namespace ridge::reports::comparison {

using analyzer::Ns;

// "+1.234 ms"; 0 -> "0 ns".
std::string signedDuration(Ns ns);
// "+12.3 %" of the base; "-" without one.
std::string signedShare(Ns delta, Ns base);

// "B's step takes 12 ms longer than A's (+8.1 %): 148 ms -> 160 ms".
std::string headline(const analyzer::LaneComparison& lane);
// Do the steps themselves say that the two differ, and who decides that.
std::string caution(const analyzer::LaneComparison& lane);
// "7 steps, median 148 ms, middle half 147 to 151 ms; step 4 stands for them".
std::string stepsText(const analyzer::Spread& spread, const analyzer::ComparedStep& step, std::int64_t warmup, std::int64_t unmatched);
// "train, rank 0, GPU 0 (Tesla V100)"
std::string laneTitle(const analyzer::Comparison& comparison, const analyzer::LaneComparison& lane);
// "conv / gemm_kernel"; of a renamed row both names; never empty.
std::string rowName(const analyzer::ComparisonRow& row);
// "slower +5 ms, more often +1 ms, both +30 us": the parts that are not 0.
std::string partsText(const analyzer::ComparisonRow& row);
// "12" or "12 -> 14".
std::string countText(const analyzer::ComparisonRow& row);

// The largest rows, and the sum of the others.
struct TopRows {
    std::vector<const analyzer::ComparisonRow*> rows;
    std::size_t others = 0;
    Ns othersA = 0, othersB = 0, othersDelta = 0;
};
TopRows topRows(const analyzer::LaneComparison& lane, std::size_t most);

// Lanes in the order in which they are shown: the lead first.
std::vector<const analyzer::LaneComparison*> shownLanes(const analyzer::Comparison& comparison);

// The notes of the comparison, and one line per side and check of the captures that has a warning.
std::vector<std::string> noteLines(const analyzer::Comparison& comparison);

inline constexpr const char* kExplains =
    "This explains the difference between two recordings. Whether there is one is decided by repeated runs.";

}  // namespace ridge::reports::comparison
