// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/snapshot.h"

#include <gtest/gtest.h>

#include <map>

#include "gui/model/lane_builder.h"
#include "gui/model/search.h"
#include "gui/model/statistics.h"
#include "random_lane.h"

namespace ridge::gui {
namespace {

const std::atomic<bool> kGoOn{false};

// Two tracks of nested random ranges over a few names.
Snapshot randomSnapshot(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Snapshot snapshot;
    auto names = std::make_shared<Names>();
    for (const char* text : {"gemm", "Norm", "copy in", "copy out", "step", "Gemm_bias", "io", "wait"}) names->texts.emplace_back(text);
    names->colours.assign(names->texts.size(), 1);
    for (int t = 0; t < 2; ++t) {
        LaneBuilder builder(Layout::kNested);
        Ns at = 0;
        for (int i = 0; i < 400; ++i) {
            at += static_cast<Ns>(random() % 50);
            const Ns length = static_cast<Ns>(random() % 400);
            builder.add(at, at + length, static_cast<std::uint32_t>(random() % 8), 0);
            if (length > 50) builder.add(at + 10, at + 10 + static_cast<Ns>(random() % 30), static_cast<std::uint32_t>(random() % 8), 0);
            at += static_cast<Ns>(random() % 2) * length;
        }
        Track track;
        track.key = "t" + std::to_string(t);
        track.kind = TrackKind::kRanges;
        track.lanes = builder.build(names->colours, at, true).lanes;
        snapshot.tracks.push_back(std::move(track));
        snapshot.last = std::max(snapshot.last, at);
    }
    snapshot.names = names;
    snapshot.numberLanes();
    return snapshot;
}

TEST(Statistics, EqualBruteForce) {
    for (std::uint64_t seed = 1; seed < 9; ++seed) {
        const Snapshot snapshot = randomSnapshot(seed);
        std::mt19937_64 random(seed);
        const Ns from = static_cast<Ns>(random() % static_cast<std::uint64_t>(snapshot.last));
        const Ns to = from + 1 + static_cast<Ns>(random() % static_cast<std::uint64_t>(snapshot.last - from));
        const RangeStatistics statistics = statisticsOf(snapshot, {0, 1}, from, to, kGoOn);
        std::map<std::uint32_t, NameStatistics> want;
        for (const Track& track : snapshot.tracks)
            for (std::size_t d = 0; d < track.lanes.size(); ++d)
                for (std::size_t i = 0; i < track.lanes[d]->size(); ++i) {
                    const Lane& lane = *track.lanes[d];
                    if (lane.start(i) >= to || (lane.end(i) <= from && lane.start(i) < from)) continue;
                    const Ns a = std::max(from, lane.start(i)), b = std::min(to, lane.end(i));
                    Ns self = b - a;
                    if (d + 1 < track.lanes.size())
                        for (std::size_t k = 0; k < track.lanes[d + 1]->size(); ++k)
                            self -= std::max<Ns>(0, std::min(b, track.lanes[d + 1]->end(k)) - std::max(a, track.lanes[d + 1]->start(k)));
                    NameStatistics& w = want[lane.name(i)];
                    w.shortest = w.count == 0 ? b - a : std::min(w.shortest, b - a);
                    w.longest = std::max(w.longest, b - a);
                    ++w.count;
                    w.total += b - a;
                    w.self += self;
                }
        ASSERT_EQ(statistics.names.size(), want.size());
        for (const NameStatistics& have : statistics.names) {
            const NameStatistics& w = want[have.name];
            EXPECT_EQ(have.count, w.count);
            EXPECT_EQ(have.total, w.total);
            EXPECT_EQ(have.self, w.self) << "seed " << seed;
            EXPECT_EQ(have.shortest, w.shortest);
            EXPECT_EQ(have.longest, w.longest);
        }
        for (std::size_t i = 1; i < statistics.names.size(); ++i)
            EXPECT_GE(statistics.names[i - 1].total, statistics.names[i].total);
    }
}

TEST(Statistics, StopWhenAsked) {
    const std::atomic<bool> stop{true};
    EXPECT_TRUE(statisticsOf(randomSnapshot(1), {0}, 0, 1000, stop).cancelled);
}

TEST(Search, WalksEveryMatchOnceInOrderAndBack) {
    for (std::uint64_t seed = 1; seed < 6; ++seed) {
        const Snapshot snapshot = randomSnapshot(seed);
        const NameMatch match = matchNames(*snapshot.names, "GEMM");
        EXPECT_EQ(match.count, 2U);
        const std::int64_t count = countMatches(snapshot, match, {}, kGoOn);
        std::vector<SliceRef> walk;
        SliceRef at = nextMatch(snapshot, match, {}, {}, INT64_MIN, true, kGoOn);
        for (; at.valid() && walk.size() < 10'000; at = nextMatch(snapshot, match, {}, at, 0, true, kGoOn)) walk.push_back(at);
        ASSERT_EQ(static_cast<std::int64_t>(walk.size()), count);
        for (std::size_t i = 0; i < walk.size(); ++i) {
            EXPECT_TRUE(match.names[snapshot.lane(walk[i].lane).name(walk[i].slice)]);
            EXPECT_EQ(positionOf(snapshot, match, {}, walk[i], kGoOn), static_cast<std::int64_t>(i) + 1);
            if (i > 0) {
                EXPECT_LE(snapshot.lane(walk[i - 1].lane).start(walk[i - 1].slice), snapshot.lane(walk[i].lane).start(walk[i].slice));
            }
        }
        for (std::size_t i = walk.size(); i-- > 1;)
            ASSERT_EQ(nextMatch(snapshot, match, {}, walk[i], 0, false, kGoOn), walk[i - 1]);
        EXPECT_FALSE(nextMatch(snapshot, match, {}, walk.front(), 0, false, kGoOn).valid());
    }
}

TEST(Search, NothingMatchesAnEmptyText) {
    const Snapshot snapshot = randomSnapshot(1);
    EXPECT_EQ(matchNames(*snapshot.names, "").count, 0U);
    EXPECT_EQ(countMatches(snapshot, matchNames(*snapshot.names, "no such name"), {}, kGoOn), 0);
}

TEST(Flows, AreFoundFromBothEnds) {
    Flows flows;
    flows.build({{{1, 5}, {2, 7}, FlowKind::kLaunch}, {{1, 4}, {2, 7}, FlowKind::kWait}, {{1, 5}, {3, 0}, FlowKind::kLaunch}});
    EXPECT_EQ(flows.from({1, 5}).size(), 2U);
    EXPECT_EQ(flows.to({2, 7}).size(), 2U);
    EXPECT_TRUE(flows.from({2, 7}).empty());
}

TEST(Snapshot, FindsTheInnermostSlice) {
    Snapshot snapshot;
    LaneBuilder builder(Layout::kNested);
    builder.add(0, 100, 0, 1);
    builder.add(10, 20, 0, 2);
    Track track;
    track.lanes = builder.build(test::colours(), 100, true).lanes;
    snapshot.tracks.push_back(track);
    snapshot.numberLanes();
    EXPECT_EQ(snapshot.deepestAt(0, 15), (SliceRef{1, 0}));
    EXPECT_EQ(snapshot.deepestAt(0, 50), (SliceRef{0, 0}));
    EXPECT_FALSE(snapshot.deepestAt(0, 100).valid());
}

}  // namespace
}  // namespace ridge::gui
