// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/lane_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "gui/model/query.h"
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

// A recorder writes a scope when it ends: children come before their parents.
TEST(LaneBuilder, TakesScopesInTheOrderOfTheirEnds) {
    std::mt19937_64 random(5);
    struct Scope {
        Ns start, end;
        std::uint32_t row;
    };
    std::vector<Scope> byEnd;
    std::uint32_t row = 0;
    Ns at = 0;
    const std::function<void(int)> open = [&](int depth) {
        const Ns start = ++at;
        for (int child = 0; child < (depth < 4 ? static_cast<int>(random() % 6) : 0); ++child) open(depth + 1);
        at += 1 + static_cast<Ns>(random() % 50);
        byEnd.push_back({start, at, ++row});
    };
    for (int i = 0; i < 200; ++i) open(0);
    LaneBuilder inOrder(Layout::kNested), asEnded(Layout::kNested);
    for (const Scope& s : byEnd) asEnded.add(s.start, s.end, 0, s.row);
    EXPECT_TRUE(asEnded.keepsEvents());
    std::sort(byEnd.begin(), byEnd.end(), [](const Scope& a, const Scope& b) { return a.start < b.start; });
    for (const Scope& s : byEnd) inOrder.add(s.start, s.end, 0, s.row);
    EXPECT_FALSE(inOrder.keepsEvents());
    const auto a = inOrder.build(colours(), at, true), b = asEnded.build(colours(), at, true);
    ASSERT_EQ(a.lanes.size(), b.lanes.size());
    for (std::size_t d = 0; d < a.lanes.size(); ++d) {
        ASSERT_EQ(a.lanes[d]->size(), b.lanes[d]->size());
        for (std::size_t i = 0; i < a.lanes[d]->size(); ++i) {
            ASSERT_EQ(a.lanes[d]->row(i), b.lanes[d]->row(i));
            ASSERT_EQ(a.lanes[d]->end(i), b.lanes[d]->end(i));
        }
    }
}

TEST(LaneBuilder, KeepsCorrelationsWhenTheOrderBreaks) {
    LaneBuilder builder(Layout::kFirstFit);
    builder.add(10, 20, 0, 1);
    builder.add(30, 40, 0, 2, 77);
    builder.add(50, kOpenEnd, 0, 3, 78);
    EXPECT_EQ(builder.build(colours(), 60, false).lanes[0]->size(), 3U);
    builder.add(0, 5, 0, 4, 76);
    const auto built = builder.build(colours(), 90, true);
    ASSERT_EQ(built.lanes.size(), 1U);
    EXPECT_EQ(built.correlations[0], (std::vector<std::uint32_t>{76, 0, 77, 78}));
    EXPECT_EQ(built.lanes[0]->end(3), 90);
}

TEST(LaneBuilder, SortsOnceWhenTooMuchWouldBeMoved) {
    std::mt19937_64 random(9);
    LaneBuilder builder(Layout::kFirstFit);
    std::vector<Ns> starts;
    for (std::uint32_t row = 1; row <= 60'000; ++row) {
        starts.push_back(static_cast<Ns>(random() % 1'000'000'000) * 10);
        builder.add(starts.back(), starts.back() + 1, 0, row);
    }
    std::sort(starts.begin(), starts.end());
    const auto built = builder.build(colours(), 0, true);
    std::vector<Ns> have;
    for (const auto& lane : built.lanes) have.insert(have.end(), lane->starts().begin(), lane->starts().end());
    std::sort(have.begin(), have.end());
    EXPECT_EQ(have, starts);
}

TEST(Lane, ShiftedAnswersAsIfItHadBeenBuiltThere) {
    const Ns by = 123'456'789;
    Lane here, there;
    std::mt19937_64 random(3);
    Ns at = 0;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        const Ns start = at + static_cast<Ns>(random() % 900);
        at = start + 1 + static_cast<Ns>(random() % 900);
        here.append(start, at, i % 8, i);
        there.append(start + by, at + by, i % 8, i);
    }
    here.build(colours());
    there.build(colours());
    const auto moved = here.shifted(by);
    for (const double nsPerPx : {20.0, 900.0, 40'000.0}) {
        std::vector<ridge::gui::Run> a, b;
        const View view{by + 1000, nsPerPx, 500};
        queryLane(there, colours(), view, a);
        queryLane(*moved, colours(), view, b);
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t i = 0; i < a.size(); ++i) {
            EXPECT_EQ(a[i].slice, b[i].slice);
            EXPECT_EQ(a[i].busy, b[i].busy);
        }
    }
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
