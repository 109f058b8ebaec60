// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The test for runs in randomised blocks: ranks after the median of each block is taken off, summed over B
// (aligned ranks: Hodges & Lehmann 1962), judged by the randomisation that was really done (Fisher, Pitman).
//
// A block is two runs of A and two of B in an order drawn from the six arrangements. Under the null each of the six
// labellings of a block was equally likely, whatever the noise: drift, autocorrelation and outliers are allowed. The
// distribution of the rank sum is the convolution of the blocks' six pair sums; midranks for ties. The smallest p is
// 6^-blocks, so that 3 blocks (n = 6 runs a side) are the least that can decide at 0.5 %.

#include <array>
#include <span>
#include <vector>

#include "analyzer/statistics/ranks.h"

namespace ridge::statistics {

inline constexpr std::size_t kLeastBlocks = 3;

// ln of the values of one block.
struct Block {
    std::array<double, 2> a{}, b{};
};

struct BlockRank {
    double pSlow = 1;  // P(S* >= S): small when B is larger
    double pFast = 1;  // P(S* <= S): small when B is smaller
};
// shift is taken off every B first: the test of the hypothesis "B - A = shift". No blocks: both p 1.
BlockRank blockRank(std::span<const Block> blocks, double shift = 0);

// The values less the median of their block.
struct Aligned {
    std::vector<double> a, b;
};
Aligned align(std::span<const Block> blocks, double shift = 0);

// The Hodges-Lehmann shift: median of all differences of aligned values.
double blockedShift(std::span<const Block> blocks);

// The shifts that the test does not reject at so much per side, by bisection (60 steps). Unbounded where even the most
// extreme order does not reject. (The order-statistic interval covers too little on aligned values.)
Interval blockedInterval(std::span<const Block> blocks, double level);

}  // namespace ridge::statistics
