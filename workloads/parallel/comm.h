// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The collective family.
//   comm.<op>/<size>    one operation at one size, out of and in place (where it can), a batch of
//                       each per step; algbw = S/t and busbw by the definitions of nccl-tests
//   comm.fit/<op>       the operation at all sizes; t = alpha + S/beta with intervals, and the knee
//   comm.overlap/...    a product after, and beside, a 16 MiB all-reduce: over an emulated 0.5 GB/s
//                       link (off, on), and over the fabric as it is (bare)
// latency_share is the time of the same operation on 8 bytes over its own: above one half it lies
// below the knee. gemm_interference is what the product loses beside the collective.

#include "workloads/harness/workload.h"

#include <memory>
#include <string>
#include <vector>

namespace ridge::workloads {

std::vector<WorkloadSpec> commSpecs();

// For other families: the overlap workload over a link (0: the fabric as it is).
std::unique_ptr<Workload> makeOverlap(bool overlapped, double linkBytesPerSecond);

// One per file; commSpecs() lists them.
std::vector<WorkloadSpec> sweepSpecs();
std::vector<WorkloadSpec> fitSpecs();
std::vector<WorkloadSpec> overlapSpecs();

// "8B", "64KiB", "16MiB"
std::string sizeLabel(std::size_t bytes);

}  // namespace ridge::workloads
