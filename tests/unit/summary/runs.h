// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Runs of several ranks, as one timeline or as one per rank, each on a clock of its own.

#include <gtest/gtest.h>

#include "analyzer/summary/rank_summary.h"
#include "tests/unit/analyzer/memory_timeline.h"

namespace ridge::test {

constexpr std::int64_t kUtc = 1'700'000'000'000'000'000;

// Rank `rank` of `world`: steps of a kernel and an all-reduce that ends on all ranks together. `late` computes
// longer than the others. `skew`: what its clock is ahead of the others' beyond its UTC anchor.
inline void playRank(MemoryTimeline& m, std::int32_t process, std::int64_t rank, std::int64_t late, int steps, Ns skew, std::uint64_t seed) {
    for (int s = 0; s < steps; ++s) {
        const Ns begin = s * 1'000'000 + skew;
        std::mt19937_64 random(seed * 1'000 + static_cast<std::uint64_t>(s));
        std::vector<Ns> compute;
        for (std::int64_t r = 0; r < 64; ++r) compute.push_back(200'000 + static_cast<Ns>(random() % 50'000));
        const Ns slowest = 420'000;
        const auto of = [&](std::int64_t r) { return r == late ? slowest : compute[static_cast<std::size_t>(r % 64)]; };
        const std::int32_t thread = process;
        const std::int32_t kernel = m.call(thread, begin + 1'000, begin + 5'000, "cudaLaunchKernel");
        const std::int32_t reduce = m.call(thread, begin + 6'000, begin + 9'000, "cudaLaunchKernel");
        m.row(process, 0, begin + 8'000, begin + 8'000 + of(rank), "gemm", kernel);
        GpuRow& row = m.row(process, 7, begin + 9'000 + of(rank), begin + 9'000 + slowest + 100'000, "ncclDevKernel_AllReduce_Sum_f32_RING_LL", reduce);
        row.collective = static_cast<std::int32_t>(m.timeline.collectives.size());
        Collective c;
        c.name = m.timeline.names.intern("allreduce");
        c.group = m.timeline.names.intern("world");
        c.bytesIn = c.bytesOut = 4'000'000;
        c.sequence = s;
        m.timeline.collectives.push_back(c);
        m.call(thread, begin + 10'000, begin + 9'500 + slowest + 100'000, "cudaStreamSynchronize", true);
        m.step(thread, begin, begin + 990'000, static_cast<std::uint64_t>(s));
    }
}

// The whole run in one timeline.
inline MemoryTimeline wholeRun(int world, std::int64_t late, int steps, std::uint64_t seed) {
    MemoryTimeline m(world, 1, 1);
    for (std::int32_t p = 0; p < world; ++p) playRank(m, p, p, late, steps, 0, seed);
    m.timeline.utcOfZero = kUtc;
    m.finish();
    return m;
}

// One rank of it in a timeline of its own.
inline MemoryTimeline oneRank(std::int64_t rank, int world, std::int64_t late, int steps, Ns skew, std::uint64_t seed) {
    MemoryTimeline m(1, 1, 1);
    m.timeline.processes[0].rank = rank;
    m.timeline.processes[0].worldSize = world;
    m.timeline.processes[0].pid = 100 + rank;
    m.timeline.processes[0].host = "node" + std::to_string(rank / 8);
    m.timeline.losses = {{"ring", rank % 3}};
    m.timeline.environment = {{"host.name", "recorded", "node" + std::to_string(rank / 8)}, {"gpu.driver", "key", "550"}};
    playRank(m, 0, rank, late, steps, skew, seed);
    m.timeline.utcOfZero = kUtc + rank * 1'000;  // started at different times: zero is elsewhere
    for (auto& r : m.timeline.gpu) r.start -= rank * 1'000, r.end -= rank * 1'000;
    for (auto& r : m.timeline.calls) r.start -= rank * 1'000, r.end -= rank * 1'000;
    for (auto& r : m.timeline.ranges) r.start -= rank * 1'000, r.end -= rank * 1'000;
    m.finish();
    return m;
}

inline Summary summarized(const Timeline& timeline) {
    auto summary = summarizeTimeline(timeline, {});
    if (!summary.ok()) {
        ADD_FAILURE() << summary.error().message;
        return {};
    }
    return std::move(summary).value();
}

}  // namespace ridge::test
