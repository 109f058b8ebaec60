// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Invariants of the partition as whole answers keep them, with and without a GPU; the others have their tests beside what
// they are of (analyzer/README.md lists all).
#include "tests/unit/analyzer/answers.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace ridge::test {
namespace {

void shift(Timeline& t, Ns by) {
    const auto move = [by](auto& rows) {
        for (auto& row : rows) row.start += by, row.end += by;
    };
    move(t.gpu);
    move(t.calls);
    move(t.ranges);
    move(t.io);
    move(t.syncs);
    move(t.preemptions);
}

// Chaos or a program; odd seeds have no GPU.
MemoryTimeline randomTimeline(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    MemoryTimeline m(1 + static_cast<int>(seed % 3 == 0), 2, seed % 2 ? 0 : 1);
    if (seed % 4 == 0) addProgram(m, random, 0, 6);
    else addChaos(m, random, 200);
    for (Ns i = 0; i < 5; ++i) {
        const Ns start = static_cast<Ns>(random() % 100'000);
        m.timeline.preemptions.push_back({start, start + static_cast<Ns>(random() % 3'000), 0});
    }
    return m;
}

TEST(Invariants, ShiftingAllTimesChangesNothing) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(seed);
        MemoryTimeline m = randomTimeline(seed);
        const Analysis answer = analyzed(m.finish());
        shift(m.timeline, 1'234'567'890'123);
        const Analysis moved = analyzed(m.timeline);
        EXPECT_EQ(answer.attribution, moved.attribution);
        ASSERT_EQ(answer.steps.size(), moved.steps.size());
        for (std::size_t i = 0; i < answer.steps.size(); ++i) EXPECT_EQ(answer.steps[i].classes, moved.steps[i].classes);
        ASSERT_EQ(answer.ranges.size(), moved.ranges.size());
        for (std::size_t i = 0; i < answer.ranges.size(); ++i) EXPECT_EQ(answer.ranges[i].selfNs, moved.ranges[i].selfNs);
        EXPECT_EQ(answer.findings.size(), moved.findings.size());
    }
}

// Partitions of processes without a GPU: cut anywhere, the parts add up; work or communication more is never more idle.
TEST(Invariants, WithoutAGpuPartsAddUpAndARowMoreIsNeverMoreIdle) {
    for (std::uint64_t seed = 1; seed <= 79; seed += 2) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        MemoryTimeline m = randomTimeline(seed);
        const auto partition = [](Timeline& timeline) {
            const Prepared p(timeline);
            std::vector<std::pair<Segments, Interval>> parts;
            for (const CpuPartition& cpu : p.context.cpus) parts.emplace_back(cpu.segments, Interval{cpu.firstStart, cpu.lastEnd});
            return parts;
        };
        const auto before = partition(m.finish());
        ASSERT_FALSE(before.empty());
        for (const auto& [segments, window] : before) {
            const ClassTimes whole = classTimes(segments, window);
            EXPECT_EQ(std::accumulate(whole.begin(), whole.end(), Ns{0}), window.end - window.start);
            EXPECT_GE(*std::min_element(whole.begin(), whole.end()), 0);
            for (std::size_t i = 1; i < segments.size(); ++i) EXPECT_LE(segments[i - 1].end, segments[i].start);
            const Ns cut = window.start + static_cast<Ns>(random() % static_cast<std::uint64_t>(window.end - window.start + 1));
            ClassTimes parts = classTimes(segments, {window.start, cut});
            const ClassTimes rest = classTimes(segments, {cut, window.end});
            for (std::size_t c = 0; c < kWallClassCount; ++c) parts[c] += rest[c];
            EXPECT_EQ(parts, whole);
        }
        const Interval all = before.front().second;
        const Ns start = all.start + static_cast<Ns>(random() % static_cast<std::uint64_t>(all.end - all.start));
        m.work(0, start, std::min(all.end, start + 2'000), "more", random() % 2 ? 1 : 8);
        const auto after = partition(m.finish());
        ASSERT_EQ(after.size(), before.size());
        for (std::size_t i = 0; i < before.size(); ++i) {
            const auto idle = [&](const Segments& segments) { return at(classTimes(segments, before[i].second), WallClass::kIdle); };
            EXPECT_LE(idle(after[i].first), idle(before[i].first));
        }
    }
}

// The windows of a device tile the time from its first step to the end of its last, for whatever program.
TEST(Invariants, DeviceWindowsTileRandomPrograms) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        MemoryTimeline m(2, 1, 1);
        addProgram(m, random, 0, 9);
        addProgram(m, random, 1, 7);
        const Analysis answer = analyzed(m.finish());
        std::map<std::int64_t, std::pair<Ns, Ns>> covered;  // by rank: first start, last end
        std::map<std::int64_t, Ns> sum;
        for (const Step& step : answer.steps) {
            const auto [it, isNew] = covered.try_emplace(step.rank, step.startNs, step.endNs);
            if (!isNew) {
                EXPECT_EQ(step.startNs, it->second.second) << "a window begins where the one before ends";
                it->second.second = step.endNs;
            }
            sum[step.rank] += step.endNs - step.startNs;
        }
        ASSERT_EQ(covered.size(), 2U);
        for (const auto& [rank, span] : covered) EXPECT_EQ(sum[rank], span.second - span.first);
    }
}

}  // namespace
}  // namespace ridge::test
