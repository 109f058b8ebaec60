// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workloads of the other model families: train.dlrm, train.gcn, train.conv. One training step
// each; numerics proven before it (families/checks.h).

#include "workloads/families/conv_model.h"
#include "workloads/families/cuda/cuda_family_operators.h"
#include "workloads/families/dlrm_model.h"
#include "workloads/families/gcn_model.h"
#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"

#include <functional>

namespace ridge::workloads {

// Operators of the families go with the dense ones: the same memory, on a GPU the same stream.
struct FamilyBackend {
    Backend dense;
    std::function<Result<std::unique_ptr<FamilyOperators>>(Operators& dense, int threads)> make =
        [](Operators&, int threads) -> Result<std::unique_ptr<FamilyOperators>> {
        return makeCpuFamilyOperators(threads);
    };
};

[[nodiscard]] inline FamilyBackend cudaFamilyBackend() {
    return {cudaBackend(), [](Operators& dense, int) { return makeCudaFamilyOperators(dense); }};
}

[[nodiscard]] std::unique_ptr<Workload> makeDlrmWorkload(const FamilyBackend& backend,
                                                         const DlrmConfig& config);
[[nodiscard]] std::unique_ptr<Workload> makeGcnWorkload(const FamilyBackend& backend,
                                                        const GcnConfig& config);
[[nodiscard]] std::unique_ptr<Workload> makeConvWorkload(const FamilyBackend& backend,
                                                         const ConvNetConfig& config,
                                                         ridge_dtype type = RIDGE_DTYPE_F32);

[[nodiscard]] std::vector<WorkloadSpec> dlrmSpecs(const FamilyBackend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> gcnSpecs(const FamilyBackend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> convSpecs(const FamilyBackend& backend = {});

}  // namespace ridge::workloads
