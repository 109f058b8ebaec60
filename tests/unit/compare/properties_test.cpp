// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The invariants of metrics.md 1.7 on random timelines: programs played by the rules of a device, and chaos.
#include "tests/unit/compare/check.h"

namespace ridge::test {
namespace {

MemoryTimeline program(std::uint64_t seed, int processes, int devices) {
    std::mt19937_64 random(seed);
    MemoryTimeline m(processes, 2, devices);
    for (std::int32_t p = 0; p < processes; ++p) addProgram(m, random, p, 6);
    m.finish();
    return m;
}

MemoryTimeline chaos(std::uint64_t seed, int devices) {
    std::mt19937_64 random(seed);
    MemoryTimeline m(1, 3, devices);
    addChaos(m, random, 120);
    m.finish();
    return m;
}

void checkAll(const Timeline& a, const Timeline& b) {
    const Comparison forth = compared(a, b), back = compared(b, a), self = compared(a, a);
    EXPECT_EQ(forth.refusal.has_value(), back.refusal.has_value());
    checkAttributed(forth);
    checkAntisymmetric(forth, back);
    checkZero(self);
}

TEST(CompareProperties, ProgramsOnDevices) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(seed);
        const int processes = 1 + static_cast<int>(seed % 3);
        const MemoryTimeline a = program(seed, processes, 1), b = program(seed + 1000, processes, 1);
        checkAll(a.timeline, b.timeline);
        EXPECT_FALSE(compared(a.timeline, b.timeline).lanes.empty());
    }
}

TEST(CompareProperties, ChaosOnDevices) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        checkAll(chaos(seed, 2).timeline, chaos(seed + 1000, 2).timeline);
    }
}

TEST(CompareProperties, ChaosWithoutADevice) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        checkAll(chaos(seed, 0).timeline, chaos(seed + 1000, 0).timeline);
    }
}

TEST(CompareProperties, OneAlmostLikeTheOther) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        const MemoryTimeline a = chaos(seed, seed % 2 == 0 ? 2 : 0);
        MemoryTimeline b = chaos(seed, seed % 2 == 0 ? 2 : 0);
        b.work(0, 30'000 + static_cast<Ns>(seed), 31'000 + static_cast<Ns>(seed), "extra", 1);
        b.finish();
        checkAll(a.timeline, b.timeline);
    }
}

TEST(CompareProperties, ShiftingAllTimesChangesNothing) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const MemoryTimeline a = program(seed, 1, 1);
        MemoryTimeline b = program(seed, 1, 1);
        constexpr Ns kShift = 123'456'789;
        for (auto& r : b.timeline.gpu) r.start += kShift, r.end += kShift;
        for (auto& r : b.timeline.calls) r.start += kShift, r.end += kShift;
        for (auto& r : b.timeline.ranges) r.start += kShift, r.end += kShift;
        for (auto& r : b.timeline.io) r.start += kShift, r.end += kShift;
        checkZero(compared(a.timeline, b.timeline));
    }
}

TEST(CompareProperties, AnalysesAloneAddUpToo) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const auto a = analyzeTimeline(program(seed, 2, 1).timeline, {}), b = analyzeTimeline(program(seed + 50, 2, 1).timeline, {});
        ASSERT_TRUE(a.ok() && b.ok());
        const Comparison forth = compareAnalyses(*a, *b), back = compareAnalyses(*b, *a);
        EXPECT_FALSE(forth.lanes.empty());
        checkSums(forth);
        checkAntisymmetric(forth, back);
        checkZero(compareAnalyses(*a, *a));
    }
}

}  // namespace
}  // namespace ridge::test
