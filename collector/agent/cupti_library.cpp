// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/cupti_library.h"

#include <dlfcn.h>

namespace ridge::agent {

namespace {

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

void* openCupti(const char* configuredPath) {
    static const char* const names[] = {"libcupti.so.13", "libcupti.so.12", "libcupti.so"};
    for (const char* name : names)
        if (void* own = dlopen(name, RTLD_NOW | RTLD_NOLOAD)) return own;
    if (configuredPath[0] != 0)
        if (void* configured = dlopen(configuredPath, RTLD_NOW)) return configured;
    for (const char* name : names)
        if (void* found = dlopen(name, RTLD_NOW)) return found;
    return nullptr;
}

}  // namespace

bool loadCupti(const char* configuredPath, CuptiLibrary& cupti) {
    void* library = openCupti(configuredPath);
    if (library == nullptr) return false;
    find(library, "cuptiSetThreadIdType", cupti.setThreadIdType);
    find(library, "cuptiActivityEnableRuntimeApi", cupti.enableRuntimeApi);
    find(library, "cuptiActivityEnableDriverApi", cupti.enableDriverApi);
    find(library, "cuptiSubscribe", cupti.subscribe);
    find(library, "cuptiEnableCallback", cupti.enableCallback);
    find(library, "cuptiSubscribe_v2", cupti.subscribe2);
    find(library, "cuptiGetGraphNodeId", cupti.graphNodeId);
    find(library, "cuptiGetGraphId", cupti.graphId);
    find(library, "cuptiGetContextId", cupti.contextId);
    find(library, "cuptiGetDeviceId", cupti.deviceId);
    find(library, "cuptiGetStreamIdEx", cupti.streamId);
    find(library, "cuptiActivityConfigureUnifiedMemoryCounter", cupti.configureUnifiedMemory);
    return find(library, "cuptiGetVersion", cupti.getVersion) &&
           find(library, "cuptiActivityRegisterCallbacks", cupti.registerCallbacks) &&
           find(library, "cuptiActivityEnable", cupti.enable) &&
           find(library, "cuptiActivityFlushAll", cupti.flushAll) &&
           find(library, "cuptiActivityGetNextRecord", cupti.nextRecord) &&
           find(library, "cuptiActivityGetNumDroppedRecords", cupti.numDropped) &&
           find(library, "cuptiActivitySetAttribute", cupti.setAttribute) &&
           find(library, "cuptiGetTimestamp", cupti.timestamp) &&
           find(library, "cuptiGetCallbackName", cupti.callbackName) &&
           find(library, "cuptiGetResultString", cupti.resultString);
}

}  // namespace ridge::agent
