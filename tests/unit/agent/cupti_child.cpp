// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Does what the driver does at cuInit: loads the injection library and calls its entry. With the path
// of the stand-in for CUPTI and numbers: makes these runtime calls, one after the other; "graph": has
// it tell of a graph's nodes and of an error.
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <string_view>
#include <unistd.h>

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
    if (std::string_view(argv[2]) == "wait") return usleep(1300000);  // two rounds of the agent's own thread
    if (std::string_view(argv[2]) == "graph") {
        auto* graph = reinterpret_cast<void (*)()>(dlsym(cupti, "fakeGraphAndError"));
        if (graph == nullptr) return 5;
        graph();
        return 0;
    }
    for (int i = 2; i < argc; ++i) call(static_cast<uint32_t>(std::atoi(argv[i])));
    return 0;
}
