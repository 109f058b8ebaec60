// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <gtest/gtest.h>

#include "random_lane.h"

namespace ridge::gui {
namespace {

using test::randomLane;

class LaneSeeds : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Random, LaneSeeds, testing::Range<std::uint64_t>(1, 9));

TEST_P(LaneSeeds, BusyAndLongestEqualBruteForce) {
    std::mt19937_64 random(GetParam());
    const std::size_t n = 1 + random() % 6000;
    const Lane lane = randomLane(random, n, {5, 2, 4, 2, 0.05, 0.001});
    for (int k = 0; k < 400; ++k) {
        const std::size_t from = random() % n, to = from + 1 + random() % (n - from);
        Ns busy = 0;
        std::size_t longest = from;
        for (std::size_t i = from; i < to; ++i) {
            busy += lane.duration(i);
            if (lane.duration(i) > lane.duration(longest)) longest = i;
        }
        ASSERT_EQ(lane.index().busy(lane, from, to), busy) << from << " " << to;
        ASSERT_EQ(lane.index().longest(lane, from, to), longest) << from << " " << to;
    }
}

TEST_P(LaneSeeds, HitAndRangeEqualBruteForce) {
    std::mt19937_64 random(GetParam() + 100);
    const Lane lane = randomLane(random, 1 + random() % 3000);
    const Ns first = lane.start(0), last = lane.end(lane.size() - 1);
    for (int k = 0; k < 300; ++k) {
        const Ns t = first - 10 + static_cast<Ns>(random() % static_cast<std::uint64_t>(last - first + 20));
        std::uint32_t hit = kNoSlice;
        for (std::size_t i = 0; i < lane.size(); ++i)
            if (lane.start(i) <= t && t < lane.end(i)) hit = static_cast<std::uint32_t>(i);
        ASSERT_EQ(lane.sliceAt(t), hit);
        const Ns u = t + static_cast<Ns>(random() % static_cast<std::uint64_t>(last - first + 1));
        const auto [from, to] = lane.touching(t, u);
        for (std::size_t i = 0; i < lane.size(); ++i) {
            const bool touches = lane.start(i) < u && (lane.end(i) > t || lane.start(i) >= t);
            ASSERT_EQ(touches, i >= from && i < to) << i;
        }
    }
}

TEST(Lane, KeepsDurationsBeyondThirtyTwoBits) {
    Lane lane;
    lane.append(0, 10, 0, 1);
    lane.append(10, 10 + Ns{0xFFFFFFFF}, 1, 2);
    lane.append(20'000'000'000, 20'000'000'000 + (Ns{1} << 50), 2, 3);
    lane.build(test::colours());
    EXPECT_EQ(lane.duration(0), 10);
    EXPECT_EQ(lane.duration(1), Ns{0xFFFFFFFF});
    EXPECT_EQ(lane.duration(2), Ns{1} << 50);
    EXPECT_EQ(lane.index().busy(lane, 0, 3), 10 + Ns{0xFFFFFFFF} + (Ns{1} << 50));
    EXPECT_EQ(lane.index().longest(lane, 0, 3), 2U);
    EXPECT_EQ(lane.sliceAt((Ns{1} << 49)), 2U);
}

TEST(Lane, ClipsWhatOverlapsAndRefusesWhatIsCovered) {
    Lane lane;
    EXPECT_TRUE(lane.append(0, 10, 0, 0));
    EXPECT_TRUE(lane.append(5, 15, 0, 0));
    EXPECT_FALSE(lane.append(3, 12, 0, 0));
    EXPECT_FALSE(lane.append(20, 19, 0, 0));
    ASSERT_EQ(lane.size(), 2U);
    EXPECT_EQ(lane.start(1), 10);
    EXPECT_EQ(lane.end(1), 15);
}

TEST(Lane, StaysWithinTheMemoryAimOf24BytesASlice) {
    std::mt19937_64 random(5);
    const Lane lane = randomLane(random, 300'000, {9, 1.4, 7.5, 1.8, 0, 0});
    EXPECT_LE(static_cast<double>(lane.bytes()) / static_cast<double>(lane.size()), 24.0);
}

TEST(Lane, EmptyAnswersEverything) {
    Lane lane;
    lane.build(test::colours());
    EXPECT_EQ(lane.sliceAt(0), kNoSlice);
    EXPECT_EQ(lane.touching(0, 10), (std::pair<std::size_t, std::size_t>{0, 0}));
}

}  // namespace
}  // namespace ridge::gui
