// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/cupti_profiler.h"

#include "collector/agent/diagnose.h"
#include "collector/agent/process.h"
#include "collector/agent/raw.h"

#include <dlfcn.h>
#include <type_traits>

namespace ridge::agent {

namespace {

void* profilerHandle() {
    for (const char* name : {"libcupti.so.13", "libcupti.so.12", "libcupti.so"})
        if (void* handle = dlopen(name, RTLD_NOW | RTLD_NOLOAD)) return handle;
    return RTLD_DEFAULT;
}

bool hasMetric(const ProfilerLibrary& library, CUpti_Profiler_Host_Object* host, const char* name) {
    CUpti_Profiler_Host_ConfigAddMetrics_Params add{};
    add.structSize = CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE;
    add.pHostObject = host;
    const char* names[] = {name};
    add.ppMetricNames = names;
    add.numMetrics = 1;
    return library.addMetrics(&add) == CUPTI_SUCCESS;
}

CUpti_Profiler_Host_Object* makeHost(const ProfilerLibrary& library, const char* chip,
                                     CUpti_ProfilerType type, const uint8_t* availability,
                                     CUptiResult& result) {
    CUpti_Profiler_Host_Initialize_Params host{};
    host.structSize = CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE;
    host.profilerType = type;
    host.pChipName = chip;
    host.pCounterAvailabilityImage = availability;
    result = library.hostInitialize(&host);
    return result == CUPTI_SUCCESS ? host.pHostObject : nullptr;
}

}  // namespace

bool loadProfiler(ProfilerLibrary& l) {
    void* library = profilerHandle();
    bool all = true;
    const auto find = [&](const char* name, auto& function) {
        function =
            reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
        all = all && function != nullptr;
    };
    find("cuptiProfilerInitialize", l.initialize);
    find("cuptiDeviceGetChipName", l.chipName);
    find("cuptiProfilerHostInitialize", l.hostInitialize);
    find("cuptiProfilerHostConfigAddMetrics", l.addMetrics);
    find("cuptiProfilerHostGetConfigImageSize", l.configSize);
    find("cuptiProfilerHostGetConfigImage", l.configImage);
    find("cuptiProfilerHostEvaluateToGpuValues", l.evaluate);
    find("cuptiProfilerHostDeinitialize", l.hostDeinitialize);
    find("cuptiRangeProfilerEnable", l.rangeEnable);
    find("cuptiRangeProfilerSetConfig", l.rangeSetConfig);
    find("cuptiRangeProfilerStart", l.rangeStart);
    find("cuptiRangeProfilerStop", l.rangeStop);
    find("cuptiRangeProfilerDecodeData", l.rangeDecode);
    find("cuptiRangeProfilerGetCounterDataSize", l.rangeDataSize);
    find("cuptiRangeProfilerCounterDataImageInitialize", l.rangeDataInitialize);
    find("cuptiRangeProfilerGetCounterDataInfo", l.rangeDataInfo);
    find("cuptiPmSamplingEnable", l.pmEnable);
    find("cuptiPmSamplingSetConfig", l.pmSetConfig);
    find("cuptiPmSamplingStart", l.pmStart);
    find("cuptiPmSamplingStop", l.pmStop);
    find("cuptiPmSamplingDecodeData", l.pmDecode);
    find("cuptiPmSamplingGetCounterAvailability", l.pmAvailability);
    find("cuptiPmSamplingGetCounterDataSize", l.pmDataSize);
    find("cuptiPmSamplingCounterDataImageInitialize", l.pmDataInitialize);
    find("cuptiPmSamplingGetCounterDataInfo", l.pmDataInfo);
    find("cuptiPmSamplingCounterDataGetSampleInfo", l.pmSampleInfo);
    if (!all) {
        say(3,
            "GPU counters are not recorded: this CUPTI has no host profiler interface (CUDA 12.6 "
            "and later have)");
        return false;
    }
    CUpti_Profiler_Initialize_Params start{};
    start.structSize = CUpti_Profiler_Initialize_Params_STRUCT_SIZE;
    const CUptiResult result = l.initialize(&start);
    if (result != CUPTI_SUCCESS) tellCounters("the profiler", result);
    return result == CUPTI_SUCCESS;
}

void tellCounters(const char* what, CUptiResult result) {
    const char* why = nullptr;
    auto* text = reinterpret_cast<decltype(&cuptiGetResultString)>(
        dlsym(profilerHandle(), "cuptiGetResultString"));
    if (text != nullptr) text(result, &why);
    char sentence[512];
    Text line(sentence, sizeof sentence);
    line.add("GPU counters are not recorded: ").add(what).add(": ");
    if (result == CUPTI_ERROR_INSUFFICIENT_PRIVILEGES)
        line.add(kPermissionCure);
    else
        line.add(why != nullptr ? why : "unknown error");
    say(3, sentence);
}

bool configureMetrics(const ProfilerLibrary& library, size_t deviceIndex, CUpti_ProfilerType type,
                      const uint8_t* availability, MetricConfig& config) {
    CUpti_Device_GetChipName_Params chip{};
    chip.structSize = CUpti_Device_GetChipName_Params_STRUCT_SIZE;
    chip.deviceIndex = deviceIndex;
    CUptiResult result = library.chipName(&chip);
    if (result != CUPTI_SUCCESS || chip.pChipName == nullptr)
        return tellCounters("the chip's name", result), false;
    strncpy(config.chip, chip.pChipName, sizeof config.chip - 1);
    const bool sampling = type == CUPTI_PROFILER_TYPE_PM_SAMPLING;
    const MetricList wanted = sampling ? samplingMetrics(config.chip) : kernelMetrics(config.chip);
    // A metric that is refused spoils the object, so each is tried on one of its own.
    for (size_t i = 0; i < wanted.count; ++i) {
        CUpti_Profiler_Host_Object* trial =
            makeHost(library, config.chip, type, availability, result);
        if (trial == nullptr) return tellCounters("the chip's metrics", result), false;
        if (hasMetric(library, trial, wanted.names[i])) config.metrics.add(wanted.names[i]);
        CUpti_Profiler_Host_Deinitialize_Params end{};
        end.structSize = CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE;
        end.pHostObject = trial;
        library.hostDeinitialize(&end);
    }
    if (config.metrics.count == 0) {
        say(3, "GPU counters are not recorded: none of the metrics is known on the chip ",
            config.chip);
        return false;
    }
    config.host = makeHost(library, config.chip, type, availability, result);
    if (config.host == nullptr) return tellCounters("the chip's metrics", result), false;
    CUpti_Profiler_Host_ConfigAddMetrics_Params add{};
    add.structSize = CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE;
    add.pHostObject = config.host;
    add.ppMetricNames = config.metrics.names;
    add.numMetrics = config.metrics.count;
    result = library.addMetrics(&add);
    CUpti_Profiler_Host_GetConfigImageSize_Params size{};
    size.structSize = CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE;
    size.pHostObject = config.host;
    if (result == CUPTI_SUCCESS) result = library.configSize(&size);
    config.imageBytes = size.configImageSize;
    config.image =
        result == CUPTI_SUCCESS ? static_cast<uint8_t*>(raw::memory(config.imageBytes)) : nullptr;
    CUpti_Profiler_Host_GetConfigImage_Params image{};
    image.structSize = CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE;
    image.pHostObject = config.host;
    image.configImageSize = config.imageBytes;
    image.pConfigImage = config.image;
    if (result == CUPTI_SUCCESS && config.image != nullptr) result = library.configImage(&image);
    if (result != CUPTI_SUCCESS || config.image == nullptr)
        return tellCounters("their configuration", result), false;
    return true;
}

}  // namespace ridge::agent
