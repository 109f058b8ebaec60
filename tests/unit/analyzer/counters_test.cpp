// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Hardware counters of kernels, device memory by allocation and what is sampled of a GPU; every number by hand.
#include "tests/unit/analyzer/check.h"
#include "tests/unit/analyzer/trace_builder.h"

#include <unistd.h>

#include <filesystem>
#include <limits>
#include <string>

namespace ridge::test {
namespace {

constexpr std::int64_t kMs = 1'000'000, kPid = 100;

std::string fileFor(const std::string& name) {
    const std::string path = (std::filesystem::temp_directory_path() / ("ridge_counters_" + name + "_" + std::to_string(getpid()) + ".sqlite")).string();
    std::filesystem::remove(path);
    return path;
}

// One kernel per step, 8 ms of 10; counters as metric and value.
class CounterTrace {
public:
    explicit CounterTrace(const std::string& name, const std::string& device = "NVIDIA Test") : b(fileFor(name)) {
        b.table("TARGET_INFO_GPU");
        b.run(fmt::format("INSERT INTO TARGET_INFO_GPU(vmId, id, name) VALUES (1, 0, {})", TraceBuilder::quote(device)));
        b.table("RIDGE_KERNEL_METRIC");
    }
    ~CounterTrace() { std::filesystem::remove(b.path()); }
    CounterTrace(const CounterTrace&) = delete;
    CounterTrace& operator=(const CounterTrace&) = delete;

