// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Does what the driver does at cuInit: loads the injection library and calls its entry.
#include <cstdlib>
#include <dlfcn.h>

int main() {
    void* library = dlopen(std::getenv("CUDA_INJECTION64_PATH"), RTLD_NOW);
    if (library == nullptr) return 2;
    auto* initialize = reinterpret_cast<int (*)()>(dlsym(library, "InitializeInjection"));
    return initialize != nullptr && initialize() == 1 && initialize() == 1 ? 0 : 3;
}
