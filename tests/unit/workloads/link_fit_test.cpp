// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/formulas/efficiency.h"
#include "workloads/formulas/link_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace ridge::workloads::formulas {
namespace {

TEST(LinkFit, FindsAnExactLineAgain) {
    std::vector<LinkSample> samples;
    for (double bytes = 8; bytes <= 1 << 24; bytes *= 2)
        samples.push_back({bytes, 2e-6 + bytes / 5e9});
    const auto fit = fitLink(samples);
    ASSERT_TRUE(fit);
    EXPECT_NEAR(fit->alpha.value, 2e-6, 1e-15);
    EXPECT_NEAR(fit->beta.value, 5e9, 1);
    EXPECT_NEAR(fit->kneeBytes.value, 1e4, 1e-3);
    EXPECT_NEAR(fit->alpha.high, fit->alpha.low, 1e-12);
    EXPECT_LT(fit->worstResidual, 1e-9);
}

// Weights 1, 1/4, 1/4 by hand: slope 4/7, alpha 22/21, relative residuals -1/21, 4/21, -2/21.
TEST(LinkFit, ThreePointsByHand) {
    const std::vector<LinkSample> samples{{0, 1}, {1, 2}, {2, 2}};
    const auto fit = fitLink(samples);
    ASSERT_TRUE(fit);
    EXPECT_NEAR(fit->alpha.value, 22.0 / 21, 1e-12);
    EXPECT_NEAR(fit->beta.value, 7.0 / 4, 1e-12);
    EXPECT_NEAR(fit->kneeBytes.value, 11.0 / 6, 1e-12);
    EXPECT_NEAR(fit->worstResidual, 4.0 / 21, 1e-12);
    // Variance 1/21 with one degree of freedom; var(alpha) = 1/21 * 1.25 / 1.3125.
    const double half = 12.706 * std::sqrt(1.0 / 21 * 1.25 / 1.3125);
    EXPECT_NEAR(fit->alpha.low, 22.0 / 21 - half, 1e-9);
    EXPECT_NEAR(fit->alpha.high, 22.0 / 21 + half, 1e-9);
    EXPECT_TRUE(std::isinf(fit->beta.high));  // so few points do not exclude a slope of 0
}

TEST(LinkFit, TheIntervalHoldsTheTruthAboutAsOftenAsItSays) {
    std::mt19937_64 random(20261);
    std::normal_distribution<double> noise(0, 0.05);
    constexpr int kRounds = 1000;
    int alphaIn = 0, betaIn = 0;
    for (int round = 0; round < kRounds; ++round) {
        std::vector<LinkSample> samples;
        for (double bytes = 8; bytes <= 1 << 24; bytes *= 2)
            samples.push_back({bytes, (5e-6 + bytes / 2e9) * (1 + noise(random))});
        const auto fit = fitLink(samples);
        ASSERT_TRUE(fit);
        alphaIn += fit->alpha.low <= 5e-6 && 5e-6 <= fit->alpha.high ? 1 : 0;
        betaIn += fit->beta.low <= 2e9 && 2e9 <= fit->beta.high ? 1 : 0;
    }
    EXPECT_GT(alphaIn, kRounds * 92 / 100);
    EXPECT_GT(betaIn, kRounds * 92 / 100);
    EXPECT_LT(alphaIn, kRounds * 98 / 100);
    EXPECT_LT(betaIn, kRounds * 98 / 100);
}

TEST(LinkFit, WhatIsNoLineIsNoFit) {
    EXPECT_FALSE(fitLink({}));
    EXPECT_FALSE(fitLink(std::vector<LinkSample>{{1, 1}, {2, 2}}));
    EXPECT_FALSE(fitLink(std::vector<LinkSample>{{1, 1}, {1, 1}, {1, 1}}));
    EXPECT_FALSE(fitLink(std::vector<LinkSample>{{1, 3}, {2, 2}, {3, 1}}));
    EXPECT_FALSE(fitLink(std::vector<LinkSample>{{1, 1}, {2, 0}, {3, 1}}));
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_FALSE(fitLink(std::vector<LinkSample>{{1, 1}, {2, nan}, {3, 1}}));
}

TEST(LinkFit, StudentsQuantiles) {
    EXPECT_NEAR(studentQuantile975(1), 12.706, 1e-3);
    EXPECT_NEAR(studentQuantile975(11), 2.201, 1e-3);
    EXPECT_NEAR(studentQuantile975(20), 2.086, 1e-3);
    EXPECT_NEAR(studentQuantile975(1000000), 1.960, 1e-3);
}

TEST(StorageLaws, ByHand) {
    EXPECT_DOUBLE_EQ(loaderStall(8.0, 11.0, 1.0), 0.2);
    EXPECT_DOUBLE_EQ(synchronousStall(0.1, 0.5, 0.2), 0.8);
    EXPECT_DOUBLE_EQ(checkpointOverhead(0.8, 16.0), 0.05);
}

}  // namespace
}  // namespace ridge::workloads::formulas
