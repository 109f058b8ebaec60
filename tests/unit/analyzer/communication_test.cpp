// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/communication/contention.h"
#include "analyzer/communication/gpu_collectives.h"
#include "analyzer/communication/report.h"
#include "tests/unit/analyzer/answers.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace ridge::test {
namespace {

// metrics 1.4: ranks [0,10) and [6,10): wait 6 and 0, transfer 4, blame 6 on the second.
TEST(Collectives, PublishedToy) {
    const CollectiveSplit split = splitCollective({{0, 0, 10}, {1, 6, 10}});
    EXPECT_EQ(split.waitNs, (std::vector<Ns>{6, 0}));
    EXPECT_EQ(split.transferNs, 4);
    EXPECT_EQ(split.marginalNs, 6);
    EXPECT_EQ(split.lastRank, 1);
}

TEST(Collectives, WaitsAreNeverNegativeAndTheLastWaitsForNobody) {
    std::mt19937_64 random(5);
    for (int trial = 0; trial < 300; ++trial) {
        std::vector<CollectiveMember> members;
        Ns earliest = kMaxTime, blame = 0;
        for (std::int64_t r = 0; r < 2 + static_cast<std::int64_t>(random() % 7); ++r) {
            const Ns start = static_cast<Ns>(random() % 1'000);
            members.push_back({r, start, start + static_cast<Ns>(random() % 2'000)});
            earliest = std::min(earliest, start);
        }
        const CollectiveSplit split = splitCollective(members);
        EXPECT_GE(*std::min_element(split.waitNs.begin(), split.waitNs.end()), 0);
        EXPECT_EQ(*std::min_element(split.waitNs.begin(), split.waitNs.end()), 0);
        blame += split.marginalNs;
        EXPECT_LE(blame, split.latestStart - earliest);
    }
}

// Kernels of several ranks, one device each, that end together.
void addAllReduce(MemoryTimeline& m, std::int64_t number, const std::vector<Ns>& starts, Ns end, const std::vector<Ns>& clock, bool withSequence) {
    for (std::size_t r = 0; r < starts.size(); ++r) {
        GpuRow& row = m.row(static_cast<std::int32_t>(r), 20, starts[r] + clock[r], end + clock[r], "ncclDevKernel_AllReduce_Sum_f32", kNoIndex);
        if (!withSequence) continue;
        row.collective = static_cast<std::int32_t>(m.timeline.collectives.size());
        Collective c;
        c.name = m.timeline.names.intern("allreduce");
        c.group = m.timeline.names.intern("0");
        c.bytesIn = c.bytesOut = 1'000'000;
        c.groupSize = static_cast<std::int64_t>(starts.size());
        c.sequence = number;
        m.timeline.collectives.push_back(c);
    }
}

TEST(GpuCollectives, SplitsWaitingFromTransferAndBlamesTheLast) {
    for (const bool withSequence : {false, true}) {
        MemoryTimeline m(3, 1, 1);
        for (std::int64_t i = 0; i < 5; ++i) {
            const Ns t = i * 1'000'000;
            addAllReduce(m, i, {t + 100'000, t + 120'000, t + 400'000}, t + 500'000, {0, 0, 0}, withSequence);
        }
        const Analysis answer = analyzed(m.finish());
        ASSERT_EQ(answer.communication.size(), 1u);
        const CommunicationOp& op = answer.communication.front();
        EXPECT_EQ(op.waitNs, 5 * (300'000 + 280'000));
        EXPECT_EQ(op.transferNs, 5 * 3 * 100'000);
        ASSERT_EQ(answer.stragglers.size(), 1u);
        EXPECT_EQ(answer.stragglers[0].rank, 2);
        EXPECT_EQ(answer.stragglers[0].blameNs, 5 * 280'000);
        Ns wait = 0, transfer = 0;
        for (const Step& s : answer.steps) {
            wait += s.classes[static_cast<std::size_t>(WallClass::kCommWait)];
            transfer += s.classes[static_cast<std::size_t>(WallClass::kCommTransfer)];
        }
        EXPECT_EQ(wait, *op.waitNs);
        EXPECT_EQ(transfer, *op.transferNs);
        if (withSequence) {
            EXPECT_EQ(op.bytes, 15'000'000);
            EXPECT_DOUBLE_EQ(*op.algbw, 1e6 / 1e-4);
            EXPECT_DOUBLE_EQ(*op.busbw, 1e6 / 1e-4 * 4 / 3);
        }
    }
}

TEST(GpuCollectives, AreNotGuessedWhenARankHasMoreOfThem) {
    MemoryTimeline m(2, 1, 1);
    addAllReduce(m, 0, {0, 10'000}, 50'000, {0, 0}, false);
    m.row(0, 20, 60'000, 70'000, "ncclDevKernel_AllReduce_Sum_f32", kNoIndex);
    const Analysis answer = analyzed(m.finish());
    EXPECT_FALSE(answer.communication.front().waitNs);
    EXPECT_TRUE(answer.stragglers.empty());
}

TEST(GpuCollectives, ARankThatEndedBeforeAnotherBeganWasInNoCollectiveWithIt) {
    MemoryTimeline m(2, 1, 1);
    m.row(0, 20, 0, 50'000, "ncclDevKernel_SendRecv", kNoIndex);
    m.row(1, 20, 900'000, 950'000, "ncclDevKernel_SendRecv", kNoIndex);
    const Analysis answer = analyzed(m.finish());
    EXPECT_FALSE(answer.communication.front().waitNs);
}

// Two hosts: the clock of the second is 3 ms ahead. Its offset is found, and what is left is the truth.
TEST(GpuCollectives, AlignsTheClocksOfSeveralFiles) {
    MemoryTimeline m(2, 1, 1);
    m.timeline.processes[1].file = 1;
    for (std::int64_t i = 0; i < 20; ++i) {
        const Ns t = i * 1'000'000, noise = (i % 3) * 200;
        addAllReduce(m, i, {t + 100'000, t + 300'000}, t + 400'000, {0, 3'000'000 + noise}, true);
    }
    const Analysis answer = analyzed(m.finish());
    ASSERT_EQ(answer.clocks.size(), 2u);
    EXPECT_NEAR(static_cast<double>(answer.clocks[1].offsetNs), 3e6, 400);
    EXPECT_LE(answer.clocks[1].residualNs, 400);
    ASSERT_EQ(answer.stragglers.size(), 1u);
    EXPECT_EQ(answer.stragglers[0].rank, 1);
    EXPECT_NEAR(static_cast<double>(answer.stragglers[0].blameNs), 20 * 200'000.0, 20 * 400.0);
}

TEST(GpuCollectives, SkewBelowThreeResidualsIsNobodysFault) {
    MemoryTimeline m(2, 1, 1);
    m.timeline.processes[1].file = 1;
    for (std::int64_t i = 0; i < 20; ++i) {
        const Ns t = i * 1'000'000, noise = (i % 2 == 0 ? 1 : -1) * 20'000;
        addAllReduce(m, i, {t + 100'000, t + 110'000}, t + 400'000, {0, noise}, true);
    }
    const Analysis answer = analyzed(m.finish());
    EXPECT_TRUE(answer.stragglers.empty());
    EXPECT_GT(answer.unclaimedSkewNs, 0);
}

TEST(Contention, CostIsWhatTheOverlappedOnesTakeLonger) {
    std::vector<TimedInstance> instances;
    IntervalSet communication;
    for (Ns i = 0; i < 40; ++i) {
        const bool beside = i % 2 == 0;
        instances.push_back({7, i * 1'000, i * 1'000 + (beside ? 150 : 100)});
        if (beside) communication.push_back({i * 1'000, i * 1'000 + 500});
    }
    const ContentionAnswer answer = measureContention(instances, communication);
    ASSERT_EQ(answer.signatures.size(), 1u);
    EXPECT_EQ(answer.signatures[0].medianAloneNs, 100);
    EXPECT_EQ(answer.signatures[0].medianOverlappedNs, 150);
    EXPECT_EQ(answer.costNs, 20 * 50);
    EXPECT_LE(answer.costLowNs, answer.costNs);
    EXPECT_GE(answer.costHighNs, answer.costNs);
}

TEST(Contention, NoiseAloneHasAnIntervalAroundZeroAndFewAreNotJudged) {
    std::mt19937_64 random(11);
    std::vector<TimedInstance> instances;
    IntervalSet communication;
    for (Ns i = 0; i < 400; ++i) {
        instances.push_back({7, i * 1'000, i * 1'000 + 100 + static_cast<Ns>(random() % 41)});
        if (i % 2 == 0) communication.push_back({i * 1'000, i * 1'000 + 500});
    }
    const ContentionAnswer answer = measureContention(instances, communication);
    EXPECT_LT(answer.costLowNs, 0);
    EXPECT_GT(answer.costHighNs, 0);
    instances.resize(8);
    EXPECT_TRUE(measureContention(instances, communication).signatures.empty());
}

// All eight ranks of one DLRM step: rank 7 is last in the collectives that cost most.
TEST(RealTraces, RankSevenOfTheDlrmStepIsTheStraggler) {
    std::vector<std::string> paths;
    for (int r = 0; r < 8; ++r) {
        paths.push_back(std::string(RIDGE_TRACES_DIR) + "/kineto/param_v100_dlrm_8rank_w" + std::to_string(r) + ".json.gz");
        if (!std::filesystem::exists(paths.back())) GTEST_SKIP() << "no " << paths.back();
    }
    const auto answer = analyze(paths, {});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    ASSERT_FALSE(answer->stragglers.empty());
    std::map<std::int64_t, Ns> blame;
    for (const Straggler& s : answer->stragglers) blame[s.rank] += s.blameNs;
    const auto worst = std::max_element(blame.begin(), blame.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_EQ(worst->first, 7);
    Ns all = 0;
    for (const auto& [rank, ns] : blame) all += ns;
    EXPECT_GT(worst->second, all * 8 / 10);
    // Of the eight collectives of each rank all are told apart: 64 kernels, each with its wait.
    std::int64_t kernels = 0;
    for (const CommunicationOp& op : answer->communication) {
        kernels += op.count;
        EXPECT_TRUE(op.waitNs) << op.name;
    }
    EXPECT_EQ(kernels, 64);
}

}  // namespace
}  // namespace ridge::test
