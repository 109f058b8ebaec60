// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A libnvidia-ml.so.1 with one GPU, every field of which has a value of its own; FAKE_NVML=bare: a driver that only knows
// power, FAKE_NVML=refuses: one that does not start.
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

std::string_view kind() {
    const char* value = std::getenv("FAKE_NVML");
    return value != nullptr ? value : "";
}
constexpr int kNotSupported = 3;
bool bare() { return kind() == "bare"; }
int g_call = 0;

template <typename T>
int give(T* out, T value) {
    if (bare()) return kNotSupported;
    *out = value;
    return 0;
}

struct FieldValue {
    unsigned fieldId, scopeId;
    long long timestamp, latency;
    int valueType, status;
    unsigned long long value;
};

}  // namespace

extern "C" {
int nvmlInit_v2() { return kind() == "refuses" ? 9 : 0; }
int nvmlShutdown() { return 0; }
const char* nvmlErrorString(int) { return "Driver Not Loaded"; }
int nvmlDeviceGetCount_v2(unsigned* count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned, void** device) { *device = &g_call; return 0; }
int nvmlDeviceGetPowerUsage(void*, unsigned* mw) { *mw = 350500; return 0; }
int nvmlDeviceGetClockInfo(void*, int type, unsigned* mhz) { return give(mhz, type == 0 ? 1700U : type == 1 ? 1755U : 2619U); }
int nvmlDeviceGetTemperature(void*, int, unsigned* degrees) { return give(degrees, 61U); }
int nvmlDeviceGetUtilizationRates(void*, unsigned* both) { if (bare()) return kNotSupported; both[0] = 87; both[1] = 43; return 0; }
int nvmlDeviceGetMemoryInfo(void*, unsigned long long* all) { if (bare()) return kNotSupported; all[0] = 85; all[1] = 60; all[2] = 25ULL << 30; return 0; }
int nvmlDeviceGetCurrentClocksEventReasons(void*, unsigned long long* mask) { return give(mask, 0x24ULL); }
int nvmlDeviceGetTotalEnergyConsumption(void*, unsigned long long* mj) { return give(mj, 123456ULL); }
int nvmlDeviceGetTotalEccErrors(void*, int type, int, unsigned long long* count) { return give(count, type == 0 ? 5ULL : 1ULL); }
// PCIe's counters are of 32 bits and about to begin anew; sent and received differ.
int nvmlDeviceGetFieldValues(void*, int count, FieldValue* values) {
    if (bare()) return kNotSupported;
    const auto round = static_cast<unsigned long long>(++g_call);
    for (int i = 0; i < count; ++i) {
        FieldValue& v = values[i];
        v.status = 0;
        v.valueType = v.fieldId >= 197 ? 1 : 3;
        const unsigned long long step = v.fieldId == 197 ? 1000 : v.fieldId == 198 ? 2000 : v.fieldId == 138 ? 30 : 40;
        const unsigned long long first = v.fieldId >= 197 ? 0xffffffffULL - 500 : 7000;
        if (v.fieldId < 197 && v.scopeId != ~0U) v.status = kNotSupported;
        v.value = first + round * step;
        if (v.valueType == 1) v.value &= 0xffffffffULL;
    }
    return 0;
}
}
