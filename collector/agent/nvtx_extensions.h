// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// NVTX's counters extension (module 4) and memory extension (module 1). Their headers came later
// than the payload extension's and are not in every toolkit, so what is used of their ABI is
// declared here: NVTX 3.2, compatibility ids 0x0102. Any thread. Nothing is kept for a memory
// region: its handle is its number. A counter is one 24-byte record per sample and number.

#include "collector/agent/payloads.h"

namespace ridge::agent {

inline constexpr uint16_t kMemoryModule = 1;
inline constexpr uint16_t kCountersModule = 4;

struct NvtxCounterAttributes {
    size_t structSize;
    uint64_t schemaId;
    const char* name;
    const char* description;
    uint64_t scopeId;
    const nvtxSemanticsHeader_t* semantics;
    uint64_t counterId;
};
struct NvtxCounterBatch {
    uint64_t counterId;
    const void* counters;
    size_t countersSize;
    uint64_t flags;
    const int64_t* timestamps;
    size_t timestampsSize;
};
struct NvtxCounterSemantics {
    nvtxSemanticsHeader_t header;  // id 5
    uint64_t flags;
    const char* unit;
    uint64_t unitScaleNumerator;
    uint64_t unitScaleDenominator;
    int64_t limitType;
    uint64_t minimum, maximum;
};
struct NvtxTimeSemantics {
    nvtxSemanticsHeader_t header;  // id 2
    uint64_t timeDomainId;
};

struct NvtxMemoryRange {
    size_t size;
    const void* pointer;
};
struct NvtxHeapDescription {
    uint16_t extCompatId, structSize;
    uint32_t reserved0, usage, type;
    size_t typeSpecificDescSize;
    const void* typeSpecificDesc;
    uint32_t category, messageType;
    nvtxMessageValue_t message;
};
struct NvtxRegionsRegister {
    uint16_t extCompatId, structSize;
    uint32_t regionType;
    uintptr_t heap;
    size_t regionCount, regionDescElementSize;
    const void* regionDescElements;
    uintptr_t* regionHandleElementsOut;
};
struct NvtxRegionsResize {
    uint16_t extCompatId, structSize;
    uint32_t regionType;
    size_t regionDescCount, regionDescElementSize;
    const void* regionDescElements;
};
struct NvtxRegionsUnregister {
    uint16_t extCompatId, structSize;
    uint32_t refType;
    size_t refCount, refElementSize;
    const void* refElements;
};
struct NvtxRegionName {
    uint32_t regionRefType, nameType;
    uintptr_t region;
    nvtxMessageValue_t name;
    uint32_t category, reserved0;
};
struct NvtxRegionsName {
    uint16_t extCompatId, structSize;
    uint32_t reserved0;
    size_t regionCount, regionElementSize;
    const void* regionElements;
    size_t reserved1;
};

void fillCounters(intptr_t* slots, size_t count);
void fillMemory(intptr_t* slots, size_t count);
// In a forked child, the counters that were registered before.
void announceCounters(Ring* ring);

// Unit and scale out of a list of semantics; null and 1 where it says none.
struct CounterUnit {
    const NameEntry* unit;
    double scale;
};
CounterUnit counterUnit(Ring* ring, const nvtxSemanticsHeader_t* semantics);
// 0: the tool's own clock.
uint64_t timeDomain(const nvtxSemanticsHeader_t* semantics);

}  // namespace ridge::agent
