// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload families infer.prefill and infer.decode: batch 1, greedy, float32, contiguous KV
// cache.
//
//   infer.prefill/fp32  L8 C512 H8 V4096, prompt of 256 tokens; a step = one prompt, logits of its
//   last
//                       token only. Compute bound.
//   infer.decode/fp32   L8 C1024 H16 V256: 101 M weights, 404 MB read for each token; a step = one
//   token
//                       after a prompt of 32. Memory bound. The cache holds 256 tokens; when it is
//                       full the next step rewinds it to the prompt, so context runs 33..256 and
//                       again.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/models/gpt_layout.h"

#include <vector>

namespace ridge::workloads {

[[nodiscard]] std::vector<WorkloadSpec> inferSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makePrefillWorkload(const Backend& backend,
                                                            const GptConfig& config);
[[nodiscard]] std::unique_ptr<Workload> makeDecodeWorkload(const Backend& backend,
                                                           const GptConfig& config,
                                                           std::int64_t prompt);

}  // namespace ridge::workloads
