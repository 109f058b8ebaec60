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
// One value of nvmlDeviceGetFieldValues; of `value` as many bytes count as its type has.
struct FieldValue {
    unsigned fieldId;
    unsigned scopeId;
    long long timestampUs;
    long long latencyUs;
    int valueType;  // 0 double, 1 u32, 2 and 3 u64, 4 i64, 5 i32, 6 u16
    int status;
    union {
        double real;
        unsigned narrow;
        unsigned long long wide;
        long long signedWide;
    } value;
};
static_assert(sizeof(FieldValue) == 40);
struct Field {
    unsigned id, scope;
    const char* name;
    double scale;  // to B
};
// Bytes through the GPU's links since the driver was loaded; of NVLink all links together. Not
// nvmlDeviceGetPcieThroughput: it holds its caller for 20 ms.
constexpr std::array<Field, 4> kFields = {{{197, 0, "gpu.pcie.sent", 1},
                                           {198, 0, "gpu.pcie.received", 1},
                                           {138, ~0U, "gpu.nvlink.sent", 1024},
                                           {139, ~0U, "gpu.nvlink.received", 1024}}};
enum EccType : int { kEccCorrected = 0, kEccUncorrected = 1 };
constexpr int kEccVolatile = 0;  // since the driver was loaded
enum ClockType : int { kClockGraphics = 0, kClockSm = 1, kClockMemory = 2 };
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
    int (*ecc)(Device, int, int, unsigned long long*) = nullptr;
    int (*fields)(Device, int, FieldValue*) = nullptr;
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
constexpr std::array<CounterName, 12> kCounters = {{{"gpu.power", "W"},
                                                   {"gpu.clock.sm", "Hz"},
                                                   {"gpu.clock.memory", "Hz"},
                                                   {"gpu.temperature", "C"},
                                                   {"gpu.busy", "1"},
                                                   {"gpu.memory.busy", "1"},
                                                   {"gpu.memory.used", "B"},
                                                   {"gpu.throttle", "mask"},
                                                   {"gpu.energy", "J"},
                                                   {"gpu.clock.graphics", "Hz"},
                                                   {"gpu.ecc.corrected", "1"},
                                                   {"gpu.ecc.uncorrected", "1"}}};

double numberOf(const FieldValue& field) {
    switch (field.valueType) {
        case 0:
            return field.value.real;
        case 1:
            return field.value.narrow;
        case 4:
            return static_cast<double>(field.value.signedWide);
        case 5:
            return static_cast<int>(field.value.narrow);
        case 6:
            return static_cast<unsigned short>(field.value.narrow);
        default:
            return static_cast<double>(field.value.wide);
    }
}

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
    find(m_library, "nvmlDeviceGetTotalEccErrors", g_api.ecc);
    find(m_library, "nvmlDeviceGetFieldValues", g_api.fields);
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
        Gpu gpu{device, {}, {}};
        for (const CounterName& counter : kCounters)
            gpu.counters.push_back(
                spool.counter(counter.name, counter.unit, 0, static_cast<std::int32_t>(i)));
        for (const Field& field : kFields)
            gpu.links.push_back(
                {spool.counter(field.name, "B", 0, static_cast<std::int32_t>(i)), 0, 0, false});
        m_gpus.push_back(std::move(gpu));
    }
    if (m_gpus.empty()) m_reason = "NVML knows of no GPU";
    return !m_gpus.empty();
}

void Nvml::sample(std::int64_t now) {
    for (Gpu& gpu : m_gpus) {
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
        if (g_api.clock && g_api.clock(gpu.device, kClockGraphics, &value) == 0) put(9, value * 1e6);
        if (g_api.ecc && g_api.ecc(gpu.device, kEccCorrected, kEccVolatile, &wide) == 0)
            put(10, static_cast<double>(wide));
        if (g_api.ecc && g_api.ecc(gpu.device, kEccUncorrected, kEccVolatile, &wide) == 0)
            put(11, static_cast<double>(wide));
        sampleLinks(gpu, now);
    }
}

// Counters of 32 bits begin anew after 4 GiB, which at 100 ms and PCIe's speeds is at most once
// between two samples.
void Nvml::sampleLinks(Gpu& gpu, std::int64_t now) {
    if (!g_api.fields) return;
    std::array<FieldValue, kFields.size()> values{};
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        values[i].fieldId = kFields[i].id;
        values[i].scopeId = kFields[i].scope;
        values[i].status = -1;
    }
    if (g_api.fields(gpu.device, static_cast<int>(values.size()), values.data()) != 0) return;
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        if (values[i].status != 0) continue;  // the GPU has no such link
        Link& link = gpu.links[i];
        const double number = numberOf(values[i]);
        double more = number - link.last;
        if (more < 0) more = values[i].valueType == 1 ? more + 4294967296.0 : 0;
        if (link.seen) link.bytes += more * kFields[i].scale;
        link.last = number;
        link.seen = true;
        m_spool->sample(link.counter, now, link.bytes);
    }
}

}  // namespace ridge::recorder
