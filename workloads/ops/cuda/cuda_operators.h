// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Operators on the first NVIDIA GPU: cuBLASLt products (fp32, tf32, bf16), own kernels for the
// rest. They live in libridge_cuda.so, loaded on the first call from ../lib beside the program.
// Operators are issued and not waited for: synchronize() waits.

#include "workloads/ops/operators.h"

namespace ridge::workloads {

// kUnsupported with the reason when this build, the driver or the machine has no CUDA.
[[nodiscard]] Result<std::unique_ptr<Operators>> makeCudaOperators();
// A symbol of libridge_cuda.so, loaded on the first call; kUnsupported with the reason.
[[nodiscard]] Result<void*> cudaPluginSymbol(const char* name);

}  // namespace ridge::workloads
