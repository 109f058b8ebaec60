// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Time by range name: nesting, recursion, steps that cut, device time projected; worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "analyzer/ranges/ranges.h"
#include "analyzer/timeline/order.h"
#include "check.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

using namespace analyzer;

constexpr std::int64_t kTid = (1LL << 48) | (100LL << 24) | 100;

const RangeSummary* named(const Analysis& answer, const std::string& name) {
    const auto it = std::find_if(answer.ranges.begin(), answer.ranges.end(), [&](const auto& r) { return r.name == name; });
    return it == answer.ranges.end() ? nullptr : &*it;
}

TEST(Ranges, SelfTimeAndDeviceTimeFollowTheNesting) {
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    TraceBuilder t((folder->path() / "ranges.sqlite").string());
    t.range(kTid, 0, 100, "step");
    t.range(kTid, 10, 40, "forward");
    t.range(kTid, 20, 30, "forward");  // recursion: inside itself
    t.range(kTid, 50, 90, "backward");
    t.call(kTid, 22, 24, "cudaLaunchKernel_v7000", 1);
    t.call(kTid, 60, 62, "cudaLaunchKernel_v7000", 2);
    t.call(kTid, 95, 96, "cudaLaunchKernel_v7000", 3);
    t.kernel(100, 0, 25, 32, "a_gemm", 1);
    t.kernel(100, 0, 65, 85, "a_gemm", 2);
    t.kernel(100, 0, 97, 98, "a_gemm", 3);
    t.finish();
    const Analysis answer = analyzeOk(t.path());
    ASSERT_EQ(answer.ranges.size(), 3U);
    const RangeSummary& step = *named(answer, "step");
    EXPECT_EQ(step.totalNs, 100);
    EXPECT_EQ(step.selfNs, 30);
    EXPECT_EQ(step.deviceNs, 28);
    EXPECT_EQ(step.deviceSelfNs, 1);
    const RangeSummary& forward = *named(answer, "forward");
    EXPECT_EQ(forward.count, 2);
    EXPECT_EQ(forward.totalNs, 30);  // the inner one is in it already
    EXPECT_EQ(forward.selfNs, 30);
    EXPECT_EQ(forward.deviceNs, 7);
    EXPECT_EQ(named(answer, "backward")->deviceNs, 20);
    EXPECT_EQ(answer.ranges.front().name, "step");
}

TEST(Ranges, OnlyTheStepsCount) {
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    TraceBuilder t((folder->path() / "steps.sqlite").string());
    t.range(kTid, 0, 50, "ProfilerStep#1");
    t.range(kTid, 60, 100, "ProfilerStep#2");
    t.range(kTid, 40, 50, "in");       // whole
    t.range(kTid, 52, 58, "between");  // none of it
    t.range(kTid, 90, 120, "over");    // its first 10
    t.finish();
    const Analysis answer = analyzeOk(t.path());
    ASSERT_EQ(answer.stepSource, "ProfilerStep");
    EXPECT_EQ(named(answer, "in")->totalNs, 10);
    EXPECT_EQ(named(answer, "between"), nullptr);
    EXPECT_EQ(named(answer, "over")->totalNs, 10);
}

// Self times of one thread are disjoint: together they are the union of its ranges.
TEST(Ranges, SelfTimesAddUpToTheUnionOfTheThread) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        Timeline timeline;
        timeline.processes.emplace_back();
        timeline.threads.push_back({kTid, 0});
        std::vector<Interval> all;
        const int ranges = static_cast<int>(random() % 40) + 1;
        for (int i = 0; i < ranges; ++i) {
            Range range;
            range.start = static_cast<Ns>(random() % 1000);
            range.end = range.start + static_cast<Ns>(random() % 200);
            range.name = timeline.names.intern("r" + std::to_string(random() % 5));
            range.thread = 0;
            range.rowid = i;
            all.push_back({range.start, range.end});
            timeline.ranges.push_back(range);
        }
        sortAll(timeline);
        Analysis answer;
        StepSet whole;
        addRanges(timeline, whole, answer);
        Ns self = 0;
        for (const RangeSummary& row : answer.ranges) {
            EXPECT_GE(row.selfNs, 0);
            EXPECT_LE(row.totalNs, 1200);
            self += row.selfNs;
        }
        // Ranges that cross are cut at the end of the one they began in; what is cut is in none.
        EXPECT_LE(self, length(normalize(all))) << "round " << round;
    }
}

}  // namespace
}  // namespace ridge::test
