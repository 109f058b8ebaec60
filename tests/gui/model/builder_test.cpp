// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/lane_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "random_lane.h"

namespace ridge::gui {
namespace {

using test::colours;

void expectDisjoint(const LaneBuilder::Built& built) {
    for (const auto& lane : built.lanes)
        for (std::size_t i = 1; i < lane->size(); ++i) ASSERT_LE(lane->end(i - 1), lane->start(i));
}

TEST(LaneBuilder, NestsByDepthWhateverTheOrder) {
    LaneBuilder builder(Layout::kNested);
    builder.add(20, 30, 2, 3);
    builder.add(0, 100, 0, 1);
    builder.add(25, 28, 3, 4);
    builder.add(5, 15, 1, 2);
    const auto built = builder.build(colours(), 100, true);
    ASSERT_EQ(built.lanes.size(), 3U);
    EXPECT_EQ(built.lanes[0]->size(), 1U);
    EXPECT_EQ(built.lanes[1]->size(), 2U);
    EXPECT_EQ(built.lanes[2]->row(0), 4U);
    EXPECT_EQ(builder.dropped(), 0U);
}

TEST(LaneBuilder, ChildStaysBelowItsParentAfterItsGrandparentEnded) {
    LaneBuilder builder(Layout::kNested);
    builder.add(0, 10, 0, 1);
    builder.add(5, 15, 0, 2);
    builder.add(11, 12, 0, 3);
    const auto built = builder.build(colours(), 20, true);
    expectDisjoint(built);
    ASSERT_EQ(built.lanes.size(), 3U);
    EXPECT_EQ(built.lanes[2]->row(0), 3U);
}

TEST(LaneBuilder, FirstFitUsesTheFirstFreeLane) {
    LaneBuilder builder(Layout::kFirstFit);
    builder.add(0, 10, 0, 1, 7);
    builder.add(5, 15, 0, 2, 8);
    builder.add(11, 12, 0, 3, 9);
    const auto built = builder.build(colours(), 20, true);
    ASSERT_EQ(built.lanes.size(), 2U);
    EXPECT_EQ(built.lanes[0]->size(), 2U);
    ASSERT_EQ(built.correlations.size(), 2U);
    EXPECT_EQ(built.correlations[0], (std::vector<std::uint32_t>{7, 9}));
    EXPECT_EQ(built.correlations[1], (std::vector<std::uint32_t>{8}));
}

TEST(LaneBuilder, ClosesOpenRangesAtTheLastTimeOfEachBuild) {
    LaneBuilder builder(Layout::kNested);
    builder.add(0, kOpenEnd, 0, 1);
    builder.add(1, 2, 0, 2);
    EXPECT_EQ(builder.build(colours(), 50, false).lanes[0]->end(0), 50);
    builder.add(60, 70, 0, 3);
    const auto built = builder.build(colours(), 70, true);
    EXPECT_EQ(built.lanes[0]->end(0), 70);
    EXPECT_EQ(built.lanes[1]->size(), 2U);
}

TEST(LaneBuilder, CountsWhatNestsTooDeep) {
    LaneBuilder builder(Layout::kNested);
    for (Ns i = 0; i < 100; ++i) builder.add(i, 1000 - i, 0, 0);
    const auto built = builder.build(colours(), 1000, true);
    EXPECT_EQ(built.lanes.size(), kMostLanes);
    EXPECT_EQ(builder.dropped(), 100 - kMostLanes);
}

TEST(LaneBuilder, KeepsEveryEventOfRandomOverlaps) {
    for (std::uint64_t seed = 1; seed < 9; ++seed) {
        for (const Layout layout : {Layout::kNested, Layout::kFirstFit}) {
            std::mt19937_64 random(seed);
            LaneBuilder builder(layout);
            std::map<std::uint32_t, std::pair<Ns, Ns>> want;
            for (std::uint32_t row = 1; row <= 3000; ++row) {
                const Ns start = static_cast<Ns>(random() % 1'000'000), end = start + static_cast<Ns>(random() % 3000);
                builder.add(start, end, row % 8, row);
                want[row] = {start, end};
            }
            const auto built = builder.build(colours(), 2'000'000, true);
            expectDisjoint(built);
            std::size_t have = builder.dropped();
            for (const auto& lane : built.lanes)
                for (std::size_t i = 0; i < lane->size(); ++i, ++have)
                    ASSERT_EQ((std::pair{lane->start(i), lane->end(i)}), want[lane->row(i)]);
            EXPECT_EQ(have, want.size()) << "seed " << seed;
            EXPECT_EQ(builder.dropped(), 0U);
        }
    }
}

}  // namespace
}  // namespace ridge::gui
