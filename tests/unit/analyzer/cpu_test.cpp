// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Partitions, verdicts and findings of processes without a GPU, on traces whose answers were worked out
// by hand.
#include <gtest/gtest.h>

#include "check.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

using analyzer::Analysis;
using enum WallClass;

constexpr std::int64_t kMain = (1LL << 48) | (100LL << 24) | 100, kLoader = kMain + 1;

class CpuTrace : public testing::Test {
protected:
    void SetUp() override {
        auto folder = TempDir::create("ridge-analyzer-test");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(folder).value());
    }
    std::string path(const std::string& name = "t.sqlite") { return (m_folder->path() / name).string(); }
    static void roofs(TraceBuilder& t) {
        t.ceiling("compute", "f32 peak", "f32", "", "", 0, 1e12, "FLOP/s");
        t.ceiling("memory", "DRAM read", "", "DRAM", "read", 0, 1e10, "B/s");
        t.ceiling("dispatch", "empty op", "", "", "", 0, 1e-6, "s");
    }
    // Six steps of 20 us that begin with a gemm, in a process that has that share of a CPU.
    Analysis gemmsOnAShareOfACpu(double share, std::int64_t gemmNs, std::int64_t flops) {
        TraceBuilder t(path(fmt::format("{}.sqlite", share)));
        roofs(t);
        for (std::int64_t s = 0; s < 6; ++s) {
            t.range(kMain, s * 20'000, s * 20'000 + 20'000, "step", 3, s);
            t.work(kMain, s * 20'000, s * 20'000 + gemmNs, "gemm", {1, 1, flops, 10, 10});
        }
        t.cpuShare(100, 0, 12'000, 11, share);
        t.finish();
        return analyzeOk(t.path());
    }
    std::optional<TempDir> m_folder;
};

void mixedStep(TraceBuilder& t, std::int64_t o, std::int64_t index) {
    t.range(kMain, o, o + 40'000, "step", 3, index);
    t.work(kMain, o, o + 10'000, "gemm", {1, 1, 9'000'000, 100, 100});
    t.work(kMain, o + 10'000, o + 16'000, "add", {4, 1, 1, 50'000, 0});
    t.io(kLoader, o + 2'000, o + 5'000, "read", 3, "/data/shard0", 1000);    // hidden behind the gemm
    t.io(kLoader, o + 16'000, o + 24'000, "read", 3, "/data/shard0", 8000);
    t.io(kLoader, o + 31'000, o + 39'000, "read", 3, "/dev/urandom", 8000);  // no file
    t.range(kMain, o + 22'000, o + 30'000, "collate");
    t.preemption(o + 26'000, o + 27'000);
}

TEST_F(CpuTrace, EveryNanosecondGetsItsClass) {
    TraceBuilder t(path());
    roofs(t);
    t.range(kMain, 0, 100'000, "some.workload/x:1", 1);
    t.range(kMain, 0, 10'000, "warmup", 2);
    t.range(kMain, 1'000, 9'000, "step", 3, 0);  // warm-up steps are left out
    mixedStep(t, 10'000, 0);
    mixedStep(t, 50'000, 1);
    t.finish();
    const Analysis answer = analyzeOk(path());
    EXPECT_EQ(answer.stepSource, "ridge");
    ASSERT_EQ(answer.steps.size(), 2U);
    for (const auto& step : answer.steps) {
        EXPECT_EQ(step.workload, "some.workload/x:1");
        EXPECT_EQ(at(step.classes, kComputeBound), 10'000);
        EXPECT_EQ(at(step.classes, kMemoryWall), 6'000);
        EXPECT_EQ(at(step.classes, kIoInput), 8'000);
        EXPECT_EQ(at(step.classes, kPreempted), 1'000);
        EXPECT_EQ(at(step.classes, kHost), 5'000);
        EXPECT_EQ(at(step.classes, kIdle), 10'000);
    }
    EXPECT_EQ(answer.steps[1].index, 1);
    ASSERT_EQ(answer.workloads.size(), 1U);
    EXPECT_EQ(answer.workloads[0].medianStepNs, 40'000);
    ASSERT_EQ(answer.roofline.size(), 2U);
    EXPECT_EQ(answer.roofline[0].op, "gemm");
    EXPECT_EQ(answer.roofline[0].bound, "compute");
    EXPECT_DOUBLE_EQ(*answer.roofline[0].attainment, 0.9);
    EXPECT_DOUBLE_EQ(*answer.roofline[0].achieved, 9e6 / 10e-6);
    EXPECT_EQ(answer.roofline[1].bound, "memory");
    for (const char* rule : {"compute_bound", "memory_wall", "input_io", "host_preemption", "host_time"})
        EXPECT_NE(findingOf(answer, rule), nullptr) << rule;
    const auto* io = findingOf(answer, "input_io");
    EXPECT_EQ(io->costNs, 8'000);
    EXPECT_EQ(io->evidence[0].value, 22'000);  // four calls on files that start in the steps
    EXPECT_FALSE(io->sql.empty());
}

TEST_F(CpuTrace, NestedWorkGoesToTheInnermostLeaf) {
    TraceBuilder t(path());
    t.range(kMain, 0, 40'000, "step", 3, 0);
    t.work(kMain, 0, 20'000, "block", {1, 1, 1000, 10, 10});
    t.work(kMain, 5'000, 10'000, "gemm", {1, 1, 1000, 10, 10});
    t.work(kMain, 20'000, 40'000, "layer", {1, 1, 1000, 10, 10});
    t.range(kMain, 25'000, 30'000, "detail");  // without payload: the layer stays the leaf
    t.finish();
    const Analysis answer = analyzeOk(path());
    ASSERT_EQ(answer.steps.size(), 1U);
    EXPECT_EQ(at(answer.steps[0].classes, kComputeUnknown), 25'000);  // no roofs: no bound
    EXPECT_EQ(at(answer.steps[0].classes, kHost), 15'000);
    EXPECT_EQ(answer.workloads[0].verdict.cause, Cause::kHost);
}

// rank 1 computes longer, rank 0 waits for it.
void twoRankStep(TraceBuilder& t, std::int64_t o, std::int64_t index, std::int64_t longer) {
    for (std::int64_t rank = 0; rank < 2; ++rank) {
        const std::int64_t tid = TraceBuilder::tid(100 * (rank + 1), 100 * (rank + 1));
        const std::int64_t ready = o + (rank == 0 ? 8'000 : longer);
        t.range(tid, o, o + longer + 6'000, "step", 3, index);
        t.work(tid, o, ready, "gemm", {1, 1, rank == 0 ? 7'200'000 : longer * 900, 10, 10});
        t.work(tid, ready, o + longer + 4'000, "all_reduce", {8, 1, 0, 0, 0, 4000, 77, index + 1});
    }
}

TEST_F(CpuTrace, WaitAndTransferWhenAllRanksAreThere) {
    TraceBuilder t(path());
    roofs(t);
    t.rank(100, 0, 2);
    t.rank(200, 1, 2);
    for (std::int64_t s = 0; s < 6; ++s) twoRankStep(t, s * 20'000, s, 14'000);
    t.finish();
    const Analysis answer = analyzeOk(path());
    ASSERT_EQ(answer.steps.size(), 12U);
    ASSERT_EQ(answer.devices.size(), 2U);
    for (const auto& step : answer.steps) {
        EXPECT_EQ(at(step.classes, kCommWait), step.rank == 0 ? 6'000 : 0);
        EXPECT_EQ(at(step.classes, kCommTransfer), 4'000);
        EXPECT_EQ(at(step.classes, kComputeBound), step.rank == 0 ? 8'000 : 14'000);
        EXPECT_EQ(at(step.classes, kIdle), 2'000);
    }
    ASSERT_EQ(answer.communication.size(), 1U);
    const auto& op = answer.communication[0];
    EXPECT_EQ(op.count, 12);
    EXPECT_EQ(*op.waitNs, 36'000);
    EXPECT_EQ(*op.transferNs, 48'000);
    EXPECT_EQ(op.busyNs, 6 * 14'000);
    EXPECT_DOUBLE_EQ(*op.busbw, 4000 / 4e-6);
    EXPECT_DOUBLE_EQ(*op.algbw, 4000 / 4e-6);  // two ranks: 2(n-1)/n = 1
    ASSERT_EQ(answer.stragglers.size(), 1U);
    EXPECT_EQ(answer.stragglers[0].rank, 1);
    EXPECT_EQ(answer.stragglers[0].blameNs, 36'000);
    EXPECT_EQ(answer.stragglers[0].excessClass, "compute_bound");
    EXPECT_EQ(answer.workloads[0].verdict.cause, Cause::kCommunication);
    EXPECT_NE(findingOf(answer, "wait_for_peers"), nullptr);
    EXPECT_NE(findingOf(answer, "exposed_communication"), nullptr);
}

TEST_F(CpuTrace, ASystematicallyLateRankIsAStraggler) {
    TraceBuilder t(path());
    t.rank(100, 0, 2);
    t.rank(200, 1, 2);
    for (std::int64_t s = 0; s < 6; ++s) twoRankStep(t, s * 60'000, s, 50'000);
    t.finish();
    const Analysis answer = analyzeOk(path());
    EXPECT_EQ(answer.workloads[0].verdict.wallClass, kCommWait);
    EXPECT_EQ(answer.workloads[0].verdict.cause, Cause::kStraggler);
    const auto* wait = findingOf(answer, "wait_for_peers");
    ASSERT_NE(wait, nullptr);
    EXPECT_NE(wait->title.find("rank 1"), std::string::npos);
}

// A gemm at 0.45 of its roof is slow; when the process only had half a CPU, it is not.
TEST_F(CpuTrace, OtherLoadOnTheCpuMakesNoOpSlow) {
    for (const double share : {1.0, 0.5}) {
        const Analysis answer = gemmsOnAShareOfACpu(share, 20'000, 9'000'000);
        EXPECT_EQ(at(answer.attribution, share < 1 ? kComputeBound : kLatencyBound), 120'000);
        EXPECT_DOUBLE_EQ(*answer.roofline[0].attainment, 0.45);
        ASSERT_NE(gateOf(answer, "shared_cpu"), nullptr);
        EXPECT_EQ(gateOf(answer, "shared_cpu")->count, share < 1 ? 1 : 0);
    }
}

// 14 of 20 us in a gemm at 0.45 of its roof, 6 us idle: the gemm could save more, unless others had half of its CPU.
TEST_F(CpuTrace, WhatOtherLoadTookIsNotTheOpsToSave) {
    for (const double cpus : {1.0, 0.5}) {
        const Analysis answer = gemmsOnAShareOfACpu(cpus, 14'000, 6'300'000);
        EXPECT_EQ(answer.workloads[0].verdict.wallClass, cpus < 1 ? kIdle : kLatencyBound);
    }
}

TEST_F(CpuTrace, WithoutAllRanksNothingIsSplit) {
    TraceBuilder t(path());
    t.rank(100, 0, 4);
    t.rank(200, 1, 4);
    twoRankStep(t, 0, 0, 14'000);
    t.finish();
    const Analysis answer = analyzeOk(path());
    EXPECT_EQ(at(answer.attribution, kCommWait) + at(answer.attribution, kCommTransfer), 0);
    EXPECT_EQ(at(answer.attribution, kCommUnsplit), 14'000);
    EXPECT_FALSE(answer.communication[0].waitNs);
    EXPECT_EQ(gateOf(answer, "missing_ranks")->count, 2);
    EXPECT_TRUE(answer.stragglers.empty());
}

// A launcher that tells the recorder nothing: two processes on one communicator are its ranks, one is not.
TEST_F(CpuTrace, ProcessesThatShareACommunicatorAreItsRanksWhenNobodySaysMore) {
    TraceBuilder t(path());
    roofs(t);
    for (std::int64_t s = 0; s < 6; ++s) twoRankStep(t, s * 20'000, s, 14'000);
    t.finish();
    const Analysis answer = analyzeOk(path());
    ASSERT_EQ(answer.steps.size(), 12U);
    EXPECT_EQ(at(answer.attribution, kCommWait), 36'000);
    EXPECT_EQ(at(answer.attribution, kCommTransfer), 48'000);
    EXPECT_EQ(answer.stragglers[0].rank, 1);
    ASSERT_NE(gateOf(answer, "assumed_ranks"), nullptr);
    EXPECT_EQ(gateOf(answer, "assumed_ranks")->count, 6);
    for (const auto& finding : answer.findings) EXPECT_NE(finding.confidence, Confidence::kHigh);

    TraceBuilder alone(path("alone.sqlite"));
    alone.range(kMain, 0, 20'000, "step", 3, 0);
    alone.work(kMain, 4'000, 16'000, "all_reduce", {8, 1, 0, 0, 0, 6000, 5, 1});
    alone.finish();
    EXPECT_EQ(at(analyzeOk(path("alone.sqlite")).attribution, kCommUnsplit), 12'000);
}

TEST_F(CpuTrace, OverlappedCommunicationIsReportedBesideThePartition) {
    TraceBuilder t(path());
    t.range(kMain, 0, 20'000, "step", 3, 0);
    t.work(kMain, 0, 12'000, "gemm", {1, 1, 1000, 10, 10});
    t.work(kLoader, 4'000, 16'000, "all_gather", {8, 1, 0, 0, 0, 6000, 5, 1});  // on a communication thread
    t.finish();
    const Analysis answer = analyzeOk(path());
    EXPECT_EQ(at(answer.attribution, kComputeUnknown), 12'000);
    EXPECT_EQ(at(answer.attribution, kCommUnsplit), 4'000);
    EXPECT_EQ(at(answer.attribution, kIdle), 4'000);
    EXPECT_EQ(answer.devices[0].overlapNs, 8'000);
    EXPECT_EQ(answer.devices[0].exposedCommNs, 4'000);
    EXPECT_EQ(answer.communication[0].overlapNs, 8'000);
}

TEST_F(CpuTrace, CheckpointsAreToldFromInputByTheDataNotByTheBenchmarksName) {
    TraceBuilder t(path());
    t.range(kMain, 0, 200'000, "ckpt.save/sync", 1);  // the frame's name must not matter
    t.range(kMain, 0, 50'000, "step", 3, 0);
    t.io(kMain, 1'000, 11'000, "read", 3, "/data/shard0", 100);
    t.range(kMain, 12'000, 30'000, "checkpoint");
    t.io(kMain, 13'000, 18'000, "read", 3, "/data/shard0", 100);         // inside a range that says so
    t.io(kMain, 20'000, 29'000, "fsync", 9, "/data/shard0", 0);
    t.io(kMain, 31'000, 33'000, "write", 4, "/data/log.bin", 100);       // writes
    t.io(kMain, 34'000, 37'000, "pread", 5, "/out/ckpt-3/rank0.bin", 9); // a checkpoint's path
    t.work(kMain, 38'000, 40'000, "load", {9, 0, 0, 500, 0});
    t.work(kMain, 41'000, 45'000, "persist", {9, 0, 0, 0, 500});
    t.finish();
    const Analysis answer = analyzeOk(path());
    EXPECT_EQ(at(answer.attribution, kIoInput), 10'000 + 2'000);
    EXPECT_EQ(at(answer.attribution, kIoCheckpoint), 5'000 + 9'000 + 2'000 + 3'000 + 4'000);
    EXPECT_EQ(at(answer.attribution, kHost), 18'000 - 14'000);
    EXPECT_EQ(answer.workloads[0].verdict.cause, Cause::kCheckpointIo);
    EXPECT_NE(findingOf(answer, "checkpoint_stall"), nullptr);
}

TEST_F(CpuTrace, ReadAheadInTheBackgroundDoesNotRenameTheCheckpoint) {
    TraceBuilder t(path());
    t.range(kMain, 0, 20'000, "step", 3, 0);
    t.io(kMain, 0, 15'000, "write", 4, "/out/model.bin", 100);
    t.io(kLoader, 0, 18'000, "read", 3, "/data/shard0", 100);
    t.finish();
    const Analysis answer = analyzeOk(path());
    EXPECT_EQ(at(answer.attribution, kIoCheckpoint), 15'000);
    EXPECT_EQ(at(answer.attribution, kIoInput), 3'000);
}

TEST_F(CpuTrace, OnePreemptedInstanceDoesNotTurnTheBound) {
    TraceBuilder t(path());
    roofs(t);
    std::int64_t now = 0;
    for (int s = 0; s < 5; ++s) {
        const std::int64_t took = s == 2 ? 100'000 : 10'000;
        t.range(kMain, now, now + took, "step", 3, s);
        t.work(kMain, now, now + took, "gemm", {1, 1, 9'000'000, 100, 100});
        now += took;
    }
    t.finish();
    const Analysis answer = analyzeOk(path());
    EXPECT_EQ(at(answer.attribution, kComputeBound), 140'000);
    EXPECT_EQ(answer.workloads[0].verdict.cause, Cause::kCompute);
}

TEST_F(CpuTrace, OpenRangesEndAtTheLastTimeSeenAndAreFlagged) {
    TraceBuilder t(path());
    t.range(kMain, 0, -1, "step", 3, 0);
    t.work(kMain, 5'000, -1, "gemm", {1, 1, 10, 10, 10});
    t.io(kLoader, 8'000, 20'000, "read", 3, "/data/a", 1);
    t.finish();
    const Analysis answer = analyzeOk(path());
    ASSERT_EQ(answer.steps.size(), 1U);
    EXPECT_EQ(answer.steps[0].endNs, 20'000);
    EXPECT_EQ(at(answer.attribution, kComputeUnknown), 15'000);
    EXPECT_EQ(gateOf(answer, "open_ranges")->count, 2);
    EXPECT_EQ(gateOf(answer, "partial_steps")->severity, Severity::kWarning);
}

TEST_F(CpuTrace, ForeignStepsAreFoundByNameOrNotAtAll) {
    TraceBuilder t(path(), false);
    for (int s = 0; s < 3; ++s) {
        const std::int64_t o = s * 10'000;
        t.range(kMain, o, o + 9'000, "ProfilerStep#" + std::to_string(s + 7));
        t.range(kMain, o + 1'000, o + 4'000, "iter " + std::to_string(s));
    }
    t.finish();
    Analysis answer = analyzeOk(path());
    EXPECT_EQ(answer.stepSource, "ProfilerStep");
    ASSERT_EQ(answer.steps.size(), 3U);
    EXPECT_EQ(answer.steps[0].index, 7);
    EXPECT_EQ(at(answer.steps[0].classes, kHost), 3'000);
    analyzer::AnalyzeOptions options;
    options.stepName = "iter";
    answer = analyzeOk(path(), options);
    EXPECT_EQ(answer.stepSource, "--step iter");
    EXPECT_EQ(answer.steps.size(), 3U);

    TraceBuilder plain(path("plain.sqlite"), false);
    plain.range(kMain, 1'000, 4'000, "a");
    plain.range(kMain, 6'000, 9'000, "b");
    plain.finish();
    answer = analyzeOk(path("plain.sqlite"));
    EXPECT_EQ(answer.stepSource, "whole trace");
    ASSERT_EQ(answer.steps.size(), 1U);
    EXPECT_EQ(at(answer.attribution, kHost), 6'000);
    EXPECT_EQ(at(answer.attribution, kIdle), 2'000);
}

TEST_F(CpuTrace, WithoutStepsAProgramAndItsChildrenAreOneLane) {
    constexpr std::int64_t kChild = (1LL << 48) | (90LL << 24) | 90;  // a smaller pid than its parent's
    TraceBuilder t(path());
    t.range(kMain, 0, 1'000, "begin");
    t.range(kChild, 2'000, 3'000, "child");
    t.io(kChild, 3'000, 4'000, "write", 4, "/tmp/out.txt", 512);
    t.range(kMain, 8'000, 10'000, "end");
    t.cpuShare(100, 0, 1'000, 10, 1.5);
    t.finish();
    const Analysis answer = analyzeOk(path());
    EXPECT_EQ(answer.stepSource, "whole trace");
    ASSERT_EQ(answer.steps.size(), 1U) << "not one step per process";
    EXPECT_EQ(answer.steps[0].startNs, 0);
    EXPECT_EQ(answer.steps[0].endNs, 10'000);
    EXPECT_EQ(at(answer.attribution, kHost), 4'000);
    EXPECT_EQ(at(answer.attribution, kIoCheckpoint), 1'000);
    EXPECT_EQ(at(answer.attribution, kIdle), 5'000);
    ASSERT_EQ(answer.devices.size(), 1U);
    ASSERT_EQ(answer.ranks.size(), 1U);
    EXPECT_EQ(answer.ranks[0].pids.size(), 2U);
    // A CPU and a half were busy while nothing was marked, and no name says checkpoint.
    ASSERT_NE(gateOf(answer, "unmarked_cpu_time"), nullptr);
    EXPECT_EQ(gateOf(answer, "unmarked_cpu_time")->count, 0) << "half of the time is not most of it";
    for (const analyzer::Finding& finding : answer.findings)
        EXPECT_EQ(finding.title.find("checkpointing"), std::string::npos) << finding.title;
}

TEST_F(CpuTrace, BusyTimeThatNothingMarksIsSaidToBeThat) {
    TraceBuilder t(path());
    t.range(kMain, 0, 1'000, "begin");
    t.range(kMain, 9'000, 10'000, "end");
    t.cpuShare(100, 0, 1'000, 10, 1.0);
    t.finish();
    const Analysis answer = analyzeOk(path());
    ASSERT_NE(gateOf(answer, "unmarked_cpu_time"), nullptr);
    EXPECT_EQ(gateOf(answer, "unmarked_cpu_time")->count, 1);
    EXPECT_EQ(gateOf(answer, "unmarked_cpu_time")->severity, Severity::kInfo);
}

TEST_F(CpuTrace, FactsAreJoinedAfterTheVerdict) {
    TraceBuilder t(path());
    t.range(kMain, 0, 20'000, "w", 1);
    t.range(kMain, 0, 20'000, "step", 3, 0);
    t.table("RIDGE_BENCHMARK");
    t.run("INSERT INTO RIDGE_BENCHMARK VALUES ('w', 'mfu', 0.5, '1', 'higher')");
    t.table("RIDGE_LOSS");
    t.run("INSERT INTO RIDGE_LOSS VALUES ('spool_write', NULL, 3, '')");
    t.table("RIDGE_COUNTER");
    t.table("RIDGE_COUNTER_SAMPLE");
    t.run("INSERT INTO RIDGE_COUNTER VALUES (1, 'process.rss', 'B', NULL, NULL)");
    t.run("INSERT INTO RIDGE_COUNTER_SAMPLE VALUES (1, 5, 100), (1, 6, 700), (1, 7, 300)");
    t.finish();
    Analysis answer = analyzeOk(path());
    const auto verdict = answer.workloads[0].verdict.wallClass;
    analyzer::joinFacts(answer, {{"w", {{"batch", "4"}}, {{"mfu", 0.6, "1", "higher"}}, "passed", "", analyzer::Verdict{kIoInput, Cause::kInputIo}},
                                 {"absent", {}, {}, "failed", "no trace", std::nullopt},
                                 {"skipped", {}, {}, "", "no such type here", std::nullopt}});
    ASSERT_EQ(answer.workloads.size(), 3U);
    EXPECT_EQ(answer.workloads[2].check, "");
    EXPECT_EQ(answer.workloads[2].checkDetail, "no such type here");
    EXPECT_EQ(answer.workloads[0].verdict.wallClass, verdict);
    EXPECT_EQ(answer.workloads[0].expected->cause, Cause::kInputIo);
    ASSERT_EQ(answer.workloads[0].metrics.size(), 1U);
    EXPECT_DOUBLE_EQ(*answer.workloads[0].metrics[0].value, 0.6);
    EXPECT_EQ(answer.workloads[1].check, "failed");
    EXPECT_EQ(*answer.memory.peakRssBytes, 700);
    ASSERT_EQ(answer.losses.size(), 1U);
    EXPECT_EQ(gateOf(answer, "dropped_records")->count, 3);
}

}  // namespace
}  // namespace ridge::test
