// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Life of CUPTI in the process: found, enabled once, flushed every half second and at exit. No
// timestamp callback is registered (zero kernel times with CUPTI 12.6 U2 to 13.0); clock samples
// are written instead.
#include "collector/agent/cupti.h"

#include "collector/agent/cupti_callbacks.h"
#include "collector/agent/cupti_convert.h"
#include "collector/agent/cupti_profiler.h"
#include "collector/agent/diagnose.h"
#include "collector/agent/names.h"
#include "collector/agent/process.h"
#include "collector/agent/raw.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

namespace ridge::agent {

using namespace spool;

namespace {

constexpr size_t kBufferBytes = size_t{4} << 20;
constexpr long kFlushPeriodNs = 500000000;
constexpr int kNotInitialized = 3;  // CUDA_ERROR_NOT_INITIALIZED

struct Buffer {
    Buffer* next;
    uint8_t* bytes;
};

CuptiLibrary g_cupti = {};
uint32_t g_version = 0;
uint32_t g_started = 0;
uint32_t g_over = 0;
int g_owner = 0;  // pid that started CUPTI; a forked child has no CUDA
pthread_mutex_t g_poolLock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t g_flushLock = PTHREAD_MUTEX_INITIALIZER;
Buffer* g_pool = nullptr;
Buffer* g_spareNodes = nullptr;
alignas(8) uint8_t
    g_lastResort[65536];  // several may write to it at once: its records are not read

// Zeroed buffers: CUPTI need not clear them on the program's threads.
void giveBuffer(uint8_t* bytes) {
    pthread_mutex_lock(&g_poolLock);
    Buffer* node = g_spareNodes;
    if (node != nullptr) {
        g_spareNodes = node->next;
        node->bytes = bytes;
        node->next = g_pool;
        g_pool = node;
    }
    pthread_mutex_unlock(&g_poolLock);
    if (node == nullptr) raw::munmap(bytes, kBufferBytes);
}

void CUPTIAPI onBufferRequested(uint8_t** buffer, size_t* size, size_t* maxRecords) {
    pthread_mutex_lock(&g_poolLock);
    Buffer* node = g_pool;
    if (node != nullptr) {
        g_pool = node->next;
        *buffer = node->bytes;
        node->next = g_spareNodes;
        g_spareNodes = node;
    }
    pthread_mutex_unlock(&g_poolLock);
    if (node == nullptr) *buffer = static_cast<uint8_t*>(raw::memory(kBufferBytes));
    *size = *buffer != nullptr ? kBufferBytes : 0;
    // No memory: what such a version may not be refused goes where it is counted and thrown away.
    if (*buffer == nullptr && !mayRefuseBuffers(g_version)) {
        *buffer = g_lastResort;
        *size = sizeof g_lastResort;
    }
    *maxRecords = 0;
}

void CUPTIAPI onBufferCompleted(CUcontext, uint32_t, uint8_t* buffer, size_t, size_t validSize) {
    if (buffer == nullptr) return;
    Ring* ring = enterAlways();
    if (buffer == g_lastResort) {
        if (ring == nullptr) return countWithoutRing();
        countLoss(ring, kLossCuptiDropped, validSize / sizeof(CUpti_ActivityAPI) + 1);
        return leaveAlways();
    }
    if (ring != nullptr) {
        CUpti_Activity* activity = nullptr;
        while (g_cupti.nextRecord(buffer, validSize, &activity) == CUPTI_SUCCESS)
            convertActivity(ring, g_cupti, g_version, activity);
        leaveAlways();
    } else if (!over()) {
        CUpti_Activity* activity = nullptr;
        while (g_cupti.nextRecord(buffer, validSize, &activity) == CUPTI_SUCCESS)
            countWithoutRing();
    }
    memset(buffer, 0, validSize);
    giveBuffer(buffer);
}

void sampleClocks() {
    Ring* ring = enterAlways();
    if (ring == nullptr) return;
    ClockSample sample{};
    const uint64_t before = now();
    sample.monotonicNs = readClock(CLOCK_MONOTONIC);
    uint64_t theirs = 0;
    const CUptiResult result = g_cupti.timestamp(&theirs);
    sample.realtimeNs = readClock(CLOCK_REALTIME);
    const uint64_t after = now();
    sample.header = recordHeader(RecordType::kClockSample, sizeof sample,
                                 static_cast<uint32_t>(ClockSampleKind::kCupti));
    sample.ticks = before + (after - before) / 2;
    sample.otherNs = static_cast<int64_t>(theirs);
    sample.windowTicks = after - before;
    if (result == CUPTI_SUCCESS) emit(ring, sample);
    leaveAlways();
}

// Never from a callback of CUPTI's: the two locks would be taken in the wrong order.
void flush(uint32_t flag) {
    pthread_mutex_lock(&g_flushLock);
    sampleClocks();
    g_cupti.flushAll(flag);
    size_t dropped = 0;
    if (g_cupti.numDropped(nullptr, 0, &dropped) == CUPTI_SUCCESS && dropped != 0) {
        Ring* ring = enterAlways();
        if (ring != nullptr) {
            countLoss(ring, kLossCuptiDropped, dropped);
            leaveAlways();
        }
    }
    pthread_mutex_unlock(&g_flushLock);
}

void* flusher(void*) {
    sampleClocks();
    for (;;) {
        raw::sleepNs(kFlushPeriodNs);
        if (__atomic_load_n(&g_over, __ATOMIC_ACQUIRE) != 0) return nullptr;
        if (over()) continue;
        flush(0);
        startPmSampling();  // the device is known to work by now
    }
}

void atProgramExit() {
    if (raw::getpid() != g_owner || __atomic_exchange_n(&g_over, 1, __ATOMIC_ACQ_REL) != 0) return;
    finishPmSampling();
    finishKernelCounters();
    flush(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    sampleClocks();
}

void prepareBuffers() {
    constexpr size_t kNodes = 256;
    auto* nodes = static_cast<Buffer*>(raw::memory(kNodes * sizeof(Buffer)));
    for (size_t i = 0; nodes != nullptr && i < kNodes; ++i) {
        nodes[i].next = g_spareNodes;
        g_spareNodes = &nodes[i];
    }
    for (int i = 0; i < 4; ++i)
        if (auto* bytes = static_cast<uint8_t*>(raw::memory(kBufferBytes))) giveBuffer(bytes);
    uint8_t zeroed = 1;
    size_t size = sizeof zeroed;
    g_cupti.setAttribute(CUPTI_ACTIVITY_ATTR_ZEROED_OUT_ACTIVITY_BUFFER, &size, &zeroed);
}

// Calls that programs make by the thousand and that say nothing.
void silenceNoise() {
    if ((sessionControl()->cudaOptions & kCudaAllApis) != 0) return;
    static const CUpti_CallbackId runtime[] = {
        CUPTI_RUNTIME_TRACE_CBID_cudaGetDevice_v3020,
        CUPTI_RUNTIME_TRACE_CBID_cudaSetDevice_v3020,
        CUPTI_RUNTIME_TRACE_CBID_cudaGetDeviceCount_v3020,
        CUPTI_RUNTIME_TRACE_CBID_cudaDeviceGetAttribute_v5000,
        CUPTI_RUNTIME_TRACE_CBID_cudaPointerGetAttributes_v4000,
        CUPTI_RUNTIME_TRACE_CBID_cudaStreamIsCapturing_v10000,
        CUPTI_RUNTIME_TRACE_CBID_cudaStreamIsCapturing_ptsz_v10000,
        CUPTI_RUNTIME_TRACE_CBID_cudaGetLastError_v3020,
        CUPTI_RUNTIME_TRACE_CBID_cudaPeekAtLastError_v3020};
    static const CUpti_CallbackId driver[] = {CUPTI_DRIVER_TRACE_CBID_cuKernelGetAttribute,
                                              CUPTI_DRIVER_TRACE_CBID_cuDevicePrimaryCtxGetState,
                                              CUPTI_DRIVER_TRACE_CBID_cuDeviceGetAttribute,
                                              CUPTI_DRIVER_TRACE_CBID_cuCtxGetDevice,
                                              CUPTI_DRIVER_TRACE_CBID_cuCtxSetCurrent,
                                              CUPTI_DRIVER_TRACE_CBID_cuGetProcAddress,
                                              CUPTI_DRIVER_TRACE_CBID_cuGetProcAddress_v2,
                                              CUPTI_DRIVER_TRACE_CBID_cuCtxGetCurrent};
    if (g_cupti.enableRuntimeApi != nullptr)
        for (const CUpti_CallbackId id : runtime) g_cupti.enableRuntimeApi(id, 0);
    if (g_cupti.enableDriverApi != nullptr)
        for (const CUpti_CallbackId id : driver) g_cupti.enableDriverApi(id, 0);
}

void tellRefused(const char* what, CUptiResult result) {
    const char* why = "unknown error";
    g_cupti.resultString(result, &why);
    char text[200];
    Text(text, sizeof text).add("CUPTI does not record ").add(what).add(": ");
    say(2, text, why);
}

struct Kind {
    CUpti_ActivityKind kind;
    const char* name;
    uint32_t unless;  // CudaOption
    uint32_t only;
};
constexpr Kind kKinds[] = {
    {CUPTI_ACTIVITY_KIND_DEVICE, "devices", 0, 0},
    {CUPTI_ACTIVITY_KIND_CONTEXT, "contexts", 0, 0},
    {CUPTI_ACTIVITY_KIND_STREAM, "streams", 0, 0},
    {CUPTI_ACTIVITY_KIND_NAME, "names", 0, 0},
    {CUPTI_ACTIVITY_KIND_OVERHEAD, "overhead", 0, 0},
    {CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION, "external correlation", 0, 0},
    {CUPTI_ACTIVITY_KIND_RUNTIME, "runtime API", 0, 0},
    {CUPTI_ACTIVITY_KIND_DRIVER, "driver API", 0, 0},
    {CUPTI_ACTIVITY_KIND_SYNCHRONIZATION, "synchronization", 0, 0},
    {CUPTI_ACTIVITY_KIND_CUDA_EVENT, "events", kCudaNoEvents, 0},
    {CUPTI_ACTIVITY_KIND_MEMORY2, "memory", kCudaNoMemory, 0},
    {CUPTI_ACTIVITY_KIND_MEMORY_POOL, "memory pools", kCudaNoMemory, 0},
    {CUPTI_ACTIVITY_KIND_JIT, "compilation at run time", 0, 0},
    {CUPTI_ACTIVITY_KIND_MEMCPY, "copies", 0, 0},
    {CUPTI_ACTIVITY_KIND_MEMCPY2, "copies between devices", 0, 0},
    {CUPTI_ACTIVITY_KIND_MEMSET, "sets", 0, 0},
    {CUPTI_ACTIVITY_KIND_GRAPH_TRACE, "graphs as a whole", 0, kCudaGraphsWhole},
    {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, "kernels", 0, 0}};

// Needs a device that can; where none can there is nothing to migrate, and nothing to say.
void enableUnifiedMemory(uint32_t options) {
    if (g_cupti.configureUnifiedMemory == nullptr) return;
    static constexpr CUpti_ActivityUnifiedMemoryCounterKind counted[] = {
        CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_HTOD,
        CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_DTOH,
        CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_DTOD,
        CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_CPU_PAGE_FAULT_COUNT,
        CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_GPU_PAGE_FAULT};
    CUpti_ActivityUnifiedMemoryCounterConfig config[5] = {};
    const bool faults = (options & kCudaPageFaults) != 0;
    const uint32_t count = faults ? 5 : 3;
    for (uint32_t i = 0; i < count; ++i) {
        config[i].scope = CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_SCOPE_PROCESS_SINGLE_DEVICE;
        config[i].kind = counted[i];
        config[i].enable = 1;
    }
    const CUptiResult result = g_cupti.configureUnifiedMemory(config, count);
    const CUptiResult enabled = result == CUPTI_SUCCESS
                                    ? g_cupti.enable(CUPTI_ACTIVITY_KIND_UNIFIED_MEMORY_COUNTER)
                                    : result;
    const bool cannot = enabled == CUPTI_ERROR_UM_PROFILING_NOT_SUPPORTED ||
                        enabled == CUPTI_ERROR_UM_PROFILING_NOT_SUPPORTED_ON_DEVICE ||
                        enabled == CUPTI_ERROR_UM_PROFILING_NOT_SUPPORTED_ON_NON_P2P_DEVICES;
    if (enabled != CUPTI_SUCCESS && (faults || !cannot)) tellRefused("unified memory", enabled);
}

// Where every kernel is replayed for its counters, times would be those of the replay.
constexpr Kind kBesideCounters[] = {{CUPTI_ACTIVITY_KIND_DEVICE, "devices", 0, 0},
                                    {CUPTI_ACTIVITY_KIND_CONTEXT, "contexts", 0, 0}};

void enableKinds() {
    const uint32_t options = sessionControl()->cudaOptions;
    if ((options & kCudaKernelCounters) != 0) {
        for (const Kind& kind : kBesideCounters)
            if (const CUptiResult result = g_cupti.enable(kind.kind); result != CUPTI_SUCCESS)
                tellRefused(kind.name, result);
        return;
    }
    for (const Kind& kind : kKinds) {
        if ((options & kind.unless) != 0 || (options & kind.only) != kind.only) continue;
        const CUptiResult result = g_cupti.enable(kind.kind);
        if (result != CUPTI_SUCCESS) tellRefused(kind.name, result);
    }
    enableUnifiedMemory(options);
}

// Inside of a callback: only what takes none of our locks for long.
void flushInCallback() {
    if (pthread_mutex_trylock(&g_flushLock) != 0) return;
    g_cupti.flushAll(0);
    pthread_mutex_unlock(&g_flushLock);
}

void start() {
    if (!sessionOpen() || sessionControl()->traceCuda == 0 || over()) return;
    if (__atomic_exchange_n(&g_started, 1, __ATOMIC_ACQ_REL) != 0) return;
    if (!loadCupti(sessionControl()->cuptiPath, g_cupti)) {
        say(2, "CUDA is not recorded: no usable libcupti was found (install it or give its path)");
        return;
    }
    char version[24];
    if (g_cupti.getVersion(&g_version) != CUPTI_SUCCESS) g_version = 0;
    Text(version, sizeof version).add(uint64_t{g_version});
    if (g_version < kOldestCupti) {
        say(2, "CUDA is not recorded: this CUPTI is older than CUDA 12.0's, API version ", version);
        return;
    }
    say(1, "CUPTI API version ", version);
    g_owner = raw::getpid();
    if (g_cupti.setThreadIdType != nullptr)
        g_cupti.setThreadIdType(CUPTI_ACTIVITY_THREAD_ID_TYPE_SYSTEM);
    prepareBuffers();
    const CUptiResult registered = g_cupti.registerCallbacks(onBufferRequested, onBufferCompleted);
    if (registered != CUPTI_SUCCESS) {
        const char* why = "unknown error";
        g_cupti.resultString(registered, &why);
        say(3, "CUDA is not recorded: CUPTI refuses its buffers: ", why);
        return;
    }
    forEachGuard(g_version, [](const char* text) { say(2, text); });
    subscribeCallbacks(g_cupti, flushInCallback);
    enableKinds();
    silenceNoise();
    atexit(atProgramExit);
    pthread_t thread;
    const raw::SignalShield inherited;  // the helper never runs a handler of the program's
    if (pthread_create(&thread, nullptr, flusher, nullptr) == 0) pthread_detach(thread);
}

int isDriver(dl_phdr_info* info, size_t, void*) {
    const char* name = strrchr(info->dlpi_name, '/');
    return strncmp(name != nullptr ? name + 1 : info->dlpi_name, "libcuda.so", 10) == 0 ? 1 : 0;
}

}  // namespace

void nameCudaObject(CudaObject kind, uint64_t handle, const char* text) {
    Ring* ring = enterAlways();
    if (ring == nullptr) return;
    {
        CudaName record{};
        record.header = recordHeader(RecordType::kCudaName, sizeof record, intern(ring, text));
        record.kind = kind;
        record.handle = handle;
        const auto context = reinterpret_cast<CUcontext>(static_cast<uintptr_t>(handle));
        const auto stream = reinterpret_cast<CUstream>(static_cast<uintptr_t>(handle));
        if (kind == CudaObject::kDevice) record.deviceId = static_cast<uint32_t>(handle);
        if (kind == CudaObject::kContext && g_cupti.contextId != nullptr)
            g_cupti.contextId(context, &record.contextId);
        if (kind == CudaObject::kStream && g_cupti.streamId != nullptr)
            g_cupti.streamId(nullptr, stream, 0, &record.streamId);
        emit(ring, record);
    }
    leaveAlways();
}

void startCuptiIfDriverLoaded() {
    if (sessionControl()->traceCuda == 0 || __atomic_load_n(&g_started, __ATOMIC_ACQUIRE) != 0)
        return;
    // Asked first: for a library that is not there dlopen looks through all folders, while the
    // program waits for us.
    if (dl_iterate_phdr(isDriver, nullptr) == 0) return;
    void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (driver == nullptr) return;  // the driver itself calls InitializeInjection when it comes
    auto* getCurrent = reinterpret_cast<int (*)(void**)>(dlsym(driver, "cuCtxGetCurrent"));
    void* context = nullptr;
    const int result = getCurrent != nullptr ? getCurrent(&context) : -1;
    // cuInit is not called for the program: it would take CUDA away from children that it forks.
    if (result == 0) start();
    if (result != 0 && result != kNotInitialized &&
        __atomic_exchange_n(&g_started, 1, __ATOMIC_ACQ_REL) == 0) {
        char number[24];
        Text(number, sizeof number).add(static_cast<uint64_t>(static_cast<uint32_t>(result)));
        say(2, "CUDA is not recorded: the driver answers with error ", number);
    }
    dlclose(driver);
}

}  // namespace ridge::agent

// CUDA_INJECTION64_PATH: the driver calls this during cuInit.
extern "C" __attribute__((visibility("default"))) int InitializeInjection(void) {
    ridge::agent::start();
    return 1;
}
