// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The families' operators on every implementation: the CPU's on one and two threads, the CUDA
// sources on the host (workloads_ops/cuda_on_host/), and the GPU, where there is one.

#include "tests/unit/workloads_ops/cuda_on_host/host_device.h"
#include "workloads/families/cuda/cuda_family_backend.h"
#include "workloads/families/families.h"
#include "workloads/ops/cuda/cuda_backend.h"

#include <string>

namespace ridge::workloads {

inline FamilyBackend familyBackendCalled(const std::string& name) {
    using Made = Result<std::unique_ptr<FamilyOperators>>;
    if (name == "gpu") return cudaFamilyBackend();
    if (name == "cuda_on_host")
        return {
            {"cuda",
             []() -> Result<std::unique_ptr<Operators>> { return cuda::makeOperatorsOnHost(); }},
            [](Operators& dense, int) -> Made {
                auto& device = dynamic_cast<cuda::CudaOperators&>(dense).device();
                return std::unique_ptr<FamilyOperators>(
                    std::make_unique<cuda::CudaFamilyOperators>(device));
            }};
    const int threads = name == "cpu2" ? 2 : 1;
    return {{"cpu", [threads] { return makeCpuOperators(threads); }},
            [threads](Operators&, int) -> Made { return makeCpuFamilyOperators(threads); }};
}

}  // namespace ridge::workloads
