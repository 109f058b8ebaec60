// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A stand-in for libcupti that needs no GPU: one buffer of made-up activity, handed over at the
// first flush, with the real structures of the installed headers.
#include <cupti.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <set>
#include <utility>

namespace {

CUpti_BuffersCallbackRequestFunc g_request;
CUpti_BuffersCallbackCompleteFunc g_complete;
std::set<int> g_enabled;
CUpti_CallbackFunc g_callback;
std::set<std::pair<int, uint32_t>> g_callbacks;
bool g_delivered = false;

// The structures as that version of CUPTI hands them over: those of 12.x are the shorter ones.
#if RIDGE_FAKE_CUPTI_VERSION >= 130000
using Kernel = CUpti_ActivityKernel10;
using Copy = CUpti_ActivityMemcpy6;
using Memory = CUpti_ActivityMemory4;
using Pool = CUpti_ActivityMemoryPool3;
using Unified = CUpti_ActivityUnifiedMemoryCounter3;
using Event = CUpti_ActivityCudaEvent2;
using Jit = CUpti_ActivityJit2;
using Context = CUpti_ActivityContext3;
using Overhead = CUpti_ActivityOverhead3;
using Sync = CUpti_ActivitySynchronization2;
using Device = CUpti_ActivityDevice5;
using GraphTraceRecord = CUpti_ActivityGraphTrace2;
#else
using Kernel = CUpti_ActivityKernel9;
using Copy = CUpti_ActivityMemcpy5;
using Memory = CUpti_ActivityMemory3;
using Pool = CUpti_ActivityMemoryPool2;
using Unified = CUpti_ActivityUnifiedMemoryCounter2;
using Event = CUpti_ActivityCudaEvent;
using Jit = CUpti_ActivityJit;
using Context = CUpti_ActivityContext;
using Overhead = CUpti_ActivityOverhead;
using Sync = CUpti_ActivitySynchronization;
using Device = CUpti_ActivityDevice4;
using GraphTraceRecord = CUpti_ActivityGraphTrace;
#endif

template <class T>
void put(uint8_t*& to, const T& record) {
    std::memcpy(to, &record, sizeof record);
    to += sizeof record;
}

size_t sizeOf(CUpti_ActivityKind kind) {
    switch (kind) {
        case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
            return sizeof(Kernel);
        case CUPTI_ACTIVITY_KIND_MEMCPY:
            return sizeof(Copy);
        case CUPTI_ACTIVITY_KIND_MEMSET:
            return sizeof(CUpti_ActivityMemset4);
        case CUPTI_ACTIVITY_KIND_RUNTIME:
            return sizeof(CUpti_ActivityAPI);
        case CUPTI_ACTIVITY_KIND_SYNCHRONIZATION:
            return sizeof(Sync);
        case CUPTI_ACTIVITY_KIND_DEVICE:
            return sizeof(Device);
        case CUPTI_ACTIVITY_KIND_MARKER:
            return sizeof(CUpti_ActivityMarker2);
        case CUPTI_ACTIVITY_KIND_MEMORY2:
            return sizeof(Memory);
        case CUPTI_ACTIVITY_KIND_MEMORY_POOL:
            return sizeof(Pool);
        case CUPTI_ACTIVITY_KIND_UNIFIED_MEMORY_COUNTER:
            return sizeof(Unified);
        case CUPTI_ACTIVITY_KIND_CUDA_EVENT:
            return sizeof(Event);
        case CUPTI_ACTIVITY_KIND_JIT:
            return sizeof(Jit);
        case CUPTI_ACTIVITY_KIND_CONTEXT:
            return sizeof(Context);
        case CUPTI_ACTIVITY_KIND_OVERHEAD:
            return sizeof(Overhead);
        case CUPTI_ACTIVITY_KIND_NAME:
            return sizeof(CUpti_ActivityName);
        case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION:
            return sizeof(CUpti_ActivityExternalCorrelation);
        case CUPTI_ACTIVITY_KIND_GRAPH_TRACE:
            return sizeof(GraphTraceRecord);
        default:
            return 0;
    }
}

void deliver() {
    uint8_t* buffer = nullptr;
    size_t size = 0, most = 0;
    g_request(&buffer, &size, &most);
    for (size_t i = 0; i < size; ++i)
        if (buffer[i] != 0) __builtin_trap();  // we were promised zeroed memory
    uint8_t* to = buffer;
    Device device{};
    device.kind = CUPTI_ACTIVITY_KIND_DEVICE;
    device.id = 1;
    device.name = "Fake GPU";
    device.numMultiprocessors = 132;
    device.globalMemoryBandwidth = 3350000000;
    put(to, device);
    for (uint32_t i = 1; i <= 100; ++i) {
        char name[] = "_Z4fakev";  // gone after the callback
        Kernel kernel{};
        kernel.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
        kernel.start = 1000 * i;
        kernel.end = 1000 * i + 500;
        kernel.name = std::strcmp(name, "_Z4fakev") == 0 ? "_Z4fakev" : "";
        kernel.correlationId = i;
        kernel.gridX = 7;
        kernel.blockX = 256;
        kernel.streamId = 13;
        kernel.deviceId = 1;
        put(to, kernel);
        CUpti_ActivityAPI api{};
        api.kind = CUPTI_ACTIVITY_KIND_RUNTIME;
        api.cbid = 211;
        api.start = 1000 * i - 900;
        api.end = 1000 * i - 800;
        api.correlationId = i;
        api.threadId = 4242;
        put(to, api);
    }
    Copy copy{};
    copy.kind = CUPTI_ACTIVITY_KIND_MEMCPY;
    copy.bytes = 4096;
    copy.copyKind = 1;
    copy.correlationId = 500;
    put(to, copy);
    CUpti_ActivityMemset4 set{};
    set.kind = CUPTI_ACTIVITY_KIND_MEMSET;
    set.bytes = 64;
    set.value = 9;
    put(to, set);
    Sync sync{};
    sync.kind = CUPTI_ACTIVITY_KIND_SYNCHRONIZATION;
    sync.type = CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE;
    sync.contextId = 2;
    put(to, sync);
    Memory memory{};
    memory.kind = CUPTI_ACTIVITY_KIND_MEMORY2;
    memory.memoryOperationType = CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_ALLOCATION;
    memory.memoryKind = CUPTI_ACTIVITY_MEMORY_KIND_DEVICE;
    memory.correlationId = 600;
    memory.address = 0x700000;
    memory.bytes = 1 << 20;
    memory.timestamp = 5000;
    memory.deviceId = 1;
    memory.contextId = 2;
    memory.streamId = 13;
    memory.memoryPoolConfig.memoryPoolType = CUPTI_ACTIVITY_MEMORY_POOL_TYPE_LOCAL;
    memory.memoryPoolConfig.address = 0x600000;
    memory.memoryPoolConfig.releaseThreshold = 77;
    memory.memoryPoolConfig.pool.size = 1 << 25;
    memory.memoryPoolConfig.utilizedSize = 1 << 21;
    put(to, memory);
    memory.memoryOperationType = CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_RELEASE;
    memory.memoryPoolConfig = {};
    memory.timestamp = 9000;
    memory.name = "aVariable";
    put(to, memory);
    Pool pool{};
    pool.kind = CUPTI_ACTIVITY_KIND_MEMORY_POOL;
    pool.memoryPoolOperationType = CUPTI_ACTIVITY_MEMORY_POOL_OPERATION_TYPE_TRIMMED;
    pool.memoryPoolType = CUPTI_ACTIVITY_MEMORY_POOL_TYPE_LOCAL;
    pool.minBytesToKeep = 11;
    pool.address = 0x600000;
    pool.size = 12;
    pool.releaseThreshold = 13;
    pool.utilizedSize = 14;
    pool.timestamp = 6000;
    put(to, pool);
    Unified unified{};
    unified.kind = CUPTI_ACTIVITY_KIND_UNIFIED_MEMORY_COUNTER;
    unified.counterKind = CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_BYTES_TRANSFER_HTOD;
    unified.value = 65536;
    unified.start = 7000;
    unified.end = 7100;
    unified.address = 0x800000;
    unified.srcId = 0xFFFFFFFF;
    unified.dstId = 1;
    unified.flags = 2;
    put(to, unified);
    unified.counterKind = CUPTI_ACTIVITY_UNIFIED_MEMORY_COUNTER_KIND_GPU_PAGE_FAULT;
    unified.srcId = 1;
    unified.value = 3;
    unified.flags = 1;
    put(to, unified);
    Event event{};
    event.kind = CUPTI_ACTIVITY_KIND_CUDA_EVENT;
    event.correlationId = 601;
    event.contextId = 2;
    event.streamId = 13;
    event.eventId = 4;
#if RIDGE_FAKE_CUPTI_VERSION >= 130000
    event.deviceId = 1;
    event.cudaEventSyncId = 99;
#endif
    put(to, event);
    Jit jit{};
    jit.kind = CUPTI_ACTIVITY_KIND_JIT;
    jit.jitEntryType = CUPTI_ACTIVITY_JIT_ENTRY_PTX_TO_CUBIN;
    jit.jitOperationType = CUPTI_ACTIVITY_JIT_OPERATION_COMPILE;
    jit.deviceId = 1;
    jit.start = 1;
    jit.end = 2000;
    jit.cacheSize = 4321;
    jit.cachePath = "/cache";
#if RIDGE_FAKE_CUPTI_VERSION >= 130000
    jit.threadId = 4242;
#endif
    put(to, jit);
    Context context{};
    context.kind = CUPTI_ACTIVITY_KIND_CONTEXT;
    context.contextId = 2;
    context.deviceId = 1;
    context.nullStreamId = 7;
#if RIDGE_FAKE_CUPTI_VERSION >= 130000
    context.parentContextId = 1;
    context.isGreenContext = 1;
    context.numMultiprocessors = 66;
#endif
    put(to, context);
    Overhead overhead{};
    overhead.kind = CUPTI_ACTIVITY_KIND_OVERHEAD;
    overhead.overheadKind = CUPTI_ACTIVITY_OVERHEAD_LAZY_FUNCTION_LOADING;
    overhead.objectKind = CUPTI_ACTIVITY_OBJECT_THREAD;
    overhead.objectId.pt.threadId = 4242;
    overhead.start = 10;
    overhead.end = 20;
    put(to, overhead);
    CUpti_ActivityName named{};
    named.kind = CUPTI_ACTIVITY_KIND_NAME;
    named.objectKind = CUPTI_ACTIVITY_OBJECT_STREAM;
    named.objectId.dcs = {1, 2, 13};
    named.name = "compute stream";
    put(to, named);
    CUpti_ActivityExternalCorrelation external{};
    external.kind = CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION;
    external.externalKind = CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0;
    external.externalId = 123456789012;
    external.correlationId = 42;
    put(to, external);
    GraphTraceRecord graph{};
    graph.kind = CUPTI_ACTIVITY_KIND_GRAPH_TRACE;
    graph.correlationId = 43;
    graph.start = 3000;
    graph.end = 4000;
    graph.deviceId = 1;
    graph.graphId = 5;
    graph.contextId = 2;
    graph.streamId = 13;
    put(to, graph);
    CUpti_ActivityMarker2 unknown{};
    unknown.kind = CUPTI_ACTIVITY_KIND_MARKER;
    put(to, unknown);
    g_complete(nullptr, 0, buffer, size, static_cast<size_t>(to - buffer));
}

}  // namespace

