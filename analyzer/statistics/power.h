// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How many sessions a verdict takes before any is measured. The exact U test of n against m values
// has finitely many p-values; the smallest two-sided one, every value of one side beyond every
// value of the other, is 2 / C(n + m, m). Where that is above alpha / k, Benjamini-Hochberg over k
// metrics cannot accuse one of them alone, however much it changed. This is what is needed at the
// least: what noise takes on top is in RATES.md.

#include <cstddef>
#include <optional>

namespace ridge::statistics {

// 1 where a side has none.
double leastTwoSidedP(std::size_t baseline, std::size_t candidate);
bool canAccuseOne(std::size_t baseline, std::size_t candidate, std::size_t metrics, double alpha);

// Of how many metrics these sessions can accuse one; 0: not even the only one.
std::size_t mostMetrics(std::size_t baseline, std::size_t candidate, double alpha);
// How many the baseline needs against so many of the candidate. Nothing: more than a thousand.
std::optional<std::size_t> leastBaseline(std::size_t candidate, std::size_t metrics, double alpha);

}  // namespace ridge::statistics
