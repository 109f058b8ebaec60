// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The storage family: io.train/prefetch<depth> (reading and verifying samples, then a fixed
// product) and ckpt.save, ckpt.restore (durable sharded checkpoints). Data lies below
// RunContext::dataDir, in files whose names hold "train-data" and "ckpt".

#include "workloads/harness/workload.h"

#include <vector>

namespace ridge::workloads {

std::vector<WorkloadSpec> ioTrainSpecs();
std::vector<WorkloadSpec> checkpointSpecs();

}  // namespace ridge::workloads
