// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Hardware counters through CUPTI's host API (from CUDA 12.6 on), found at run time: which metrics
// a chip has, the configuration that collects them, and values out of collected data. Opt-in: not
// one call is made where the session did not ask for counters. Errors end in a diagnostic, once.

#include "collector/agent/gpu_metrics.h"

#include <cupti.h>
#include <cupti_pmsampling.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_target.h>

namespace ridge::agent {

struct ProfilerLibrary {
    decltype(&cuptiProfilerInitialize) initialize;
    decltype(&cuptiDeviceGetChipName) chipName;
    decltype(&cuptiProfilerHostInitialize) hostInitialize;
    decltype(&cuptiProfilerHostConfigAddMetrics) addMetrics;
    decltype(&cuptiProfilerHostGetConfigImageSize) configSize;
    decltype(&cuptiProfilerHostGetConfigImage) configImage;
    decltype(&cuptiProfilerHostEvaluateToGpuValues) evaluate;
    decltype(&cuptiProfilerHostDeinitialize) hostDeinitialize;
    decltype(&cuptiRangeProfilerEnable) rangeEnable;
    decltype(&cuptiRangeProfilerSetConfig) rangeSetConfig;
    decltype(&cuptiRangeProfilerStart) rangeStart;
    decltype(&cuptiRangeProfilerStop) rangeStop;
    decltype(&cuptiRangeProfilerDecodeData) rangeDecode;
    decltype(&cuptiRangeProfilerGetCounterDataSize) rangeDataSize;
    decltype(&cuptiRangeProfilerCounterDataImageInitialize) rangeDataInitialize;
    decltype(&cuptiRangeProfilerGetCounterDataInfo) rangeDataInfo;
    decltype(&cuptiPmSamplingEnable) pmEnable;
    decltype(&cuptiPmSamplingSetConfig) pmSetConfig;
    decltype(&cuptiPmSamplingStart) pmStart;
    decltype(&cuptiPmSamplingStop) pmStop;
    decltype(&cuptiPmSamplingDecodeData) pmDecode;
    decltype(&cuptiPmSamplingGetCounterAvailability) pmAvailability;
    decltype(&cuptiPmSamplingGetCounterDataSize) pmDataSize;
    decltype(&cuptiPmSamplingCounterDataImageInitialize) pmDataInitialize;
    decltype(&cuptiPmSamplingGetCounterDataInfo) pmDataInfo;
    decltype(&cuptiPmSamplingCounterDataGetSampleInfo) pmSampleInfo;
};

// False: an older CUPTI, said in a diagnostic.
bool loadProfiler(ProfilerLibrary& library);
// A diagnostic that names what failed, why, and for a missing permission the cure.
void tellCounters(const char* what, CUptiResult result);

// One device's host object and configuration. Memory is the arena's and is never given back.
struct MetricConfig {
    CUpti_Profiler_Host_Object* host;
    MetricList metrics;  // those that this chip has
    uint8_t* image;
    size_t imageBytes;
    char chip[32];
};
bool configureMetrics(const ProfilerLibrary& library, size_t deviceIndex, CUpti_ProfilerType type,
                      const uint8_t* availability, MetricConfig& config);

// Both do nothing unless the session asked (kCudaKernelCounters, kCudaPmSampling).
// A context was made: counters around each of its kernels from now on. From CUPTI's callback.
void kernelCountersForContext(CUcontext context, uint32_t contextId, uint32_t deviceIndex);
// A kernel is launched, from CUPTI's callback before the launch.
void kernelCountersBeforeLaunch(CUcontext context, uint32_t contextId, uint32_t correlationId,
                                const char* kernel);
void finishKernelCounters();

void startPmSampling();
void finishPmSampling();

}  // namespace ridge::agent
