// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A stand-in for libcupti that needs no GPU: one buffer of made-up activity, handed over at the
// first flush, with the real structures of the installed headers.
#include <cupti.h>

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

template <class T>
void put(uint8_t*& to, const T& record) {
    std::memcpy(to, &record, sizeof record);
    to += sizeof record;
}

size_t sizeOf(CUpti_ActivityKind kind) {
    switch (kind) {
        case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
            return sizeof(CUpti_ActivityKernel10);
        case CUPTI_ACTIVITY_KIND_MEMCPY:
            return sizeof(CUpti_ActivityMemcpy6);
        case CUPTI_ACTIVITY_KIND_MEMSET:
            return sizeof(CUpti_ActivityMemset4);
        case CUPTI_ACTIVITY_KIND_RUNTIME:
            return sizeof(CUpti_ActivityAPI);
        case CUPTI_ACTIVITY_KIND_SYNCHRONIZATION:
            return sizeof(CUpti_ActivitySynchronization2);
        case CUPTI_ACTIVITY_KIND_DEVICE:
            return sizeof(CUpti_ActivityDevice5);
        case CUPTI_ACTIVITY_KIND_MARKER:
            return sizeof(CUpti_ActivityMarker2);
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
    CUpti_ActivityDevice5 device{};
    device.kind = CUPTI_ACTIVITY_KIND_DEVICE;
    device.id = 1;
    device.name = "Fake GPU";
    device.numMultiprocessors = 132;
    device.globalMemoryBandwidth = 3350000000;
    put(to, device);
    for (uint32_t i = 1; i <= 100; ++i) {
        char name[] = "_Z4fakev";  // gone after the callback
        CUpti_ActivityKernel10 kernel{};
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
    CUpti_ActivityMemcpy6 copy{};
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
    CUpti_ActivitySynchronization2 sync{};
    sync.kind = CUPTI_ACTIVITY_KIND_SYNCHRONIZATION;
    sync.type = CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE;
    sync.contextId = 2;
    put(to, sync);
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
