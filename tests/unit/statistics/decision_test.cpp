// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The rules that make a verdict, each at its edges.
#include "analyzer/statistics/decision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/statistics/vectors.h"

namespace ridge::statistics::test {
namespace {

const Rules kRules;

Evidence evidence(double ratio, double pSlow, double pFast, double low, double high) {
    Evidence e;
    e.baseline = e.candidate = 10;
    e.shift = std::log(ratio);
    e.pSlow = pSlow;
    e.pFast = pFast;
    e.unchanged = e.reported = {std::log(low), std::log(high)};
    return e;
}

TEST(Discoveries, thePublishedVector) {
    const std::vector<double> p{.001, .008, .039, .041, .042, .06, .074, .205, .212, .216};
    const auto rejected = benjaminiHochberg(p, 0.05);
    EXPECT_EQ(std::count(rejected.begin(), rejected.end(), true), 2);
    EXPECT_TRUE(rejected[0] && rejected[1]);
    const auto adjusted = adjustedForDiscoveries(p);
    EXPECT_NEAR(adjusted[0], 0.01, 1e-12);
    EXPECT_NEAR(adjusted[1], 0.04, 1e-12);
    EXPECT_NEAR(adjusted[2], 0.084, 1e-12);  // 10 x .042 / 5
    EXPECT_NEAR(adjusted[9], 0.216, 1e-12);
}

TEST(Discoveries, aLateSmallOneTakesTheEarlierWithIt) {
    EXPECT_EQ(benjaminiHochberg(std::vector<double>{.04, .03, .02}, 0.04), (std::vector<bool>{true, true, true}));
    EXPECT_EQ(benjaminiHochberg(std::vector<double>{.9, .001}, 0.01), (std::vector<bool>{false, true}));
    EXPECT_TRUE(benjaminiHochberg({}, 0.01).empty());
}

TEST(Decision, thePublishedVectorIsFoundAndConfirmed) {
    const Evidence e = evidenceOf(blocksOf(sampleA(), sampleB()), kRules);
    EXPECT_EQ(screened(e, kRules), Direction::kSlower);
    EXPECT_EQ(confirmed(e, Direction::kSlower, 1, kRules), Outcome::kRegressed);
    EXPECT_EQ(decideAtOnce(std::vector<Evidence>{e}, kRules).front(), Outcome::kRegressed);
    const Evidence back = evidenceOf(blocksOf(sampleB(), sampleA()), kRules);
    EXPECT_EQ(screened(back, kRules), Direction::kFaster);
    EXPECT_EQ(confirmed(back, Direction::kFaster, 1, kRules), Outcome::kImproved);
    EXPECT_NEAR(back.shift, -e.shift, 1e-12);
    EXPECT_NEAR(back.reported.low, -e.reported.high, 1e-9);
    EXPECT_EQ(e.baseline, 10U);
}

TEST(Decision, theScreenNeedsBothPAndSize) {
    EXPECT_EQ(screened(evidence(1.021, 0.05, 1, 0.9, 1.2), kRules), Direction::kSlower);
    EXPECT_EQ(screened(evidence(1.019, 0.001, 1, 0.9, 1.2), kRules), Direction::kNone) << "0.4 x 5 % = 2 %";
    EXPECT_EQ(screened(evidence(1.10, 0.051, 1, 0.9, 1.2), kRules), Direction::kNone);
    EXPECT_EQ(screened(evidence(1 / 1.021, 1, 0.05, 0.9, 1.2), kRules), Direction::kFaster);
}

TEST(Decision, confirmationSharesAlphaAmongTheFlagged) {
    const Evidence e = evidence(1.04, 0.002, 1, 0.99, 1.2);  // two-sided: 0.004
    EXPECT_EQ(confirmed(e, Direction::kSlower, 2, kRules), Outcome::kRegressed);
    EXPECT_EQ(confirmed(e, Direction::kSlower, 3, kRules), Outcome::kInconclusive);
    EXPECT_EQ(confirmed(e, Direction::kFaster, 1, kRules), Outcome::kInconclusive) << "only in the direction that was flagged";
    EXPECT_EQ(confirmed(evidence(1.029, 1e-6, 1, 1.01, 1.04), Direction::kSlower, 1, kRules), Outcome::kUnchanged) << "below the floor of 3 %, and known to be";
}

TEST(Decision, unchangedIsForTheWiderIntervalToSay) {
    Evidence e = evidence(1.01, 0.2, 0.8, 0.98, 1.04);
    EXPECT_EQ(confirmed(e, Direction::kSlower, 1, kRules), Outcome::kUnchanged);
    e.unchanged.high = std::log(1.06);
    EXPECT_EQ(confirmed(e, Direction::kSlower, 1, kRules), Outcome::kInconclusive) << "also on fresh blocks";
    EXPECT_EQ(undecided(e, kRules), Outcome::kInconclusive) << "although the 99 % interval is inside";
    EXPECT_EQ(undecided(Evidence{}, kRules), Outcome::kInconclusive) << "an interval that was not computed says nothing";
}

TEST(Decision, unchangedMeansShownToBe) {
    EXPECT_EQ(undecided(evidence(1, 0.5, 0.5, 0.96, 1.049), kRules), Outcome::kUnchanged);
    EXPECT_EQ(undecided(evidence(1, 0.5, 0.5, 0.96, 1.051), kRules), Outcome::kInconclusive);
    EXPECT_EQ(undecided(evidence(1, 0.5, 0.5, 0.95, 1.01), kRules), Outcome::kInconclusive) << "1 / 1.05 is 0.952";
}

// A change of just the smallest effect of interest, by every order that could have been drawn: how many call it unchanged?
TEST(Decision, aChangeOfTheMinimumIsNeverUnchangedInMoreThanHalfAPerMille) {
    std::mt19937_64 random(11);
    std::normal_distribution<double> noise(0, 0.01);
    constexpr std::size_t kBlocks = 5;
    std::array<std::array<double, 4>, kBlocks> values{};
    for (auto& block : values)
        for (double& v : block) v = noise(random);
    constexpr std::array<std::array<std::size_t, 4>, 6> kOrders{{{0, 1, 2, 3}, {0, 2, 1, 3}, {0, 3, 1, 2}, {1, 2, 0, 3}, {1, 3, 0, 2}, {2, 3, 0, 1}}};
    const double edge = std::log1p(kRules.minEffect);
    std::size_t all = 0, unchanged = 0;
    for (std::size_t code = 0; code < 7776; ++code, ++all) {
        std::vector<Block> blocks;
        for (std::size_t i = 0, rest = code; i < kBlocks; ++i, rest /= 6) {
            const auto& o = kOrders[rest % 6];
            blocks.push_back({{values[i][o[0]], values[i][o[1]]}, {values[i][o[2]] + edge, values[i][o[3]] + edge}});
        }
        // The interval's upper end lies below the edge where the test of "slower by the edge" rejects: no need to search it.
        unchanged += blockRank(blocks, edge).pFast <= (1 - kUnchangedLevel) / 2 ? 1 : 0;
    }
    EXPECT_EQ(all, 7776U);
    EXPECT_GT(unchanged, 0U) << "five blocks can say it at all";
    EXPECT_LE(unchanged, 3U) << "0.05 % of 7776";
    EXPECT_FALSE(blockedInterval(std::vector<Block>(4, Block{{0, 0.001}, {0.002, 0.003}}), kUnchangedLevel).bounded()) << "four blocks cannot";
}

TEST(Decision, atOnceCountsEveryMetricOfTheJob) {
    std::vector<Evidence> job(50, evidence(1, 0.5, 0.5, 0.99, 1.01));
    job[7] = evidence(1.06, 1e-3, 1, 1.02, 1.1);
    EXPECT_EQ(decideAtOnce(job, kRules)[7], Outcome::kInconclusive) << "2e-3 is more than 0.01 / 50";
    job[7].pSlow = 5e-5;
    EXPECT_EQ(decideAtOnce(job, kRules)[7], Outcome::kRegressed);
    EXPECT_EQ(decideAtOnce(job, kRules)[8], Outcome::kUnchanged);
}

TEST(Decision, aNoisySampleSaysWhatItCouldHaveFound) {
    std::mt19937_64 random(3);
    std::normal_distribution<double> noise(0, 0.05);
    std::vector<double> a, b;
    for (int i = 0; i < 10; ++i) a.push_back(noise(random)), b.push_back(noise(random));
    const Evidence e = evidenceOf(blocksOf(a, b), kRules);
    EXPECT_EQ(undecided(e, kRules), Outcome::kInconclusive);
    ASSERT_TRUE(e.mde);
    EXPECT_GT(*e.mde, 0.05);
    EXPECT_LT(*e.mde, 0.5);
}

TEST(Decision, sessionsAreTheUnitOfStoredRuns) {
    const auto a = sampleA(), b = sampleB();
    const Evidence e = evidenceOf(a, b, kRules);
    EXPECT_NEAR(e.pSlow, 5.412544e-6, 1e-11);
    EXPECT_NEAR(std::exp(e.reported.low), 1.037587, 5e-7);
    EXPECT_EQ(decideAtOnce(std::vector<Evidence>{e}, kRules).front(), Outcome::kRegressed);
    const Evidence few = evidenceOf(std::span<const double>(a).first(1), std::span<const double>(b).first(1), kRules);
    EXPECT_FALSE(few.mde);
    EXPECT_EQ(decideAtOnce(std::vector<Evidence>{few}, kRules).front(), Outcome::kInconclusive);
}

}  // namespace
}  // namespace ridge::statistics::test
