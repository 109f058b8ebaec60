// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What-ifs of whole workloads, the three walls, energy and memory.
#include "analyzer/attribution/cpu_share.h"
#include "analyzer/energy/energy.h"
#include "analyzer/roofline/ridgeline.h"
#include "analyzer/what_if/fusion.h"
#include "analyzer/what_if/what_if.h"
#include "schemas/enums/op_kind.h"
#include "tests/unit/analyzer/answers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

namespace ridge::test {
namespace {

// metrics 1.3: F = 1e15, Bm = 1e12, Bn = 1e10, P = 1e15, BWm = 2e12, BWn = 5e10: compute, x = 100, y = 1000.
TEST(Ridgeline, PublishedVector) {
    const RidgelineAnswer a = ridgeline({1e15, 1e12, 1e10, 1e15, 2e12, 5e10});
    EXPECT_EQ(a.bound, "compute");
    EXPECT_DOUBLE_EQ(*a.x, 100);
    EXPECT_DOUBLE_EQ(*a.y, 1000);
    EXPECT_DOUBLE_EQ(a.seconds, 1);
}

TEST(Ridgeline, TheThreeWallsAreTheConditionsOfThePaper) {
    std::mt19937_64 random(3);
    std::uniform_real_distribution<double> exponent(6, 15);
    for (int trial = 0; trial < 2'000; ++trial) {
        const auto draw = [&] { return std::pow(10.0, exponent(random)); };
        const RidgelineInput in{draw(), draw(), draw(), draw(), draw(), draw()};
        const RidgelineAnswer a = ridgeline(in);
        const double x = *a.x, y = *a.y;
        const std::string wanted = y >= in.peakFlops / in.memoryBandwidth && x * y >= in.peakFlops / in.networkBandwidth ? "compute"
                                   : y < in.peakFlops / in.memoryBandwidth && x >= in.memoryBandwidth / in.networkBandwidth ? "memory"
                                                                                                                         : "network";
        EXPECT_EQ(a.bound, wanted);
    }
    EXPECT_EQ(ridgeline({}).bound, "");
    EXPECT_FALSE(ridgeline({1, 1, 0, 1, 1, 1}).x);
}

// Six steps of that length on one thread, each filled from its start on.
Analysis ofSixSteps(Ns length, const std::function<void(MemoryTimeline&, Ns)>& fill, const AnalyzeOptions& options = {}) {
    MemoryTimeline m(1, 1, 0);
    for (Ns s = 0; s < 6; ++s) {
        m.step(0, s * length, (s + 1) * length, static_cast<std::uint64_t>(s));
        fill(m, s * length);
    }
    return analyzed(m.finish(), options);
}

// Communication that nothing depends on but the end of the step: hidden, the step is the computation.
TEST(WhatIf, HiddenCommunicationLeavesTheComputation) {
    const Analysis answer = ofSixSteps(1'000, [](MemoryTimeline& m, Ns t) {
        m.work(0, t, t + 700, "gemm", 1);
        m.work(0, t + 700, t + 1'000, "all_reduce", 8);
    });
    const WhatIf* w = changeOf(answer, "comm_hidden");
    ASSERT_TRUE(w);
    EXPECT_EQ(w->stepNs, 1'000);
    EXPECT_EQ(w->replayNs, 700);
    EXPECT_EQ(w->boundNs, 700);
}

TEST(WhatIf, HiddenCommunicationIsNotFasterThanTheLink) {
    const Analysis answer = ofSixSteps(1'000, [](MemoryTimeline& m, Ns t) {
        m.work(0, t, t + 200, "gemm", 1);
        m.work(0, t + 200, t + 1'000, "all_reduce", 8);
    });
    const WhatIf* w = changeOf(answer, "comm_hidden");
    ASSERT_TRUE(w);
    EXPECT_EQ(w->replayNs, 800);
    EXPECT_EQ(w->boundNs, 800);
}

// Two ranks of one machine: 600 of computing, 400 of an all-reduce of which the processor has 200 (0.8 CPUs each).
Analysis exchanging(const char* cpus, const char* quota) {
    MemoryTimeline m(2, 1, 0);
    for (Ns s = 0; s < 6; ++s) {
        const Ns t = s * 1'000;
        for (std::int32_t rank = 0; rank < 2; ++rank) {
            m.step(rank, t, t + 1'000, static_cast<std::uint64_t>(s));
            m.work(rank, t, t + 600, "gemm", 1);
            Work& w = m.work(rank, t + 600, t + 1'000, "all_reduce", 8);
            w.communicator = 3;
            w.sequence = s;
        }
    }
    for (std::int32_t rank = 0; rank < 2; ++rank) {
        CounterSeries used{"process.cpu", "1", rank, {}};
        for (Ns t = 0; t <= 6'000; t += 500) used.samples.emplace_back(t, 0.8);
        m.timeline.counters.push_back(used);
    }
    m.timeline.environment = {{"cpu.usable", "key", cpus}, {"cpu.quota", "key", quota}};
    return analyzed(m.finish());
}

// 1,600 of processor time on two CPUs are 800: of the 200 that are left to gain contention may keep 0.4.
TEST(WhatIf, WhatIsHiddenStillTakesTheProcessor) {
    const Analysis two = exchanging("2", "max 100000");
    const WhatIf* w = changeOf(two, "comm_hidden");
    ASSERT_TRUE(w);
    EXPECT_EQ(w->stepNsLow, 600);
    EXPECT_EQ(w->stepNsHigh, 880);
    // With CPUs to spare the processor bounds nothing: 600 and 0.4 of 400.
    const Analysis eight = exchanging("8", "max 100000");
    EXPECT_EQ(changeOf(eight, "comm_hidden")->stepNsHigh, 760);
    // Eight CPUs of which the control group allows two.
    const Analysis limited = exchanging("8", "200000 100000");
    EXPECT_EQ(changeOf(limited, "comm_hidden")->stepNsHigh, 880);
    // A trace that says nothing of its machine.
    const Analysis unknown = exchanging("", "");
    EXPECT_EQ(changeOf(unknown, "comm_hidden")->stepNsHigh, 760);
}

// Four elementwise ops, each reading what the one before wrote: fused they move a quarter of the bytes.
TEST(WhatIf, AFusedChainMovesItsEndsOnly) {
    const Analysis answer = ofSixSteps(1'000, [](MemoryTimeline& m, Ns t) {
        for (Ns k = 0; k < 4; ++k) m.work(0, t + k * 250, t + (k + 1) * 250, "op" + std::to_string(k), 4, 4e6, 4e6);
    });
    const WhatIf* w = changeOf(answer, "fused");
    ASSERT_TRUE(w);
    EXPECT_NEAR(static_cast<double>(w->replayNs), 250, 4);
}

// Bias, GELU, residual: 2 + 2 + 3 arrays are moved, as one op 3. That the last reads what the second wrote, beside an
// array of its own, is likely and not said: the cautious end has 2 + 3 arrays.
TEST(WhatIf, AFusedChainMayReadAResidual) {
    const Analysis answer = ofSixSteps(7'000, [](MemoryTimeline& m, Ns t) {
        m.work(0, t, t + 2'000, "bias", 4, 4e6, 4e6);
        m.work(0, t + 2'000, t + 4'000, "gelu", 4, 4e6, 4e6);
        m.work(0, t + 4'000, t + 7'000, "residual", 4, 8e6, 4e6);
    });
    const WhatIf* w = changeOf(answer, "fused");
    ASSERT_TRUE(w);
    EXPECT_NEAR(static_cast<double>(w->replayNs), 3'000, 4);
    EXPECT_NEAR(static_cast<double>(w->stepNsHigh), 5'000, 4);
}

// One head of 256 tokens by 64: x is 64 KiB, the scores are 256 KiB.
TEST(WhatIf, AttentionThatStoresItsScoresIsKnownByItsBytes) {
    constexpr double kX = 65'536, kScores = 262'144, kFlops = 4.0 * 65'536 * 64;
    const auto attention = [](double flops, double read, double written) {
        Work w;
        w.opKind = 2;
        w.flops = flops;
        w.bytesRead = read;
        w.bytesWritten = written;
        return w;
    };
    const auto forward = storedScores(attention(kFlops, 3 * kX, kX + kScores));
    ASSERT_TRUE(forward);
    EXPECT_DOUBLE_EQ(forward->row, kX);
    EXPECT_DOUBLE_EQ(forward->scores, kScores);
    EXPECT_TRUE(isBackwardOf(attention(2 * kFlops, 4 * kX + kScores, 3 * kX), *forward));
    // Where arithmetic is the wall: the same, or half under a mask; backward with the scores anew.
    EXPECT_DOUBLE_EQ(inOnePass(*forward, false, false).whole, 1);
    EXPECT_DOUBLE_EQ(inOnePass(*forward, false, false).masked, 0.5);
    EXPECT_DOUBLE_EQ(inOnePass(*forward, true, false).whole, 1.25);
    EXPECT_DOUBLE_EQ(inOnePass(*forward, true, false).masked, 0.625);
    // Where memory is, what is moved: 4 of 8, and 8 of 11 row tensors.
    EXPECT_DOUBLE_EQ(inOnePass(*forward, false, true).masked, 0.5);
    EXPECT_DOUBLE_EQ(inOnePass(*forward, true, true).whole, 8.0 / 11);
    // Passes of three: the scores alone, and their product with v.
    EXPECT_FALSE(storedScores(attention(kFlops / 2, 2 * kX, kScores)));
    EXPECT_FALSE(storedScores(attention(kFlops / 2, kX + kScores, kX)));
    // In one pass already, forward and backward; a token against a cache; no attention.
    EXPECT_FALSE(storedScores(attention(kFlops, 3 * kX, kX + 1'024)));
    EXPECT_FALSE(storedScores(attention(2.5 * kFlops, 5 * kX + 1'024, 3 * kX)));
    EXPECT_FALSE(isBackwardOf(attention(2.5 * kFlops, 5 * kX + 1'024, 3 * kX), *forward));
    EXPECT_FALSE(storedScores(attention(4.0 * 4'096 * 64, 2.0 * 4'096 * 64 * 4, 64 * 4)));
    Work gemm = attention(kFlops, 3 * kX, kX + kScores);
    gemm.opKind = 1;
    EXPECT_FALSE(storedScores(gemm));
}

TEST(WhatIf, AttentionInOnePassIsFasterUnderAMask) {
    const Analysis answer = ofSixSteps(1'000, [](MemoryTimeline& m, Ns t) {
        m.work(0, t, t + 600, "gemm", 1);
        m.work(0, t + 600, t + 1'000, "attention", 2, 3 * 65'536.0, 5 * 65'536.0).flops = 4.0 * 65'536 * 64;
    });
    const WhatIf* w = changeOf(answer, "attention_fused");
    ASSERT_TRUE(w);
    EXPECT_EQ(w->replayNs, 1'000);
    EXPECT_EQ(w->boundNs, 800);
}

// x is 64 KiB and S 256 KiB: 128 KiB in and 256 out, 256 in and out, 320 in and 64 out.
TEST(WhatIf, AttentionInThreePassesIsKnownByItsTwoProducts) {
    constexpr double kX = 65'536, kScores = 262'144, kFlops = 2.0 * 65'536 * 64;
    const auto work = [](std::uint16_t kind, double flops, double read, double written) {
        Work w;
        w.opKind = kind;
        w.flops = flops;
        w.bytesRead = read;
        w.bytesWritten = written;
        return w;
    };
    const Work scores = work(kOpAttention, kFlops, 2 * kX, kScores), values = work(kOpAttention, kFlops, kX + kScores, kX);
    const auto passes = scoresAndValues(scores, values);
    ASSERT_TRUE(passes);
    EXPECT_DOUBLE_EQ(passes->row, kX);
    EXPECT_DOUBLE_EQ(passes->scores, kScores);
    EXPECT_TRUE(isBetween(work(kOpElementwise, 4 * 65'536, kScores, kScores), *passes));
    EXPECT_FALSE(isBetween(work(kOpElementwise, 65'536, 2 * kScores, kScores), *passes)) << "a mask that is read too";
    EXPECT_FALSE(isBetween(work(kOpCopy, 0, kScores, kScores), *passes));
    // Of 128 + 256 KiB and of 320 + 64 KiB 128 are left.
    EXPECT_DOUBLE_EQ(productInOnePass(*passes, true).whole, 1.0 / 3);
    EXPECT_DOUBLE_EQ(productInOnePass(*passes, true).masked, 1.0 / 3);
    EXPECT_DOUBLE_EQ(productInOnePass(*passes, false).whole, 1);
    EXPECT_DOUBLE_EQ(productInOnePass(*passes, false).masked, 0.5);
    EXPECT_DOUBLE_EQ(betweenInOnePass(true).whole, 0);
    EXPECT_DOUBLE_EQ(betweenInOnePass(false).masked, 0.5);
    EXPECT_FALSE(scoresAndValues(values, scores)) << "the other way round";
    EXPECT_FALSE(scoresAndValues(scores, work(kOpAttention, kFlops / 2, kX + kScores, kX))) << "other products";
    EXPECT_FALSE(scoresAndValues(scores, work(kOpGemm, kFlops, kX + kScores, kX)));
    EXPECT_FALSE(scoresAndValues(scores, work(kOpAttention, kFlops, 3 * kX, kX + 1'024)));
}

// 384, 512 and 384 of 1400 us, each as many KB. Without roofs nothing is known to wait for memory: all of it stays, or half
// under a mask. Where memory gives 1 B/ns all three are at its roof: nothing of the softmax is left, and a third of the products.
TEST(WhatIf, AttentionInThreePassesIsOnePass) {
    const auto threePasses = [](MemoryTimeline& m, Ns t) {
        // As many bytes as the softmax, but not between the products.
        m.work(0, t, t + 120'000, "gelu", kOpElementwise, 256'000, 256'000).flops = 1;
        m.work(0, t + 120'000, t + 504'000, "scores", kOpAttention, 128'000, 256'000).flops = 2.0 * 256'000 * 16;
        m.work(0, t + 504'000, t + 1'016'000, "softmax", kOpElementwise, 256'000, 256'000);
        m.work(0, t + 1'016'000, t + 1'400'000, "values", kOpAttention, 320'000, 64'000).flops = 2.0 * 256'000 * 16;
    };
    AnalyzeOptions roofs;
    roofs.ceilings.push_back({"memory", "DRAM.triad", "", "DRAM", "triad", {}, 1e9, "B/s", ""});
    const Analysis unknown = ofSixSteps(1'400'000, threePasses), memory = ofSixSteps(1'400'000, threePasses, roofs);
    const WhatIf* w = changeOf(unknown, "attention_fused");
    ASSERT_TRUE(w);
    EXPECT_EQ(w->replayNs, 1'400'000);
    EXPECT_EQ(w->boundNs, 1'400'000 - 192'000 - 256'000 - 192'000);
    w = changeOf(memory, "attention_fused");
    ASSERT_TRUE(w);
    EXPECT_EQ(w->replayNs, 120'000 + 128'000 + 128'000);
    EXPECT_EQ(w->boundNs, w->replayNs);
}

TEST(WhatIf, InputThatIsReadAheadCostsNothing) {
    const Analysis answer = ofSixSteps(1'000, [](MemoryTimeline& m, Ns t) {
        m.io(0, t, t + 400);
        m.work(0, t + 400, t + 1'000, "gemm", 1);
    });
    const WhatIf* w = changeOf(answer, "input_hidden");
    ASSERT_TRUE(w);
    EXPECT_EQ(w->replayNs, 600);
    EXPECT_EQ(w->boundNs, 600);
}

// The slow rank takes the time of its peers.
TEST(WhatIf, WithoutTheStragglerNobodyWaits) {
    MemoryTimeline m(3, 1, 0);
    for (Ns s = 0; s < 6; ++s) {
        for (std::int32_t r = 0; r < 3; ++r) {
            const Ns t = s * 1'000, begin = t + (r == 2 ? 900 : 500);
            m.step(r, t, t + 1'000, static_cast<std::uint64_t>(s));
            m.work(r, t, begin, "gemm", 1);
            Work& w = m.work(r, begin, t + 1'000, "all_reduce", 8);
            w.communicator = 3;
            w.sequence = s;
        }
    }
    const Analysis answer = analyzed(m.finish());
    const WhatIf* w = changeOf(answer, "straggler_removed");
    ASSERT_TRUE(w);
    EXPECT_NEAR(static_cast<double>(w->replayNs), 600, 3);
    EXPECT_NEAR(static_cast<double>(w->boundNs), 600, 3);
}

TEST(WhatIf, PairsPutTheMeasuredStepBesideThePredictedOne) {
    Analysis answer;
    answer.whatIf.push_back({"slow", "fused", 90, 110, {}, 200, 110, 90, "", {}});
    WorkloadSummary fast;
    fast.name = "fast";
    fast.medianStepNs = 100;
    answer.workloads.push_back(fast);
    joinPairs(answer, {{"slow", "fast", "fused"}, {"slow", "absent", "fused"}, {"other", "fast", "fused"}});
    ASSERT_TRUE(answer.whatIf[0].measuredNs);
    EXPECT_EQ(*answer.whatIf[0].measuredNs, 100);
    EXPECT_DOUBLE_EQ(*answer.whatIf[0].error, 0.1);
    EXPECT_EQ(answer.whatIf[0].comparedWith, "fast");
}

TEST(Energy, IsTheAreaUnderThePowerAndItsClassesAddUp) {
    const EnergyCurve curve({{0, 100.0}, {1'000'000'000, 300.0}, {3'000'000'000, 300.0}});
    EXPECT_DOUBLE_EQ(curve.joules({0, 1'000'000'000}), 200);
    EXPECT_DOUBLE_EQ(curve.joules({0, 500'000'000}), 75);
    EXPECT_DOUBLE_EQ(curve.joules({-5, 9'000'000'000}), 800);
    EXPECT_EQ(curve.covered({2'000'000'000, 9'000'000'000}), 1'000'000'000);
    MemoryTimeline m(1, 1, 1);
    Ns now = 0;
    for (std::uint64_t s = 0; s < 4; ++s) {
        const Ns begin = now;
        const std::int32_t launch = m.call(0, now, now + 10'000, "cudaLaunchKernel");
        m.row(0, 7, now + 20'000, now + 600'000, "k", launch);
        now += 1'000'000;
        m.step(0, begin, now, s);
    }
    m.timeline.counters.push_back({"gpu.power", "W", kNoIndex, {{0, 200.0}, {2'000'000, 400.0}, {5'000'000, 100.0}}});
    const Analysis answer = analyzed(m.finish());
    ASSERT_EQ(answer.energy.workloads.size(), 1u);
    const WorkloadEnergy& w = answer.energy.workloads[0];
    EXPECT_TRUE(w.classesKnown);
    EXPECT_NEAR(std::accumulate(w.classes.begin(), w.classes.end(), 0.0), w.joules, 1e-12);
    EXPECT_NEAR(w.joulesPerStep * static_cast<double>(w.steps), w.joules, 1e-12);
    EXPECT_DOUBLE_EQ(w.coverage, 1);
    EXPECT_LE(w.joules, *answer.energy.joules);
}

TEST(Memory, PeakAndFragmentationComeFromTheAllocatorsTotals) {
    MemoryTimeline m(1, 1, 1);
    const std::int32_t launch = m.call(0, 0, 10, "cudaLaunchKernel");
    m.row(0, 7, 20, 1'000, "k", launch);
    m.timeline.counters.push_back({"torch.gpu.allocated", "B", kNoIndex, {{0, 100.0}, {50, 600.0}, {90, 300.0}}});
    m.timeline.counters.push_back({"torch.gpu.reserved", "B", kNoIndex, {{0, 400.0}, {40, 1'000.0}, {90, 1'000.0}}});
    const Analysis answer = analyzed(m.finish());
    EXPECT_EQ(answer.memory.deviceBytesPeak, 1'000);
    ASSERT_TRUE(answer.memory.fragmentation);
    EXPECT_DOUBLE_EQ(*answer.memory.fragmentation, 0.4);
    EXPECT_EQ(answer.memory.reservedUnusedBytes, 400);
    ASSERT_EQ(answer.memory.curves.size(), 2u);
    EXPECT_EQ(answer.memory.curves[0].peakTimeNs, 50);
}

// Ten gemms of half a period each, on thread 5 of process 0; what the counters say is the test's.
std::vector<CpuShare> sharesOf(const std::vector<std::pair<std::string, double>>& processorTime, double processCpu) {
    MemoryTimeline m(1, 2, 0);
    m.step(0, 0, 1'000'000, 0);
    for (Ns k = 0; k < 10; ++k) m.work(0, k * 100'000, k * 100'000 + 50'000, "gemm", 1);
    const auto series = [](const std::string& name, double value, std::int32_t process) {
        CounterSeries s{name, "1", process, {}};
        for (Ns t = 0; t <= 10; ++t) s.samples.emplace_back(t * 100'000, value);
        return s;
    };
    for (const auto& [name, value] : processorTime) m.timeline.processorTime.push_back(series(name, value, name == "cpu.busy" ? kNoIndex : 0));
    m.timeline.counters.push_back(series("process.cpu", processCpu, 0));
    const Prepared p(m.finish());
    return cpuShares(m.timeline, p.context.steps, p.context.ops, p.hasGpu);
}

TEST(CpuShare, AThreadThatSleepsLacksNothing) {
    const auto shares = sharesOf({{"thread.cpu/5", 0.05}, {"thread.wait/5", 0}, {"cpu.busy", 1}}, 0.05);
    ASSERT_EQ(shares.size(), 1u);
    EXPECT_DOUBLE_EQ(shares[0].onCpu, 1);
    EXPECT_DOUBLE_EQ(shares[0].undisturbed, 1);
}

TEST(CpuShare, WhatOthersHadIsWhatTheMachineDidBeyondTheTrace) {
    const auto shares = sharesOf({{"thread.cpu/5", 0.6}, {"thread.wait/5", 0.4}, {"cpu.busy", 1}}, 0.6);
    EXPECT_NEAR(shares[0].onCpu, 0.6, 1e-12);
    EXPECT_NEAR(shares[0].undisturbed, 0.6, 1e-12);
}

TEST(CpuShare, ThreadsOfOneProgramThatShareACpuAreNotDisturbed) {
    const auto shares = sharesOf({{"thread.cpu/5", 0.6}, {"thread.wait/5", 0.4}, {"thread.cpu/6", 0.4}, {"thread.wait/6", 0.6}, {"cpu.busy", 1}}, 1);
    EXPECT_NEAR(shares[0].onCpu, 0.5, 1e-12);
    EXPECT_DOUBLE_EQ(shares[0].undisturbed, 1);
}

TEST(CpuShare, NothingIsSaidWhereTheTraceDoesNotSay) {
    EXPECT_DOUBLE_EQ(sharesOf({}, 0.2)[0].onCpu, 1);
    EXPECT_DOUBLE_EQ(sharesOf({{"cpu.busy", 1}}, 0.2)[0].undisturbed, 1);
}

}  // namespace
}  // namespace ridge::test
