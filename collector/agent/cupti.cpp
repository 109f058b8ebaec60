// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Life of CUPTI in the process: found, enabled once, flushed every half second and at exit. No
// timestamp callback is registered (zero kernel times with CUPTI 12.6 U2 to 13.0); clock samples
// are written instead.
#include "collector/agent/cupti.h"

#include "collector/agent/capture.h"
#include "collector/agent/cupti_convert.h"
#include "collector/agent/names.h"
#include "collector/agent/process.h"
#include "collector/agent/raw.h"

#include <dlfcn.h>
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

void say(uint32_t severity, const char* text, const char* detail = "") {
    Ring* ring = enterAlways();
    if (ring == nullptr) return;
    char whole[600];
    Text(whole, sizeof whole).add(text).add(detail);
    const NameEntry* name = internSlow(ring, whole, strlen(whole));
    emit(ring, Diagnostic{recordHeader(RecordType::kDiagnostic, sizeof(Diagnostic),
                                       idInThisImage(ring, name)),
                          now(), severity, 0});
    leaveAlways();
}

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
    *maxRecords = 0;
}

void CUPTIAPI onBufferCompleted(CUcontext, uint32_t, uint8_t* buffer, size_t, size_t validSize) {
    if (buffer == nullptr) return;
    Ring* ring = enterAlways();
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
        if (!over()) flush(0);
    }
}

void atProgramExit() {
    if (raw::getpid() != g_owner || __atomic_exchange_n(&g_over, 1, __ATOMIC_ACQ_REL) != 0) return;
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
    static const CUpti_CallbackId runtime[] = {CUPTI_RUNTIME_TRACE_CBID_cudaGetDevice_v3020,
                                               CUPTI_RUNTIME_TRACE_CBID_cudaSetDevice_v3020,
                                               CUPTI_RUNTIME_TRACE_CBID_cudaGetLastError_v3020,
                                               CUPTI_RUNTIME_TRACE_CBID_cudaPeekAtLastError_v3020};
    static const CUpti_CallbackId driver[] = {CUPTI_DRIVER_TRACE_CBID_cuKernelGetAttribute,
                                              CUPTI_DRIVER_TRACE_CBID_cuDevicePrimaryCtxGetState,
                                              CUPTI_DRIVER_TRACE_CBID_cuCtxGetCurrent};
    if (g_cupti.enableRuntimeApi != nullptr)
        for (const CUpti_CallbackId id : runtime) g_cupti.enableRuntimeApi(id, 0);
    if (g_cupti.enableDriverApi != nullptr)
        for (const CUpti_CallbackId id : driver) g_cupti.enableDriverApi(id, 0);
}

void enableKinds() {
    static const struct {
        CUpti_ActivityKind kind;
        const char* name;
    } kinds[] = {{CUPTI_ACTIVITY_KIND_DEVICE, "devices"},
                 {CUPTI_ACTIVITY_KIND_CONTEXT, "contexts"},
                 {CUPTI_ACTIVITY_KIND_STREAM, "streams"},
                 {CUPTI_ACTIVITY_KIND_OVERHEAD, "overhead"},
                 {CUPTI_ACTIVITY_KIND_RUNTIME, "runtime API"},
                 {CUPTI_ACTIVITY_KIND_DRIVER, "driver API"},
                 {CUPTI_ACTIVITY_KIND_SYNCHRONIZATION, "synchronization"},
                 {CUPTI_ACTIVITY_KIND_MEMCPY, "copies"},
                 {CUPTI_ACTIVITY_KIND_MEMCPY2, "copies between devices"},
                 {CUPTI_ACTIVITY_KIND_MEMSET, "sets"},
                 {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, "kernels"}};
    for (const auto& kind : kinds) {
        const CUptiResult result = g_cupti.enable(kind.kind);
        if (result == CUPTI_SUCCESS) continue;
        const char* why = "unknown error";
        g_cupti.resultString(result, &why);
        char text[200];
        Text(text, sizeof text).add("CUPTI does not record ").add(kind.name).add(": ");
        say(2, text, why);
    }
}

void CUPTIAPI onProfilerCall(void*, CUpti_CallbackDomain domain, CUpti_CallbackId id,
                             const void* data) {
    const auto* call = static_cast<const CUpti_CallbackData*>(data);
    if (call->callbackSite != CUPTI_API_ENTER) return;
    const bool runtime = domain == CUPTI_CB_DOMAIN_RUNTIME_API;
    profilerCalled(id == (runtime
                              ? CUpti_CallbackId{CUPTI_RUNTIME_TRACE_CBID_cudaProfilerStart_v4000}
                              : CUpti_CallbackId{CUPTI_DRIVER_TRACE_CBID_cuProfilerStart}));
}

// --capture-range cudaProfilerApi: the calls themselves begin and end a window.
void watchProfilerCalls() {
    if (sessionControl()->capture != Capture::kCudaProfiler) return;
    CUpti_SubscriberHandle subscriber = nullptr;
    CUptiResult result = CUPTI_ERROR_NOT_COMPATIBLE;
    if (g_cupti.subscribe != nullptr && g_cupti.enableCallback != nullptr)
        result = g_cupti.subscribe(&subscriber, onProfilerCall, nullptr);
    static const struct {
        CUpti_CallbackDomain domain;
        CUpti_CallbackId id;
    } calls[] = {{CUPTI_CB_DOMAIN_RUNTIME_API, CUPTI_RUNTIME_TRACE_CBID_cudaProfilerStart_v4000},
                 {CUPTI_CB_DOMAIN_RUNTIME_API, CUPTI_RUNTIME_TRACE_CBID_cudaProfilerStop_v4000},
                 {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuProfilerStart},
                 {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuProfilerStop}};
    for (const auto& call : calls)
        if (result == CUPTI_SUCCESS)
            result = g_cupti.enableCallback(1, subscriber, call.domain, call.id);
    if (result == CUPTI_SUCCESS) return;
    const char* why = "unknown error";
    g_cupti.resultString(result, &why);
    say(3, "cudaProfilerStart is not seen, so no recording begins: ", why);
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
    enableKinds();
    silenceNoise();
    watchProfilerCalls();
    atexit(atProgramExit);
    pthread_t thread;
    const raw::SignalShield inherited;  // the helper never runs a handler of the program's
    if (pthread_create(&thread, nullptr, flusher, nullptr) == 0) pthread_detach(thread);
}

}  // namespace

void startCuptiIfDriverLoaded() {
    if (sessionControl()->traceCuda == 0 || __atomic_load_n(&g_started, __ATOMIC_ACQUIRE) != 0)
        return;
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
