// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/cupti_callbacks.h"

#include "collector/agent/capture.h"
#include "collector/agent/cupti_profiler.h"
#include "collector/agent/diagnose.h"
#include "collector/agent/names.h"
#include "collector/agent/process.h"
#include "schemas/spool/cuda_records.h"

namespace ridge::agent {

using namespace spool;

namespace {

CuptiLibrary g_library = {};
void (*g_flushNow)() = nullptr;

// Names of CUgraphNodeType, in its order.
const char* nodeType(uint32_t type) {
    static const char* const kTypes[] = {"kernel",
                                         "memcpy",
                                         "memset",
                                         "host",
                                         "graph",
                                         "empty",
                                         "wait event",
                                         "event record",
                                         "semaphores signal",
                                         "semaphores wait",
                                         "memory allocation",
                                         "memory free",
                                         "batch memory operation",
                                         "conditional"};
    return type < sizeof kTypes / sizeof *kTypes ? kTypes[type] : "node";
}

uint64_t nodeId(CUgraphNode node) {
    uint64_t id = 0;
    return node != nullptr && g_library.graphNodeId(node, &id) == CUPTI_SUCCESS ? id : 0;
}
uint32_t graphId(CUgraph graph) {
    uint32_t id = 0;
    return graph != nullptr && g_library.graphId(graph, &id) == CUPTI_SUCCESS ? id : 0;
}

void onGraphNode(const CUpti_ResourceData& resource, bool clone) {
    const auto* data = static_cast<const CUpti_GraphData*>(resource.resourceDescriptor);
    if (data == nullptr) return;
    GraphNode record{};
    record.nodeId = nodeId(data->node);
    if (record.nodeId == 0) return;
    record.originalNodeId = clone ? nodeId(data->originalNode) : 0;
    record.graphId = graphId(data->graph);
    record.originalGraphId = clone ? graphId(data->originalGraph) : 0;
    Ring* ring = enterAlways();
    if (ring == nullptr) return;
    record.header = recordHeader(RecordType::kGraphNode, sizeof record,
                                 intern(ring, nodeType(static_cast<uint32_t>(data->nodeType))));
    record.time = now();
    emit(ring, record);
    leaveAlways();
}

// CUPTI works in the background: without these, an error would be seen at the next call, or never.
void onState(CUpti_CallbackId id, const CUpti_StateData& state) {
    const char* what = state.notification.message;
    if (what == nullptr &&
        g_library.resultString(state.notification.result, &what) != CUPTI_SUCCESS)
        what = "no more is known";
    switch (id) {
        case CUPTI_CBID_STATE_FATAL_ERROR:
            return say(3, "CUPTI stopped recording: ", what);
        case CUPTI_CBID_STATE_ERROR:
            return say(3, "CUPTI reports an error: ", what);
        default:
            return say(2, "CUPTI warns: ", what);
    }
}

bool isLaunch(CUpti_CallbackDomain domain, CUpti_CallbackId id) {
    return domain == CUPTI_CB_DOMAIN_DRIVER_API &&
           (id == CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel ||
            id == CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel_ptsz ||
            id == CUPTI_DRIVER_TRACE_CBID_cuLaunchKernelEx ||
            id == CUPTI_DRIVER_TRACE_CBID_cuLaunchKernelEx_ptsz ||
            id == CUPTI_DRIVER_TRACE_CBID_cuLaunchCooperativeKernel ||
            id == CUPTI_DRIVER_TRACE_CBID_cuLaunchCooperativeKernel_ptsz);
}

void onContext(const CUpti_ResourceData& resource) {
    uint32_t context = 0;
    uint32_t device = 0;
    if (g_library.contextId == nullptr || g_library.deviceId == nullptr ||
        g_library.contextId(resource.context, &context) != CUPTI_SUCCESS ||
        g_library.deviceId(resource.context, &device) != CUPTI_SUCCESS)
        return;
    kernelCountersForContext(resource.context, context, device);
}

bool isProfilerCall(CUpti_CallbackDomain domain, CUpti_CallbackId id, bool& starts) {
    const bool runtime = domain == CUPTI_CB_DOMAIN_RUNTIME_API;
    const CUpti_CallbackId start =
        runtime ? CUpti_CallbackId{CUPTI_RUNTIME_TRACE_CBID_cudaProfilerStart_v4000}
                : CUpti_CallbackId{CUPTI_DRIVER_TRACE_CBID_cuProfilerStart};
    const CUpti_CallbackId stop =
        runtime ? CUpti_CallbackId{CUPTI_RUNTIME_TRACE_CBID_cudaProfilerStop_v4000}
                : CUpti_CallbackId{CUPTI_DRIVER_TRACE_CBID_cuProfilerStop};
    starts = id == start;
    return starts || id == stop;
}

void onCall(CUpti_CallbackDomain domain, CUpti_CallbackId id, const CUpti_CallbackData& call) {
    if (call.callbackSite != CUPTI_API_ENTER) return;
    if (isLaunch(domain, id))
        return kernelCountersBeforeLaunch(call.context, call.contextUid, call.correlationId,
                                          call.symbolName);
    bool starts = false;
    const bool profiler = isProfilerCall(domain, id, starts);
    // Before a reset, or what the program thinks is the end of its profile.
    if (!starts && g_flushNow != nullptr) g_flushNow();
    if (profiler) profilerCalled(starts);
}

void CUPTIAPI onCallback(void*, CUpti_CallbackDomain domain, CUpti_CallbackId id,
                         const void* data) {
    if (data == nullptr) return;
    switch (domain) {
        case CUPTI_CB_DOMAIN_RUNTIME_API:
        case CUPTI_CB_DOMAIN_DRIVER_API:
            return onCall(domain, id, *static_cast<const CUpti_CallbackData*>(data));
        case CUPTI_CB_DOMAIN_RESOURCE:
            if (id == CUPTI_CBID_RESOURCE_CONTEXT_CREATED)
                return onContext(*static_cast<const CUpti_ResourceData*>(data));
            return onGraphNode(*static_cast<const CUpti_ResourceData*>(data),
                               id == CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED);
        case CUPTI_CB_DOMAIN_STATE:
            return onState(id, *static_cast<const CUpti_StateData*>(data));
        default:
            return;
    }
}

// The one place in the process for a subscriber may be taken: by whom, newer versions tell.
CUptiResult subscribe(CUpti_SubscriberHandle& subscriber, char (&holder)[128]) {
    holder[0] = 0;
    if (g_library.subscribe2 == nullptr)
        return g_library.subscribe != nullptr
                   ? g_library.subscribe(&subscriber, onCallback, nullptr)
                   : CUPTI_ERROR_NOT_COMPATIBLE;
    CUpti_SubscriberParams params{};
    params.structSize = CUpti_SubscriberParams_STRUCT_SIZE;
    params.subscriberName = "ridge";
    params.oldSubscriberName = holder;
    params.oldSubscriberSize = sizeof holder - 1;
    const CUptiResult result = g_library.subscribe2(&subscriber, onCallback, nullptr, &params);
    holder[sizeof holder - 1] = 0;
    return result;
}

struct Wanted {
    CUpti_CallbackDomain domain;
    CUpti_CallbackId id;
    bool graph;
    bool counters = false;  // only where kernels are counted
};
constexpr Wanted kWanted[] = {
    {CUPTI_CB_DOMAIN_RUNTIME_API, CUPTI_RUNTIME_TRACE_CBID_cudaProfilerStart_v4000, false},
    {CUPTI_CB_DOMAIN_RUNTIME_API, CUPTI_RUNTIME_TRACE_CBID_cudaProfilerStop_v4000, false},
    {CUPTI_CB_DOMAIN_RUNTIME_API, CUPTI_RUNTIME_TRACE_CBID_cudaDeviceReset_v3020, false},
    {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuProfilerStart, false},
    {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuProfilerStop, false},
    {CUPTI_CB_DOMAIN_RESOURCE, CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED, true},
    {CUPTI_CB_DOMAIN_RESOURCE, CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED, true},
    {CUPTI_CB_DOMAIN_RESOURCE, CUPTI_CBID_RESOURCE_CONTEXT_CREATED, false, true},
    {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel, false, true},
    {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel_ptsz, false, true},
    {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuLaunchKernelEx, false, true},
    {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuLaunchKernelEx_ptsz, false, true},
    {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuLaunchCooperativeKernel, false, true},
    {CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_DRIVER_TRACE_CBID_cuLaunchCooperativeKernel_ptsz, false,
     true},
    {CUPTI_CB_DOMAIN_STATE, CUPTI_CBID_STATE_FATAL_ERROR, false},
    {CUPTI_CB_DOMAIN_STATE, CUPTI_CBID_STATE_ERROR, false},
    {CUPTI_CB_DOMAIN_STATE, CUPTI_CBID_STATE_WARNING, false},
};

}  // namespace

void subscribeCallbacks(const CuptiLibrary& cupti, void (*flush)()) {
    g_library = cupti;
    g_flushNow = flush;
    const bool counters = (sessionControl()->cudaOptions & kCudaKernelCounters) != 0;
    const bool graphs = cupti.graphNodeId != nullptr && cupti.graphId != nullptr;
    CUpti_SubscriberHandle subscriber = nullptr;
    char holder[128];
    CUptiResult result = cupti.enableCallback != nullptr ? subscribe(subscriber, holder)
                                                         : CUPTI_ERROR_NOT_COMPATIBLE;
    const bool subscribed = result == CUPTI_SUCCESS;
    bool profiler = subscribed;
    for (const Wanted& wanted : kWanted) {
        if (!subscribed || (wanted.graph && !graphs) || (wanted.counters && !counters)) continue;
        const CUptiResult enabled = cupti.enableCallback(1, subscriber, wanted.domain, wanted.id);
        const bool api = wanted.domain == CUPTI_CB_DOMAIN_RUNTIME_API ||
                         wanted.domain == CUPTI_CB_DOMAIN_DRIVER_API;
        if (enabled != CUPTI_SUCCESS && api) {
            profiler = false;
            result = enabled;
        }
    }
    if (subscribed && profiler) return;
    const char* why = "unknown error";
    cupti.resultString(result, &why);
    char text[300];
    Text sentence(text, sizeof text);
    sentence.add(why);
    if (holder[0] != 0) sentence.add(", held by ").add(holder);
    if (sessionControl()->capture == Capture::kCudaProfiler)
        say(3, "cudaProfilerStart is not seen, so no recording begins: ", text);
    else
        say(2,
            "another tool holds CUPTI's callbacks; nodes of CUDA graphs and CUPTI's own errors are "
            "not recorded: ",
            text);
}

}  // namespace ridge::agent
