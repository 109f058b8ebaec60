// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cuda/cuda_operators.h"

#include "base/file.h"
#include "workloads/ops/cuda/plugin.h"

#include <dlfcn.h>

namespace ridge::workloads {

Result<void*> cudaPluginSymbol(const char* name) {
    void* library = nullptr;
    std::string reason;
    for (const auto& folder : {executableDir() / ".." / "lib", executableDir()}) {
        // Never closed: what it made, and the CUDA runtime's own state, live to the end.
        library = ::dlopen((folder / "libridge_cuda.so").c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library != nullptr) break;
        if (const char* text = ::dlerror(); text != nullptr && reason.empty()) reason = text;
    }
    if (library == nullptr)
        return Error{ErrorCode::kUnsupported, "the CUDA operators cannot be loaded: " + reason};
    void* const symbol = ::dlsym(library, name);
    if (symbol == nullptr)
        return Error{ErrorCode::kUnsupported,
                     "libridge_cuda.so does not belong to this ridge-workloads"};
    return symbol;
}

Result<std::unique_ptr<Operators>> makeCudaOperators() {
    RIDGE_TRY(void* const symbol, cudaPluginSymbol(RIDGE_CUDA_SYMBOL));
    const auto make = reinterpret_cast<ridge_cuda_function>(symbol);
    Operators* operators = nullptr;
    char why[512] = "";
    if (make(&operators, why, sizeof why) != 0)
        return Error{ErrorCode::kUnsupported, std::string("no CUDA device can be used: ") + why};
    return std::unique_ptr<Operators>(operators);
}

}  // namespace ridge::workloads
