// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/interleave.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "gui/load/assembly.h"
#include "gui/model/align.h"

namespace ridge::gui {
namespace {

const std::atomic<bool> kGoOn{false};

// A run: its process id differs from run to run, its rank does not.
SnapshotPtr run(std::uint64_t seed, std::int64_t pid, bool withCopies) {
    std::mt19937_64 random(seed);
    Assembly assembly(std::vector<std::string>{"run" + std::to_string(pid)});
    for (std::int64_t rank = 0; rank < 2; ++rank) {
        const std::int64_t process = (pid + rank) << 24, thread = process | (pid + rank);
        auto& info = assembly.process(process);
        info.pid = pid + rank;
        info.rank = rank;
        info.name = "train";
        auto* ranges = assembly.track({process, -1, thread, TrackKind::kRanges}, "NVTX_EVENTS");
        auto* calls = assembly.track({process, -1, thread, TrackKind::kApi}, "");
        auto* kernels = assembly.track({process, 0, 7, TrackKind::kKernels}, "");
        for (Ns i = 0; i < 50; ++i) {
            const Ns t = i * 10'000 + static_cast<Ns>(random() % 1000);
            ranges->add(t, t + 8'000, assembly.intern(i % 3 ? "step" : "only in " + std::to_string(pid)), static_cast<std::uint32_t>(i) + 1);
            calls->add(t + 100, t + 200, assembly.intern("launch"), 0, static_cast<std::uint32_t>(i) + 1);
            kernels->add(t + 300, t + 5'000, assembly.intern("gemm"), 0, static_cast<std::uint32_t>(i) + 1);
        }
        if (withCopies) assembly.track({process, 0, 9, TrackKind::kCopies}, "")->add(5, 500, assembly.intern("copy"), 0);
        Counter* rss = assembly.counter(process, -1, "process.rss", "B", 1);
        for (Ns i = 0; i < 20; ++i) rss->append(i * 1000, static_cast<float>(i));
    }
    assembly.seen(0, 600'000);
    return assembly.publish(true, 1);
}

using Slice = std::tuple<std::string, Ns, Ns>;
std::vector<Slice> slicesOf(const Snapshot& snapshot, bool base, Ns shift) {
    std::vector<Slice> slices;
    for (const Track& track : snapshot.tracks)
        if (track.base == base)
            for (const auto& lane : track.lanes)
                for (std::size_t i = 0; i < lane->size(); ++i) slices.emplace_back(snapshot.names->texts[lane->name(i)], lane->start(i) - shift, lane->end(i) - shift);
    std::sort(slices.begin(), slices.end());
    return slices;
}

TEST(Interleave, HoldsEverySliceOfBothOnceAtItsPlace) {
    const SnapshotPtr trace = run(1, 400, false), base = run(2, 9'000, true);
    for (const Ns shift : {Ns{0}, Ns{123'456}, Ns{-77'000}}) {
        const SnapshotPtr both = interleave(*trace, *base, shift, kGoOn);
        ASSERT_TRUE(both);
        EXPECT_EQ(slicesOf(*both, false, 0), slicesOf(*trace, false, 0));
        EXPECT_EQ(slicesOf(*both, true, shift), slicesOf(*base, false, 0));
        EXPECT_EQ(both->slices, trace->slices + base->slices);
        EXPECT_EQ(both->first, std::min(trace->first, base->first + shift));
        EXPECT_EQ(both->last, std::max(trace->last, base->last + shift));
    }
}

TEST(Interleave, RowsStandInPairsInATree) {
    const SnapshotPtr both = interleave(*run(1, 400, false), *run(2, 9'000, true), 0, kGoOn);
    int pairs = 0, alone = 0;
    for (std::size_t i = 0; i < both->tracks.size(); ++i) {
        const Track& track = both->tracks[i];
        if (track.parent != kNoTrack) {
            EXPECT_LT(track.parent, static_cast<std::int32_t>(i));
            EXPECT_EQ(track.level, both->tracks[static_cast<std::size_t>(track.parent)].level + 1);
        }
        EXPECT_EQ(both->findTrack(track.key), static_cast<std::int32_t>(i));  // keys are unique
        if (!track.base) continue;
        EXPECT_TRUE(track.key.starts_with("base:"));
        EXPECT_EQ(track.path, "run9000");
        const Track& before = both->tracks[i - 1];
        if (!before.base && before.kind == track.kind && before.rank == track.rank) ++pairs;
        else ++alone;
    }
    EXPECT_EQ(pairs, 2 * 5);  // ranges, calls, kernels, queue depth, memory of each rank
    EXPECT_EQ(alone, 2);      // the copies that only the base has
    // Both ranks are one group each.
    EXPECT_EQ(std::count_if(both->tracks.begin(), both->tracks.end(), [](const Track& t) { return t.kind == TrackKind::kProcess; }), 2);
}

// A thread with one row has no group of its own, one with two has: their rows are still a pair.
TEST(Interleave, RowsPairWhateverTheirGroups) {
    const auto make = [](std::int64_t pid, bool io) {
        Assembly assembly("one");
        const std::int64_t process = pid << 24, thread = process | pid;
        assembly.process(process).pid = pid;
        assembly.track({process, -1, thread, TrackKind::kRanges}, "")->add(0, 10, assembly.intern("step"), 0);
        if (io) assembly.track({process, -1, thread, TrackKind::kIo}, "")->add(2, 4, assembly.intern("read"), 0);
        assembly.seen(0, 10);
        return assembly.publish(true, 1);
    };
    for (const bool io : {false, true}) {
        const SnapshotPtr both = interleave(*make(5, io), *make(77, !io), 0, kGoOn);
        std::vector<std::pair<TrackKind, bool>> rows;
        for (const Track& track : both->tracks)
            if (!track.lanes.empty()) rows.emplace_back(track.kind, track.base);
        ASSERT_EQ(rows.size(), 3U);
        const auto ranges = std::find(rows.begin(), rows.end(), std::pair{TrackKind::kRanges, false});
        ASSERT_NE(ranges + 1, rows.end());
        EXPECT_EQ(*(ranges + 1), (std::pair{TrackKind::kRanges, true}));
    }
}

TEST(Interleave, FlowsStayWithinTheirTrace) {
    const SnapshotPtr trace = run(1, 400, false), base = run(2, 9'000, true), both = interleave(*trace, *base, 5'000, kGoOn);
    ASSERT_EQ(both->flows->size(), trace->flows->size() + base->flows->size());
    for (std::size_t i = 0; i < both->flows->size(); ++i) {
        const Flow& flow = (*both->flows)[i];
        EXPECT_EQ(both->trackOf(flow.from).base, both->trackOf(flow.to).base);
        EXPECT_EQ(both->nameOf(flow.from), "launch");
        EXPECT_EQ(both->nameOf(flow.to), "gemm");
        EXPECT_EQ(both->lane(flow.to.lane).start(flow.to.slice) - both->lane(flow.from.lane).start(flow.from.slice), 200);
    }
}

TEST(Interleave, StopsWhenToldAndTakesAnEmptyBase) {
    const std::atomic<bool> stop{true};
    EXPECT_EQ(interleave(*run(1, 4, false), *run(2, 9, false), 0, stop), nullptr);
    const SnapshotPtr trace = run(1, 4, false), both = interleave(*trace, Snapshot{}, 0, kGoOn);
    ASSERT_TRUE(both);
    EXPECT_EQ(both->slices, trace->slices);
    EXPECT_EQ(both->tracks.size(), trace->tracks.size());
}

TEST(Align, ByStepOfTheSameIndex) {
    analyzer::Analysis trace, base;
    const auto step = [](std::int64_t index, Ns start) { return analyzer::Step{"w", index, 0, 0, start, start + 10, {}}; };
    trace.steps = {step(3, 100), step(4, 120), step(5, 150)};
    base.steps = {step(2, 1'000), step(4, 1'050), step(5, 1'070)};
    EXPECT_EQ(shiftOf(trace, base, -1), 120 - 1'050);  // the first that both have
    EXPECT_EQ(shiftOf(trace, base, 5), 150 - 1'070);
    EXPECT_FALSE(shiftOf(trace, base, 3));
    base.steps = {step(40, 1'000), step(41, 1'050)};
    EXPECT_EQ(shiftOf(trace, base, -1), 100 - 1'000);
    EXPECT_FALSE(shiftOf(trace, {}, -1));
    EXPECT_EQ(stepIndexAt(trace, 125), 4);
    EXPECT_EQ(stepIndexAt(trace, 0), 3);
    EXPECT_EQ(stepIndexAt(trace, 1'000), 5);
    EXPECT_FALSE(stepIndexAt({}, 5));
}

}  // namespace
}  // namespace ridge::gui