    void roofs() {
        b.ceiling("memory", "gpu.DRAM", "", "DRAM", "copy", 0, 2e12, "B/s");
        b.ceiling("memory", "gpu.L2", "", "L2", "read", 50 << 20, 8e12, "B/s");
        b.ceiling("memory", "gpu.L1", "", "L1", "read", 256 << 10, 16e12, "B/s");
        b.ceiling("compute", "gpu.fma", "f32", "", "", 0, 1e15, "FLOP/s");
        b.ceiling("memory", "DRAM.copy", "", "DRAM", "copy", 0, 1e11, "B/s");  // of the CPU: not the device's
    }
    void metric(const std::string& name, double value, std::int64_t id, bool node = false) {
        b.run(fmt::format("INSERT INTO RIDGE_KERNEL_METRIC VALUES ({}, {}, {}, '{}', {:.17g})", TraceBuilder::gpid(kPid), id, node ? "5" : "NULL", name, value));
    }
    // Steps of 10 ms with a kernel in the middle.
    void steps(const std::string& kernel, const std::map<std::string, double>& metrics, int count = 5) {
        for (int s = 0; s < count; ++s) {
            const std::int64_t t = next++ * 10 * kMs;
            b.range(thread, t, t + 10 * kMs, "step", 3, next);
            launch(t + kMs, kernel, metrics);
        }
    }
    void launch(std::int64_t t, const std::string& kernel, const std::map<std::string, double>& metrics) {
        b.call(thread, t, t + 10'000, "cudaLaunchKernel_v7000", correlation);
        b.kernel(kPid, 0, t + 20'000, t + 20'000 + 8 * kMs, kernel, correlation);
        for (const auto& [name, value] : metrics) metric(name, value, correlation);
        ++correlation;
    }
    Analysis answer() {
        b.finish();
        return analyzeOk(b.path());
    }

    TraceBuilder b;
    const std::int64_t thread = TraceBuilder::tid(kPid, 1);
    std::int64_t correlation = 1, next = 0;
};

const std::string kFma = "sm__sass_thread_inst_executed_op_ffma_pred_on.sum";

const analyzer::RooflinePoint* pointOf(const Analysis& answer, const std::string& op, const std::string& level) {
    for (const auto& p : answer.roofline)
        if (p.op == op && p.level == level) return &p;
    return nullptr;
}

// metrics 1.3: F = 2e12, B = 1e10, P = 1e15, BW = 2e12, T = 8 ms: 2 ms and 5 ms, memory wall, a = 0.625.
TEST(MeasuredRoofline, ThePublishedVectorWithThreeLevels) {
    CounterTrace t("vector");
    t.roofs();
    t.steps("saxpy", {{kFma, 1e12}, {"dram__bytes_read.sum", 6e9}, {"dram__bytes_write.sum", 4e9}, {"lts__t_bytes.sum", 1.2e10}, {"l1tex__t_bytes.sum", 1.6e10}});
    const Analysis answer = t.answer();
    const auto *dram = pointOf(answer, "saxpy", "DRAM"), *l2 = pointOf(answer, "saxpy", "L2"), *l1 = pointOf(answer, "saxpy", "L1");
    ASSERT_TRUE(dram && l2 && l1);
    EXPECT_EQ(dram->source, "measured");
    EXPECT_EQ(dram->count, 5);
    EXPECT_EQ(dram->blocks, 1);
    EXPECT_DOUBLE_EQ(dram->flops, 1e13);
    EXPECT_DOUBLE_EQ(dram->bytes, 5e10);
    EXPECT_DOUBLE_EQ(*dram->intensity, 200);
    EXPECT_DOUBLE_EQ(*dram->achieved, 2.5e14);
    EXPECT_DOUBLE_EQ(*dram->attainment, 0.625);
    EXPECT_DOUBLE_EQ(*l2->attainment, 0.25);  // 1.5 ms below the 2 ms of the arithmetic
    EXPECT_DOUBLE_EQ(*l1->attainment, 0.25);
    for (const auto* p : {dram, l2, l1}) {
        EXPECT_EQ(p->bound, "memory");
        EXPECT_EQ(p->ceiling, "gpu.DRAM");
        EXPECT_EQ(p->dtype, "f32");
    }
    EXPECT_EQ(at(answer.attribution, WallClass::kMemoryWall), 40 * kMs);
    EXPECT_EQ(at(answer.attribution, WallClass::kComputeUnknown), 0);
    // The finding rests on the counters: 3 of 8 ms are above the roof.
    const auto* wall = findingOf(answer, "memory_wall");
    ASSERT_TRUE(wall);
    EXPECT_EQ(wall->ops, std::vector<std::string>{"saxpy"});
    EXPECT_DOUBLE_EQ(wall->evidence[0].value, 40.0 * kMs);
    EXPECT_DOUBLE_EQ(wall->evidence[1].value, 0.625);
    EXPECT_NEAR(static_cast<double>(wall->savingHighNs), 0.375 * static_cast<double>(wall->costNs), 2);
    EXPECT_FALSE(wall->sql.empty());
    const auto* check = gateOf(answer, "counter_self_check");
    ASSERT_TRUE(check);
    EXPECT_NE(check->detail.find("not verified"), std::string::npos);
}

TEST(MeasuredRoofline, TooGoodIsUnreliableFarFromTheRoofIsLatency) {
    CounterTrace t("bounds");
    t.roofs();
    t.steps("impossible", {{"dram__bytes.sum", 2e10}});                                  // 10 ms of work in 8
    t.steps("slow", {{"dram__bytes.sum", 1e9}});                                         // 0.5 ms of 8
    t.steps("busy", {{"dram__bytes.sum", 1e9}, {kFma, 3.5e12}});                         // 7 ms of arithmetic
    t.steps("even", {{"dram__bytes.sum", 1.4e10}, {kFma, 3.4e12}});                      // 7 ms and 6.8 ms
    t.steps("matrix", {{"dram__bytes.sum", 1e9}, {"sm__inst_executed_pipe_tensor.sum", 1e6}});  // FLOP not known
    t.steps("nothing", {});
    const Analysis answer = t.answer();
    EXPECT_EQ(pointOf(answer, "impossible", "DRAM")->bound, "unreliable");
    EXPECT_DOUBLE_EQ(*pointOf(answer, "impossible", "DRAM")->attainment, 1.25);
    EXPECT_EQ(pointOf(answer, "slow", "DRAM")->bound, "latency");
    EXPECT_EQ(pointOf(answer, "busy", "DRAM")->bound, "compute");
    EXPECT_EQ(pointOf(answer, "busy", "DRAM")->ceiling, "gpu.fma");
    EXPECT_EQ(pointOf(answer, "even", "DRAM")->bound, "balanced");
    EXPECT_EQ(pointOf(answer, "matrix", "DRAM")->bound, "unknown");
    EXPECT_FALSE(pointOf(answer, "matrix", "DRAM")->intensity);
    EXPECT_FALSE(pointOf(answer, "nothing", "DRAM"));
    EXPECT_FALSE(pointOf(answer, "slow", "L2"));
    EXPECT_EQ(at(answer.attribution, WallClass::kLatencyBound), 40 * kMs);
    EXPECT_EQ(at(answer.attribution, WallClass::kComputeBound), 40 * kMs);
    EXPECT_EQ(at(answer.attribution, WallClass::kMemoryWall), 40 * kMs);  // "even": memory is 0.2 ms more
    EXPECT_EQ(at(answer.attribution, WallClass::kComputeUnknown), 120 * kMs);
}

TEST(MeasuredRoofline, WithoutRoofsOrWithGraphsItSaysSo) {
    CounterTrace t("none");
    t.steps("saxpy", {{"dram__bytes.sum", 1e9}});
    t.metric("dram__bytes.sum", 1, 1, true);     // a node of a graph
    t.metric("dram__bytes.sum", 1, 9999);        // no kernel
    const Analysis answer = t.answer();
    ASSERT_TRUE(pointOf(answer, "saxpy", "DRAM"));
    EXPECT_FALSE(pointOf(answer, "saxpy", "DRAM")->attainment);
    EXPECT_EQ(pointOf(answer, "saxpy", "DRAM")->bound, "unknown");
    EXPECT_EQ(gateOf(answer, "no_device_roofs")->count, 5);
    EXPECT_EQ(gateOf(answer, "unmatched_counters")->count, 1);
    EXPECT_EQ(gateOf(answer, "counters_of_graph_nodes")->count, 1);
}

// A V100's tensor instruction is 512 FLOP; other chips' are not known.
TEST(MeasuredRoofline, TensorInstructionsCountWhereTheirFlopAreKnown) {
    CounterTrace t("v100", "Tesla V100-SXM2-16GB");
    t.steps("h884gemm", {{"dram__bytes.sum", 1e9}, {"sm__inst_executed_pipe_tensor.sum", 1e9}});
    const Analysis answer = t.answer();
    EXPECT_DOUBLE_EQ(pointOf(answer, "h884gemm", "DRAM")->flops, 5 * 512e9);
    EXPECT_DOUBLE_EQ(*pointOf(answer, "h884gemm", "DRAM")->intensity, 512);
}

void selfCheckTrace(CounterTrace& t, double copyBytes, double fma) {
    t.roofs();
    for (std::int64_t s = 0; s < 5; ++s) {
        const std::int64_t at = s * 20 * kMs;
        t.b.range(t.thread, at, at + 20 * kMs, "step", 3, s);
        t.b.work(t.thread, at, at + 100'000, "copy", {.kind = 7, .read = 1'000'000'000, .written = 1'000'000'000});
        t.launch(at + 10'000, "copy_kernel", {{"dram__bytes.sum", copyBytes}});
        t.b.work(t.thread, at + 200'000, at + 300'000, "gemm", {.kind = 1, .flops = 2'000'000'000'000, .read = 1000, .written = 1000});
        t.launch(at + 9 * kMs, "unrelated", {});
        t.b.call(t.thread, at + 210'000, at + 220'000, "cudaLaunchKernel_v7000", t.correlation);
        t.b.kernel(kPid, 0, at + 9 * kMs, at + 17 * kMs, "my_gemm", t.correlation, 8);
        t.metric("dram__bytes.sum", 1e10, t.correlation);
        t.metric(kFma, fma, t.correlation++);
    }
}

TEST(MeasuredRoofline, CountersAreHeldAgainstKnownWork) {
    CounterTrace good("good");
    selfCheckTrace(good, 2.02e9, 1e12);
    const Analysis right = good.answer();
    const auto* check = gateOf(right, "counter_self_check");
    ASSERT_TRUE(check);
    EXPECT_EQ(check->count, 0) << check->detail;
    EXPECT_NE(check->detail.find("copy 1.010, GEMM 1.000"), std::string::npos) << check->detail;
    EXPECT_EQ(pointOf(right, "my_gemm", "DRAM")->bound, "memory");
    CounterTrace bad("bad");
    selfCheckTrace(bad, 2.4e9, 1e12);  // 20 % too many bytes
    const Analysis wrong = bad.answer();
    EXPECT_EQ(gateOf(wrong, "counter_self_check")->count, 1);
    EXPECT_EQ(gateOf(wrong, "counter_self_check")->severity, Severity::kError);
    EXPECT_EQ(pointOf(wrong, "my_gemm", "DRAM")->bound, "unreliable");
}

void memoryEvent(TraceBuilder& b, std::int64_t time, bool frees, std::int64_t address, std::int64_t bytes, const std::string& name, int kind = 2) {
    b.table("CUDA_GPU_MEMORY_USAGE_EVENTS");
    b.run(fmt::format("INSERT INTO CUDA_GPU_MEMORY_USAGE_EVENTS(start, globalPid, deviceId, contextId, address, pc, bytes, memKind, memoryOperationType, name) "
                      "VALUES ({}, {}, 0, 1, {}, 0, {}, {}, {}, {})",
                      time, TraceBuilder::gpid(kPid), address, bytes, kind, frees ? 1 : 0, name.empty() ? "NULL" : TraceBuilder::quote(name)));
}

TEST(MemoryCapacity, FootprintPeakAndOwners) {
    CounterTrace t("memory");
    t.steps("saxpy", {}, 5);
    t.b.copy(kPid, 0, 1'000, 1'001'000, 9001, 2'000'000, 1, 1, 2);         // 2 GB/s to the device
    t.b.copy(kPid, 0, 2'000'000, 3'000'000, 9002, 4'000'000, 2, 2, 1);     // 4 GB/s back
    t.b.copy(kPid, 0, 4'000'000, 5'000'000, 9003, 1'000, 1, 1, 2);         // too small to tell
    memoryEvent(t.b, 10, false, 1, 600, "activations");
    memoryEvent(t.b, 20, false, 2, 300, "optimizer state");
    memoryEvent(t.b, 25, false, 77, 5'000, "staging", 1);  // of the host
    memoryEvent(t.b, 30, false, 3, 100, "");
    memoryEvent(t.b, 40, true, 1, 600, "activations");
    memoryEvent(t.b, 50, false, 1, 200, "activations");
    memoryEvent(t.b, 60, true, 99, 64, "");  // allocated before the recording
    for (const char* table : {"RIDGE_COUNTER", "RIDGE_COUNTER_SAMPLE"}) t.b.table(table);
    t.b.run("INSERT INTO RIDGE_COUNTER VALUES (1, 'engine.kv_cache_usage', '1', NULL, NULL)");
    t.b.run("INSERT INTO RIDGE_COUNTER_SAMPLE VALUES (1, 0, 0.2), (1, 10, 0.8), (1, 30, 0.4)");
    const Analysis answer = t.answer();
    ASSERT_EQ(answer.memory.devices.size(), 1U);
    const auto& d = answer.memory.devices[0];
    EXPECT_EQ(d.peakBytes, 1'000);
    EXPECT_EQ(d.peakTimeNs, 30);
    EXPECT_EQ(d.lastBytes, 600);
    EXPECT_EQ(d.allocations, 4);
    EXPECT_EQ(d.releases, 2);
    EXPECT_EQ(d.unmatchedReleases, 1);
    ASSERT_TRUE(d.linkBandwidth);
    EXPECT_DOUBLE_EQ(*d.linkBandwidth, 2e9);
    const std::vector<std::pair<Ns, double>> curve{{10, 600}, {20, 900}, {30, 1'000}, {40, 400}, {50, 600}, {60, 600}};
    EXPECT_EQ(d.samples, curve);
    ASSERT_EQ(d.owners.size(), 3U);
    EXPECT_EQ(d.owners[0].name, "activations");
    EXPECT_EQ(d.owners[0].kind, "device");
    EXPECT_EQ(d.owners[0].atPeakBytes, 600);
    EXPECT_EQ(d.owners[0].allocations, 2);
    EXPECT_EQ(d.owners[0].offloadNs, 600);  // 2 x 600 B at 2 GB/s
    EXPECT_FALSE(d.owners[0].recomputeNs);  // no range named forward
    EXPECT_EQ(d.owners[1].offloadNs, 300);
    EXPECT_EQ(d.owners[2].name, "");
    EXPECT_FALSE(d.owners[2].offloadNs);
    EXPECT_EQ(answer.memory.deviceBytesPeak, 1'000);
    ASSERT_EQ(answer.memory.kvCache.size(), 1U);
    EXPECT_DOUBLE_EQ(answer.memory.kvCache[0].peak, 0.8);
    EXPECT_NEAR(answer.memory.kvCache[0].mean, 0.6, 1e-12);
}

// More bytes than there are numbers for: nothing overflows (the sanitizers watch), the peak is the largest number.
TEST(MemoryCapacity, AbsurdSizesDoNotOverflow) {
    CounterTrace t("absurd");
    t.steps("saxpy", {});
    constexpr std::int64_t kCount = 3 << 13, kBytes = std::int64_t{1} << 50;
    memoryEvent(t.b, 1, false, 1, kBytes, "x");
    t.b.run(fmt::format("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {}) INSERT INTO CUDA_GPU_MEMORY_USAGE_EVENTS(start, globalPid, "
                        "deviceId, contextId, address, pc, bytes, memKind, memoryOperationType, name) SELECT i, {}, 0, 1, i, 0, {}, 2, 0, 'x' FROM n",
                        kCount, TraceBuilder::gpid(kPid), kBytes));
    t.b.run(fmt::format("INSERT INTO CUDA_GPU_MEMORY_USAGE_EVENTS(start, globalPid, deviceId, contextId, address, pc, bytes, memKind, memoryOperationType, name) "
                        "SELECT start + 100000, globalPid, deviceId, contextId, address, pc, bytes, memKind, 1, name FROM CUDA_GPU_MEMORY_USAGE_EVENTS"));
    const Analysis answer = t.answer();
    ASSERT_EQ(answer.memory.devices.size(), 1U);
    EXPECT_EQ(answer.memory.devices[0].allocations, kCount);
    EXPECT_EQ(answer.memory.devices[0].peakBytes, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(answer.memory.devices[0].lastBytes, 0);
    EXPECT_EQ(answer.memory.devices[0].unmatchedReleases, 0);
}

TEST(MemoryCapacity, RecomputingActivationsCostsOneForwardPass) {
    CounterTrace t("recompute");
    t.steps("saxpy", {});
    for (std::int64_t s = 0; s < 5; ++s) t.b.range(t.thread, s * 10 * kMs + kMs - 1'000, s * 10 * kMs + kMs + 50'000, "forward");
    memoryEvent(t.b, 10, false, 1, 600, "activations");
    memoryEvent(t.b, 20, false, 2, 300, "optimizer");
    const Analysis answer = t.answer();
    ASSERT_EQ(answer.memory.devices.size(), 1U);
    ASSERT_EQ(answer.memory.devices[0].owners.size(), 2U);
    EXPECT_EQ(answer.memory.devices[0].owners[0].recomputeNs, 8 * kMs);  // the kernel of each
    EXPECT_FALSE(answer.memory.devices[0].owners[1].recomputeNs);
    EXPECT_FALSE(answer.memory.devices[0].owners[0].offloadNs);  // no copy tells of the link
}

TEST(CounterFindings, GemmBesideTheTensorCores) {
    for (const auto& [device, kernel, instructions, confidence] :
         std::vector<std::tuple<std::string, std::string, int, int>>{{"NVIDIA A100-SXM4-80GB", "ampere_sgemm_128x64_nn", -1, 2},
                                                                     {"NVIDIA A100-SXM4-80GB", "ampere_sgemm_128x64_nn", 0, 1},
                                                                     {"NVIDIA A100-SXM4-80GB", "ampere_sgemm_128x64_nn", 7, -1},
                                                                     {"NVIDIA A100-SXM4-80GB", "ampere_bf16_s16816gemm_bf16_128x64", -1, -1},
                                                                     {"NVIDIA A100-SXM4-80GB", "saxpy", -1, -1},
                                                                     {"Tesla P100-PCIE-16GB", "maxwell_sgemm_128x64_nn", -1, -1}}) {
        SCOPED_TRACE(device + " " + kernel + " " + std::to_string(instructions));
        CounterTrace t("tensor", device);
        t.steps(kernel, instructions < 0 ? std::map<std::string, double>{} : std::map<std::string, double>{{"sm__inst_executed_pipe_tensor.sum", instructions}});
        const Analysis answer = t.answer();
        const auto* f = findingOf(answer, "idle_tensor_cores");
        ASSERT_EQ(f != nullptr, confidence >= 0);
        if (!f) continue;
        EXPECT_DOUBLE_EQ(f->evidence.front().value, 40.0 * kMs);
        EXPECT_FALSE(f->sql.empty());
        EXPECT_EQ(static_cast<int>(f->confidence), confidence);
    }
}

TEST(CounterFindings, AThrottledClock) {
    CounterTrace t("throttle");
    t.steps("work", {});
    for (const char* table : {"RIDGE_COUNTER", "RIDGE_COUNTER_SAMPLE"}) t.b.table(table);
    t.b.run("INSERT INTO RIDGE_COUNTER VALUES (1, 'gpu.throttle', 'mask', NULL, 0), (2, 'gpu.clock.sm', 'Hz', NULL, 0), (3, 'gpu.throttle', 'mask', NULL, 1)");
    for (int i = 1; i <= 8; ++i) {
        const std::int64_t at = i * 5 * kMs;
        t.b.run(fmt::format("INSERT INTO RIDGE_COUNTER_SAMPLE VALUES (1, {}, {}), (2, {}, {}), (3, {}, 3)", at, i <= 4 ? 4 : 1, at + 1, i <= 4 ? 1e9 : 2e9, at));
    }
    const Analysis answer = t.answer();
    const auto* f = findingOf(answer, "clock_throttle");
    ASSERT_TRUE(f);
    EXPECT_DOUBLE_EQ(f->evidence[0].value, 4);
    EXPECT_DOUBLE_EQ(f->evidence[1].value, 8);
    EXPECT_DOUBLE_EQ(f->evidence[2].value, 1e9);
    EXPECT_DOUBLE_EQ(f->evidence[3].value, 2e9);
    EXPECT_FALSE(f->sql.empty());
    // Half of the samples, at half of the clock: a quarter of the compute time of that GPU, over its steps.
    const auto compute = static_cast<double>(at(answer.attribution, WallClass::kComputeUnknown)), steps = static_cast<double>(answer.steps.size());
    double window = 0;
    for (const Ns ns : answer.attribution) window += static_cast<double>(ns);
    EXPECT_NEAR(static_cast<double>(f->costNs), compute / steps / 4, 2);
    EXPECT_NEAR(f->share, compute / window / 4, 1e-9);
}

TEST(CounterFindings, DecodingBelowTheReadRoof) {
    for (const double rate : {4e10, 9e10}) {
        TraceBuilder b(fileFor("decode"));
        const std::int64_t thread = TraceBuilder::tid(kPid, 1);
        b.range(thread, 0, 60 * kMs, "infer.decode/small", 1);
        for (std::int64_t s = 0; s < 6; ++s) {
            b.range(thread, s * 10 * kMs, (s + 1) * 10 * kMs, "step", 3, s);
            b.work(thread, s * 10 * kMs, (s + 1) * 10 * kMs, "gemm", {});
        }
        b.ceiling("memory", "DRAM.read", "", "DRAM", "read", 0, 1e11, "B/s");
        b.ceiling("memory", "DRAM.copy", "", "DRAM", "copy", 0, 5e11, "B/s");
        b.table("RIDGE_BENCHMARK");
        b.run(fmt::format("INSERT INTO RIDGE_BENCHMARK VALUES ('infer.decode/small', 'tpot', 0.01, 's', 'lower'), ('infer.decode/small', 'bytes_per_s', {:.17g}, 'B/s', 'higher')", rate));
        b.finish();
        const Analysis answer = analyzeOk(b.path());
        const auto* f = findingOf(answer, "decode_bandwidth");
        ASSERT_EQ(f != nullptr, rate < 8e10);
        if (f) {
            EXPECT_DOUBLE_EQ(f->evidence[0].value, 4e10);
            EXPECT_DOUBLE_EQ(f->evidence[2].value, 0.4);
            EXPECT_EQ(f->costNs, 6 * kMs);
            EXPECT_FALSE(f->sql.empty());
        }
        std::filesystem::remove(b.path());
    }
}

}  // namespace
}  // namespace ridge::test
