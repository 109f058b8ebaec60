// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The CUDA operators over a device that is this machine: kernels by simt_on_host.h, products by
// plain loops. Its memory is out of reach except while a kernel, a copy or a product runs, so that
// model code which looks behind a device pointer faults here as it would on a GPU. It records
// graphs, and refuses in them what a capture of the CUDA runtime does: copies to and from the host,
// waits, allocations.

#include "workloads/ops/cuda/device.h"
#include "workloads/ops/operators.h"

namespace ridge::workloads::cuda {

// Of copies beside the operators: as soon as they are issued, or not before somebody waits for
// them. What is right under both waits for what it needs and overwrites nothing under way.
enum class CopiesWhen { kAtOnce, kAsLateAsPossible };

// Of kernels and products: as they are issued, or not before somebody waits for them, as a stream
// may do it. What looks at memory without a wait then sees what was there before.
enum class WorkWhen { kAtOnce, kAsLateAsPossible };

[[nodiscard]] std::unique_ptr<Device> makeHostDevice(CopiesWhen copiesWhen,
                                                     WorkWhen workWhen = WorkWhen::kAtOnce);
[[nodiscard]] std::unique_ptr<Operators> makeOperatorsOnHost(
    CopiesWhen copiesWhen = CopiesWhen::kAtOnce, WorkWhen workWhen = WorkWhen::kAtOnce);

}  // namespace ridge::workloads::cuda
