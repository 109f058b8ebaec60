// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <cmath>
#include <limits>

#include "tests/unit/reports/support.h"

namespace ridge::reports::test {
namespace {

using namespace analyzer;  // NOLINT: this file makes its objects

constexpr Ns kMs = 1'000'000;

struct Share {
    WallClass c;
    int percent;
};

// Steps around `length`, longer in a regular pattern; percents add up to 100, the rest of the division
// goes to the first class.
void addSteps(Analysis& a, const std::string& workload, std::int64_t rank, int count, Ns length, const std::vector<Share>& shares) {
    Ns at = 10 * kMs;
    for (int i = 0; i < count; ++i) {
        Step s{workload, i, rank, 0, at, at + length + (i % 7) * length / 40, {}};
        Ns left = s.endNs - s.startNs;
        for (std::size_t k = 1; k < shares.size(); ++k) {
            const Ns part = (s.endNs - s.startNs) * shares[k].percent / 100;
            s.classes[static_cast<std::size_t>(shares[k].c)] = part;
            left -= part;
        }
        s.classes[static_cast<std::size_t>(shares[0].c)] = left;
        at = s.endNs;
        for (std::size_t c = 0; c < kWallClassCount; ++c) a.attribution[c] += s.classes[c];
        a.steps.push_back(s);
    }
}

WorkloadSummary summary(const Analysis& a, const std::string& name, WallClass c, Cause cause, std::optional<Verdict> expected,
                        WorkloadMetric metric, std::optional<double> roof) {
    WorkloadSummary w;
    w.name = name;
    w.params = {{"batch", "8"}, {"dtype", "f32"}};
    w.metrics = {{"steps_per_s", std::nullopt, "1/s", "higher"}, std::move(metric)};
    w.check = "passed";
    w.checkDetail = "gradients against finite differences: worst 2.1e-4";
    w.verdict = {c, cause};
    w.expected = expected;
    w.roofShare = roof;
    Ns total = 0;
    for (const Step& s : a.steps) {
        if (s.workload != name) continue;
        w.samples.push_back(s.endNs - s.startNs);
        total += s.endNs - s.startNs;
        for (std::size_t k = 0; k < kWallClassCount; ++k) w.classes[k] += s.classes[k];
        ++w.steps;
    }
    if (w.steps > 0) {
        w.medianStepNs = w.samples[w.samples.size() / 2];
        w.verdictShare = static_cast<double>(w.classes[static_cast<std::size_t>(c)]) / static_cast<double>(total);
    }
    return w;
}

void addWorkloads(Analysis& a) {
    using W = WallClass;
    addSteps(a, "train.single/fp32", 0, 24, 41 * kMs, {{W::kComputeBound, 71}, {W::kMemoryWall, 14}, {W::kLatencyBound, 6}, {W::kHost, 5}, {W::kIdle, 4}});
    addSteps(a, "decode/b1/ctx512", 0, 400, 2 * kMs, {{W::kMemoryWall, 88}, {W::kHost, 7}, {W::kLatencyBound, 3}, {W::kPreempted, 2}});
    addSteps(a, "train.ddp/sync/link1", 0, 12, 90 * kMs, {{W::kCommTransfer, 46}, {W::kComputeBound, 34}, {W::kCommWait, 12}, {W::kMemoryWall, 5}, {W::kHost, 3}});
    addSteps(a, "train.ddp/sync/link1", 1, 12, 90 * kMs, {{W::kCommTransfer, 46}, {W::kComputeBound, 44}, {W::kCommWait, 2}, {W::kMemoryWall, 5}, {W::kHost, 3}});
    addSteps(a, "input/loader0/sync", 0, 3, 60 * kMs, {{W::kIoInput, 63}, {W::kComputeBound, 30}, {W::kIoCheckpoint, 4}, {W::kUnknownCapture, 3}});
    addSteps(a, "gpu.launch/tiny_kernels", 0, 40, 5 * kMs,
             {{W::kLaunch, 31}, {W::kApi, 18}, {W::kSync, 11}, {W::kKernelGap, 9}, {W::kDevicePending, 8}, {W::kDependency, 7}, {W::kCopy, 6}, {W::kCommUnsplit, 4}, {W::kComputeUnknown, 4}, {W::kUnlinked, 2}});
    a.workloads = {
        summary(a, "train.single/fp32", W::kComputeBound, Cause::kCompute, Verdict{W::kComputeBound, Cause::kCompute}, {"tokens_per_s", 1530.25, "1/s", "higher"}, 0.83),
        summary(a, "decode/b1/ctx512", W::kMemoryWall, Cause::kMemoryBandwidth, Verdict{W::kMemoryWall, Cause::kMemoryBandwidth}, {"mbu", 0.91, "1", "higher"}, 0.91),
        summary(a, "train.ddp/sync/link1", W::kCommTransfer, Cause::kCommunication, Verdict{W::kCommTransfer, Cause::kCommunication}, {"busbw", 0.97e9, "B/s", "higher"}, 0.71),
        summary(a, "input/loader0/sync", W::kIoInput, Cause::kInputIo, Verdict{W::kIoInput, Cause::kInputIo}, {"samples_per_s", 212.5, "1/s", "higher"}, std::nullopt),
        summary(a, "gpu.launch/tiny_kernels", W::kLaunch, Cause::kLaunch, Verdict{W::kKernelGap, Cause::kLaunch}, {"time_per_step", 5.2e6, "ns", "lower"}, 0.04),
        summary(a, "storage/never/ran", W::kIdle, Cause::kNone, std::nullopt, {"iops", std::numeric_limits<double>::quiet_NaN(), "1/s", "higher"}, std::nullopt)};
    a.workloads.back().check = "failed";
    a.workloads.back().checkDetail = "byte 4096 of the restored file differs";
}

void addRoofline(Analysis& a) {
    a.ceilings = {{"compute", "peak f32", "f32", "", "", std::nullopt, 1.14e11, "FLOP/s", "FMA chain, 1 thread"},
                  {"compute", "peak bf16", "bf16", "", "", std::nullopt, 2.3e11, "FLOP/s", "AMX tiles"},
                  {"memory", "L1 read", "", "L1", "read", 32768, 2.1e11, "B/s", "sum of a resident array"},
                  {"memory", "L2 read", "", "L2", "read", 2097152, 9.1e10, "B/s", ""},
                  {"memory", "L3 read", "", "L3", "read", 110100480, 3.1e10, "B/s", ""},
                  {"memory", "DRAM read", "", "DRAM", "read", std::nullopt, 1.88e10, "B/s", ""},
                  {"memory", "DRAM copy", "", "DRAM", "copy", std::nullopt, 1.7e10, "B/s", ""},
                  {"dispatch", "empty op", "", "", "", std::nullopt, 2.1e-7, "s", "empty op"}};
    const auto point = [&](const char* workload, const char* op, const char* kind, Ns time, double flops, double bytes, const char* bound, double attainment) {
        const double seconds = static_cast<double>(time) / 1e9;
        RooflinePoint p{workload, op, kind, "f32", 24, time, flops, bytes, {}, {}, attainment, bound, "peak f32", "model"};
        if (flops > 0) p.intensity = flops / bytes;
        p.achieved = (flops > 0 ? flops : bytes) / seconds;
        a.roofline.push_back(p);
    };
    point("train.single/fp32", "gemm.qkv", "gemm", 310 * kMs, 3.1e10, 6e8, "compute", 0.88);
    point("train.single/fp32", "gemm.mlp_up", "gemm", 290 * kMs, 3.0e10, 5.5e8, "compute", 0.9);
    point("train.single/fp32", "gemm.mlp_down", "gemm", 288 * kMs, 2.9e10, 5.6e8, "compute", 0.89);
    point("train.single/fp32", "attention.fwd", "attention", 120 * kMs, 6e9, 4e8, "latency", 0.44);
    point("train.single/fp32", "layernorm", "norm", 60 * kMs, 1.6e8, 1.0e9, "memory", 0.9);
    point("train.single/fp32", "adamw", "optimizer", 75 * kMs, 1.8e8, 1.3e9, "memory", 0.92);
    point("decode/b1/ctx512", "gemv.weights", "gemm", 610 * kMs, 5.5e9, 1.1e10, "memory", 0.96);
    point("decode/b1/ctx512", "gemv.head", "gemm", 120 * kMs, 1.1e9, 2.2e9, "memory", 0.97);
    point("decode/b1/ctx512", "softmax", "elementwise", 9 * kMs, 2e7, 8e7, "balanced", 0.8);
    point("train.ddp/sync/link1", "gemm.all", "gemm", 420 * kMs, 4.2e10, 9e8, "compute", 0.87);
    point("gpu.launch/tiny_kernels", "add_one", "elementwise", 8 * kMs, 1e6, 8e6, "latency", 0.02);
    point("gpu.launch/tiny_kernels", "odd_counter", "other", 2 * kMs, 5e9, 1e8, "unreliable", 21.9);
    point("input/loader0/sync", "memcpy", "copy", 30 * kMs, 0, 5e8, "memory", 0.9);
}

void addFindings(Analysis& a) {
    Finding f;
    f.id = "F1";
    f.rule = "exposed_communication";
    f.workload = "train.ddp/sync/link1";
    f.wallClass = WallClass::kCommTransfer;
    f.cause = Cause::kCommunication;
    f.title = "All-reduce of 8.4 MB per step is exposed: nothing runs while it is on the wire";
    f.where = {{0, 0, 10 * kMs, 52 * kMs}, {1, 0, 10 * kMs, 52 * kMs}};
    f.ops = {"allreduce.grads"};
    f.costNs = 42 * kMs;
    f.share = 0.46;
    f.savingLowNs = 21 * kMs;
    f.savingHighNs = 38 * kMs;
    f.evidence = {{"exposed", 504e6, "ns"}, {"bytes", 8.4e6, "B"}, {"busbw", 0.97e9, "B/s"}, {"hidden", 0.0, "share"}, {"sql", 3, "1"}};
    f.sql = "SELECT SUM(end - start)\nFROM NVTX_EVENTS\nWHERE text = 'allreduce.grads' AND end > start;";
    f.confidence = Confidence::kHigh;
    f.assumptions = {"compute is free to run during the transfer"};
    f.tryThis = "Start the all-reduce of each bucket when its gradients are ready, and overlap it with the rest of the backward pass.";
    f.verify = "The overlapped variant must show comm_transfer below 10 % of the step.";
    a.findings.push_back(f);
    Finding g;
    g.id = "F2";
    g.rule = "memory_wall";
    g.workload = "decode/b1/ctx512";
    g.wallClass = WallClass::kMemoryWall;
    g.cause = Cause::kMemoryBandwidth;
    g.title = "gemv.weights reads 27.5 MB per token at 96 % of the memory roof";
    g.costNs = 1760000;
    g.share = 0.88;
    g.savingHighNs = 70000;
    g.evidence = {{"attainment", 0.96, "share"}, {"not a number", std::numeric_limits<double>::quiet_NaN(), "1"}};
    g.confidence = Confidence::kMedium;
    g.tryThis = "Fewer bytes per token: a smaller weight type, or a larger batch.";
    g.verify = "Bytes per token fall, and the step with them.";
    a.findings.push_back(g);
    Finding h;
    h.id = "F3";
    h.title = "Something is slow";
    h.wallClass = WallClass::kDevicePending;
    a.findings.push_back(h);
}

// What only several ranks, several timelines or further sources can tell.
void addDeeper(Analysis& a) {
    a.findingsBelowFloor = 4;
    a.ranges = {{"forward", "annotation", 24, 480 * kMs, 30 * kMs, 300 * kMs, 0}, {"aten::mm", "op", 960, 290 * kMs, 290 * kMs, 280 * kMs, 280 * kMs}, {"", "function", 3, 2 * kMs, 2 * kMs, 0, 0}};
    a.rangesOmitted = 17;
    a.clocks = {{0, 0, 0, 1500, 24}, {1, -42000, -42000, 2500, 24}};
    a.unclaimedSkewNs = 9000;
    a.contention = {{0, 3, 90 * kMs, 12 * kMs, 8 * kMs, 15 * kMs, 78 * kMs, {{"gemm_kernel<float, 128, 64>", 40, 22, 2 * kMs, 3 * kMs, 12 * kMs}}}};
    a.ridgeline = {{"train.ddp/sync/link1", 1.75e9, 3.75e7, 8.4e6, 4.464, 46.67, "network", 15 * kMs, 2 * kMs, 42 * kMs, 90 * kMs},
                   {"decode/b1/ctx512", 1.375e7, 2.75e7, 0, std::nullopt, 0.5, "memory", 120000, 1460000, 0, 2 * kMs}};
    for (const char* name : {"torch.gpu.allocated", "torch.gpu.reserved"}) {
        MemoryCurve curve{name, 1, 4000000000, 1000000000, 900 * kMs, {}};
        for (int i = 0; i < 40; ++i) curve.samples.emplace_back(i * 30 * kMs, (i < 30 ? 1e8 * i : 1e9) + (name[10] == 'r' ? 1e9 : 0));
        a.memory.curves.push_back(std::move(curve));
    }
    a.memory.fragmentation = 0.25;
    a.memory.reservedUnusedBytes = 1000000000;
    DeviceFootprint held{0, 3, 3000000000, 500000000, 120, 90, 2, 800 * kMs, 2.4e10, {}, {}};
    for (int i = 0; i < 30; ++i) held.samples.emplace_back(i * 40 * kMs, i < 20 ? 1.5e8 * (i + 1) : 5e8);
    held.owners = {{"activations.block", "device", 2000000000, 2000000000, 96, 166 * kMs, 30 * kMs}, {"", "managed", 1000000000, 1200000000, 24, std::nullopt, std::nullopt}};
    a.memory.devices = {held};
    a.memory.kvCache = {{"vllm.kv_cache.usage", "share", 0, 0.93, 0.61}};
    a.memory.bandwidth = {{"decode/b1/ctx512", 1760000, 70000, 2.75e7, 880000, std::nullopt}, {"train.single/fp32", 6 * kMs, 1 * kMs, 9.6e7, 3 * kMs, 2 * kMs}};
    WorkloadEnergy energy{"decode/b1/ctx512", 88, 0.22, 0.97, 400, 0.22, true, {}};
    energy.classes[static_cast<std::size_t>(WallClass::kMemoryWall)] = 80;
    energy.classes[static_cast<std::size_t>(WallClass::kHost)] = 8;
    a.energy.workloads = {energy, {"train.single/fp32", 240, 10, 0.5, 24, std::nullopt, false, {}}};
}

}  // namespace

Analysis richAnalysis() {
    Analysis a;
    a.sources = {{"runs/2026-01-05T10-00-00Z/train.single_fp32/trace.sqlite", "ridge", "1", "ridge 0.1.0"}, {"runs/2026-01-05T10-00-00Z/train.ddp_sync/trace.sqlite", "ridge", "1", "ridge 0.1.0"}};
    a.gate = {{"negative_durations", Severity::kInfo, 0, "none"},
              {"missing_ranks", Severity::kInfo, 0, "2 of 2 ranks"},
              {"ceiling_drift", Severity::kWarning, 2, "peak f32 fell by 7.1 % and DRAM read by 5.2 % between before and after"},
              {"dropped_buffers", Severity::kError, 3, "3 buffers of rank 1 were dropped; the windows they cover are unknown_capture"}};
    a.environment = {{"cpu.model", "key", "Example CPU @ 2.0 GHz"}, {"os", "key", "Linux"}, {"kernel", "recorded", "6.1.0"}, {"load", "volatile", "0.51"}, {"env.OMP_NUM_THREADS", "key", "1"}};
    a.ranks = {{0, "node0", {4211, 4212}}, {1, "node0", {4213}}};
    a.devices = {{0, 0, "cpu", "Example CPU", 3000 * kMs, 2700 * kMs, 300 * kMs, 2100 * kMs, 500 * kMs, 10 * kMs, 20 * kMs, 480 * kMs, 10 * kMs, 1200, 4, 0},
                 {0, 1, "cpu", "Example CPU", 3000 * kMs, 2750 * kMs, 250 * kMs, 2200 * kMs, 490 * kMs, 0, 0, 490 * kMs, 0, 1100, 0, 0},
                 {3, 0, "gpu", "Example GPU", 200 * kMs, 90 * kMs, 110 * kMs, 60 * kMs, 20 * kMs, 10 * kMs, 5 * kMs, 15 * kMs, 8 * kMs, 40000, 80, 12}};
    a.stepSource = "ridge";
    addWorkloads(a);
    addRoofline(a);
    a.communication = {{"allreduce.grads", "a1b2c3", "train.ddp/sync/link1", 8'400'000, 24, 504 * kMs, 0, 60 * kMs, 444 * kMs, 0.97e9, 0.97e9}, {"barrier", "", "", std::nullopt, 24, 3 * kMs, 0, std::nullopt, std::nullopt, std::nullopt, std::nullopt}};
    a.stragglers = {{1, "train.ddp/sync/link1", "allreduce.grads", 110 * kMs, "compute_bound"}};
    CriticalPath path;
    path.segments = {{0, 60 * kMs, "compute", "gemm.all"}, {60 * kMs, 100 * kMs, "communication", "allreduce.grads"}, {100 * kMs, 105 * kMs, "host", ""}};
    path.totalNs = path.coveredNs = 105 * kMs;
    path.workload = "train.ddp/sync/link1";
    path.steps = 1;
    path.byKind = {{"compute", "", 60 * kMs, 1}, {"communication", "", 40 * kMs, 1}, {"host", "", 5 * kMs, 1}};
    path.byName = {{"compute", "gemm.all", 60 * kMs, 1}, {"communication", "allreduce.grads", 40 * kMs, 1}};
    path.slack = {{"compute", "gemm.side", 3, 12 * kMs, 4 * kMs, 6 * kMs}};
    path.second = "host";
    path.secondNs = 101 * kMs;
    path.lanes = {{0, 0, "train.ddp/sync/link1", 1, 105 * kMs, path.byKind}};
    a.criticalPath = path;
    a.whatIf = {{"train.ddp/sync/link1", "communication hidden", 48 * kMs, 71 * kMs, 55 * kMs, 105 * kMs, 71 * kMs, 48 * kMs, "train.ddp/overlap/link1", 0.29},
                {"gpu.launch/tiny_kernels", "no launch cost", 2 * kMs, 3 * kMs, std::nullopt, 5 * kMs, 3 * kMs, 2 * kMs, "", std::nullopt}};
    addFindings(a);
    addDeeper(a);
    a.memory.peakRssBytes = 734003200;
    a.memory.deviceBytesPeak = 4294967296;
    for (int i = 0; i < 60; ++i) a.memory.rss.emplace_back(i * 50 * kMs, 2e8 + 5e8 * (1 - std::exp(-i / 12.0)) + (i % 5) * 4e6);
    a.energy.joules = 412.5;
    a.energy.joulesPerStep = 1.1;
    a.energy.source = "rapl";
    a.losses = {{"cupti_dropped", 128}};
    return a;
}

Analysis hostileAnalysis() {
    const std::string evil = "</style></script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>| `x` [a](javascript:1) \x1b[31m\x01\x7f\xff\xc3(\n# head\r\n\xe2\x80\xae";
    Analysis a = richAnalysis();
    for (auto& s : a.sources) s = {evil, "ridge", evil, evil};
    for (auto& g : a.gate) g.check = g.detail = evil;
    for (auto& e : a.environment) e.name = e.value = evil;
    for (auto& r : a.ranks) r.host = evil;
    for (auto& d : a.devices) d.name = evil;
    for (auto& s : a.steps) s.workload += evil;
    for (auto& c : a.ceilings) c.name = c.dtype = c.level = c.access = c.method = evil;
    for (auto& p : a.roofline) p.workload = p.op = p.ceiling = evil;
    for (auto& c : a.communication) c.name = c.communicator = c.workload = evil;
    for (auto& s : a.stragglers) s.workload = s.collective = s.excessClass = evil;
    for (auto& s : a.criticalPath->segments) s.kind = s.name = evil;
    for (auto* shares : {&a.criticalPath->byKind, &a.criticalPath->byName})
        for (auto& s : *shares) s.name = evil;
    for (auto& s : a.criticalPath->slack) s.name = evil;
    a.criticalPath->lanes.push_back(a.criticalPath->lanes.front());
    for (auto& l : a.criticalPath->lanes) l.workload = evil;
    a.criticalPath->workload = evil;
    for (auto& w : a.whatIf) w.workload = w.change = w.comparedWith = evil;
    for (auto& r : a.ranges) r.name = evil;
    for (auto& c : a.contention)
        for (auto& k : c.kernels) k.name = evil;
    for (auto& p : a.ridgeline) p.workload = evil;
    for (auto& c : a.memory.curves) c.name = evil;
    for (auto& d : a.memory.devices)
        for (auto& o : d.owners) o.name = o.kind = evil;
    for (auto& c : a.memory.kvCache) c.name = c.unit = evil;
    for (auto& b : a.memory.bandwidth) b.workload = evil;
    for (auto& w : a.energy.workloads) w.workload = evil;
    for (auto& f : a.findings) {
        f.id = f.rule = f.workload = f.title = f.tryThis = f.verify = evil;
        f.sql = evil + "\n````\n" + evil;
        f.ops = f.assumptions = {evil};
        for (auto& e : f.evidence) e.name = e.unit = evil;
    }
    for (auto& w : a.workloads) {
        w.name = w.checkDetail = evil;
        w.params = {{evil, evil}};
        for (auto& m : w.metrics) m.name = m.unit = evil;
    }
    a.stepSource = a.energy.source = evil;
    for (auto& l : a.losses) l.source = evil;
    return a;
}

}  // namespace ridge::reports::test
