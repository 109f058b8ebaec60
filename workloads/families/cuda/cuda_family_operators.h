// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The families' operators on the first NVIDIA GPU: convolutions as cuBLASLt products of unfolded
// images, own kernels for the rest. They live in libridge_cuda.so beside the CUDA operators.

#include "workloads/families/family_operators.h"
#include "workloads/ops/operators.h"

namespace ridge::workloads {

// `dense` must be of makeCudaOperators() and outlive the result. kUnsupported with the reason when
// the library cannot be loaded.
[[nodiscard]] Result<std::unique_ptr<FamilyOperators>> makeCudaFamilyOperators(Operators& dense);

}  // namespace ridge::workloads
