// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload family train.dp: two ranks train train.single's model data parallel, each on four
// sequences, over an emulated link of 0.1 GB/s (its 16.9 MB of gradients take 0.17 s there, about
// as long as the computing).
//
//   train.dp/whole            one all-reduce after the backward pass: communication exposed
//   train.dp/overlap          buckets of 1 MiB go out during the backward pass: mostly hidden, but
//   for
//                             the embedding tables, which become final last
//   train.dp/overlap.accum4   four micro-batches of one sequence a step, gradients sent once
//   train.dp/bucket64KiB      small buckets without a communication thread: latency a few hundred
//   times

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"

#include <vector>

namespace ridge::workloads {

[[nodiscard]] std::vector<WorkloadSpec> dataParallelSpecs(const Backend& backend = {});

}  // namespace ridge::workloads
