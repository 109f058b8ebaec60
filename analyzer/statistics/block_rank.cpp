// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/statistics/block_rank.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analyzer/statistics/effect.h"

namespace ridge::statistics {
namespace {

constexpr int kBisections = 60;
constexpr std::size_t kRuns = 4;  // of a block

// The six ways to call two of four runs B, as sums of their doubled ranks.
std::array<std::size_t, 6> pairSums(const std::int64_t* ranks) {
    std::array<std::size_t, 6> sums{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < kRuns; ++i)
        for (std::size_t j = i + 1; j < kRuns; ++j) sums[at++] = static_cast<std::size_t>(ranks[i] + ranks[j]);
    return sums;
}

// Where p(shift) passes the level between a shift that is rejected and one that is not.
template <typename Rejected>
double boundary(double rejectedAt, double keptAt, Rejected rejected) {
    for (int i = 0; i < kBisections; ++i) {
        const double middle = rejectedAt + (keptAt - rejectedAt) / 2;
        (rejected(middle) ? rejectedAt : keptAt) = middle;
    }
    return keptAt;
}

}  // namespace

Aligned align(std::span<const Block> blocks, double shift) {
    Aligned aligned;
    for (const Block& block : blocks) {
        const std::array<double, kRuns> values{block.a[0], block.a[1], block.b[0] - shift, block.b[1] - shift};
        std::array<double, kRuns> sorted = values;
        std::sort(sorted.begin(), sorted.end());
        const double centre = (sorted[1] + sorted[2]) / 2;
        aligned.a.insert(aligned.a.end(), {values[0] - centre, values[1] - centre});
        aligned.b.insert(aligned.b.end(), {values[2] - centre, values[3] - centre});
    }
    return aligned;
}

BlockRank blockRank(std::span<const Block> blocks, double shift) {
    if (blocks.empty()) return {};
    const Aligned aligned = align(blocks, shift);
    std::vector<double> values;  // block by block: a, a, b, b
    for (std::size_t i = 0; i < aligned.a.size(); i += 2)
        values.insert(values.end(), {aligned.a[i], aligned.a[i + 1], aligned.b[i], aligned.b[i + 1]});
    const std::vector<std::int64_t> ranks = doubledMidranks(values);
    const auto top = static_cast<std::size_t>(std::accumulate(ranks.begin(), ranks.end(), std::int64_t{0}));
    std::vector<double> shares(top + 1, 0.0), next(top + 1);
    shares[0] = 1;
    std::size_t observed = 0, reach = 0;
    for (std::size_t i = 0; i < ranks.size(); i += kRuns) {
        const auto sums = pairSums(&ranks[i]);
        observed += sums[5];  // the third and fourth are B
        std::fill(next.begin(), next.end(), 0.0);
        for (std::size_t s = 0; s <= reach; ++s)
            if (shares[s] > 0)
                for (const std::size_t sum : sums) next[s + sum] += shares[s] / static_cast<double>(sums.size());
        reach += *std::max_element(sums.begin(), sums.end());
        std::swap(shares, next);
    }
    BlockRank result{0, 0};
    for (std::size_t s = 0; s <= reach; ++s) {
        if (s >= observed) result.pSlow += shares[s];
        if (s <= observed) result.pFast += shares[s];
    }
    return {std::min(1.0, result.pSlow), std::min(1.0, result.pFast)};
}

double blockedShift(std::span<const Block> blocks) {
    const Aligned aligned = align(blocks);
    return hodgesLehmann(aligned.a, aligned.b);
}

Interval blockedInterval(std::span<const Block> blocks, double level) {
    const double side = (1 - level) / 2;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (blocks.empty() || std::pow(6.0, -static_cast<double>(blocks.size())) > side) return {-kInfinity, kInfinity};
    // Beyond every difference within a block the order is the most extreme one, and rejected.
    double least = kInfinity, most = -kInfinity;
    for (const Block& block : blocks)
        for (const double a : block.a)
            for (const double b : block.b) {
                least = std::min(least, b - a);
                most = std::max(most, b - a);
            }
    const double margin = 1e-6 + (most - least);
    const double centre = blockedShift(blocks);
    const double low = boundary(least - margin, centre, [&](double d) { return blockRank(blocks, d).pSlow <= side; });
    const double high = boundary(most + margin, centre, [&](double d) { return blockRank(blocks, d).pFast <= side; });
    return {low, high};
}

}  // namespace ridge::statistics
