// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "tests/unit/compare/check.h"

namespace ridge::test {
namespace {

// metrics.md 1.7: n 100 -> 110, d 10 -> 11: 100 + 100 + 10 = 210.
TEST(SplitDelta, PublishedToy) {
    ComparisonRow row;
    row.a.count = 100;
    row.a.ns = 1'000;
    row.b.count = 110;
    row.b.ns = 1'210;
    splitDelta(row);
    EXPECT_EQ(row.deltaNs, 210);
    EXPECT_EQ(row.slowerNs, 100);
    EXPECT_EQ(row.oftenerNs, 100);
    EXPECT_EQ(row.bothNs, 10);
}

TEST(SplitDelta, PartsAlwaysAddUpAndRoundingIsBelowOneNanosecondAPart) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
        ComparisonRow row;
        row.a.count = static_cast<std::int64_t>(random() % 50);
        row.b.count = static_cast<std::int64_t>(random() % 50);
        row.a.ns = row.a.count == 0 ? 0 : static_cast<Ns>(random() % 1'000'000'000'000ULL);
        row.b.ns = row.b.count == 0 ? 0 : static_cast<Ns>(random() % 1'000'000'000'000ULL);
        splitDelta(row);
        EXPECT_EQ(row.slowerNs + row.oftenerNs + row.bothNs, row.b.ns - row.a.ns);
        if (row.a.count == 0 || row.b.count == 0) continue;
        const long double nA = static_cast<long double>(row.a.count), nB = static_cast<long double>(row.b.count);
        const long double dA = static_cast<long double>(row.a.ns) / nA, dB = static_cast<long double>(row.b.ns) / nB;
        EXPECT_NEAR(static_cast<double>(row.slowerNs), static_cast<double>(nA * (dB - dA)), 0.51);
        EXPECT_NEAR(static_cast<double>(row.oftenerNs), static_cast<double>((nB - nA) * dA), 0.51);
        EXPECT_NEAR(static_cast<double>(row.bothNs), static_cast<double>((nB - nA) * (dB - dA)), 1.01);
        if (row.a.count == row.b.count) {
            EXPECT_EQ(row.slowerNs, row.deltaNs);
        }
    }
}

TEST(Spread, IsOfValuesThatOccurred) {
    const Spread s = spreadOf({5, 1, 4, 2, 3});
    EXPECT_EQ(s.least, 1);
    EXPECT_EQ(s.q1, 2);
    EXPECT_EQ(s.median, 3);
    EXPECT_EQ(s.q3, 4);
    EXPECT_EQ(s.most, 5);
    EXPECT_EQ(spreadOf({}).steps, 0);
    EXPECT_EQ(spreadOf({7}).q3, 7);
    EXPECT_EQ(spreadOf({1, 2}).median, 1);
}

// Runs of one lane with steps of the given lengths, all of one op.
RunProfile run(const std::vector<Ns>& lengths, const std::string& workload = "w", std::int64_t firstIndex = 0) {
    RunProfile r;
    r.stepSource = "ridge";
    r.nodes = {{}, {0, NodeKind::kOp, "op", ""}};
    ProfileLane lane;
    lane.workload = workload;
    Ns now = 0;
    for (const Ns length : lengths) {
        ProfileStep s;
        s.index = firstIndex++;
        s.startNs = now;
        s.endNs = now += length;
        s.classes[static_cast<std::size_t>(WallClass::kComputeUnknown)] = length;
        s.entries = {{WallClass::kComputeUnknown, 1, length}};
        s.counts = {{1, 1, length, 0}};
        lane.steps.push_back(s);
    }
    r.lanes.push_back(lane);
    return r;
}

TEST(Steps, TheMedianOneStandsForItsSide) {
    const Comparison c = compareProfiles(run({10, 30, 20, 50, 40}), run({15, 35, 25, 55, 45}));
    checkSums(c);
    ASSERT_EQ(c.lanes.size(), 1u);
    EXPECT_EQ(c.lanes[0].stepA.index, 1);
    EXPECT_EQ(c.lanes[0].stepA.lengthNs(), 30);
    EXPECT_EQ(c.lanes[0].deltaNs, 5);
    EXPECT_EQ(c.lanes[0].a.q1, 20);
    EXPECT_EQ(c.lanes[0].b.q3, 45);
    EXPECT_FALSE(c.lanes[0].matchedByPlace);
}

TEST(Steps, AreMatchedByIndexAndTheOthersCounted) {
    const Comparison c = compareProfiles(run({1, 2, 3, 4, 5, 6}), run({7, 8, 9, 10}, "w", 2));
    EXPECT_EQ(c.lanes[0].a.steps, 4);
    EXPECT_EQ(c.lanes[0].unmatchedA, 2);
    EXPECT_EQ(c.lanes[0].unmatchedB, 0);
    EXPECT_EQ(c.lanes[0].a.least, 3);
}

