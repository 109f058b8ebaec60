// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Gate, rank scan, confirmation and energy split on histories made by hand.
#include "analyzer/statistics/change_points.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <algorithm>
#include <random>
#include <vector>

#include "analyzer/statistics/distributions.h"

namespace ridge::statistics::test {
namespace {

// Points that go up and down by so much around a level.
std::vector<double> wave(std::size_t n, double level, double amplitude) {
    std::vector<double> points;
    for (std::size_t i = 0; i < n; ++i) points.push_back(level + amplitude * (static_cast<double>((i * 7) % 5) - 2) / 2);
    return points;
}

// Deviations 0, .002, .002, .001, .001 around 0: MAD .001 (the middle one of the five).
TEST(Gate, limitByHand) {
    const std::vector<double> history{0.1, 0.102, 0.098, 0.101, 0.099};
    const auto g = gate(history, 0.131);
    ASSERT_TRUE(g);
    EXPECT_NEAR(g->centre, 0.1, 1e-15);
    EXPECT_NEAR(g->limit, std::log(1.03), 1e-15) << "t 4.604 x 1.4826 x .001 x sqrt(1.314) = .0078 is below the floor";
    EXPECT_TRUE(g->suspect);
    EXPECT_FALSE(gate(history, 0.1 + std::log(1.029))->suspect);
    std::vector<double> noisy;
    for (const double x : history) noisy.push_back(10 * x);
    EXPECT_NEAR(gate(noisy, 0)->limit, studentQuantile(0.995, 4) * 1.4826 * 0.01 * std::sqrt(1 + 1.57 / 5), 1e-12);
    EXPECT_FALSE(gate(std::vector<double>{1, 2, 3, 4}, 9)) << "too short a history";
}

TEST(Gate, looksAtTheLastTwentyAlone) {
    std::vector<double> history(30, 5.0);
    const auto late = wave(20, 1, 0.01);
    history.insert(history.end(), late.begin(), late.end());
    const auto g = gate(history, 1.2);
    EXPECT_EQ(g->points, 20U);
    EXPECT_NEAR(g->centre, 1, 1e-12);
    EXPECT_TRUE(g->suspect);
    EXPECT_FALSE(gate(history, 0.5)->suspect) << "faster is no suspect";
}

// 30 points, the last six above all others: Z_6 = (sum of 25..30 - 6 x 31 / 2) / sqrt(6 x 24 x 31 / 12) = 72 / 19.287.
TEST(RankScan, aStepByHand) {
    std::vector<double> points = wave(24, 1, 0.005);
    for (std::size_t i = 0; i < points.size(); ++i) points[i] += 1e-6 * static_cast<double>(i % 3);
    for (int i = 0; i < 6; ++i) points.push_back(1.05 + 0.001 * i);
    const auto scan = rankScan(points);
    ASSERT_TRUE(scan);
    EXPECT_EQ(scan->after, 6U);
    EXPECT_NEAR(scan->z, 72 / std::sqrt(6.0 * 24 * 31 / 12), 1e-9);
    EXPECT_NEAR(scan->critical, 3.82, 1e-12) << "of the next larger n in the table";
    EXPECT_FALSE(scan->change) << "3.733 is below it: one more point is needed";
    points.push_back(1.055);
    const auto next = rankScan(points);
    EXPECT_EQ(next->after, 7U);
    EXPECT_TRUE(next->change);
    EXPECT_TRUE(next->worse);
    EXPECT_NEAR(next->shift, 0.0525, 0.005);
}

TEST(RankScan, improvementsSpikesAndSmallSteps) {
    std::vector<double> better = wave(30, 1, 0.005);
    for (int i = 0; i < 10; ++i) better.push_back(0.9 + 0.001 * i);
    EXPECT_TRUE(rankScan(better)->change);
    EXPECT_FALSE(rankScan(better)->worse);
    std::vector<double> spike = wave(39, 1, 0.005);
    spike.push_back(3);
    EXPECT_FALSE(rankScan(spike)->change) << "one point is no level";
    std::vector<double> small = wave(30, 1, 0.001);
    for (int i = 0; i < 10; ++i) small.push_back(1.01 + 0.0001 * i);
    EXPECT_GT(rankScan(small)->z, rankScan(small)->critical);
    EXPECT_FALSE(rankScan(small)->change) << "1 % is below the floor";
    EXPECT_FALSE(rankScan(wave(19, 1, 0.1)));
    EXPECT_FALSE(rankScan(std::vector<double>(40, 2.0))->change);
}

// The table, from its definition: one random order in ten thousand exceeds it.
TEST(RankScan, criticalValuesHoldOnRandomOrders) {
    std::mt19937_64 random(17);
    std::vector<double> points(20);
    std::iota(points.begin(), points.end(), 0.0);
    int beyond = 0;
    const int rounds = 50000;
    for (int i = 0; i < rounds; ++i) {
        std::shuffle(points.begin(), points.end(), random);
        beyond += largestZ(points) > scanCritical(20, false);
    }
    EXPECT_NEAR(beyond, rounds * 1e-3, 4 * std::sqrt(rounds * 1e-3));
    EXPECT_EQ(scanCritical(21), 3.63);
    EXPECT_EQ(scanCritical(500), 3.99);
}

TEST(FreshSessions, fiveOfThemDecide) {
    const std::vector<double> history = wave(40, 1, 0.01);
    const std::vector<double> slow{1.05, 1.06, 1.055, 1.052, 1.058};
    const FreshTest test = freshTest(history, slow, 0.01);
    EXPECT_TRUE(test.confirmed);
    EXPECT_NEAR(test.p, 1.0 / 53130, 1e-9) << "1 / C(25, 5)";
    EXPECT_FALSE(freshTest(history, std::vector<double>(slow.begin(), slow.end() - 1), 0.01).confirmed) << "four are too few";
    EXPECT_FALSE(freshTest(history, wave(5, 1.015, 0.001), 0.01).confirmed) << "1.5 % is below the floor";
    EXPECT_FALSE(freshTest(history, wave(5, 0.9, 0.001), 0.01).confirmed);
    EXPECT_TRUE(freshTest(history, wave(5, 0.9, 0.001), 0.01, false).confirmed);
}

TEST(EnergySplit, findsTheStep) {
    std::vector<double> points = wave(20, 1, 0.01);
    const auto after = wave(12, 1.06, 0.01);
    points.insert(points.end(), after.begin(), after.end());
    const auto split = energySplit(points, 1, 199);
    ASSERT_TRUE(split);
    EXPECT_EQ(split->after, 12U);
    EXPECT_NEAR(split->p, 1.0 / 200, 1e-12) << "no permutation has as much";
    EXPECT_GT(energySplit(wave(32, 1, 0.01), 1, 199)->p, 0.02);
    EXPECT_FALSE(energySplit(std::vector<double>(5, 1.0), 1));
}

// Four points and four others at distance 1: E|X-Y| = 1, within 0; Q = 16 / 8 x 2 = 4.
TEST(EnergySplit, statisticByHand) {
    const auto split = energySplit(std::vector<double>{0, 0, 0, 0, 1, 1, 1, 1}, 1, 9);
    EXPECT_NEAR(split->q, 4, 1e-12);
}

}  // namespace
}  // namespace ridge::statistics::test
