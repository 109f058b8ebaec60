// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The tests and estimators against the published vector, against values counted by hand, and against brute force.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "analyzer/statistics/block_rank.h"
#include "analyzer/statistics/distributions.h"
#include "analyzer/statistics/effect.h"
#include "analyzer/statistics/mann_whitney.h"
#include "tests/unit/statistics/vectors.h"

namespace ridge::statistics::test {
namespace {

TEST(Ranks, tiesShareTheirMean) {
    EXPECT_EQ(doubledMidranks(std::vector<double>{30, 10, 20, 20, 40}), (std::vector<std::int64_t>{8, 2, 5, 5, 10}));
    EXPECT_EQ(doubledMidranks(std::vector<double>{7, 7, 7}), (std::vector<std::int64_t>{4, 4, 4}));
    EXPECT_TRUE(doubledMidranks({}).empty());
}

TEST(Ranks, medianAndSpread) {
    EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
    EXPECT_EQ(median({4, 1, 3}), 3);
    EXPECT_EQ(median({}), 0);
    EXPECT_EQ(medianAbsoluteDeviation({1, 2, 3, 4, 100}), 1);
}

TEST(Distributions, agreeWithTheTables) {
    EXPECT_NEAR(studentQuantile(0.995, 4), 4.60409487, 1e-7);
    EXPECT_NEAR(studentQuantile(0.995, 9), 3.24983554, 1e-7);
    EXPECT_NEAR(studentQuantile(0.995, 19), 2.86093461, 1e-7);
    EXPECT_NEAR(studentQuantile(0.005, 19), -2.86093461, 1e-7);
    EXPECT_NEAR(normalQuantile(0.995), 2.5758293035, 1e-9);
    EXPECT_NEAR(normalUpperTail(1.959963985), 0.025, 1e-9);
}

TEST(MannWhitney, thePublishedVector) {
    const MannWhitney test = mannWhitney(sampleA(), sampleB());
    EXPECT_EQ(test.doubledU, 200);
    EXPECT_NEAR(test.pGreater, 5.4125e-6, 1e-10);
    EXPECT_NEAR(test.pLess, 1, 1e-12);
    EXPECT_NEAR(test.twoSided(), 2 * 5.412544e-6, 1e-11);
    EXPECT_TRUE(test.exact);
}

// 3 x 2 without ties: C(5,2) = 10 arrangements; U = 5 and 6 are one each.
TEST(MannWhitney, aSampleCountedByHand) {
    const MannWhitney test = mannWhitney(std::vector<double>{1, 2, 4}, std::vector<double>{3, 5});
    EXPECT_EQ(test.doubledU, 10);
    EXPECT_NEAR(test.pGreater, 0.2, 1e-15);
    EXPECT_NEAR(test.pLess, 0.9, 1e-15);
    const std::vector<double> cdf = mannWhitneyCdf(3, 2);  // 1 1 2 2 2 1 1 of ten
    const std::vector<double> expected{0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0};
    ASSERT_EQ(cdf.size(), expected.size());
    for (std::size_t u = 0; u < cdf.size(); ++u) EXPECT_NEAR(cdf[u], expected[u], 1e-15);
}

// Of the 126 choices of four among the nine midranks 14 are at least as large as the one seen (counted by enumeration).
TEST(MannWhitney, tiesAreExactByEnumeration) {
    const MannWhitney test = mannWhitney(std::vector<double>{1, 2, 2, 3, 4}, std::vector<double>{2, 3, 5, 6});
    EXPECT_EQ(test.doubledU, 31);
    EXPECT_NEAR(test.pGreater, 14.0 / 126, 1e-12);
    EXPECT_NEAR(test.pLess, 118.0 / 126, 1e-12);
}

TEST(MannWhitney, randomTiesAgreeWithBruteForce) {
    std::mt19937 random(5);
    for (int round = 0; round < 40; ++round) {
        std::vector<double> all;
        for (int i = 0; i < 8; ++i) all.push_back(static_cast<double>(random() % 5));
        const std::vector<std::int64_t> ranks = doubledMidranks(all);
        const std::int64_t seen = ranks[5] + ranks[6] + ranks[7];
        int atLeast = 0, atMost = 0, choices = 0;
        for (unsigned mask = 0; mask < 256; ++mask) {
            if (__builtin_popcount(mask) != 3) continue;
            std::int64_t sum = 0;
            for (unsigned i = 0; i < 8; ++i)
                if (mask >> i & 1) sum += ranks[i];
            ++choices;
            atLeast += sum >= seen;
            atMost += sum <= seen;
        }
        const std::span<const double> span(all);
        const MannWhitney test = mannWhitney(span.first(5), span.last(3));
        EXPECT_NEAR(test.pGreater, static_cast<double>(atLeast) / choices, 1e-12);
        EXPECT_NEAR(test.pLess, static_cast<double>(atMost) / choices, 1e-12);
    }
}

// scipy.stats.mannwhitneyu(method='asymptotic'), which has the same two corrections.
TEST(MannWhitney, beyondFiftyTheNormalLaw) {
    std::vector<double> x, y, tiedX, tiedY;
    for (int i = 0; i < 60; ++i) {
        x.push_back(i);
        y.push_back(i + 7.5);
        tiedX.push_back(std::nearbyint(i / 3.0));
        tiedY.push_back(std::nearbyint((i + 7) / 3.0));
    }
    EXPECT_FALSE(mannWhitney(x, y).exact);
    EXPECT_NEAR(mannWhitney(x, y).pGreater, 0.01347292809782148, 1e-12);
    EXPECT_NEAR(mannWhitney(tiedX, tiedY).pGreater, 0.019463532300655374, 1e-12);
}

TEST(MannWhitney, nothingAndEqualValues) {
    EXPECT_EQ(mannWhitney({}, std::vector<double>{1}).pGreater, 1);
    const std::vector<double> same(6, 3.0), more(60, 3.0);
    EXPECT_EQ(mannWhitney(same, same).pGreater, 1);
    EXPECT_EQ(mannWhitney(more, more).pLess, 1);
}

TEST(BlockRank, thePublishedVector) {
    const auto blocks = blocksOf(sampleA(), sampleB());
    EXPECT_NEAR(blockRank(blocks).pSlow, 1.28601e-4, 1e-9);
    EXPECT_NEAR(blockRank(blocks).pSlow, std::pow(6.0, -5), 1e-15);
    EXPECT_NEAR(blockRank(blocks).pFast, 1, 1e-12);
    EXPECT_NEAR(std::exp(blockedShift(blocks)), 1.052195, 5e-7);
    const Interval interval = blockedInterval(blocks, 0.99);
    EXPECT_NEAR(std::exp(interval.low), 1.0335, 5e-5);
    EXPECT_NEAR(std::exp(interval.high), 1.0961, 5e-5);
}

// The same numbers from an independent implementation (numpy).
TEST(BlockRank, anUndecidedSample) {
    const std::vector<double> a{0.061228, -0.07667, 0.012543, -0.017033, -0.013579, -0.006468, -0.0606, -0.006958, -0.025956, 0.09969};
    const std::vector<double> b{0.026774, 0.009421, 0.011561, -4.1e-05, -0.011655, 0.008276, 0.034458, 0.012843, 0.048733, 0.014006};
    const auto blocks = blocksOf(a, b);
    EXPECT_NEAR(blockRank(blocks).pSlow, 0.1332304526748971, 1e-12);
    EXPECT_NEAR(blockRank(blocksOf(b, a)).pSlow, 0.8806584362139919, 1e-12);
    EXPECT_NEAR(blockRank(blocks, 0.01).pSlow, 0.28600823045267487, 1e-12);
    EXPECT_NEAR(blockedShift(blocks), 0.014757, 1e-12);
    EXPECT_NEAR(mannWhitney(a, b).pGreater, 0.04460477602892464, 1e-12);
}

// One block {1, 2 | 3, 4}: after the median 2.5 the ranks are 1..4; B has 3 + 4 = 7, one of the six pair sums 3 4 5 5 6 7.
TEST(BlockRank, oneBlockByHand) {
    const std::vector<Block> extreme{{{1, 2}, {3, 4}}};
    EXPECT_NEAR(blockRank(extreme).pSlow, 1.0 / 6, 1e-15);
    EXPECT_NEAR(blockRank(extreme).pFast, 1, 1e-15);
    const std::vector<Block> middle{{{1, 4}, {2, 3}}};  // sum 5: two of six, one above, one more
    EXPECT_NEAR(blockRank(middle).pSlow, 4.0 / 6, 1e-15);
    EXPECT_NEAR(blockRank(middle).pFast, 4.0 / 6, 1e-15);
    const std::vector<Block> equal{{{5, 5}, {5, 5}}};
    EXPECT_NEAR(blockRank(equal).pSlow, 1, 1e-12);
    EXPECT_EQ(blockRank({}).pSlow, 1);
}

TEST(BlockRank, whatAWholeBlockSharesDoesNotMatter) {
    std::vector<Block> blocks = blocksOf(sampleA(), sampleB());
    const double before = blockRank(blocks).pSlow, shift = blockedShift(blocks);
    double drift = 0;
    for (Block& block : blocks) {
        drift += 0.5;
        for (auto* side : {&block.a, &block.b})
            for (double& value : *side) value += drift;
    }
    EXPECT_NEAR(blockRank(blocks).pSlow, before, 1e-15);
    EXPECT_NEAR(blockedShift(blocks), shift, 1e-12);
}

TEST(BlockRank, tooFewBlocksHaveNoInterval) {
    const std::vector<Block> two = blocksOf({1, 2, 3, 4}, {5, 6, 7, 8});
    EXPECT_FALSE(blockedInterval(two, 0.99).bounded());
    const std::vector<Block> three = blocksOf({1, 2, 3, 4, 2, 3}, {5, 6, 7, 8, 6, 7});
    EXPECT_TRUE(blockedInterval(three, 0.99).bounded());
}

// The level of the test, from its own randomisation: heavy tails, drift within the block and outliers are allowed.
TEST(BlockRank, keepsItsLevelUnderUglyNoise) {
    std::mt19937_64 random(11);
    std::normal_distribution<double> normal;
    const int rounds = 4000;
    int rejected = 0;
    for (int round = 0; round < rounds; ++round) {
        std::vector<Block> blocks;
        for (int i = 0; i < 5; ++i) {
            std::array<double, 4> slots{};
            for (std::size_t s = 0; s < 4; ++s) slots[s] = 0.3 * static_cast<double>(s) + std::pow(normal(random), 3) + (random() % 10 == 0 ? 5.0 : 0.0);
            std::array<std::size_t, 4> order{0, 1, 2, 3};
            std::shuffle(order.begin(), order.end(), random);
            blocks.push_back({{slots[order[0]], slots[order[1]]}, {slots[order[2]], slots[order[3]]}});
        }
        rejected += blockRank(blocks).pSlow <= 0.05;
    }
    EXPECT_LE(rejected, rounds * 0.05 + 3 * std::sqrt(rounds * 0.05 * 0.95));
    EXPECT_GE(rejected, rounds * 0.03) << "and is not so cautious that it finds nothing";
}

TEST(Effect, thePublishedVector) {
    const auto a = sampleA(), b = sampleB();
    EXPECT_NEAR(std::exp(hodgesLehmann(a, b)), 1.051473, 5e-7);
    EXPECT_EQ(intervalCut(10, 10, 0.95), 23U);
    EXPECT_EQ(intervalCut(10, 10, 0.99), 16U);
    const Interval i95 = shiftInterval(a, b, 0.95), i99 = shiftInterval(a, b, 0.99);
    EXPECT_NEAR(std::exp(i95.low), 1.043781, 5e-7);
    EXPECT_NEAR(std::exp(i95.high), 1.060302, 5e-7);
    EXPECT_NEAR(std::exp(i99.low), 1.037587, 5e-7);
    EXPECT_NEAR(std::exp(i99.high), 1.084577, 5e-7);
}

TEST(Effect, smallAndLargeSamples) {
    EXPECT_EQ(intervalCut(3, 3, 0.95), std::nullopt) << "1 / 20 is more than 2.5 %";
    EXPECT_EQ(intervalCut(5, 5, 0.95), 2U);
    EXPECT_FALSE(shiftInterval(std::vector<double>{1}, std::vector<double>{2}, 0.95).bounded());
    // The normal law continues where the exact one ends.
    const auto exact = static_cast<double>(*intervalCut(50, 50, 0.99)), normal = static_cast<double>(*intervalCut(51, 50, 0.99));
    EXPECT_NEAR(normal, exact, 30);
    EXPECT_EQ(hodgesLehmann({}, {}), 0);
}

TEST(Effect, theMinimumDetectableOneFollowsTheWidth) {
    // s = 1.2 * 0.0392 / 3.92 = 0.012: 4.6 s = 0.0552 is more than ln 1.03 + 1.65 s = 0.04936.
    EXPECT_NEAR(*minimumDetectableEffect({0, 0.0392}, 0.03), std::expm1(0.0552), 1e-12);
    // s = 0.003: ln 1.03 + 0.00495 is more than 0.0138.
    EXPECT_NEAR(*minimumDetectableEffect({0, 0.0098}, 0.03), 1.03 * std::exp(0.00495) - 1, 1e-12);
    EXPECT_FALSE(minimumDetectableEffect(shiftInterval(std::vector<double>{1}, std::vector<double>{2}, 0.95), 0.03));
}

}  // namespace
}  // namespace ridge::statistics::test
