// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Timelines in memory, made by hand or by chance, for what files cannot say yet or would be slow to say.

#include "analyzer/attribution/cpu.h"
#include "analyzer/context.h"
#include "analyzer/timeline/order.h"
#include "analyzer/timeline/timeline.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace ridge::test {

using namespace ridge::analyzer;

class MemoryTimeline {
public:
    explicit MemoryTimeline(int processes = 1, int threadsEach = 1, int devicesEach = 0) {
        timeline.sources.push_back({"memory", "ridge", "1", "test"});
        for (int p = 0; p < processes; ++p) {
            Process process;
            process.globalPid = process.pid = 100 + p;
            process.rank = p;
            process.worldSize = processes;
            process.rankKnown = true;
            timeline.processes.push_back(process);
            for (int t = 0; t < threadsEach; ++t) timeline.threads.push_back({1000 * (p + 1) + t, p});
            for (int d = 0; d < devicesEach; ++d) timeline.devices.push_back({0, p * devicesEach + d, "GPU"});
        }
    }
    std::int32_t range(std::int32_t thread, Ns start, Ns end, const std::string& name, RangeKind kind = RangeKind::kAnnotation) {
        Range r;
        r.start = start;
        r.end = end;
        r.name = timeline.names.intern(name);
        r.thread = thread;
        r.kind = kind;
        timeline.ranges.push_back(r);
        return static_cast<std::int32_t>(timeline.ranges.size() - 1);
    }
    void step(std::int32_t thread, Ns start, Ns end, std::uint64_t index) {
        Range& r = timeline.ranges[static_cast<std::size_t>(range(thread, start, end, "step"))];
        r.frame = Frame::kStep;
        r.index = index;
    }
    Work& work(std::int32_t thread, Ns start, Ns end, const std::string& name, std::uint16_t kind, double read = 0, double written = 0) {
        Range& r = timeline.ranges[static_cast<std::size_t>(range(thread, start, end, name))];
        r.work = static_cast<std::int32_t>(timeline.works.size());
        Work w;
        w.opKind = kind;
        w.bytesRead = read;
        w.bytesWritten = written;
        timeline.works.push_back(w);
        return timeline.works.back();
    }
    std::int32_t call(std::int32_t thread, Ns start, Ns end, const std::string& name, bool blocking = false) {
        Call c;
        c.start = start;
        c.end = end;
        c.name = timeline.names.intern(name);
        c.thread = thread;
        c.blocking = blocking;
        c.correlation = static_cast<std::int64_t>(timeline.calls.size()) + 1;
        timeline.calls.push_back(c);
        return static_cast<std::int32_t>(timeline.calls.size() - 1);
    }
    GpuRow& row(std::int32_t device, std::int64_t stream, Ns start, Ns end, const std::string& name, std::int32_t launch,
                GpuKind kind = GpuKind::kKernel) {
        GpuRow r;
        r.start = start;
        r.end = end;
        r.stream = stream;
        r.name = timeline.names.intern(name);
        r.device = device;
        r.launch = launch;
        r.kind = kind;
        r.rowid = static_cast<std::int64_t>(timeline.gpu.size()) + 1;
        const auto processes = static_cast<std::int32_t>(timeline.processes.size());
        const auto each = std::max<std::int32_t>(1, static_cast<std::int32_t>(timeline.devices.size()) / processes);
        r.process = device / each;
        timeline.gpu.push_back(r);
        return timeline.gpu.back();
    }
    void io(std::int32_t thread, Ns start, Ns end, bool writes = false) {
        IoRow r;
        r.start = start;
        r.end = end;
        r.name = timeline.names.intern(writes ? "write" : "read");
        r.path = timeline.names.intern("/data/file");
        r.thread = thread;
        r.writes = writes;
        timeline.io.push_back(r);
    }
    // Puts rows in the order that the invariants of the timeline want.
    Timeline& finish() {
        sortNames(timeline);
        sortAll(timeline);
        return timeline;
    }

    Timeline timeline;
};

// Anything at any time: what no program does but a file may hold.
inline void addChaos(MemoryTimeline& m, std::mt19937_64& random, int rows) {
    const auto pick = [&](Ns n) { return static_cast<Ns>(random() % static_cast<std::uint64_t>(n)); };
    const auto threads = static_cast<Ns>(m.timeline.threads.size()), devices = static_cast<Ns>(m.timeline.devices.size());
    for (int i = 0; i < rows; ++i) {
        const Ns start = pick(100'000), end = start + (pick(8) == 0 ? 0 : pick(5'000));
        const auto thread = static_cast<std::int32_t>(pick(threads));
        const std::string name = "n" + std::to_string(pick(7));
        switch (pick(devices > 0 ? 6 : 4)) {
            case 0: m.range(thread, start, end, name, static_cast<RangeKind>(pick(3))); break;
            case 1: m.work(thread, start, end, name, static_cast<std::uint16_t>(pick(10)), 64, 64); break;
            case 2: m.io(thread, start, end, pick(2) == 0); break;
            case 3: m.call(thread, start, end, "call", pick(3) == 0); break;
            default: {
                const auto calls = static_cast<Ns>(m.timeline.calls.size());
                const std::int32_t launch = calls == 0 || pick(5) == 0 ? kNoIndex : static_cast<std::int32_t>(pick(calls));
                m.row(static_cast<std::int32_t>(pick(devices)), pick(3), start, end, name, launch,
                      static_cast<GpuKind>(pick(4)));
            }
        }
    }
    for (Ns i = 0; i < 4; ++i) m.step(0, i * 25'000 + pick(100), (i + 1) * 25'000 - pick(100), static_cast<std::uint64_t>(i));
}

