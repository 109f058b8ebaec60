// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The flame graph against a brute force over all slices, on random nestings.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "gui/flame/flame_tree.h"
#include "gui/load/assembly.h"

namespace ridge::gui {
namespace {

const std::atomic<bool> kGoOn{false};
using Path = std::vector<std::string>;

struct Sum {
    std::int64_t count = 0;
    Ns total = 0, self = 0;
    friend bool operator==(const Sum&, const Sum&) = default;
};
std::ostream& operator<<(std::ostream& out, const Sum& s) { return out << s.count << " in " << s.total << ", self " << s.self; }

std::map<Path, Sum> sumsOf(const FlameTree& tree) {
    std::map<Path, Sum> sums;
    for (std::uint32_t f = 1; f < tree.frames.size(); ++f) sums[tree.pathOf(f)] = {tree.frames[f].count, tree.frames[f].total, tree.frames[f].self};
    return sums;
}

// Ranges that nest at random on a few threads, with calls in them, and kernels that the calls launch.
SnapshotPtr randomSnapshot(std::mt19937_64& random) {
    Assembly assembly("random");
    const std::int64_t process = std::int64_t{1} << 24;
    assembly.process(process).rank = 0;
    assembly.process(0);  // the machine, whose power is sampled
    std::vector<std::uint32_t> names;
    for (const char* text : {"step", "forward", "backward", "gemm", "norm", "copy"}) names.push_back(assembly.intern(text));
    const std::uint32_t launch = assembly.intern("launch");
    const auto any = [&] { return names[random() % names.size()]; };
    std::uint32_t correlation = 0;
    Ns last = 0;
    for (int t = 1; t <= 3; ++t) {
        auto* ranges = assembly.track({process, -1, process | t, TrackKind::kRanges}, "");
        auto* calls = assembly.track({process, -1, process | t, TrackKind::kApi}, "");
        const std::function<void(Ns, Ns, int)> fill = [&](Ns a, Ns b, int depth) {
            for (Ns at = a; at < b;) {
                const Ns end = std::min(b, at + static_cast<Ns>(random() % 4000) + 1);
                if (random() % 3 != 0) {
                    ranges->add(at, end, any(), 0);
                    if (depth < 5 && random() % 2 == 0) fill(at + static_cast<Ns>(random() % 3), end, depth + 1);
                } else if (end - at > 4) {
                    calls->add(at + 1, end - 1, launch, 0, ++correlation);
                    const Ns start = end + static_cast<Ns>(random() % 500);
                    assembly.track({process, 0, 7 + static_cast<std::int64_t>(random() % 2), TrackKind::kKernels}, "")
                        ->add(start, start + static_cast<Ns>(random() % 900), any(), 0, correlation);
                }
                at = end + static_cast<Ns>(random() % 200);
                last = std::max(last, at + 2000);
            }
        };
        fill(static_cast<Ns>(random() % 1000), 60'000, 0);
    }
    Counter* power = assembly.counter(0, 0, "gpu.power 0", "W", 1)  /* as the loader names it */;
    for (Ns t = -1000; t < last + 5000; t += 1700) power->append(t, static_cast<float>(100 + random() % 300));
    assembly.seen(0, last);
    return assembly.publish(true, 1);
}

std::vector<std::uint32_t> allTracks(const Snapshot& snapshot) {
    std::vector<std::uint32_t> tracks(snapshot.tracks.size());
    for (std::uint32_t i = 0; i < tracks.size(); ++i) tracks[i] = i;
    return tracks;
}

// The slow and simple truth: who contains whom, slice by slice.
struct Slow {
    const Snapshot& snapshot;
    struct Slice {
        Ns a, b;
        std::uint32_t name, rank;  // rank: ranges by depth before calls
    };
    std::vector<Slice> slicesOf(std::uint32_t thread) const {  // thread: a group track
        std::vector<Slice> slices;
        std::uint32_t rank = 0;
        for (const TrackKind kind : {TrackKind::kRanges, TrackKind::kApi})
            for (const Track& track : snapshot.tracks) {
                if (track.parent != static_cast<std::int32_t>(thread) || track.kind != kind) continue;
                for (const auto& lane : track.lanes) {
                    for (std::size_t i = 0; i < lane->size(); ++i) slices.push_back({lane->start(i), lane->end(i), lane->name(i), rank});
                    ++rank;
                }
            }
        return slices;
    }
    // The innermost slice that contains s, or nothing.
    static const Slice* parentOf(const std::vector<Slice>& slices, Ns a, Ns b, std::uint32_t rank) {
        const Slice* best = nullptr;
        const auto order = [](Ns start, Ns end, std::uint32_t kind) { return std::tuple(start, -end, kind); };
        for (const Slice& other : slices)
            if (order(other.a, other.b, other.rank) < order(a, b, rank) && other.b >= b && other.b > a &&
                (!best || order(other.a, other.b, other.rank) > order(best->a, best->b, best->rank)))
                best = &other;
        return best;
    }
    Path pathOf(const std::vector<Slice>& slices, const Slice& s) const {
        Path path{snapshot.names->texts[s.name]};
        for (const Slice* up = parentOf(slices, s.a, s.b, s.rank); up; up = parentOf(slices, up->a, up->b, up->rank))
            path.insert(path.begin(), snapshot.names->texts[up->name]);
        return path;
    }
    std::map<Path, Sum> host(Ns from, Ns to) const {
        std::map<Path, Sum> sums;
        for (std::uint32_t t = 0; t < snapshot.tracks.size(); ++t) {
            if (snapshot.tracks[t].kind != TrackKind::kThread) continue;
            const auto slices = slicesOf(t);
            for (const Slice& s : slices) {
                if (s.b < from || s.a >= to || (s.b == from && s.a < from)) continue;
                const Ns ns = std::max<Ns>(0, std::min(to, s.b) - std::max(from, s.a));
                Path path = pathOf(slices, s);
                Sum& sum = sums[path];
                ++sum.count;
                sum.total += ns;
                sum.self += ns;
                path.pop_back();
                if (!path.empty()) sums[path].self -= ns;
            }
        }
        return sums;
    }
};

TEST(Flame, EqualsBruteForceOnRandomNestings) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        std::mt19937_64 random(seed);
        const SnapshotPtr snapshot = randomSnapshot(random);
        const Ns from = static_cast<Ns>(random() % 20'000), to = from + 1 + static_cast<Ns>(random() % 50'000);
        const FlameTree tree = flameOf(*snapshot, allTracks(*snapshot), from, to, FlameSource::kHost, false, kGoOn);
        EXPECT_EQ(sumsOf(tree), Slow{*snapshot}.host(from, to)) << "seed " << seed;
        EXPECT_EQ(tree.rows, 6U);
    }
}

TEST(Flame, ChildrenAddUpToTheirParentAndRootToTheRows) {
    std::mt19937_64 random(7);
    const SnapshotPtr snapshot = randomSnapshot(random);
    const FlameTree tree = flameOf(*snapshot, allTracks(*snapshot), snapshot->first, snapshot->last, FlameSource::kHost, false, kGoOn);
    for (const FlameFrame& frame : tree.frames) {
        Ns sum = frame.self;
        for (const std::uint32_t child : frame.children) sum += tree.frames[child].total;
        EXPECT_EQ(sum, frame.total);
    }
}

TEST(Flame, DeviceWorkHangsBelowTheRangesOfItsLaunch) {
    for (std::uint64_t seed = 100; seed <= 130; ++seed) {
        std::mt19937_64 random(seed);
        const SnapshotPtr snapshot = randomSnapshot(random);
        const FlameTree tree = flameOf(*snapshot, allTracks(*snapshot), snapshot->first, snapshot->last, FlameSource::kDevice, false, kGoOn);
        const Slow slow{*snapshot};
        std::map<Path, Sum> expected;
        for (std::size_t f = 0; f < snapshot->flows->size(); ++f) {
            const Flow& flow = (*snapshot->flows)[f];
            const Lane& calls = snapshot->lane(flow.from.lane);
            const Lane& kernels = snapshot->lane(flow.to.lane);
            const auto slices = slow.slicesOf(static_cast<std::uint32_t>(snapshot->trackOf(flow.from).parent));
            const auto call = std::find_if(slices.begin(), slices.end(), [&](const Slow::Slice& s) {
                return s.a == calls.start(flow.from.slice) && s.b == calls.end(flow.from.slice) && s.name == calls.name(flow.from.slice);
            });
            ASSERT_NE(call, slices.end());
            Path path = slow.pathOf(slices, *call);  // calls do not nest here: what contains this one are ranges alone
            path.back() = snapshot->names->texts[kernels.name(flow.to.slice)];
            const Ns ns = kernels.duration(flow.to.slice);
            expected[path].self += ns;
            for (; !path.empty(); path.pop_back()) {
                ++expected[path].count;
                expected[path].total += ns;
            }
        }
        EXPECT_EQ(sumsOf(tree), expected) << "seed " << seed;
    }
}

TEST(Flame, EnergyOfTheRootsIsThatOfTheTimeInWhichAnyRowIsBusy) {
    std::mt19937_64 random(11);
    const SnapshotPtr snapshot = randomSnapshot(random);
    ASSERT_TRUE(hasPower(*snapshot));
    const Ns from = 5'000, to = 40'000;
    for (const FlameSource source : {FlameSource::kHost, FlameSource::kDevice}) {
        const FlameTree tree = flameOf(*snapshot, allTracks(*snapshot), from, to, source, true, kGoOn);
        ASSERT_TRUE(tree.energy);
        // Brute force: nanosecond by nanosecond, power on a line between its samples.
        std::vector<bool> busy(static_cast<std::size_t>(to - from), false);
        const Counter* power = nullptr;
        for (const Track& track : snapshot->tracks) {
            if (track.counter) power = track.counter.get();
            const bool wanted = source == FlameSource::kHost ? track.kind == TrackKind::kRanges || track.kind == TrackKind::kApi : track.kind == TrackKind::kKernels;
            if (!wanted) continue;
            for (const auto& lane : track.lanes)
                for (std::size_t i = 0; i < lane->size(); ++i)
                    for (Ns t = std::max(from, lane->start(i)); t < std::min(to, lane->end(i)); ++t) busy[static_cast<std::size_t>(t - from)] = true;
        }
        double joules = 0;
        for (Ns t = from; t < to; ++t) {
            if (!busy[static_cast<std::size_t>(t - from)]) continue;
            const std::size_t i = power->at(t);
            const double share = (static_cast<double>(t - power->time(i)) + 0.5) / static_cast<double>(power->time(i + 1) - power->time(i));
            joules += (power->value(i) + (power->value(i + 1) - power->value(i)) * share) * 1e-9;
        }
        EXPECT_NEAR(tree.frames[0].joules, joules, joules * 1e-6);
        for (std::uint32_t f = 1; f < tree.frames.size(); ++f) {
            double sum = tree.frames[f].selfJoules;
            for (const std::uint32_t child : tree.frames[f].children) sum += tree.frames[child].joules;
            EXPECT_NEAR(sum, tree.frames[f].joules, 1e-9 + joules * 1e-9);
        }
    }
}

TEST(Flame, LayoutDrawsPixelsNotFrames) {
    std::mt19937_64 random(3);
    const SnapshotPtr snapshot = randomSnapshot(random);
    const FlameTree tree = flameOf(*snapshot, allTracks(*snapshot), snapshot->first, snapshot->last, FlameSource::kHost, false, kGoOn);
    for (const double width : {30.0, 400.0, 2000.0})
        for (std::uint32_t zoomed = 0; zoomed < tree.frames.size(); zoomed += 1 + zoomed / 3) {
            const auto boxes = layoutFlame(tree, zoomed, width, false);
            std::map<std::uint32_t, std::vector<std::pair<float, float>>> rows;
            for (const FlameBox& box : boxes) {
                EXPECT_LE(box.x0, box.x1);
                EXPECT_LE(box.x1, static_cast<float>(width) + 0.01F);
                rows[box.row].emplace_back(box.x0, box.x1);
                if (box.frame == kNoFrame || tree.frames[zoomed].total == 0 || tree.frames[box.frame].depth <= tree.frames[zoomed].depth) continue;
                EXPECT_NEAR(box.x1 - box.x0, static_cast<double>(tree.frames[box.frame].total) / static_cast<double>(tree.frames[zoomed].total) * width, 0.01 * width);
            }
            for (auto& [row, spans] : rows) {
                std::sort(spans.begin(), spans.end());
                EXPECT_LE(spans.size(), static_cast<std::size_t>(width) * 2 + 1);
                for (std::size_t i = 1; i < spans.size(); ++i) EXPECT_LE(spans[i - 1].second, spans[i].first + 0.01F);
            }
            EXPECT_EQ(tree.find(tree.pathOf(zoomed)), zoomed);
        }
}

TEST(Flame, CallsOfAnOpThatNumbersThemAreOneFrame) {
    Assembly assembly("numbered");
    const std::int64_t process = std::int64_t{1} << 24;
    assembly.process(process).rank = 0;
    auto* ranges = assembly.track({process, -1, process | 1, TrackKind::kRanges}, "");
    Ns at = 0;
    for (const char* text : {"aten::mm, seq = 1, op_id = 7", "aten::mm, seq = 2, op_id = 9", "aten::mm", "copy, then wait"}) {
        ranges->add(at, at + 10, assembly.intern(text), 0);
        at += 20;
    }
    assembly.seen(0, at);
    const SnapshotPtr snapshot = assembly.publish(true, 1);
    const FlameTree tree = flameOf(*snapshot, allTracks(*snapshot), 0, at, FlameSource::kHost, false, kGoOn);
    const auto sums = sumsOf(tree);
    ASSERT_TRUE(sums.contains(Path{"aten::mm"}));
    EXPECT_EQ(sums.at(Path{"aten::mm"}), (Sum{3, 30, 30}));
    EXPECT_TRUE(sums.contains(Path{"copy, then wait"}));
    for (const auto& [path, sum] : sums) EXPECT_EQ(path.back().find("op_id"), std::string::npos) << path.back();
}

TEST(Flame, StopsWhenToldAndIsEmptyOfNothing) {
    std::mt19937_64 random(5);
    const SnapshotPtr snapshot = randomSnapshot(random);
    const std::atomic<bool> stop{true};
    EXPECT_TRUE(flameOf(*snapshot, allTracks(*snapshot), 0, 60'000, FlameSource::kHost, false, stop).cancelled);
    const FlameTree none = flameOf(*snapshot, {}, 0, 60'000, FlameSource::kHost, true, kGoOn);
    EXPECT_EQ(none.frames.size(), 1U);
    EXPECT_TRUE(layoutFlame(none, 0, 500, false).empty());
}

}  // namespace
}  // namespace ridge::gui
