// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The partition of a GPU: a trace worked out by hand that holds every cause of idleness, step windows,
// and the invariants on random timelines.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "analyzer/attribution/gpu.h"
#include "check.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

using namespace analyzer;
using enum WallClass;

constexpr std::int64_t kTid = (1LL << 48) | (100LL << 24) | 100;

TEST(GpuTrace, EveryGapGetsItsCause) {
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    const std::string path = (folder->path() / "gpu.sqlite").string();
    TraceBuilder t(path);
    const auto k = [](std::int64_t us) { return us * 1000; };
    t.call(kTid, k(0), k(1), "cudaLaunchKernel_v7000", 1);
    t.call(kTid, k(2), k(3), "cudaLaunchKernel_v7000", 2);
    t.call(kTid, k(3), k(4), "cudaLaunchKernel_v7000", 3);
    t.kernel(100, 0, k(5), k(10), "a_gemm", 1);
    t.kernel(100, 0, k(12), k(14), "a_gemm", 2);     // 2 us after, queued: kernel_gap
    t.kernel(100, 0, k(34), k(36), "a_gemm", 3);     // 20 us after, queued: dependency
    t.call(kTid, k(30), k(40), "cudaDeviceSynchronize_v3020", 0);
    t.call(kTid, k(40), k(43), "cudaMalloc_v3020", 0);
    t.io(kTid, k(44), k(46), "read", 3, "/data/a", 10);
    t.call(kTid, k(50), k(52), "cudaLaunchKernel_v7000", 4);
    t.kernel(100, 0, k(60), k(62), "a_gemm", 4);
    t.call(kTid, k(63), k(64), "cudaLaunchKernel_v7000", 5);
    t.kernel(100, 0, k(363), k(364), "a_gemm", 5);   // 300 us after its launch: device_pending
    t.kernel(100, 0, k(370), k(371), "a_gemm", 99);  // no launch: unlinked
    t.table("CUPTI_ACTIVITY_KIND_OVERHEAD");
    t.run("INSERT INTO CUPTI_ACTIVITY_KIND_OVERHEAD VALUES (366000, 368000, 103, NULL, NULL, NULL, 3)");
    t.call(kTid, k(65), k(66), "cudaMemcpyAsync_v3020", 6);
    t.copy(100, 0, k(371), k(373), 6, 4096, 1, 0, 2);
    t.call(kTid, k(67), k(68), "cudaLaunchKernel_v7000", 7);
    t.kernel(100, 0, k(372), k(376), "ncclDevKernel_AllReduce", 7, 8);
    t.call(kTid, k(68), k(69), "cudaLaunchKernel_v7000", 8);
    t.kernel(100, 0, k(374), k(378), "a_gemm", 8);
    t.call(TraceBuilder::tid(200, 200), k(9), k(10), "cudaLaunchKernel_v7000", 99);  // another process' 99
    t.finish();

    const Analysis answer = analyzeOk(path);
    ASSERT_EQ(answer.devices.size(), 1U);
    const Device& device = answer.devices[0];
    EXPECT_EQ(device.spanNs, k(373));
    EXPECT_EQ(device.computeNs, k(17));
    EXPECT_EQ(device.commNs, k(4));
    EXPECT_EQ(device.overlapNs, k(2));
    EXPECT_EQ(device.exposedCommNs, k(2));
    EXPECT_EQ(device.copyNs, k(2));
    EXPECT_EQ(device.exposedCopyNs, k(1));
    EXPECT_EQ(device.unlinked, 1);
    ASSERT_EQ(answer.steps.size(), 1U);
    EXPECT_EQ(answer.stepSource, "whole trace");
    const ClassTimes& c = answer.steps[0].classes;
    EXPECT_EQ(at(c, kComputeUnknown), k(17));
    EXPECT_EQ(at(c, kCommUnsplit), k(2));
    EXPECT_EQ(at(c, kCopy), k(1));
    EXPECT_EQ(at(c, kKernelGap), k(2));
    EXPECT_EQ(at(c, kDependency), k(20));
    EXPECT_EQ(at(c, kSync), k(4));
    EXPECT_EQ(at(c, kApi), k(3));
    EXPECT_EQ(at(c, kIoInput), k(2));
    EXPECT_EQ(at(c, kHost), k(6));
    EXPECT_EQ(at(c, kLaunch), k(10));
    EXPECT_EQ(at(c, kDevicePending), k(300));
    EXPECT_EQ(at(c, kUnlinked), k(4));
    EXPECT_EQ(at(c, kUnknownCapture), k(2));
    EXPECT_EQ(at(c, kIdle), 0);
    EXPECT_EQ(gateOf(answer, "unlinked_rows")->count, 1);
    for (const char* rule : {"launch_bound", "synchronous_calls"}) EXPECT_NE(findingOf(answer, rule), nullptr) << rule;
}

