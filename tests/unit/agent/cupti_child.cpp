// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Does what the driver does at cuInit: loads the injection library and calls its entry. With the path
// of the stand-in for CUPTI and numbers: makes these runtime calls, one after the other.
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>

int main(int argc, char** argv) {
    void* library = dlopen(std::getenv("CUDA_INJECTION64_PATH"), RTLD_NOW);
    if (library == nullptr) return 2;
    auto* initialize = reinterpret_cast<int (*)()>(dlsym(library, "InitializeInjection"));
    if (initialize == nullptr || initialize() != 1 || initialize() != 1) return 3;
    if (argc < 3) return 0;
    void* cupti = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
    auto* call = cupti == nullptr ? nullptr
                                  : reinterpret_cast<void (*)(uint32_t)>(dlsym(cupti, "fakeRuntimeCall"));
    if (call == nullptr) return 4;
    for (int i = 2; i < argc; ++i) call(static_cast<uint32_t>(std::atoi(argv[i])));
    return 0;
}
