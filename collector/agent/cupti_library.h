// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// CUPTI's entry points as found at run time; types from the headers, nothing linked.

#include <cupti.h>

namespace ridge::agent {

struct CuptiLibrary {
    decltype(&cuptiGetVersion) getVersion;
    decltype(&cuptiActivityRegisterCallbacks) registerCallbacks;
    decltype(&cuptiActivityEnable) enable;
    decltype(&cuptiActivityFlushAll) flushAll;
    decltype(&cuptiActivityGetNextRecord) nextRecord;
    decltype(&cuptiActivityGetNumDroppedRecords) numDropped;
    decltype(&cuptiActivitySetAttribute) setAttribute;
    decltype(&cuptiGetTimestamp) timestamp;
    decltype(&cuptiGetCallbackName) callbackName;
    decltype(&cuptiGetResultString) resultString;
    // May be missing.
    decltype(&cuptiSetThreadIdType) setThreadIdType;
    decltype(&cuptiActivityEnableRuntimeApi) enableRuntimeApi;
    decltype(&cuptiActivityEnableDriverApi) enableDriverApi;
    decltype(&cuptiSubscribe) subscribe;
    decltype(&cuptiEnableCallback) enableCallback;
    decltype(&cuptiSubscribe_v2) subscribe2;
    decltype(&cuptiGetGraphNodeId) graphNodeId;
    decltype(&cuptiGetGraphId) graphId;
    decltype(&cuptiGetContextId) contextId;
    decltype(&cuptiGetDeviceId) deviceId;
    decltype(&cuptiGetStreamIdEx) streamId;
    decltype(&cuptiActivityConfigureUnifiedMemoryCounter) configureUnifiedMemory;
};

// The process's own copy first, then configuredPath (may be empty), then the usual names.
bool loadCupti(const char* configuredPath, CuptiLibrary& library);

}  // namespace ridge::agent
