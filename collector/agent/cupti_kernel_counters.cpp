// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Counters of every kernel by CUPTI's range profiler: each launch is a range of its own (auto
// range), replayed as often as its counters need passes (kernel replay, so kernels run one by one).
// Ranges have no correlation id: they are numbered, as are the launches seen in CUPTI's callbacks.
#include "collector/agent/cupti_profiler.h"
#include "collector/agent/names.h"
#include "collector/agent/raw.h"
#include "schemas/spool/cuda_records.h"

#include <pthread.h>

namespace ridge::agent {

using namespace spool;

namespace {

constexpr size_t kRanges = 512;  // until what was collected is taken out; each takes some kilobytes
constexpr uint32_t kMostContexts = 64;

struct Counted {
    CUcontext context;
    uint32_t contextId;
    CUpti_RangeProfiler_Object* profiler;
    MetricConfig config;
    uint8_t* data;
    size_t dataBytes;
    uint32_t launched;  // all so far
    uint32_t taken;     // of them, whose values were written
    bool running;
};
ProfilerLibrary g_profiler = {};
int g_loaded = 0;  // 0: not tried, 1: there, 2: not to be had
Counted g_counted[kMostContexts] = {};
uint32_t g_contexts = 0;
pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;

bool wantsCounters() {
    return (sessionControl()->cudaOptions & kCudaKernelCounters) != 0 && !over();
}

bool clearData(Counted& c) {
    CUpti_RangeProfiler_CounterDataImage_Initialize_Params clear{};
    clear.structSize = CUpti_RangeProfiler_CounterDataImage_Initialize_Params_STRUCT_SIZE;
    clear.pRangeProfilerObject = c.profiler;
    clear.counterDataSize = c.dataBytes;
    clear.pCounterData = c.data;
    return g_profiler.rangeDataInitialize(&clear) == CUPTI_SUCCESS;
}

CUptiResult startRanges(Counted& c) {
    CUpti_RangeProfiler_SetConfig_Params set{};
    set.structSize = CUpti_RangeProfiler_SetConfig_Params_STRUCT_SIZE;
    set.pRangeProfilerObject = c.profiler;
    set.configSize = c.config.imageBytes;
    set.pConfig = c.config.image;
    set.counterDataImageSize = c.dataBytes;
    set.pCounterDataImage = c.data;
    set.range = CUPTI_AutoRange;
    set.replayMode = CUPTI_KernelReplay;
    set.maxRangesPerPass = kRanges;
    set.numNestingLevels = 1;
    set.minNestingLevel = 1;
    set.passIndex = 0;
    set.targetNestingLevel = 0;
    CUptiResult result = g_profiler.rangeSetConfig(&set);
    if (result != CUPTI_SUCCESS) return result;
    CUpti_RangeProfiler_Start_Params start{};
    start.structSize = CUpti_RangeProfiler_Start_Params_STRUCT_SIZE;
    start.pRangeProfilerObject = c.profiler;
    result = g_profiler.rangeStart(&start);
    c.running = result == CUPTI_SUCCESS;
    return result;
}

void writeRange(Counted& c, size_t range) {
    double values[kMostMetrics] = {};
    CUpti_Profiler_Host_EvaluateToGpuValues_Params evaluate{};
    evaluate.structSize = CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE;
    evaluate.pHostObject = c.config.host;
    evaluate.pCounterDataImage = c.data;
    evaluate.counterDataImageSize = c.dataBytes;
    evaluate.rangeIndex = range;
    evaluate.ppMetricNames = c.config.metrics.names;
    evaluate.numMetrics = c.config.metrics.count;
    evaluate.pMetricValues = values;
    if (g_profiler.evaluate(&evaluate) != CUPTI_SUCCESS) return;
    Ring* ring = enterAlways();
    if (ring == nullptr) return;
    for (size_t i = 0; i < c.config.metrics.count; ++i)
        emit(ring, KernelMetric{recordHeader(RecordType::kKernelMetric, sizeof(KernelMetric),
                                             intern(ring, c.config.metrics.names[i])),
                                c.contextId, c.taken, values[i]});
    leaveAlways();
}

void countLost(uint64_t count) {
    if (count == 0) return;
    if (Ring* ring = enterAlways()) {
        countLoss(ring, kLossKernelCounters, count);
        leaveAlways();
    }
}

// Stops, and writes down what the ranges since the last time have counted.
void takeRanges(Counted& c) {
    if (!c.running) return;
    c.running = false;
    CUpti_RangeProfiler_Stop_Params stop{};
    stop.structSize = CUpti_RangeProfiler_Stop_Params_STRUCT_SIZE;
    stop.pRangeProfilerObject = c.profiler;
    CUpti_RangeProfiler_DecodeData_Params decode{};
    decode.structSize = CUpti_RangeProfiler_DecodeData_Params_STRUCT_SIZE;
    decode.pRangeProfilerObject = c.profiler;
    CUpti_RangeProfiler_GetCounterDataInfo_Params info{};
    info.structSize = CUpti_RangeProfiler_GetCounterDataInfo_Params_STRUCT_SIZE;
    info.pCounterDataImage = c.data;
    info.counterDataImageSize = c.dataBytes;
    const bool good = g_profiler.rangeStop(&stop) == CUPTI_SUCCESS &&
                      g_profiler.rangeDecode(&decode) == CUPTI_SUCCESS &&
                      g_profiler.rangeDataInfo(&info) == CUPTI_SUCCESS;
    // Ranges and launches are matched by their number alone: if the two differ, none can be.
    const uint32_t expected = c.launched - c.taken;
    const bool equal = good && info.numTotalRanges == expected && decode.numOfRangeDropped == 0;
    if (!equal) countLost(expected);
    for (size_t range = 0; equal && range < info.numTotalRanges; ++range, ++c.taken)
        writeRange(c, range);
    c.taken = c.launched;
}

bool prepare(Counted& c, uint32_t deviceIndex) {
    if (!configureMetrics(g_profiler, deviceIndex, CUPTI_PROFILER_TYPE_RANGE_PROFILER, nullptr,
                          c.config))
        return false;
    CUpti_RangeProfiler_Enable_Params enable{};
    enable.structSize = CUpti_RangeProfiler_Enable_Params_STRUCT_SIZE;
    enable.ctx = c.context;
    CUptiResult result = g_profiler.rangeEnable(&enable);
    if (result != CUPTI_SUCCESS) return tellCounters("the range profiler", result), false;
    c.profiler = enable.pRangeProfilerObject;
    CUpti_RangeProfiler_GetCounterDataSize_Params size{};
    size.structSize = CUpti_RangeProfiler_GetCounterDataSize_Params_STRUCT_SIZE;
    size.pRangeProfilerObject = c.profiler;
    size.pMetricNames = c.config.metrics.names;
    size.numMetrics = c.config.metrics.count;
    size.maxNumOfRanges = kRanges;
    size.maxNumRangeTreeNodes = kRanges;
    result = g_profiler.rangeDataSize(&size);
    c.dataBytes = size.counterDataSize;
    c.data = result == CUPTI_SUCCESS ? static_cast<uint8_t*>(raw::memory(c.dataBytes)) : nullptr;
    if (c.data == nullptr || !clearData(c))
        return tellCounters("room for their data", result), false;
    result = startRanges(c);
    if (result != CUPTI_SUCCESS) tellCounters("the range profiler", result);
    return result == CUPTI_SUCCESS;
}

Counted* find(CUcontext context) {
    for (uint32_t i = 0; i < g_contexts; ++i)
        if (g_counted[i].context == context) return &g_counted[i];
    return nullptr;
}

}  // namespace

void kernelCountersForContext(CUcontext context, uint32_t contextId, uint32_t deviceIndex) {
    if (!wantsCounters()) return;
    pthread_mutex_lock(&g_lock);
    if (g_loaded == 0) g_loaded = loadProfiler(g_profiler) ? 1 : 2;
    if (g_loaded == 1 && g_contexts < kMostContexts && find(context) == nullptr) {
        Counted& c = g_counted[g_contexts];
        c = {};
        c.context = context;
        c.contextId = contextId;
        if (prepare(c, deviceIndex)) ++g_contexts;
    }
    pthread_mutex_unlock(&g_lock);
}

void kernelCountersBeforeLaunch(CUcontext context, uint32_t contextId, uint32_t correlationId,
                                const char* kernel) {
    if (!wantsCounters()) return;
    pthread_mutex_lock(&g_lock);
    if (Counted* c = find(context)) {
        if (c->running && c->launched - c->taken >= kRanges) {
            takeRanges(*c);
            if (clearData(*c)) startRanges(*c);
        }
        if (Ring* ring = enterAlways()) {
            emit(ring, KernelLaunch{recordHeader(RecordType::kKernelLaunch, sizeof(KernelLaunch),
                                                 intern(ring, kernel)),
                                    now(), contextId, c->launched, correlationId, 0});
            leaveAlways();
        }
        ++c->launched;
    }
    pthread_mutex_unlock(&g_lock);
}

void finishKernelCounters() {
    pthread_mutex_lock(&g_lock);
    for (uint32_t i = 0; i < g_contexts; ++i) takeRanges(g_counted[i]);
    g_contexts = 0;
    pthread_mutex_unlock(&g_lock);
}

}  // namespace ridge::agent
