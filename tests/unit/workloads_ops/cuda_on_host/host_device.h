// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The CUDA operators over a device that is this machine: kernels by simt_on_host.h, products by
// plain loops. Its memory is out of reach except while a kernel, a copy or a product runs, so that
// model code which looks behind a device pointer faults here as it would on a GPU.

#include "workloads/ops/operators.h"

namespace ridge::workloads::cuda {

[[nodiscard]] std::unique_ptr<Operators> makeOperatorsOnHost();

}  // namespace ridge::workloads::cuda
