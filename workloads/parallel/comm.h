// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The collective family: comm.allreduce/<size> (one all-reduce, or a batch of small ones, per step)
// and the pair comm.overlap/off and comm.overlap/on (a product after, and beside, a 16 MiB
// all-reduce over an emulated 0.5 GB/s link). Metrics by the definitions of nccl-tests: algbw =
// S/t, busbw = algbw * 2(n-1)/n.

#include "workloads/harness/workload.h"

#include <vector>

namespace ridge::workloads {

std::vector<WorkloadSpec> commSpecs();

}  // namespace ridge::workloads
