// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The exact partition of a process without a GPU (metrics.md 1.2b), as one list of segments from which
// every window is cut; what no segment covers is IDLE.
//
// Order at each instant: compute (compute_bound, memory_wall, latency_bound, compute_unknown), exposed
// communication (transfer, wait, unsplit), copy, I/O, preempted, host. I/O of the threads that step
// goes before I/O of others: a loader that reads ahead in the background does not rename the
// checkpoint that the step waits for.

#include <algorithm>
#include <vector>

#include "analyzer/attribution/io_class.h"
#include "analyzer/attribution/ops.h"
#include "analyzer/communication/collectives.h"
#include "analyzer/intervals/paint.h"

namespace ridge::analyzer {

struct CpuPartition {
    std::int32_t process = kNoIndex;      // the one that stands for all
    std::vector<std::int32_t> processes;  // whose rows are in it, that one first
    [[nodiscard]] bool holds(std::int32_t other) const {
        return std::find(processes.begin(), processes.end(), other) != processes.end();
    }
    Segments segments;  // layer = WallClass
    // Unions over the whole trace.
    IntervalSet compute, communication, copy, busy;
    Ns firstStart = 0, lastEnd = 0;
    std::int64_t computeRows = 0, copyRows = 0;
};

// Per name: is a range so called a collective that a framework runs on the CPU ("gloo:all_reduce", "mpi:broadcast"), issue
// to completion? None where payloads say what communicates. Calls that only hand it to a GPU or to another thread
// ("nccl:all_reduce", "c10d::allreduce_") are none.
std::vector<bool> namedCollectives(const Timeline& timeline);

// One per group of processes, in their order; the first of a group gives it its rank.
std::vector<CpuPartition> partitionCpu(const Timeline& timeline, const StepSet& steps, const Ops& ops,
                                       const Collectives& collectives, const std::vector<IoInterval>& io,
                                       const std::vector<std::vector<std::int32_t>>& groups);

}  // namespace ridge::analyzer