TEST(GpuTrace, DeviceWindowsTileTheRun) {
    auto folder = TempDir::create("ridge-analyzer-test");
    const std::string path = (folder->path() / "steps.sqlite").string();
    TraceBuilder t(path);
    t.range(kTid, 0, 100'000, "train", 1);
    for (int s = 0; s < 4; ++s) {  // the host runs ahead: steps of 10 us, kernels of 20 us
        t.range(kTid, s * 10'000, s * 10'000 + 10'000, "step", 3, s);
        t.call(kTid, s * 10'000 + 1'000, s * 10'000 + 2'000, "cudaLaunchKernel", s + 1);
        t.kernel(100, 0, 5'000 + s * 21'000, 25'000 + s * 21'000, "sgemm", s + 1);
    }
    t.finish();
    const Analysis answer = analyzeOk(path);
    ASSERT_EQ(answer.steps.size(), 4U);
    EXPECT_EQ(answer.steps.front().startNs, 5'000);
    EXPECT_EQ(answer.steps.back().endNs, 25'000 + 3 * 21'000);
    for (std::size_t s = 1; s < 4; ++s) {
        EXPECT_EQ(answer.steps[s].startNs, answer.steps[s - 1].endNs);
        EXPECT_EQ(at(answer.steps[s].classes, kComputeUnknown), 20'000);
        EXPECT_EQ(at(answer.steps[s].classes, kKernelGap), 1'000);
    }
    EXPECT_EQ(answer.workloads[0].name, "train");
}

TEST(GpuTrace, LongGapsAndPageableCopiesAreFound) {
    auto folder = TempDir::create("ridge-analyzer-test");
    const std::string path = (folder->path() / "gaps.sqlite").string();
    TraceBuilder t(path);
    for (int s = 0; s < 4; ++s) {
        const std::int64_t o = s * 5'000'000;
        t.call(kTid, o, o + 1'000, "cudaMemcpyAsync_v3020", 2 * s + 1);
        t.copy(100, 0, o + 2'000, o + 1'002'000, 2 * s + 1, 1 << 20, 1, 0, 2);
        t.call(kTid, o + 1'500, o + 2'500, "cudaLaunchKernel_v7000", 2 * s + 2);
        t.kernel(100, 0, o + 1'002'000, o + 2'000'000, "relu_kernel", 2 * s + 2);
    }
    t.finish();
    const Analysis answer = analyzeOk(path);
    const Finding* copies = findingOf(answer, "pageable_copies");
    ASSERT_NE(copies, nullptr);
    EXPECT_EQ(copies->evidence[0].value, 4e6);
    const Finding* gaps = findingOf(answer, "gpu_gaps");
    ASSERT_NE(gaps, nullptr);
    EXPECT_EQ(gaps->wallClass, kHost);
    EXPECT_EQ(gaps->evidence[0].value, 3 * 3'002'000.0);
    EXPECT_EQ(answer.workloads[0].verdict.cause, Cause::kHost);
}

Timeline randomTimeline(std::mt19937& random) {
    Timeline t;
    t.sources.resize(1);
    t.processes.resize(1);
    t.threads = {{1, 0}, {2, 0}};
    t.devices.resize(1);
    const NameId names[] = {t.names.intern("sgemm"), t.names.intern("ncclKernel"), t.names.intern("thing")};
    for (unsigned i = 0; i < random() % 20; ++i) {
        Call call;
        call.start = static_cast<Ns>(random() % 300);
        call.end = call.start + static_cast<Ns>(random() % 20);
        call.thread = static_cast<std::int32_t>(random() % 2);
        call.blocking = random() % 3 == 0;
        t.calls.push_back(call);
    }
    std::sort(t.calls.begin(), t.calls.end(), [](const Call& a, const Call& b) { return a.start < b.start; });
    for (unsigned i = 0; i < 1 + random() % 20; ++i) {
        GpuRow row;
        row.start = static_cast<Ns>(random() % 300);
        row.end = row.start + static_cast<Ns>(random() % 25);
        row.name = names[random() % 3];
        row.kind = random() % 3 == 0 ? GpuKind::kCopy : GpuKind::kKernel;
        row.device = row.process = 0;
        row.rowid = i;
        if (!t.calls.empty() && random() % 4 != 0) row.launch = static_cast<std::int32_t>(random() % t.calls.size());
        t.gpu.push_back(row);
    }
    std::sort(t.gpu.begin(), t.gpu.end(), [](const GpuRow& a, const GpuRow& b) { return a.start < b.start; });
    for (unsigned i = 0; i < random() % 3; ++i) {
        const Ns start = static_cast<Ns>(random() % 300);
        t.flushes.emplace_back(start, start + static_cast<Ns>(random() % 30));
    }
    return t;
}

void shift(Timeline& t, Ns by) {
    for (Call& c : t.calls) c.start += by, c.end += by;
    for (GpuRow& r : t.gpu) r.start += by, r.end += by;
    for (auto& [start, end] : t.flushes) start += by, end += by;
}

Ns idleOf(const ClassTimes& c) {
    Ns sum = 0;
    for (std::size_t i = static_cast<std::size_t>(kIoInput); i < kWallClassCount; ++i) sum += c[i];
    return sum;
}

TEST(GpuPartition, InvariantsHoldOnRandomTimelines) {
    constexpr unsigned kSeed = 99;
    std::mt19937 random(kSeed);
    AnalyzeOptions options;
    options.gapNs = 5;
    options.pendingNs = 20;
    for (int round = 0; round < 1500; ++round) {
        SCOPED_TRACE(testing::Message() << "seed " << kSeed << " round " << round);
        Timeline t = randomTimeline(random);
        const auto partition = [&](const Timeline& timeline) { return partitionGpu(timeline, {}, {}, options).at(0); };
        const GpuPartition p = partition(t);
        const Interval window{p.firstStart, p.lastEnd};
        const ClassTimes whole = classTimes(p.segments, window);
        ASSERT_EQ(std::accumulate(whole.begin(), whole.end(), Ns{0}), window.end - window.start);
        ASSERT_EQ(idleOf(whole), window.end - window.start - length(p.busy));
        ASSERT_GE(*std::min_element(whole.begin(), whole.end()), 0);
        for (std::size_t i = 1; i < p.segments.size(); ++i) ASSERT_LE(p.segments[i - 1].end, p.segments[i].start);

        if (window.end > window.start) {
            const Ns cut = window.start + static_cast<Ns>(random() % static_cast<unsigned>(window.end - window.start));
            ClassTimes parts = classTimes(p.segments, {window.start, cut});
            const ClassTimes rest = classTimes(p.segments, {cut, window.end});
            for (std::size_t c = 0; c < kWallClassCount; ++c) parts[c] += rest[c];
            ASSERT_EQ(parts, whole);
        }
        Timeline moved = t;
        shift(moved, 123'456'789);
        const GpuPartition q = partition(moved);
        ASSERT_EQ(classTimes(q.segments, {q.firstStart, q.lastEnd}), whole);

        GpuRow extra = t.gpu[random() % t.gpu.size()];
        extra.start = std::clamp<Ns>(static_cast<Ns>(random() % 300), window.start, window.end);
        extra.end = std::min(window.end, extra.start + 10);
        t.gpu.push_back(extra);
        std::stable_sort(t.gpu.begin(), t.gpu.end(), [](const GpuRow& a, const GpuRow& b) { return a.start < b.start; });
        const GpuPartition more = partition(t);
        ASSERT_LE(idleOf(classTimes(more.segments, window)), idleOf(whole));
    }
}

}  // namespace
}  // namespace ridge::test
