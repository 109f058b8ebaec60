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
#include "workloads/models/gpt_layout.h"
#include "workloads/parallel/strategies/data_parallel.h"

#include <memory>
#include <vector>

namespace ridge::workloads {

struct DataParallelOptions {
    GradientBuckets buckets;
    std::int64_t microBatches = 1;
    GptConfig model{.layers = 4, .width = 256, .heads = 4, .context = 256, .vocabulary = 4096};
    std::int64_t sequences = 4;  // per rank and step
    double link = 0.1e9;         // B/s, emulated
};
[[nodiscard]] std::unique_ptr<Workload> makeDataParallelWorkload(
    const Backend& backend, const DataParallelOptions& options);
// On an accelerator *.nccl: GPT-2's size in its memory, over 5 GB/s.
[[nodiscard]] std::vector<WorkloadSpec> dataParallelSpecs(const Backend& backend = {});

}  // namespace ridge::workloads