// A program that launches on two streams, works, waits and reads, played by the rules of a real device.
inline void addProgram(MemoryTimeline& m, std::mt19937_64& random, std::int32_t process, int steps) {
    const auto pick = [&](Ns n) { return static_cast<Ns>(random() % static_cast<std::uint64_t>(n)); };
    const auto threadsEach = static_cast<std::int32_t>(m.timeline.threads.size() / m.timeline.processes.size());
    const std::int32_t thread = process * threadsEach;
    Ns now = 1'000 + pick(1'000);
    std::vector<Ns> stream(2, 0);
    for (int s = 0; s < steps; ++s) {
        const Ns begin = now;
        for (int k = 0; k < 8; ++k) {
            const Ns op = now;
            now += pick(3'000);
            if (pick(6) == 0) {
                const Ns from = now;
                now += 1'000 + pick(20'000);
                m.io(thread, from, now);
                continue;
            }
            const Ns call = now;
            now += 500 + pick(2'000);
            const std::int32_t launch = m.call(thread, call, now, "cudaLaunchKernel");
            const auto q = static_cast<std::size_t>(pick(2));
            const Ns start = std::max(call + 1'500 + pick(4'000), stream[q] == 0 ? 0 : stream[q] + 1'000);
            stream[q] = start + 500 + pick(30'000);
            m.row(process, static_cast<Ns>(q), start, stream[q], "kernel" + std::to_string(pick(4)), launch);
            now += pick(1'000);
            m.range(thread, op, now, "op" + std::to_string(pick(3)), RangeKind::kOp);
        }
        const Ns call = now;
        now = std::max({now + 700, stream[0] + 500, stream[1] + 500});
        m.call(thread, call, now, "cudaDeviceSynchronize", true);
        now += pick(2'000);
        m.step(thread, begin, now, static_cast<std::uint64_t>(s));
    }
}

// The stages of an analysis up to the partition.
struct Prepared {
    explicit Prepared(const Timeline& timeline) : context{timeline, options, {}, {}, {}, {}, {}, {}, 0, {}, {}} {
        hasGpu.assign(timeline.processes.size(), false);
        for (const GpuRow& r : timeline.gpu) hasGpu[static_cast<std::size_t>(r.process)] = true;
        context.steps = findSteps(timeline, "");
        context.ops = findOps(timeline, context.steps, hasGpu);
        context.rows = factsOfRows(timeline, context.ops);
        context.collectives = matchCollectives(timeline, context.ops);
        context.io = findIo(timeline, context.ops, options, false);
        context.gpus = partitionGpu(timeline, context.ops, context.io, options);
        std::vector<std::vector<std::int32_t>> cpu;  // every process that steps, alone
        for (const HostStep& s : context.steps.steps) {
            const std::vector<std::int32_t> alone{s.process};
            if (!hasGpu[static_cast<std::size_t>(s.process)] && std::find(cpu.begin(), cpu.end(), alone) == cpu.end()) cpu.push_back(alone);
        }
        context.cpus = partitionCpu(timeline, context.steps, context.ops, context.collectives, context.io, cpu);
        for (std::size_t g = 0; g < context.gpus.size(); ++g)
            for (const Window& w : deviceWindows(timeline, context.steps, context.gpus[g])) {
                add(w.span, {0, kNoIndex, static_cast<std::int32_t>(g), w.hostStep}, context.gpus[g].rank);
            }
        for (std::size_t c = 0; c < context.cpus.size(); ++c)
            for (const std::int32_t s : context.steps.ofProcess[static_cast<std::size_t>(context.cpus[c].process)]) {
                const HostStep& host = context.steps.steps[static_cast<std::size_t>(s)];
                add({host.start, host.end}, {host.workload, static_cast<std::int32_t>(c), kNoIndex, s},
                    timeline.processes[static_cast<std::size_t>(context.cpus[c].process)].rank);
            }
    }
    void add(Interval span, StepOrigin origin, std::int64_t rank) {
        Step step;
        step.rank = rank;
        step.startNs = span.start;
        step.endNs = span.end;
        steps.push_back(step);
        context.origins.push_back(origin);
    }
    AnalyzeOptions options;
    std::vector<bool> hasGpu;
    std::vector<Step> steps;
    Context context;
};

}  // namespace ridge::test
