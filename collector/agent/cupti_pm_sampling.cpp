// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// GPU counters as time series: CUPTI's PM sampling on the process's first device, decoded by a
// thread of our own every 10 ms. The first sample of a session is dropped: it holds what was there
// before. Times are the GPU's own nanoseconds, which CUPTI gives in the domain of its activity
// records.
#include "collector/agent/cupti_profiler.h"
#include "collector/agent/diagnose.h"
#include "collector/agent/names.h"
#include "collector/agent/raw.h"
#include "schemas/spool/cuda_records.h"

#include <pthread.h>

namespace ridge::agent {

using namespace spool;

namespace {

constexpr size_t kHardwareBytes = size_t{64} << 20;
constexpr uint32_t kSamples = 1024;
constexpr uint64_t kIntervalNs = 100000;      // 10 kHz, as Nsight Systems samples
constexpr uint64_t kIntervalCycles = 150000;  // about the same by the system clock
constexpr long kDecodePeriodNs = 10000000;

ProfilerLibrary g_profiler = {};
MetricConfig g_config = {};
CUpti_PmSampling_Object* g_sampler = nullptr;
uint8_t* g_data = nullptr;
size_t g_dataBytes = 0;
int g_state = 0;  // 0: idle, 1: running, 2: to end
bool g_first = true;
pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;

bool clearData() {
    CUpti_PmSampling_CounterDataImage_Initialize_Params clear{};
    clear.structSize = CUpti_PmSampling_CounterDataImage_Initialize_Params_STRUCT_SIZE;
    clear.pPmSamplingObject = g_sampler;
    clear.counterDataSize = g_dataBytes;
    clear.pCounterData = g_data;
    return g_profiler.pmDataInitialize(&clear) == CUPTI_SUCCESS;
}

void writeSample(Ring* ring, size_t index) {
    CUpti_PmSampling_CounterData_GetSampleInfo_Params info{};
    info.structSize = CUpti_PmSampling_CounterData_GetSampleInfo_Params_STRUCT_SIZE;
    info.pPmSamplingObject = g_sampler;
    info.pCounterDataImage = g_data;
    info.counterDataImageSize = g_dataBytes;
    info.sampleIndex = index;
    double values[kMostMetrics] = {};
    CUpti_Profiler_Host_EvaluateToGpuValues_Params evaluate{};
    evaluate.structSize = CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE;
    evaluate.pHostObject = g_config.host;
    evaluate.pCounterDataImage = g_data;
    evaluate.counterDataImageSize = g_dataBytes;
    evaluate.rangeIndex = index;
    evaluate.ppMetricNames = g_config.metrics.names;
    evaluate.numMetrics = g_config.metrics.count;
    evaluate.pMetricValues = values;
    if (g_profiler.pmSampleInfo(&info) != CUPTI_SUCCESS ||
        g_profiler.evaluate(&evaluate) != CUPTI_SUCCESS)
        return countLoss(ring, kLossKernelCounters);
    if (g_first) {
        g_first = false;
        return;
    }
    for (size_t i = 0; i < g_config.metrics.count; ++i)
        emit(ring,
             GpuMetricSample{recordHeader(RecordType::kGpuMetricSample, sizeof(GpuMetricSample),
                                          intern(ring, g_config.metrics.names[i])),
                             info.endTimestamp, 0, 0, values[i]});
}

// Holder of the lock.
void decode() {
    CUpti_PmSampling_DecodeData_Params decode{};
    do {
        decode = {};
        decode.structSize = CUpti_PmSampling_DecodeData_Params_STRUCT_SIZE;
        decode.pPmSamplingObject = g_sampler;
        decode.pCounterDataImage = g_data;
        decode.counterDataImageSize = g_dataBytes;
        if (g_profiler.pmDecode(&decode) != CUPTI_SUCCESS) return;
        CUpti_PmSampling_GetCounterDataInfo_Params info{};
        info.structSize = CUpti_PmSampling_GetCounterDataInfo_Params_STRUCT_SIZE;
        info.pCounterDataImage = g_data;
        info.counterDataImageSize = g_dataBytes;
        if (g_profiler.pmDataInfo(&info) != CUPTI_SUCCESS) return;
        Ring* ring = enterAlways();
        if (ring != nullptr) {
            for (size_t i = 0; i < info.numCompletedSamples; ++i) writeSample(ring, i);
            if (decode.overflow != 0) countLoss(ring, kLossKernelCounters);
            leaveAlways();
        }
        if (!clearData()) return;
    } while (decode.decodeStopReason == CUPTI_PM_SAMPLING_DECODE_STOP_REASON_COUNTER_DATA_FULL);
}

void* decoder(void*) {
    for (;;) {
        raw::sleepNs(kDecodePeriodNs);
        pthread_mutex_lock(&g_lock);
        const bool runs = g_state == 1;
        if (runs) decode();
        pthread_mutex_unlock(&g_lock);
        if (!runs) return nullptr;
    }
}

bool configure() {
    constexpr size_t kDevice = 0;
    CUpti_PmSampling_GetCounterAvailability_Params availability{};
    availability.structSize = CUpti_PmSampling_GetCounterAvailability_Params_STRUCT_SIZE;
    availability.deviceIndex = kDevice;
    CUptiResult result = g_profiler.pmAvailability(&availability);
    if (result != CUPTI_SUCCESS) return tellCounters("samples of the GPU", result), false;
    availability.pCounterAvailabilityImage =
        static_cast<uint8_t*>(raw::memory(availability.counterAvailabilityImageSize));
    if (availability.pCounterAvailabilityImage == nullptr) return false;
    result = g_profiler.pmAvailability(&availability);
    if (result != CUPTI_SUCCESS) return tellCounters("samples of the GPU", result), false;
    if (!configureMetrics(g_profiler, kDevice, CUPTI_PROFILER_TYPE_PM_SAMPLING,
                          availability.pCounterAvailabilityImage, g_config))
        return false;
    CUpti_PmSampling_Enable_Params enable{};
    enable.structSize = CUpti_PmSampling_Enable_Params_STRUCT_SIZE;
    enable.deviceIndex = kDevice;
    result = g_profiler.pmEnable(&enable);
    if (result != CUPTI_SUCCESS) return tellCounters("samples of the GPU", result), false;
    g_sampler = enable.pPmSamplingObject;
    CUpti_PmSampling_SetConfig_Params set{};
    set.structSize = CUpti_PmSampling_SetConfig_Params_STRUCT_SIZE;
    set.pPmSamplingObject = g_sampler;
    set.configSize = g_config.imageBytes;
    set.pConfig = g_config.image;
    set.hardwareBufferSize = kHardwareBytes;
    const bool byTime = samplesByTime(g_config.chip);
    set.samplingInterval = byTime ? kIntervalNs : kIntervalCycles;
    set.triggerMode = byTime ? CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL
                             : CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_SYSCLK_INTERVAL;
    result = g_profiler.pmSetConfig(&set);
    if (result != CUPTI_SUCCESS) return tellCounters("samples of the GPU", result), false;
    CUpti_PmSampling_GetCounterDataSize_Params size{};
    size.structSize = CUpti_PmSampling_GetCounterDataSize_Params_STRUCT_SIZE;
    size.pPmSamplingObject = g_sampler;
    size.pMetricNames = g_config.metrics.names;
    size.numMetrics = g_config.metrics.count;
    size.maxSamples = kSamples;
    result = g_profiler.pmDataSize(&size);
    g_dataBytes = size.counterDataSize;
    g_data = result == CUPTI_SUCCESS ? static_cast<uint8_t*>(raw::memory(g_dataBytes)) : nullptr;
    if (g_data == nullptr || !clearData()) return tellCounters("room for samples", result), false;
    return true;
}

}  // namespace

void startPmSampling() {
    if ((sessionControl()->cudaOptions & kCudaPmSampling) == 0) return;
    pthread_mutex_lock(&g_lock);
    if (g_state == 0 && loadProfiler(g_profiler) && configure()) {
        CUpti_PmSampling_Start_Params start{};
        start.structSize = CUpti_PmSampling_Start_Params_STRUCT_SIZE;
        start.pPmSamplingObject = g_sampler;
        const CUptiResult result = g_profiler.pmStart(&start);
        if (result != CUPTI_SUCCESS) tellCounters("samples of the GPU", result);
        pthread_t thread;
        const raw::SignalShield inherited;
        if (result == CUPTI_SUCCESS && pthread_create(&thread, nullptr, decoder, nullptr) == 0) {
            pthread_detach(thread);
            g_state = 1;
        }
    }
    if (g_state == 0) g_state = 2;  // said why; not tried again
    pthread_mutex_unlock(&g_lock);
}

void finishPmSampling() {
    pthread_mutex_lock(&g_lock);
    if (g_state == 1) {
        CUpti_PmSampling_Stop_Params stop{};
        stop.structSize = CUpti_PmSampling_Stop_Params_STRUCT_SIZE;
        stop.pPmSamplingObject = g_sampler;
        g_profiler.pmStop(&stop);
        decode();
    }
    g_state = 2;
    pthread_mutex_unlock(&g_lock);
}

}  // namespace ridge::agent
