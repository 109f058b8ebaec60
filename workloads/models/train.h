// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload families train.single, train.recompute and train.accum: one GPT trained by one
// process.
//
//   train.single/fp32        L2 C768 H12 T256 B4 V4096: 111.1 GFLOP a step (full), compute bound
//   train.single/fp32.small  L2 C128 H4 T128 B4 V1024: 1.8 GFLOP a step, the same in a sixtieth of
//   the time
//   train.single/fp32.fused  train.single/fp32 with attention in one pass, without what the mask
//                            hides
//   train.recompute/selective, full   the model of train.single/fp32 with less memory for more
//                            arithmetic: full repeats the blocks' forward pass (4/3 of the
//                            products)
//   train.recompute/none     what they are compared with: nothing made again
//   train.accum/1, 2, 4      the same step as one, two or four micro-batches
//   train.accum/8            eight micro-batches of one sequence: on a processor twice the batch of the
//                            others, so that it compares by tokens_per_s
//   train.single/fp32.b1     a batch of one sequence: the optimizer's passes, which do not shrink with
//                            it, have four times the share (eight on a GPU)
//   train.single/bf16, tf32, fp8  products in fewer bits (the last two: GPUs only), float32 for the
//                            rest
//   train.single/*.graph     the same step recorded once and started as one graph (GPUs only)
//
// On an accelerator the model is GPT-2's of 124 million parameters. The small one is a handful of
// microseconds of work a kernel there: starting them is what it costs, and its graph is the pair.
//
// A step is one forward, backward and AdamW over one of four fixed random batches.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/models/gpt_trainer.h"

#include <vector>

namespace ridge::workloads {

// Of train.single/fp32 on a processor. Two layers of GPT-2's width and not four of 384: products
// have twice the share of the work that passes over the activations have. And not of 512: rows of 2
// KiB fall on few sets of the first-level cache. Of what the processor can do (AVX2, one thread, by
// processor time) the library reached 0.43 in the weight gradients of 512 x 512 and 0.72 to 0.80 in
// the other products; at 768 it reached 0.75 to 0.83 in all.
inline constexpr GptConfig kTrainModel{
    .layers = 2, .width = 768, .heads = 12, .context = 256, .vocabulary = 4096};
inline constexpr std::int64_t kTrainSequences = 4;

struct TrainOptions {
    Recompute recompute = Recompute::kNone;
    std::int64_t microBatches = 1;  // that a step's sequences are divided into
    // What products are computed in: f32, tf32, bf16 or fp8 (Operators::setProducts); everything
    // else, weights and gradients included, is f32.
    ridge_dtype products = RIDGE_DTYPE_F32;
    bool fusedAttention = false;
    bool graph = false;  // the step as one graph of the device; one micro-batch
};

[[nodiscard]] std::vector<WorkloadSpec> trainSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makeTrainWorkload(const Backend& backend,
                                                          const GptConfig& config,
                                                          std::int64_t sequences,
                                                          TrainOptions options = {});

}  // namespace ridge::workloads
