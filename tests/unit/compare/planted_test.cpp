// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// One regression of each kind is planted; it has to come out under the right class and op.
#include "tests/unit/compare/check.h"

namespace ridge::test {
namespace {

// A training step on a GPU: input, forward with a fused op, all-reduce on another stream, optimizer, wait.
struct Plan {
    Ns gemm = 400'000;
    int gemms = 4;
    std::string gemmName = "ampere_sgemm_128x64_nn";
    std::vector<std::string> activation{"fused_bias_gelu"};
    Ns activationNs = 20'000;
    bool overlap = true;
    Ns read = 50'000;
    int steps = 7;
    std::string scope = "mlp";
};

MemoryTimeline play(const Plan& plan) {
    MemoryTimeline m(1, 1, 1);
    Ns now = 1'000;
    for (int s = 0; s < plan.steps; ++s) {
        const Ns begin = now;
        const Ns jitter = (s * 37) % 11 * 100;
        m.io(0, now, now + plan.read);
        now += plan.read;
        Ns device = now;  // when the compute stream is free
        const auto launch = [&](std::int64_t stream, Ns earliest, Ns duration, const std::string& name) {
            const std::int32_t call = m.call(0, now, now + 4'000, "cudaLaunchKernel");
            const Ns start = std::max(now + 6'000, earliest);
            m.row(0, stream, start, start + duration, name, call);
            now += 5'000;
            return start + duration;
        };
        const Ns forward = now;
        for (int i = 0; i < plan.gemms; ++i) device = launch(0, device + 1'000, plan.gemm, plan.gemmName);
        m.range(0, forward, now, "linear", RangeKind::kOp);
        const Ns reduce = now;
        const Ns comm = launch(7, plan.overlap ? device - plan.gemm * plan.gemms : device + 1'000, 300'000, "ncclDevKernel_AllReduce_Sum_f32_RING_LL");
        m.range(0, reduce, now, "all_reduce");
        if (!plan.overlap) device = comm;
        const Ns act = now;
        for (const std::string& name : plan.activation) {
            now = std::max(now, device + 500);  // the host comes too late: launches are exposed
            device = launch(0, device + 1'000, plan.activationNs, name);
        }
        m.range(0, act, now, "gelu", RangeKind::kOp);
        m.range(0, forward, now, plan.scope);
        const Ns last = launch(0, device + 1'000, 60'000 + jitter, "multi_tensor_adam");
        m.call(0, now, std::max(last, comm) + 2'000, "cudaDeviceSynchronize", true);
        now = std::max(last, comm) + 3'000;
        m.step(0, begin, now, static_cast<std::uint64_t>(s));
        now += 2'000;
    }
    m.finish();
    return m;
}

const ComparisonRow* topOf(const Comparison& c, WallClass wallClass) {
    if (c.lanes.empty()) return nullptr;
    for (const ComparisonRow& row : c.lanes[c.lead].rows)
        if (row.wallClass == wallClass) return &row;
    return nullptr;
}

Ns classDelta(const Comparison& c, WallClass wallClass) {
    for (const ClassDelta& d : c.lanes[c.lead].classes)
        if (d.wallClass == wallClass) return d.deltaNs;
    return 0;
}

Comparison against(const Plan& changed) {
    const MemoryTimeline a = play({}), b = play(changed);
    Comparison c = compared(a.timeline, b.timeline);
    EXPECT_FALSE(c.refusal.has_value());
    checkAttributed(c);
    checkAntisymmetric(c, compared(b.timeline, a.timeline));
    return c;
}

TEST(Planted, NothingIsNothing) { checkZero(against({})); }

TEST(Planted, SlowerKernel) {
    Plan plan;
    plan.gemm = 480'000;
    const Comparison c = against(plan);
    const ComparisonRow& row = c.lanes[c.lead].rows.front();
    EXPECT_EQ(row.wallClass, WallClass::kComputeUnknown);
    EXPECT_EQ(row.a.name, "ampere_sgemm_128x64_nn");
    EXPECT_EQ(row.a.path, "mlp / linear");
    EXPECT_EQ(row.change, "slower");
    EXPECT_EQ(row.deltaNs, 4 * 80'000);
    EXPECT_EQ(row.slowerNs, 4 * 80'000);
    EXPECT_EQ(row.oftenerNs, 0);
    EXPECT_EQ(row.bothNs, 0);
    EXPECT_EQ(c.lanes[c.lead].deltaNs, 4 * 80'000);
    EXPECT_FALSE(row.withinSpread);
}

TEST(Planted, LostOverlap) {
    Plan plan;
    plan.overlap = false;
    const Comparison c = against(plan);
    const ComparisonRow& row = c.lanes[c.lead].rows.front();
    EXPECT_EQ(row.wallClass, WallClass::kCommUnsplit);
    EXPECT_EQ(row.a.path, "mlp / all_reduce");
    EXPECT_NE(row.a.name.find("AllReduce"), std::string::npos);
    EXPECT_EQ(row.change, "less hidden");
    EXPECT_EQ(row.a.count, 1);
    EXPECT_EQ(row.b.count, 1);
    EXPECT_EQ(row.a.ownNs, row.b.ownNs);
    EXPECT_EQ(row.b.ns, 300'000);
    EXPECT_EQ(row.a.ns, 0);
}

TEST(Planted, SlowerDisk) {
    Plan plan;
    plan.read = 900'000;
    const Comparison c = against(plan);
    const ComparisonRow& row = c.lanes[c.lead].rows.front();
    EXPECT_EQ(row.wallClass, WallClass::kIoInput);
    EXPECT_EQ(row.kind, NodeKind::kIo);
    EXPECT_EQ(row.a.name, "read file");
    EXPECT_EQ(row.change, "slower");
    EXPECT_EQ(row.deltaNs, 850'000);
}

TEST(Planted, MoreLaunches) {
    Plan plan;
    plan.activation = {"bias_add", "tanh_gelu", "scale_mul"};
    const Comparison c = against(plan);
    EXPECT_GT(classDelta(c, WallClass::kLaunch), 0);
    const ComparisonRow* row = topOf(c, WallClass::kLaunch);
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(row->shown().path, "mlp / gelu");
    std::set<std::string> added, removed;
    for (const ComparisonRow& r : c.lanes[c.lead].rows) {
        if (r.match == NodeMatch::kAdded) added.insert(r.b.name);
        if (r.match == NodeMatch::kRemoved) removed.insert(r.a.name);
    }
    EXPECT_EQ(added, (std::set<std::string>{"bias_add", "tanh_gelu", "scale_mul"}));
    EXPECT_EQ(removed, (std::set<std::string>{"fused_bias_gelu"}));
}

TEST(Planted, MoreOften) {
    Plan plan;
    plan.gemms = 6;
    const Comparison c = against(plan);
    const ComparisonRow& row = c.lanes[c.lead].rows.front();
    EXPECT_EQ(row.a.name, "ampere_sgemm_128x64_nn");
    EXPECT_EQ(row.change, "more often");
    EXPECT_EQ(row.a.count, 4);
    EXPECT_EQ(row.b.count, 6);
    EXPECT_EQ(row.oftenerNs, 2 * 400'000);
    EXPECT_EQ(row.slowerNs, 0);
}

TEST(Planted, AnotherKernelForTheSameOp) {
    Plan plan;
    plan.gemmName = "ampere_sgemm_32x32_sliced1x4_nn";
    plan.gemm = 500'000;
    const Comparison c = against(plan);
    const ComparisonRow& row = c.lanes[c.lead].rows.front();
    EXPECT_EQ(row.match, NodeMatch::kRenamed);
    EXPECT_EQ(row.a.name, "ampere_sgemm_128x64_nn");
    EXPECT_EQ(row.b.name, "ampere_sgemm_32x32_sliced1x4_nn");
    EXPECT_EQ(row.change, "slower, renamed");
    EXPECT_EQ(row.slowerNs, 4 * 100'000);
}

TEST(Planted, ARangeWithAnotherName) {
    Plan plan;
    plan.scope = "feed_forward";
    const Comparison c = against(plan);
    EXPECT_EQ(c.lanes[c.lead].deltaNs, 0);
    for (const ComparisonRow& row : c.lanes[c.lead].rows) EXPECT_EQ(row.deltaNs, 0) << row.shown().name;
}

// Without a GPU: ops with a payload, a checkpoint, waiting.
TEST(Planted, OnACpu) {
    const auto playCpu = [](Ns gemm, Ns save, int steps) {
        MemoryTimeline m(1, 1, 0);
        Ns now = 0;
        for (int s = 0; s < steps; ++s) {
            const Ns begin = now;
            m.work(0, now + 1'000, now + 1'000 + gemm, "gemm", 1, 1e6, 1e6);
            now += 1'000 + gemm;
            m.work(0, now, now + 30'000, "norm", 3, 1e5, 1e5);
            now += 30'000;
            const Ns from = now;
            m.io(0, now + 500, now + 500 + save, true);
            now += 1'000 + save;
            m.range(0, from, now, "save_checkpoint");
            m.step(0, begin, now, static_cast<std::uint64_t>(s));
            now += 1'000;
        }
        m.finish();
        return m;
    };
    const MemoryTimeline a = playCpu(200'000, 100'000, 6), slow = playCpu(260'000, 100'000, 6), disk = playCpu(200'000, 700'000, 6);
    const Comparison c = compared(a.timeline, slow.timeline), d = compared(a.timeline, disk.timeline);
    checkAttributed(c);
    EXPECT_EQ(c.lanes.front().rows.front().a.name, "gemm");
    EXPECT_EQ(c.lanes.front().rows.front().deltaNs, 60'000);
    EXPECT_EQ(c.lanes.front().rows.front().kind, NodeKind::kOp);
    EXPECT_LE(c.lanes.front().rows.front().wallClass, WallClass::kComputeUnknown);
    checkAttributed(d);
    EXPECT_EQ(d.lanes.front().rows.front().wallClass, WallClass::kIoCheckpoint);
    EXPECT_EQ(d.lanes.front().rows.front().a.path, "save_checkpoint");
    EXPECT_EQ(d.lanes.front().rows.front().deltaNs, 600'000);
}

}  // namespace
}  // namespace ridge::test
