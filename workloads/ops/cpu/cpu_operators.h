// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The CPU implementation of Operators: oneDNN products, own loops for the rest, float32, libgomp.
// Buffers above 2 MiB are aligned to huge pages and ask for them.

#include "workloads/ops/operators.h"

#include <memory>

namespace ridge::workloads {

// On `threads` threads; 0: as many as RIDGE_THREADS says, one by default. kUnsupported when oneDNN
// cannot start here.
[[nodiscard]] Result<std::unique_ptr<Operators>> makeCpuOperators(int threads = 0);

}  // namespace ridge::workloads
