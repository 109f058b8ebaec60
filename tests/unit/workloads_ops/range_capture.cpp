// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "range_capture.h"

#include <mutex>
#include <utility>

namespace ridge::test {

namespace {

// Threads that copy or communicate push beside the one that captures.
std::mutex g_mutex;
std::vector<CapturedRange> g_ranges;
bool g_active = false;
thread_local int g_depth = 0;

nvtxDomainHandle_t NVTX_API onDomainCreate(const char*) {
    static int domain = 0;  // any address will do; ridge/work.h knows one domain
    return reinterpret_cast<nvtxDomainHandle_t>(&domain);
}

int NVTX_API onPush(nvtxDomainHandle_t, const nvtxEventAttributes_t* attributes) {
    const std::lock_guard lock(g_mutex);
    if (g_active) {
        CapturedRange range;
        range.name = attributes->message.ascii;
        range.depth = g_depth;
        if (attributes->payloadType == static_cast<int32_t>(NVTX_PAYLOAD_TYPE_EXT)) {
            const auto* data = reinterpret_cast<const nvtxPayloadData_t*>(
                static_cast<uintptr_t>(attributes->payload.ullValue));
            if (data->schemaId == RIDGE_WORK_SCHEMA_ID && data->size == sizeof(Work)) {
                range.hasWork = true;
                range.work = *static_cast<const Work*>(data->payload);
            }
        }
        g_ranges.push_back(std::move(range));
    }
    return g_depth++;
}

int NVTX_API onPop(nvtxDomainHandle_t) {
    return --g_depth;
}

int NVTX_API attach(NvtxGetExportTableFunc_t getExportTable) {
    const auto* callbacks =
        static_cast<const NvtxExportTableCallbacks*>(getExportTable(NVTX_ETID_CALLBACKS));
    NvtxFunctionTable table = nullptr;
    unsigned int size = 0;
    if (callbacks == nullptr ||
        callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size) == 0 ||
        size <= NVTX_CBID_CORE2_DomainCreateA)
        return 0;
    *table[NVTX_CBID_CORE2_DomainCreateA] = reinterpret_cast<NvtxFunctionPointer>(&onDomainCreate);
    *table[NVTX_CBID_CORE2_DomainRangePushEx] = reinterpret_cast<NvtxFunctionPointer>(&onPush);
    *table[NVTX_CBID_CORE2_DomainRangePop] = reinterpret_cast<NvtxFunctionPointer>(&onPop);
    return 1;
}

// NVTX attaches to the tool behind this weak symbol of its own, if set before the first NVTX call.
[[maybe_unused]] const bool g_attached = (InitializeInjectionNvtx2_fnptr = &attach) != nullptr;

}  // namespace

void startCapture() {
    const std::lock_guard lock(g_mutex);
    g_ranges.clear();
    g_active = true;
}

std::vector<CapturedRange> stopCapture() {
    const std::lock_guard lock(g_mutex);
    g_active = false;
    return std::exchange(g_ranges, {});
}

int openRanges() {
    return g_depth;
}

}  // namespace ridge::test