TEST(Steps, WithOtherNumbersAreMatchedByPlace) {
    const Comparison c = compareProfiles(run({1, 2, 3}), run({4, 5, 6, 7}, "w", 100));
    EXPECT_TRUE(c.lanes[0].matchedByPlace);
    EXPECT_EQ(c.lanes[0].unmatchedB, 1);
    EXPECT_FALSE(c.notes.empty());
}

TEST(Steps, ForeignTracesLoseTheirFirstOne) {
    RunProfile a = run({100, 2, 3, 4}), b = run({100, 2, 3, 4});
    a.stepSource = b.stepSource = "ProfilerStep";
    EXPECT_EQ(compareProfiles(a, b).lanes[0].warmupA, 1);
    EXPECT_EQ(compareProfiles(a, b).lanes[0].a.most, 4);
    CompareOptions options;
    options.warmup = 2;
    EXPECT_EQ(compareProfiles(a, b, options).lanes[0].a.steps, 2);
    options.warmup = 0;
    EXPECT_EQ(compareProfiles(a, b, options).lanes[0].a.most, 100);
}

void expectRefused(const RunProfile& a, const RunProfile& b, RefusalKind kind, const std::string& word) {
    for (const auto& c : {compareProfiles(a, b), compareProfiles(b, a)}) {
        ASSERT_TRUE(c.refusal.has_value());
        EXPECT_EQ(c.refusal->kind, kind);
        EXPECT_NE(c.refusal->reason.find(word), std::string::npos) << c.refusal->reason;
        EXPECT_EQ(c.refusal->reason.find('\n'), std::string::npos);
        EXPECT_TRUE(c.lanes.empty());
    }
}

TEST(Refusals, OtherMachinesDevicesWorldsWorkloadsAndBadCaptures) {
    const RunProfile a = run({1, 2, 3});
    RunProfile b = a;
    b.environment = {{"cpu.model", "key", "Xeon"}};
    RunProfile other = a;
    other.environment = {{"cpu.model", "key", "EPYC"}};
    expectRefused(b, other, RefusalKind::kMachine, "EPYC");
    EXPECT_FALSE(compareProfiles(a, b).refusal.has_value());  // one side does not say

    RunProfile h100 = a, a100 = a;
    h100.devices.push_back({0, 0, "gpu", "H100"});
    a100.devices.push_back({0, 0, "gpu", "A100"});
    expectRefused(h100, a100, RefusalKind::kMachine, "H100");

    RunProfile two = a, four = a;
    two.worldSize = 2;
    four.worldSize = 4;
    expectRefused(two, four, RefusalKind::kWorld, "4");

    RunProfile bad = a;
    bad.gate.push_back({"graph_launches_without_rows", Severity::kError, 3, "rows are missing"});
    expectRefused(a, bad, RefusalKind::kCapture, "cannot tell");

    expectRefused(a, RunProfile{}, RefusalKind::kNothing, "nothing");
    expectRefused(a, run({1, 2}, "another"), RefusalKind::kWorkload, "another");
}

TEST(Refusals, NamedPairsAreCompared) {
    CompareOptions options;
    options.pairs = {{"w", "another"}};
    const Comparison c = compareProfiles(run({1, 2, 3}), run({2, 3, 4}, "another"), options);
    ASSERT_FALSE(c.refusal.has_value());
    EXPECT_EQ(c.lanes[0].deltaNs, 1);
    EXPECT_EQ(c.lanes[0].workloadB, "another");
}

TEST(Differences, ClocksAndDriversComeFirstAndLoadLast) {
    RunProfile a = run({1}), b = run({1});
    a.environment = {{"env.OMP_NUM_THREADS", "key", "4"}, {"gpu.driver", "key", "550"}, {"os.load", "volatile", "1"}, {"os.libc", "recorded", "2.36"}};
    b.environment = {{"env.OMP_NUM_THREADS", "key", "8"}, {"gpu.driver", "key", "560"}, {"os.load", "volatile", "2"}, {"os.libc", "recorded", "2.36"}};
    a.counters = {{"gpu.clock.sm", "Hz", 0, 1.98e9, 10}, {"gpu.power", "W", 0, 700, 10}};
    b.counters = {{"gpu.clock.sm", "Hz", 0, 1.40e9, 10}, {"gpu.power", "W", 0, 699, 10}};
    const auto list = differencesOf(a, b);
    ASSERT_EQ(list.size(), 4u);
    EXPECT_EQ(list[0].group, "clock");
    EXPECT_EQ(list[1].what, "gpu.driver");
    EXPECT_EQ(list[2].what, "env.OMP_NUM_THREADS");
    EXPECT_EQ(list[3].what, "os.load");
    EXPECT_FALSE(list[3].counts);
    EXPECT_TRUE(differencesOf(a, a).empty());
}

}  // namespace
}  // namespace ridge::test