#define FAKE extern "C" __attribute__((visibility("default"))) CUptiResult

FAKE cuptiGetVersion(uint32_t* version) {
    *version = RIDGE_FAKE_CUPTI_VERSION;
    return CUPTI_SUCCESS;
}
// What a program's own calls of cudaProfilerStart and Stop would lead to.
FAKE cuptiSubscribe(CUpti_SubscriberHandle* subscriber, CUpti_CallbackFunc callback, void*) {
    g_callback = callback;
    *subscriber = nullptr;
    return CUPTI_SUCCESS;
}
FAKE cuptiEnableCallback(uint32_t, CUpti_SubscriberHandle, CUpti_CallbackDomain domain,
                         CUpti_CallbackId id) {
    g_callbacks.insert({domain, id});
    return CUPTI_SUCCESS;
}
#if RIDGE_FAKE_CUPTI_VERSION >= 130000
FAKE cuptiSubscribe_v2(CUpti_SubscriberHandle* subscriber, CUpti_CallbackFunc callback, void*, CUpti_SubscriberParams* params) {
    if (std::getenv("RIDGE_FAKE_HOLDER") != nullptr) {
        std::snprintf(params->oldSubscriberName, params->oldSubscriberSize, "%s", std::getenv("RIDGE_FAKE_HOLDER"));
        return CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED;
    }
    return cuptiSubscribe(subscriber, callback, nullptr);
}
#endif
FAKE cuptiGetGraphNodeId(CUgraphNode node, uint64_t* id) {
    *id = reinterpret_cast<uintptr_t>(node);
    return CUPTI_SUCCESS;
}
FAKE cuptiGetGraphId(CUgraph graph, uint32_t* id) {
    *id = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(graph));
    return CUPTI_SUCCESS;
}
FAKE cuptiActivityConfigureUnifiedMemoryCounter(CUpti_ActivityUnifiedMemoryCounterConfig*, uint32_t) {
    return CUPTI_SUCCESS;
}
// A graph node that was made, and one that was cloned from it; an error in CUPTI's background.
extern "C" __attribute__((visibility("default"))) void fakeGraphAndError() {
    CUpti_GraphData data{};
    data.node = reinterpret_cast<CUgraphNode>(uintptr_t{0x500000001});
    data.graph = reinterpret_cast<CUgraph>(uintptr_t{5});
    data.nodeType = CU_GRAPH_NODE_TYPE_MEMSET;
    CUpti_ResourceData resource{};
    resource.resourceDescriptor = &data;
    const auto call = [](CUpti_CallbackDomain domain, uint32_t id, const void* what) {
        if (g_callbacks.count({domain, id}) != 0) g_callback(nullptr, domain, id, what);
    };
    call(CUPTI_CB_DOMAIN_RESOURCE, CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED, &resource);
    data.originalNode = data.node;
    data.originalGraph = data.graph;
    data.node = reinterpret_cast<CUgraphNode>(uintptr_t{0x600000001});
    data.graph = reinterpret_cast<CUgraph>(uintptr_t{6});
    call(CUPTI_CB_DOMAIN_RESOURCE, CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED, &resource);
    CUpti_StateData state{};
    state.notification.result = CUPTI_ERROR_OUT_OF_MEMORY;
    state.notification.message = "the pool ran dry";
    call(CUPTI_CB_DOMAIN_STATE, CUPTI_CBID_STATE_ERROR, &state);
}
extern "C" __attribute__((visibility("default"))) void fakeRuntimeCall(uint32_t id) {
    if (g_callbacks.count({CUPTI_CB_DOMAIN_RUNTIME_API, id}) == 0) return;
    CUpti_CallbackData data{};
    for (const auto site : {CUPTI_API_ENTER, CUPTI_API_EXIT}) {
        data.callbackSite = site;
        g_callback(nullptr, CUPTI_CB_DOMAIN_RUNTIME_API, id, &data);
    }
}
FAKE cuptiActivityRegisterCallbacks(CUpti_BuffersCallbackRequestFunc request,
                                    CUpti_BuffersCallbackCompleteFunc complete) {
    g_request = request;
    g_complete = complete;
    return CUPTI_SUCCESS;
}
FAKE cuptiActivityEnable(CUpti_ActivityKind kind) {
    if (kind == CUPTI_ACTIVITY_KIND_MEMCPY2) return CUPTI_ERROR_NOT_COMPATIBLE;
    g_enabled.insert(kind);
    return CUPTI_SUCCESS;
}
FAKE cuptiActivityFlushAll(uint32_t) {
    if (!g_delivered && g_enabled.count(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) != 0) {
        g_delivered = true;
        deliver();
    }
    return CUPTI_SUCCESS;
}
FAKE cuptiActivityGetNextRecord(uint8_t* buffer, size_t valid, CUpti_Activity** record) {
    uint8_t* next = buffer;
    if (*record != nullptr) next = reinterpret_cast<uint8_t*>(*record) + sizeOf((*record)->kind);
    if (next >= buffer + valid) return CUPTI_ERROR_MAX_LIMIT_REACHED;
    *record = reinterpret_cast<CUpti_Activity*>(next);
    return CUPTI_SUCCESS;
}
FAKE cuptiActivityGetNumDroppedRecords(CUcontext, uint32_t, size_t* dropped) {
    static bool told = false;
    *dropped = told ? 0 : 17;
    told = true;
    return CUPTI_SUCCESS;
}
FAKE cuptiActivitySetAttribute(CUpti_ActivityAttribute, size_t*, void*) {
    return CUPTI_SUCCESS;
}
FAKE cuptiGetTimestamp(uint64_t* time) {
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    *time = static_cast<uint64_t>(t.tv_sec) * 1000000000 + static_cast<uint64_t>(t.tv_nsec);
    return CUPTI_SUCCESS;
}
FAKE cuptiGetCallbackName(CUpti_CallbackDomain, uint32_t cbid, const char** name) {
    *name = cbid == 211 ? "cudaLaunchKernel_v7000" : nullptr;
    return CUPTI_SUCCESS;
}
FAKE cuptiGetResultString(CUptiResult, const char** text) {
    *text = "CUPTI_ERROR_NOT_COMPATIBLE";
    return CUPTI_SUCCESS;
}
