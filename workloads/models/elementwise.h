// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload family elementwise: a chain of four unary operators (y = a x + b) over one large
// array, as four passes over memory (unfused) or as one (fused). Both are memory bound; fusing
// saves 3/4 of the bytes, which makes the pair a test of what-if predictions. Arrays exceed any
// cache. elementwise/small is the unfused chain over 16 KiB, five hundred times a step: what it costs
// is starting the operators.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"

#include <vector>

namespace ridge::workloads {

[[nodiscard]] std::vector<WorkloadSpec> elementwiseSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makeElementwiseWorkload(const Backend& backend,
                                                                std::int64_t elements, bool fused,
                                                                std::int64_t chains = 1);

}  // namespace ridge::workloads
