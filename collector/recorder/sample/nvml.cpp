// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/sample/nvml.h"

#include <fmt/format.h>

#include <array>
#include <dlfcn.h>

namespace ridge::recorder {
namespace {

// The part of NVML's ABI that is used (NVML API reference). 0 = NVML_SUCCESS.
using Device = void*;
struct Utilization {
    unsigned gpu;
    unsigned memory;
};
struct Memory {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
};
enum ClockType : int { kClockSm = 1, kClockMemory = 2 };
constexpr int kTemperatureGpu = 0;

struct Api {
    int (*init)() = nullptr;
    int (*shutdown)() = nullptr;
    const char* (*errorString)(int) = nullptr;
    int (*count)(unsigned*) = nullptr;
    int (*handle)(unsigned, Device*) = nullptr;
    int (*power)(Device, unsigned*) = nullptr;               // mW
    int (*clock)(Device, int, unsigned*) = nullptr;          // MHz
    int (*temperature)(Device, int, unsigned*) = nullptr;    // degrees Celsius
    int (*utilization)(Device, Utilization*) = nullptr;      // percent
    int (*memory)(Device, Memory*) = nullptr;                // B
    int (*throttle)(Device, unsigned long long*) = nullptr;  // bit mask of clocks event reasons
    int (*energy)(Device, unsigned long long*) = nullptr;    // mJ since the driver was loaded
};
Api g_api;

template <typename Function>
void find(void* library, const char* name, Function& out) {
    out = reinterpret_cast<Function>(dlsym(library, name));
}

struct CounterName {
    const char* name;
    const char* unit;
};
constexpr std::array<CounterName, 9> kCounters = {{{"gpu.power", "W"},
                                                   {"gpu.clock.sm", "Hz"},
                                                   {"gpu.clock.memory", "Hz"},
                                                   {"gpu.temperature", "C"},
                                                   {"gpu.busy", "1"},
                                                   {"gpu.memory.busy", "1"},
                                                   {"gpu.memory.used", "B"},
                                                   {"gpu.throttle", "mask"},
                                                   {"gpu.energy", "J"}}};

}  // namespace

Nvml::~Nvml() {
    if (m_initialised && g_api.shutdown) g_api.shutdown();
}

bool Nvml::open(RecorderSpool& spool) {
    m_spool = &spool;
    m_library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!m_library) {
        m_reason = "libnvidia-ml.so.1 is not there: no NVIDIA driver";
        return false;
    }
    find(m_library, "nvmlInit_v2", g_api.init);
    find(m_library, "nvmlShutdown", g_api.shutdown);
    find(m_library, "nvmlErrorString", g_api.errorString);
    find(m_library, "nvmlDeviceGetCount_v2", g_api.count);
    find(m_library, "nvmlDeviceGetHandleByIndex_v2", g_api.handle);
    find(m_library, "nvmlDeviceGetPowerUsage", g_api.power);
    find(m_library, "nvmlDeviceGetClockInfo", g_api.clock);
    find(m_library, "nvmlDeviceGetTemperature", g_api.temperature);
    find(m_library, "nvmlDeviceGetUtilizationRates", g_api.utilization);
    find(m_library, "nvmlDeviceGetMemoryInfo", g_api.memory);
    find(m_library, "nvmlDeviceGetCurrentClocksEventReasons", g_api.throttle);
    if (!g_api.throttle)
        find(m_library, "nvmlDeviceGetCurrentClocksThrottleReasons", g_api.throttle);
    find(m_library, "nvmlDeviceGetTotalEnergyConsumption", g_api.energy);
    if (!g_api.init || !g_api.count || !g_api.handle) {
        m_reason = "libnvidia-ml.so.1 lacks nvmlInit_v2: too old a driver";
        return false;
    }
    if (const int error = g_api.init()) {
        m_reason = fmt::format(
            "nvmlInit: {}", g_api.errorString ? g_api.errorString(error) : std::to_string(error));
        return false;
    }
    m_initialised = true;
    unsigned count = 0;
    g_api.count(&count);
    for (unsigned i = 0; i < count && i < 64; ++i) {
        Device device = nullptr;
        if (g_api.handle(i, &device) != 0) continue;
        Gpu gpu{device, {}};
        for (const CounterName& counter : kCounters)
            gpu.counters.push_back(
                spool.counter(counter.name, counter.unit, 0, static_cast<std::int32_t>(i)));
        m_gpus.push_back(std::move(gpu));
    }
    if (m_gpus.empty()) m_reason = "NVML knows of no GPU";
    return !m_gpus.empty();
}

void Nvml::sample(std::int64_t now) {
    for (const Gpu& gpu : m_gpus) {
        unsigned value = 0;
        unsigned long long wide = 0;
        Utilization use{};
        Memory memory{};
        const auto put = [&](std::size_t index, double sampleValue) {
            m_spool->sample(gpu.counters[index], now, sampleValue);
        };
        if (g_api.power && g_api.power(gpu.device, &value) == 0) put(0, value * 1e-3);
        if (g_api.clock && g_api.clock(gpu.device, kClockSm, &value) == 0) put(1, value * 1e6);
        if (g_api.clock && g_api.clock(gpu.device, kClockMemory, &value) == 0) put(2, value * 1e6);
        if (g_api.temperature && g_api.temperature(gpu.device, kTemperatureGpu, &value) == 0)
            put(3, value);
        if (g_api.utilization && g_api.utilization(gpu.device, &use) == 0) {
            put(4, use.gpu * 1e-2);
            put(5, use.memory * 1e-2);
        }
        if (g_api.memory && g_api.memory(gpu.device, &memory) == 0)
            put(6, static_cast<double>(memory.used));
        if (g_api.throttle && g_api.throttle(gpu.device, &wide) == 0)
            put(7, static_cast<double>(wide));
        if (g_api.energy && g_api.energy(gpu.device, &wide) == 0)
            put(8, static_cast<double>(wide) * 1e-3);
    }
}

}  // namespace ridge::recorder
