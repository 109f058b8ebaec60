// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Faults on request, for the answer key: workloads that are well but for one thing that is done to
// them, the same way every time (the seed, a parameter of the variant, picks the victim).
//   train.fault/straggler   one rank has three times the work of the others before their all-reduce;
//                           with .every2 five times, at one step of two
//   train.fault/link        comm.overlap/on over a link that lost four fifths of its speed
//   train.fault/loader      io.train/prefetch4 on a device that answers 200 ms late
//   train.fault/preempted   a real-time neighbour takes the step's CPU away for 30 of every 50 ms
// The analyzer must name the cause, and of the straggler the rank.

#include "workloads/harness/workload.h"

#include <vector>

namespace ridge::workloads {

std::vector<WorkloadSpec> faultSpecs();

// One per file; faultSpecs() lists them.
std::vector<WorkloadSpec> stragglerSpecs();
WorkloadSpec preemptedSpec();

}  // namespace ridge::workloads
