// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <dlfcn.h>
#include <fmt/format.h>

#include <string_view>

#include "base/file.h"
#include "base/text.h"
#include "cli/doctor/probes.h"

namespace ridge::cli {
namespace {

// A library that stays loaded: NVIDIA's do not like to be unloaded.
void* loadFirst(std::initializer_list<const char*> names, std::string& found) {
    for (const char* name : names)
        if (void* library = dlopen(name, RTLD_LAZY | RTLD_LOCAL)) {
            found = name;
            return library;
        }
    return nullptr;
}

template <typename Function>
Function symbol(void* library, const char* name) {
    return reinterpret_cast<Function>(dlsym(library, name));
}

Probe driver() {
    std::string found;
    void* library = loadFirst({"libcuda.so.1"}, found);
    if (!library) return {"cuda_driver", "off", "libcuda.so.1 cannot be loaded", "install the NVIDIA driver; without a GPU nothing is missing"};
    const auto init = symbol<int (*)(unsigned)>(library, "cuInit");
    const auto count = symbol<int (*)(int*)>(library, "cuDeviceGetCount");
    const auto driverVersion = symbol<int (*)(int*)>(library, "cuDriverGetVersion");
    if (!init || !count || !driverVersion) return {"cuda_driver", "off", "libcuda.so.1 lacks cuInit", "reinstall the NVIDIA driver"};
    if (const int error = init(0); error != 0)
        return {"cuda_driver", "off", fmt::format("cuInit failed with error {}", error), "check nvidia-smi, and that the container sees the device"};
    int devices = 0, number = 0;
    count(&devices);
    driverVersion(&number);
    return {"cuda_driver", devices > 0 ? "on" : "off", fmt::format("{} device{}, CUDA {}.{}", devices, devices == 1 ? "" : "s", number / 1000, number % 1000 / 10),
            devices > 0 ? "" : "no device is visible: check CUDA_VISIBLE_DEVICES"};
}

Probe cupti() {
    std::string found;
    void* library = loadFirst({"libcupti.so.13", "libcupti.so.12", "libcupti.so"}, found);
    if (!library)
        return {"cupti", "off", "no libcupti.so in the library path; a program that brings its own is traced all the same",
                "install the CUDA toolkit's CUPTI, or add extras/CUPTI/lib64 to LD_LIBRARY_PATH"};
    const auto getVersion = symbol<int (*)(unsigned*)>(library, "cuptiGetVersion");
    unsigned number = 0;
    if (!getVersion || getVersion(&number) != 0) return {"cupti", "limited", found + " does not tell its version", "reinstall CUPTI"};
    return {"cupti", "on", fmt::format("{}, API version {}", found, number), ""};
}

Probe nvml() {
    std::string found;
    void* library = loadFirst({"libnvidia-ml.so.1"}, found);
    if (!library) return {"nvml", "off", "libnvidia-ml.so.1 cannot be loaded: no GPU clocks, power or throttle reasons", "it comes with the NVIDIA driver"};
    const auto init = symbol<int (*)()>(library, "nvmlInit_v2");
    if (!init) return {"nvml", "off", "libnvidia-ml.so.1 lacks nvmlInit_v2", "update the NVIDIA driver"};
    if (const int error = init(); error != 0) return {"nvml", "off", fmt::format("nvmlInit failed with error {}", error), "check nvidia-smi"};
    if (const auto shutdown = symbol<int (*)()>(library, "nvmlShutdown")) shutdown();
    return {"nvml", "on", "clocks, power and throttle reasons can be sampled", ""};
}

Probe counters() {
    const auto parameters = readFile("/proc/driver/nvidia/params", 1 << 16);
    if (!parameters.ok()) return {"gpu_counters", "off", "no NVIDIA kernel module is loaded", ""};
    for (const std::string_view line : split(*parameters, '\n'))
        if (line.starts_with("RmProfilingAdminOnly:") && line.find('1') == std::string_view::npos)
            return {"gpu_counters", "on", "hardware counters are open to every user", ""};
    return {"gpu_counters", "limited", "hardware counters are for administrators only", "set NVreg_RestrictProfilingToAdminUsers=0 for the nvidia module, or run as root"};
}

}  // namespace

std::vector<Probe> gpuProbes() { return {driver(), cupti(), nvml(), counters()}; }

}  // namespace ridge::cli
