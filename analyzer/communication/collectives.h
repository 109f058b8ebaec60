// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Collectives across ranks (metrics.md 1.4): instances of one communicator and sequence number are
// one collective. With all its ranks in the trace, the time before the latest start L is waiting
// for peers, the time after it transfer:
//   wait_r = max(0, min(L, e_r) - s_r)    transfer = min over r of (e_r - max(L, s_r))
//   marginal delay of the last rank = L - second latest start
// Complete: every rank of the world is in the trace, and every rank that ever used the communicator
// takes part in this instance. Otherwise nothing is split. Where no process of the trace says its
// rank or the size of the world, the processes that share a communicator are taken for all of its
// ranks, if there are at least two of them; the gate says so (a rank on another host would not be
// seen). Invariants: wait >= 0; min over ranks of wait = 0; sum of marginal delays <= sum of (L -
// earliest).

#include "analyzer/attribution/ops.h"
#include "analyzer/timeline/timeline.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace ridge::analyzer {

struct CollectiveMember {
    std::int64_t rank = 0;
    Ns start = 0, end = 0;
};

struct CollectiveSplit {
    Ns latestStart = 0, transferNs = 0, marginalNs = 0;
    std::int64_t lastRank = 0;
    std::vector<Ns> waitNs;  // in the order of the members
};

// Members: one per rank, at least one.
CollectiveSplit splitCollective(const std::vector<CollectiveMember>& members);

// What alignClocks() (gpu_collectives.h) found for one rank.
struct ClockOffset {
    std::int64_t rank = 0;
    Ns measuredNs = 0;  // its ends are later than those of the lowest rank by this (median)
    Ns offsetNs = 0;    // what was taken off its times; 0 where the clocks are one
    Ns residualNs = 0;
    std::int64_t collectives = 0;
    bool applied = false;
};

struct Collectives {
    std::vector<std::optional<Ns>>
        latestStart;  // per row of Ops: L of its instance; nothing: not split
    struct Instance {
        std::vector<std::int32_t> rows;  // into Ops::rows
        CollectiveSplit split;
        std::int32_t workload = kNoIndex;
    };
    std::vector<Instance> instances;  // complete ones
    // The same for communication kernels; rows into Timeline::gpu, latestStart per GPU row (empty: none).
    std::vector<Instance> gpuInstances;
    std::vector<std::optional<Ns>> gpuLatestStart;
    std::int64_t gpuIncomplete = 0;
    std::vector<ClockOffset> clocks;  // empty: no collective of several ranks
    Ns clockResidualNs = 0, unclaimedSkewNs = 0;
    std::int64_t incomplete = 0;      // instances of which ranks are missing
    bool worldAssumed = false;        // no process says its rank
};

Collectives matchCollectives(const Timeline& timeline, const Ops& ops);

}  // namespace ridge::analyzer
