// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ops: the leaf NVTX ranges with a work payload (metrics.md 1.2b), grouped by workload, name and
// shape, and each group held against the roofs.
//
// Leaf: no other range with a payload lies in it on its thread. In a process that uses a GPU an
// op's time is the union of the kernels that were launched inside its range; else it is the range
// itself. A group's bound is decided by the median of its instances, so that one preempted instance
// does not turn a class. Only instances inside a step are grouped (all of them when the trace has
// no steps).

#include "analyzer/roofline/roofs.h"
#include "analyzer/steps/steps.h"
#include "analyzer/timeline/timeline.h"

#include <cstdint>
#include <vector>

namespace ridge::analyzer {

enum class OpFamily : std::uint8_t { kCompute, kCommunication, kCopy, kIo };

struct OpRow {
    Ns start = 0, end = 0;
    Ns timeNs = 0;  // see above
    std::int32_t range = kNoIndex, work = kNoIndex;
    std::int32_t thread = kNoIndex, process = kNoIndex;
    std::int32_t workload = kNoIndex, group = kNoIndex, step = kNoIndex;
    OpFamily family = OpFamily::kCompute;
};

struct OpGroup {
    std::int32_t workload = kNoIndex;
    NameId name;
    Work work;  // of one instance
    std::int64_t count = 0;
    Ns timeNs = 0, medianNs = 0;
    Ns firstStart = 0, lastEnd = 0;
    RoofAnswer answer;
};

struct Ops {
    std::vector<OpRow> rows;  // sorted by start
    std::vector<OpGroup> groups;
    std::vector<std::int32_t> ofCall;  // per call of the timeline: into rows, the op that it lies in; empty: no rows
};

Ops findOps(const Timeline& timeline, const StepSet& steps, const std::vector<bool>& processHasGpu);
// What the compute ops of one workload ran of the time in which they could have: cpu_share.h.
struct CpuShare {
    double onCpu = 1;
    double undisturbed = 1;  // the same, but for what the trace's own threads took from each other
};

// cpuShare: per workload, see cpuShares().
void judgeGroups(Ops& ops, const StepSet& steps, const Roofs& roofs,
                 const std::vector<CpuShare>& cpuShare);

Ns median(std::vector<Ns> values);  // lower median; 0 for none

}  // namespace ridge::analyzer
