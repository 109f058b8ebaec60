// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/cuda/cuda_family_operators.h"

#include "workloads/families/cuda/family_plugin.h"
#include "workloads/ops/cuda/cuda_operators.h"

namespace ridge::workloads {

Result<std::unique_ptr<FamilyOperators>> makeCudaFamilyOperators(Operators& dense) {
    RIDGE_TRY(void* const symbol, cudaPluginSymbol(RIDGE_CUDA_FAMILY_SYMBOL));
    const auto make = reinterpret_cast<ridge_cuda_family_function>(symbol);
    std::unique_ptr<FamilyOperators> made(make(&dense));
    if (made == nullptr)
        return Error{
            ErrorCode::kUnsupported,
            "the families' CUDA operators go with CUDA operators, not with " + dense.describe()};
    return made;
}

}  // namespace ridge::workloads
