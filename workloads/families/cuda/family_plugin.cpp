// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/cuda/family_plugin.h"

#include "workloads/families/cuda/cuda_family_backend.h"
#include "workloads/ops/cuda/cuda_backend.h"

extern "C" ridge::workloads::FamilyOperators* ridgeCudaFamilyOperators(
    ridge::workloads::Operators* dense) {
    using namespace ridge::workloads::cuda;
    auto* operators = dynamic_cast<CudaOperators*>(dense);
    return operators == nullptr ? nullptr : new CudaFamilyOperators(operators->device());
}
