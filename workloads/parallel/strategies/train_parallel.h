// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload families of parallel training beyond train.dp. Two ranks each, over an emulated
// link; a test drives the same trainers on two and four. Each strategy's header has its technique.
//
//   train.zero/0 .. 3          zero.h, collectives waited for where they stand: exposed
//   train.zero/1.prefetch ...  the same ahead of use: mostly hidden
//   train.tp/plain, sp         tensor_parallel.h, without and with sequence parallel: exposed
//   train.pp/gpipe.m<n>, 1f1b.m<n>   pipeline_parallel.h: n micro-batches, bubble 1/(n+1)
//   train.cp/ring              ring_attention.h, one chunk per rank: the first rank waits
//   train.cp/ring.zigzag       two chunks per rank: even, hops hidden beside the products
//   train.cp/ring.slow, .slow.blocking   zig-zag over a link that is too slow to hide all of it,
//                              hops beside and after the products
//   train.cp/ulysses           ulysses.h: all-to-alls that nothing can hide
//   train.moe/k1, k2           expert_parallel.h: one or two of four experts per token, exposed
//   train.moe/k1.zipf.dropless, .capacity1   a router that prefers the first rank's experts
//   train.offload/blocking, prefetch, resident   offload.h, one rank
//   comm.overlap/off.nccl ...  a product in a device's memory beside an all-reduce there
// Those of several ranks are named *.nccl on an accelerator and need that transport: train.cp there
// with sequences of 32768 tokens (.slow and ulysses: 4096), train.moe with eight experts.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/parallel/comm.h"

#include <vector>

namespace ridge::workloads {

[[nodiscard]] std::vector<WorkloadSpec> zeroSpecs(const Backend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> tensorParallelSpecs(const Backend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> pipelineSpecs(const Backend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> contextParallelSpecs(const Backend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> expertParallelSpecs(const Backend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> offloadSpecs(const Backend& backend = {});

struct DeviceProductSize {
    std::int64_t side = 4096;
    int repeats = 8;
};
// These options with `repeats` products of that side by the backend's operators.
[[nodiscard]] OverlapOptions deviceOverlap(const Backend& backend, const DeviceProductSize& size,
                                           OverlapOptions options);
[[nodiscard]] std::vector<WorkloadSpec> deviceOverlapSpecs(const Backend& backend);

}  // namespace ridge::workloads
