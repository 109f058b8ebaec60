// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload families train.single, train.recompute and train.accum: one GPT trained by one
// process.
//
//   train.single/fp32        L2 C512 H8 T256 B4 V4096: 54.8 GFLOP a step (full), compute bound
//   train.single/fp32.small  L2 C128 H4 T128 B4 V1024: 1.8 GFLOP a step, the same at a tenth of the
//   time
//   train.single/fp32.fused  train.single/fp32 with attention in one pass, without what the mask
//                            hides
//   train.recompute/selective, full   the model of train.single/fp32 with less memory for more
//                            arithmetic: full repeats the blocks' forward pass (4/3 of the
//                            products)
//   train.accum/4            the same step as four micro-batches of one sequence
//   train.single/bf16, tf32, fp8  products in fewer bits (the last two: GPUs only), float32 for the
//                            rest
//
// On an accelerator the model is GPT-2's of 124 million parameters.
//
// A step is one forward, backward and AdamW over one of four fixed random batches.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/models/gpt_trainer.h"

#include <vector>

namespace ridge::workloads {

struct TrainOptions {
    Recompute recompute = Recompute::kNone;
    std::int64_t microBatches = 1;  // that a step's sequences are divided into
    // What products are computed in: f32, tf32, bf16 or fp8 (Operators::setProducts); everything
    // else, weights and gradients included, is f32.
    ridge_dtype products = RIDGE_DTYPE_F32;
    bool fusedAttention = false;
};

[[nodiscard]] std::vector<WorkloadSpec> trainSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makeTrainWorkload(const Backend& backend,
                                                          const GptConfig& config,
                                                          std::int64_t sequences,
                                                          TrainOptions options = {});

}  // namespace ridge::workloads
