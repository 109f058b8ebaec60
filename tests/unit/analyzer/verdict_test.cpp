// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/verdict/verdict.h"

#include <gtest/gtest.h>

#include <random>

#include "analyzer/communication/report.h"

namespace ridge::analyzer {
namespace {

VerdictInput input(std::initializer_list<std::pair<WallClass, Ns>> classes, double computeSlack = 0, double memorySlack = 0) {
    VerdictInput in;
    for (const auto& [c, ns] : classes) in.classes[static_cast<std::size_t>(c)] = ns;
    in.computeSlack = computeSlack;
    in.memorySlack = memorySlack;
    return in;
}

TEST(Verdict, TimeAtTheRoofIsNamedWhenNothingElseIsMaterial) {
    using enum WallClass;
    const auto answer = judgeWall(input({{kComputeBound, 70}, {kMemoryWall, 15}, {kHost, 10}, {kPreempted, 5}}, 0.1, 0.2));
    EXPECT_EQ(answer.verdict.wallClass, kComputeBound);
    EXPECT_EQ(answer.verdict.cause, Cause::kCompute);
    EXPECT_DOUBLE_EQ(answer.share, 0.7);
}

TEST(Verdict, AnAvoidableWallBeatsMoreTimeAtTheRoof) {
    using enum WallClass;
    EXPECT_EQ(judgeWall(input({{kComputeBound, 60}, {kIoCheckpoint, 40}})).verdict.cause, Cause::kCheckpointIo);
    EXPECT_EQ(judgeWall(input({{kComputeBound, 60}, {kIoInput, 40}})).verdict.cause, Cause::kInputIo);
    EXPECT_EQ(judgeWall(input({{kComputeBound, 80}, {kIoInput, 20}})).verdict.cause, Cause::kCompute);
}

TEST(Verdict, WallsAreTakenTogether) {
    using enum WallClass;
    const auto launch = judgeWall(input({{kComputeUnknown, 40}, {kLaunch, 20}, {kKernelGap, 25}, {kApi, 15}}));
    EXPECT_EQ(launch.verdict.wallClass, kKernelGap);
    EXPECT_EQ(launch.verdict.cause, Cause::kLaunch);
    EXPECT_DOUBLE_EQ(launch.share, 0.6);
    auto comm = input({{kComputeBound, 40}, {kCommWait, 40}, {kCommTransfer, 20}});
    EXPECT_EQ(judgeWall(comm).verdict.cause, Cause::kCommunication);
    comm.straggler = true;
    EXPECT_EQ(judgeWall(comm).verdict.cause, Cause::kStraggler);
    auto latency = input({{kLatencyBound, 40}, {kComputeBound, 60}});
    EXPECT_EQ(judgeWall(latency).verdict.wallClass, kLatencyBound);
    EXPECT_EQ(judgeWall(latency).verdict.cause, Cause::kNone);
    latency.latencySlack = 0.45;  // 18 of 100 above its roof: not worth naming before what fills the step
    EXPECT_EQ(judgeWall(latency).verdict.wallClass, kComputeBound);
    latency.latencySlack = 1;
    latency.dispatchLimited = true;
    EXPECT_EQ(judgeWall(latency).verdict.cause, Cause::kLaunch);
    EXPECT_EQ(judgeWall(input({{kComputeUnknown, 10}})).verdict.cause, Cause::kNone);
    EXPECT_EQ(judgeWall(input({})).verdict.cause, Cause::kNone);
}

// metrics 1.4: ranks [0,10) and [6,10): wait 6 and 0, transfer 4, blame 6 on the second.
TEST(Collectives, ToyVector) {
    const CollectiveSplit split = splitCollective({{0, 0, 10}, {1, 6, 10}});
    EXPECT_EQ(split.waitNs, (std::vector<Ns>{6, 0}));
    EXPECT_EQ(split.transferNs, 4);
    EXPECT_EQ(split.marginalNs, 6);
    EXPECT_EQ(split.lastRank, 1);
}

TEST(Collectives, InvariantsOnRandomGroups) {
    std::mt19937 random(4711);
    for (int round = 0; round < 2000; ++round) {
        std::vector<CollectiveMember> members(1 + random() % 6);
        Ns earliest = 1000;
        for (std::size_t r = 0; r < members.size(); ++r) {
            members[r] = {static_cast<std::int64_t>(r), static_cast<Ns>(random() % 50), static_cast<Ns>(60 + random() % 20)};
            earliest = std::min(earliest, members[r].start);
        }
        const CollectiveSplit split = splitCollective(members);
        ASSERT_GE(split.transferNs, 0);
        ASSERT_EQ(*std::min_element(split.waitNs.begin(), split.waitNs.end()), 0);
        ASSERT_LE(split.marginalNs, split.latestStart - earliest);
        for (std::size_t r = 0; r < members.size(); ++r)
            ASSERT_LE(split.waitNs[r] + split.transferNs, members[r].end - members[r].start);
    }
}

TEST(Collectives, WireFactors) {
    EXPECT_DOUBLE_EQ(*wireFactor("comm.all_reduce", 2), 1.0);
    EXPECT_DOUBLE_EQ(*wireFactor("AllReduce", 4), 1.5);
    EXPECT_DOUBLE_EQ(*wireFactor("reduce-scatter", 4), 0.75);
    EXPECT_FALSE(wireFactor("broadcast", 4));
    EXPECT_FALSE(wireFactor("all_reduce", 1));
}

}  // namespace
}  // namespace ridge::analyzer
