// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The storage families. Data lies below dataFolder(), in files whose names hold "train-data"
// and "ckpt".
//   io.layout   the same samples as many small files, and as one shard
//   io.depth    random direct reads by size and number under way (pread, io_uring)
//   io.train    reading and verifying samples beside a fixed amount of computing
//   io.decode   the same with samples that must be unpacked, resized, or held against a checksum
//   ckpt.save, ckpt.restore   sharded checkpoints: synchronous, in the background, by several ranks

#include "workloads/harness/workload.h"

#include <vector>

namespace ridge::workloads {

std::vector<WorkloadSpec> ioLayoutSpecs();
std::vector<WorkloadSpec> ioDepthSpecs();
std::vector<WorkloadSpec> ioTrainSpecs();
std::vector<WorkloadSpec> ioDecodeSpecs();
std::vector<WorkloadSpec> checkpointSpecs();
// Those of several ranks; part of checkpointSpecs().
std::vector<WorkloadSpec> checkpointRankSpecs();

}  // namespace ridge::workloads
