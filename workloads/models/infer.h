// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload families infer.prefill and infer.decode: greedy, weights and KV cache stored as a
// variant asks, contiguous or paged.
//
//   infer.prefill/*  L8 C512 H8 V4096; a step = one prompt, whole or in chunks, logits of its last
//                    token only. Compute bound.
//   infer.decode/*   L8 C1024 H16 V256: 101 M weights, all read for each step; a step = one token
//   of
//                    every sequence of the batch. Memory bound until the batch is large. The cache
//                    holds `context` tokens; when it is full the next step rewinds it to the
//                    prompt, so the cost of a step stays bounded.
//   infer.decode/*.graph the same step recorded once and started as one graph (GPUs only)
//
// MBU divides by the bandwidth at which the same weights can be read and nothing else, measured in
// the same process before and after the timed steps.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/models/gpt_layout.h"
#include "workloads/ops/weights.h"

#include <vector>

namespace ridge::workloads {

struct PrefillOptions {
    GptConfig config;
    std::int64_t prompt = 0;  // 0: the whole context
    std::int64_t chunk = 0;   // 0: in one pass
    Storage weights = Storage::kF32;
};

struct DecodeOptions {
    GptConfig config;
    std::int64_t prompt = 32;
    std::int64_t batch = 1;
    std::int64_t block = 0;  // 0: contiguous
    Storage weights = Storage::kF32;
    Storage cache = Storage::kF32;
    bool graph = false;   // a step as one graph of the device
    bool starts = false;  // small enough on an accelerator that starting kernels is what it costs
};

[[nodiscard]] std::vector<WorkloadSpec> inferSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makePrefillWorkload(const Backend& backend,
                                                            const PrefillOptions& options);
[[nodiscard]] std::unique_ptr<Workload> makeDecodeWorkload(const Backend& backend,
                                                           const DecodeOptions& options);

}  // namespace ridge::workloads
