// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload family train.single: one GPT trained by one process.
//
//   train.single/fp32        L4 C256 H4 T256 B4 V4096: 29.0 GFLOP a step (full), compute bound
//   train.single/fp32.small  L2 C128 H4 T128 B4 V1024: 1.8 GFLOP a step, the same at a tenth of the
//   time
//
// A step is one forward, backward and AdamW over one of four fixed random batches.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/models/gpt_layout.h"

#include <vector>

namespace ridge::workloads {

[[nodiscard]] std::vector<WorkloadSpec> trainSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makeTrainWorkload(const Backend& backend,
                                                          const GptConfig& config,
                                                          std::int64_t sequences);

}  // namespace ridge::workloads
