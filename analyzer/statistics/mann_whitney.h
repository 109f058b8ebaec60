// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The exact Mann-Whitney U test of two independent samples, with midranks for ties (Mann & Whitney 1947).
//
// U counts the pairs (x, y) with y > x; an equal pair counts one half. Its null distribution is exact up to 50 x 50: without
// ties by the recurrence N(u; n, m) = N(u - m; n - 1, m) + N(u; n, m - 1), with ties conditional on them, by counting the
// subsets of the pooled midranks. Beyond: the normal law with tie and continuity corrections. For samples that are
// independent under the null: sessions, never the repeats of one process.

#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/statistics/ranks.h"

namespace ridge::statistics {

inline constexpr std::size_t kMostExact = 50;

struct MannWhitney {
    std::int64_t doubledU = 0;   // 2 U
    double pGreater = 1;         // P(U* >= U): small when y is larger
    double pLess = 1;            // P(U* <= U): small when y is smaller
    bool exact = true;
    [[nodiscard]] double twoSided() const;
};
// An empty side: U 0 and both p 1.
MannWhitney mannWhitney(std::span<const double> x, std::span<const double> y);

// P(U <= u) for u = 0 ... n m without ties.
std::vector<double> mannWhitneyCdf(std::size_t n, std::size_t m);

}  // namespace ridge::statistics
