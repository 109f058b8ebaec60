// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The verdict of a workload: the wall it hits, {class, cause}, told by its class times alone.
//
// Walls are classes taken together: communication (transfer, wait, unsplit), launch (launch, api,
// kernel_gap), host (host, idle, sync), every other class for itself. What could be avoided of a wall:
//   compute_bound, memory_wall, latency_bound: the time above the roof, (1 - attainment), op by op; of an
//     op that is shorter than 5 dispatches all of it: with a larger neighbour it would not be dispatched.
//     Attainment is of the time that the process had its CPU (Context::cpuShare): what others took of it is
//     not the op's to save
//   compute_unknown, unlinked, unknown_capture, device_pending, dependency: nothing that we could name
//   every other wall: all of its time
// 1. The wall with the largest avoidable time, if that is at least a quarter of the step: below that a
//    step is better described by what fills it.
// 2. Else the wall with the largest time: a step that computes at its roof is compute_bound, and nothing
//    stands in its way but the machine.
// The class is the largest class of the wall. comm_wait is "straggler" when one rank arrives last in at
// least 60 % of the collectives and causes at least half of the delay, or in 40 % of them and causes at
// least four fifths of it; "pipeline_bubble", before that, when the waiting is the fill and drain of a pipeline
// (communication/pipeline.h); else "communication".

#include "analyzer/context.h"

namespace ridge::analyzer {

void addVerdicts(const Context& context, Analysis& answer);

// The cause that a class stands for by itself.
Cause causeOf(WallClass wallClass);

// Is one rank systematically last in this workload's collectives? Its number.
std::optional<std::int64_t> systematicallyLast(const Context& context, std::int32_t workload);

// Is at least half of the workload's latency_bound time in ops shorter than 5 dispatches?
bool latencyIsDispatch(const Context& context, std::int32_t workload);

// Exposed for tests: class times and, per class, the share of them above the roof (0 when at it).
struct VerdictInput {
    ClassTimes classes{};
    double computeSlack = 0, memorySlack = 0, latencySlack = 1;  // avoidable share of the three classes
    bool straggler = false;
    bool pipeline = false;         // the waiting is the bubble of a pipeline (communication/pipeline.h)
    bool dispatchLimited = false;  // most latency_bound time is in ops that the dispatch limits
};
struct VerdictAnswer {
    Verdict verdict;
    double share = 0;
};
VerdictAnswer judgeWall(const VerdictInput& input);
// What judges a workload of this context; its summary has the class times.
VerdictInput verdictInputOf(const Context& context, const WorkloadSummary& summary, std::int32_t workload);

// Who was last in each collective that anybody was last in, and by how much.
struct LastRank {
    std::int64_t rank = 0;
    Ns marginalNs = 0;
};
// The rank that the rule above calls systematically last; nothing: none.
std::optional<std::int64_t> usuallyLast(const std::vector<LastRank>& collectives);

}  // namespace ridge::analyzer
