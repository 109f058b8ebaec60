// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/query.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gui/model/counter.h"
#include "random_lane.h"

namespace ridge::gui {
namespace {

using test::colours;
using test::randomLane;

// Covered share of [from, to) in px, slice by slice.
double coverage(const Lane& lane, const View& view, double from, double to) {
    double sum = 0;
    for (std::size_t i = 0; i < lane.size(); ++i)
        sum += std::max(0.0, std::min(to, view.x(lane.end(i))) - std::max(from, view.x(lane.start(i))));
    return sum / (to - from);
}

View randomView(std::mt19937_64& random, const Lane& lane, int width) {
    const double first = static_cast<double>(lane.start(0)), last = static_cast<double>(lane.end(lane.size() - 1));
    const double zoom = std::pow(10.0, -4.0 * (static_cast<double>(random() % 1000) / 1000));
    const double span = std::max(2.0, (last - first) * zoom * 1.1);
    View view;
    view.width = width;
    view.nsPerPx = span / width;
    view.start = static_cast<Ns>(first - span * 0.05 + (last - first) * (static_cast<double>(random() % 1000) / 1000) * (1 - zoom));
    return view;
}

class QuerySeeds : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Random, QuerySeeds, testing::Range<std::uint64_t>(1, 13));

TEST_P(QuerySeeds, CountsAddUpAndRunsFitTheWidth) {
    std::mt19937_64 random(GetParam());
    const Lane lane = randomLane(random, 1 + random() % 4000);
    for (int k = 0; k < 60; ++k) {
        const View view = randomView(random, lane, 200);
        std::vector<gui::Run> runs;
        queryIndex(lane, colours(), view, runs);
        ASSERT_LE(runs.size(), static_cast<std::size_t>(view.width) + 2);
        const Ns end = view.start + static_cast<Ns>(std::ceil(view.nsPerPx * view.width));
        std::size_t want = 0;
        for (std::size_t i = 0; i < lane.size(); ++i)
            want += lane.start(i) < end && (lane.start(i) >= view.start || lane.end(i) > view.start) ? 1 : 0;
        std::size_t have = 0;
        for (const gui::Run& run : runs) have += run.count;
        ASSERT_EQ(have, want);
        for (std::size_t i = 1; i < runs.size(); ++i) ASSERT_LE(runs[i - 1].x0, runs[i].x0);
    }
}

TEST_P(QuerySeeds, IndexShowsTheExactBusyShareOfFoldedColumns) {
    std::mt19937_64 random(GetParam() + 50);
    const Lane lane = randomLane(random, 1 + random() % 1500);
    for (int k = 0; k < 25; ++k) {
        const View view = randomView(random, lane, 120);
        std::vector<gui::Run> runs;
        queryIndex(lane, colours(), view, runs);
        std::vector<double> shown(static_cast<std::size_t>(view.width), 0);
        for (const gui::Run& run : runs)
            for (int c = std::max(0, static_cast<int>(run.x0)); c < view.width && static_cast<float>(c) < run.x1; ++c)
                shown[static_cast<std::size_t>(c)] +=
                    static_cast<double>(run.busy) * std::max(0.0, std::min<double>(run.x1, c + 1) - std::max<double>(run.x0, c));
        for (int c = 0; c < view.width; ++c)
            ASSERT_NEAR(shown[static_cast<std::size_t>(c)], coverage(lane, view, c, c + 1), 2e-3) << "column " << c << " of " << view.nsPerPx;
    }
}

TEST_P(QuerySeeds, PyramidShowsTheBusyShareWithinSixPercent) {
    std::mt19937_64 random(GetParam() + 200);
    const Lane lane = randomLane(random, 60'000, {9, 1.4, 7.5, 1.8, 0.01, 0});
    ASSERT_FALSE(lane.pyramid().empty());
    const Ns first = lane.start(0), span = lane.end(lane.size() - 1) - first;
    int asked = 0;
    for (const double share : {1.0, 0.7, 0.31}) {
        View view;
        view.width = 500;
        view.nsPerPx = static_cast<double>(span) * share / view.width;
        view.start = first + static_cast<Ns>(static_cast<double>(span) * (1 - share) * 0.37);
        std::vector<gui::Run> runs;
        QueryCost cost;
        if (!queryPyramid(lane, view, runs, &cost)) continue;
        ++asked;
        ASSERT_LE(runs.size(), static_cast<std::size_t>(view.width));
        ASSERT_LE(cost.cells, static_cast<std::size_t>(view.width) * 14);
        for (const gui::Run& run : runs) {
            const auto [from, to] = lane.touching(view.time(run.x0), view.time(run.x1));
            double covered = 0;
            for (std::size_t i = from; i < to; ++i)
                covered += std::max(0.0, std::min<double>(run.x1, view.x(lane.end(i))) - std::max<double>(run.x0, view.x(lane.start(i))));
            ASSERT_NEAR(run.busy, covered, 0.06) << "column " << run.x0;
        }
    }
    EXPECT_GT(asked, 0);
}

TEST(Query, WorkDoesNotGrowWithTheSlices) {
    std::mt19937_64 random(3);
    for (const std::size_t n : {20'000U, 200'000U}) {
        const Lane lane = randomLane(random, n, {9, 1.4, 7.5, 1.8, 0, 0});
        View view;
        view.width = 1000;
        view.start = lane.start(0);
        view.nsPerPx = static_cast<double>(lane.end(n - 1) - lane.start(0)) / view.width;
        std::vector<gui::Run> runs;
        QueryCost cost;
        queryLane(lane, colours(), view, runs, &cost);
        EXPECT_LE(cost.cells + cost.gallops, 14'000U) << n;
        EXPECT_LE(runs.size(), 1002U);
    }
}

// From all of it to a few slices: no zoom costs more than a column of cells or a walk over some twenty slices.
TEST(Query, NoZoomIsDearerThanItsNeighbours) {
    std::mt19937_64 random(4);
    const std::size_t n = 400'000;
    const Lane lane = randomLane(random, n, {9, 1.4, 7.5, 1.8, 0, 0});
    const double span = static_cast<double>(lane.end(n - 1) - lane.start(0));
    bool cells = false, slices = false;
    for (double share = 1; share > 1e-5; share *= 0.8) {
        const View view{lane.start(0) + static_cast<Ns>(span * (1 - share) * 0.4), span * share / 1000, 1000};
        std::vector<gui::Run> runs;
        QueryCost cost;
        queryLane(lane, colours(), view, runs, &cost);
        EXPECT_LE(cost.cells + cost.slices, 22'000U) << share;
        EXPECT_EQ(cost.jumps, 0U) << share;
        cells = cells || cost.cells > 0;
        slices = slices || cost.slices > 0;
    }
    EXPECT_TRUE(cells && slices);
}

// 64 cells with more slices between their first and last than a compact cell can say.
TEST(Query, BurstsAfterLongSilencesKeepTheirSlices) {
    Lane lane;
    const std::size_t n = 400'000;
    for (std::size_t i = 0; i < n; ++i) {
        const Ns at = static_cast<Ns>(i) * 10 + (i >= n / 2 ? 4'000'000'000 : 0);
        lane.append(at, at + 4 + static_cast<Ns>(i % 5), static_cast<std::uint32_t>(i % colours().size()), static_cast<std::uint32_t>(i));
    }
    lane.build(colours());
    ASSERT_TRUE(lane.pyramid().levels().front().isWide());
    const View view{0, static_cast<double>(lane.end(n - 1)) / 400, 400};
    std::vector<gui::Run> runs;
    ASSERT_TRUE(queryPyramid(lane, view, runs));
    ASSERT_FALSE(runs.empty());
    for (const gui::Run& run : runs) {
        EXPECT_LT(view.x(lane.start(run.slice)), static_cast<double>(run.x1) + 1);
        EXPECT_GT(view.x(lane.end(run.slice)), static_cast<double>(run.x0) - 1);
        EXPECT_EQ(run.colour, colours()[lane.name(run.slice)]);
        EXPECT_NEAR(run.busy, coverage(lane, view, static_cast<double>(run.x0), static_cast<double>(run.x1)), 0.06);
    }
}

// Every cell of both forms says the colour and number of a slice that lies in it.
TEST(Query, RunsOfThePyramidNameSlicesOfTheirColumn) {
    std::mt19937_64 random(11);
    const Lane lane = randomLane(random, 50'000, {9, 1.4, 7.5, 1.8, 0.02, 0});
    EXPECT_FALSE(lane.pyramid().levels().front().isWide());
    const double span = static_cast<double>(lane.end(lane.size() - 1) - lane.start(0));
    for (const double share : {1.0, 0.5, 0.2}) {
        const View view{lane.start(0) + static_cast<Ns>(span * (1 - share) / 3), span * share / 300, 300};
        std::vector<gui::Run> runs;
        if (!queryPyramid(lane, view, runs)) continue;
        for (const gui::Run& run : runs) {
            EXPECT_LT(view.x(lane.start(run.slice)), static_cast<double>(run.x1) + 0.35);
            EXPECT_GT(view.x(lane.end(run.slice)), static_cast<double>(run.x0) - 0.35);
            EXPECT_EQ(run.colour, colours()[lane.name(run.slice)]);
        }
    }
}

// The slice of a column is the one that covers most of it, or nearly so.
TEST(Query, ThePyramidPicksWhatCoversMost) {
    std::mt19937_64 random(12);
    const Lane lane = randomLane(random, 60'000, {9, 1.4, 7.5, 1.8, 0, 0});
    const double span = static_cast<double>(lane.end(lane.size() - 1) - lane.start(0));
    int columns = 0, exact = 0, half = 0;
    for (const double share : {1.0, 0.4, 0.15}) {
        const View view{lane.start(0) + static_cast<Ns>(span * (1 - share) / 3), span * share / 400, 400};
        std::vector<gui::Run> runs;
        if (!queryPyramid(lane, view, runs)) continue;
        for (const gui::Run& run : runs) {
            const auto covered = [&](std::size_t i) { return std::min<double>(run.x1, view.x(lane.end(i))) - std::max<double>(run.x0, view.x(lane.start(i))); };
            const auto [from, to] = lane.touching(view.time(run.x0), view.time(run.x1));
            std::size_t best = from;
            for (std::size_t i = from; i < to; ++i)
                if (covered(i) > covered(best)) best = i;
            ++columns;
            exact += best == run.slice;
            half += covered(run.slice) >= 0.5 * covered(best);
        }
    }
    ASSERT_GT(columns, 700);
    EXPECT_GE(exact, columns * 6 / 10) << columns;
    EXPECT_GE(half, columns * 9 / 10) << columns;
}

TEST(Query, LaneOnePercentBusyDoesNotLookFull) {
    Lane lane;
    for (int i = 0; i < 10'000; ++i) lane.append(i * 1000, i * 1000 + 10, 0, 0);
    lane.build(colours());
    const View view{0, 10'000'000.0 / 500, 500};
    std::vector<gui::Run> runs;
    queryLane(lane, colours(), view, runs);
    ASSERT_FALSE(runs.empty());
    for (const gui::Run& run : runs) EXPECT_NEAR(run.busy, 0.01, 0.002);
}

TEST(Query, FindsTheRunUnderAPixel) {
    Lane lane;
    lane.append(0, 100, 1, 0);
    lane.append(150, 300, 2, 0);
    lane.build(colours());
    std::vector<gui::Run> runs;
    queryLane(lane, colours(), View{0, 1, 400}, runs);
    ASSERT_EQ(runs.size(), 2U);
    ASSERT_NE(runAt(runs, 50), nullptr);
    EXPECT_EQ(runAt(runs, 50)->slice, 0U);
    EXPECT_EQ(runAt(runs, 120), nullptr);
    EXPECT_EQ(runAt(runs, 299)->slice, 1U);
    EXPECT_EQ(runAt(runs, 300), nullptr);
}

TEST(Query, EmptyAndAbsurdViewsGiveNothing) {
    Lane lane;
    lane.append(0, 10, 0, 0);
    lane.build(colours());
    std::vector<gui::Run> runs;
    queryLane(lane, colours(), View{0, 0, 100}, runs);
    queryLane(lane, colours(), View{0, 1, 0}, runs);
    queryLane(lane, colours(), View{100, 1, 50}, runs);
    queryLane(Lane{}, colours(), View{0, 1, 50}, runs);
    EXPECT_TRUE(runs.empty());
}

class CounterSeeds : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Random, CounterSeeds, testing::Range<std::uint64_t>(1, 7));

TEST_P(CounterSeeds, ExtentsAndColumnsEqualBruteForce) {
    std::mt19937_64 random(GetParam());
    Counter counter;
    const std::size_t n = 1 + random() % 3000;
    for (std::size_t i = 0; i < n; ++i)
        counter.append(static_cast<Ns>(random() % 100'000), static_cast<float>(random() % 1000));
    counter.build();
    for (std::size_t i = 1; i < n; ++i) ASSERT_LE(counter.time(i - 1), counter.time(i));
    for (int k = 0; k < 200; ++k) {
        const std::size_t from = random() % n, to = from + 1 + random() % (n - from);
        float low = counter.value(from), high = low;
        for (std::size_t i = from; i < to; ++i) {
            low = std::min(low, counter.value(i));
            high = std::max(high, counter.value(i));
        }
        ASSERT_EQ(counter.extent(from, to).low, low);
        ASSERT_EQ(counter.extent(from, to).high, high);
    }
    const View view{static_cast<Ns>(random() % 20'000), 1 + static_cast<double>(random() % 200), 300};
    std::vector<CounterColumn> columns;
    queryCounter(counter, view, columns);
    for (const CounterColumn& column : columns) {
        const Ns from = view.start + static_cast<Ns>(std::ceil(column.x * view.nsPerPx));
        const Ns to = view.start + static_cast<Ns>(std::ceil((column.x + 1) * view.nsPerPx));
        float low = 1e9F, high = -1e9F;
        const auto take = [&](float v) {
            low = std::min(low, v);
            high = std::max(high, v);
        };
        bool held = false;
        for (std::size_t i = 0; i < n; ++i)
            if (counter.time(i) >= from && counter.time(i) < to) take(counter.value(i));
        for (std::size_t i = n; i-- > 0 && !held;)
            if (counter.time(i) < from) {
                take(counter.value(i));
                held = true;
            }
        ASSERT_EQ(column.low, low) << column.x;
        ASSERT_EQ(column.high, high) << column.x;
    }
}

}  // namespace
}  // namespace ridge::gui
