// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What so many sessions can decide: counted by hand, and against the test itself.
#include "analyzer/statistics/power.h"

#include "analyzer/statistics/decision.h"

#include <gtest/gtest.h>

#include <vector>

namespace ridge::statistics {
namespace {

TEST(Power, TheSmallestPIsThatOfSidesThatLieApart) {
    EXPECT_DOUBLE_EQ(leastTwoSidedP(5, 5), 2.0 / 252);
    EXPECT_DOUBLE_EQ(leastTwoSidedP(20, 5), 2.0 / 53130);
    EXPECT_DOUBLE_EQ(leastTwoSidedP(5, 20), leastTwoSidedP(20, 5));
    EXPECT_DOUBLE_EQ(leastTwoSidedP(0, 5), 1);
    EXPECT_DOUBLE_EQ(leastTwoSidedP(1, 1), 1);
    for (std::size_t n = 5; n < 12; ++n)
        for (std::size_t m = 5; m < 9; ++m) {
            std::vector<double> a, b;
            for (std::size_t i = 0; i < n; ++i) a.push_back(0.001 * static_cast<double>(i));
            for (std::size_t i = 0; i < m; ++i) b.push_back(1 + 0.001 * static_cast<double>(i));
            EXPECT_NEAR(evidenceOf(a, b, {}, Intervals::kNo).twoSided() / leastTwoSidedP(n, m), 1,
                        1e-9)
                << n << " x " << m;
        }
}

TEST(Power, WhatSufficesIsTheLeastThatDoes) {
    EXPECT_EQ(mostMetrics(5, 5, 0.01), 1U);
    EXPECT_FALSE(canAccuseOne(5, 5, 14, 0.01));
    EXPECT_EQ(leastBaseline(5, 14, 0.01), 10U) << "C(15, 5) = 3003, and 2 * 14 / 0.01 = 2800";
    EXPECT_EQ(mostMetrics(10, 5, 0.01), 15U);
    EXPECT_EQ(mostMetrics(4, 4, 0.01), 0U);
    EXPECT_EQ(mostMetrics(1000, 1000, 0.01), 1'000'000'000U) << "and no overflow";
    for (const std::size_t metrics : {1, 2, 7, 50, 300, 5000})
        for (const double alpha : {0.2, 0.01, 1e-6}) {
            const auto n = leastBaseline(5, metrics, alpha);
            ASSERT_TRUE(n);
            EXPECT_TRUE(canAccuseOne(*n, 5, metrics, alpha));
            EXPECT_TRUE(*n == 1 || !canAccuseOne(*n - 1, 5, metrics, alpha));
        }
    EXPECT_FALSE(leastBaseline(1, 100'000, 0.01)) << "one session decides nothing";
}

TEST(Power, TheTableOfTheReadme) {
    std::vector<std::size_t> table;
    for (const std::size_t metrics : {1, 5, 14, 50, 200, 500})
        table.push_back(leastBaseline(5, metrics, 0.01).value_or(0));
    EXPECT_EQ(table, (std::vector<std::size_t>{5, 8, 10, 14, 19, 24}));
    EXPECT_FALSE(canAccuseOne(5, 5, 2, 0.01));
}

// What the note promises holds: one metric of k that lies apart is accused with so many, and not
// with one fewer.
TEST(Power, DecidingAtOnceAgrees) {
    constexpr std::size_t kMetrics = 14, kCandidate = 5;
    const auto enough = leastBaseline(kCandidate, kMetrics, 0.01);
    ASSERT_TRUE(enough);
    for (const std::size_t n : {*enough, *enough - 1}) {
        std::vector<Evidence> all;
        for (std::size_t k = 0; k < kMetrics; ++k) {
            std::vector<double> a, b;
            for (std::size_t i = 0; i < n; ++i) a.push_back(0.001 * static_cast<double>(i));
            for (std::size_t i = 0; i < kCandidate; ++i)
                b.push_back(k == 0 ? 1 + 0.001 * static_cast<double>(i)
                                   : 0.002 * static_cast<double>(i));
            all.push_back(evidenceOf(a, b, {}, Intervals::kNo));
        }
        EXPECT_EQ(decideAtOnce(all, {}).front() == Outcome::kRegressed, n == *enough) << n;
    }
}

}  // namespace
}  // namespace ridge::statistics
