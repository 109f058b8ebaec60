// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// NVTX memory heaps, regions and their names -> MemoryRegion records. Of the extension's
// permissions nothing is recorded.
#include "collector/agent/capture.h"
#include "collector/agent/nvtx_events.h"
#include "collector/agent/nvtx_extensions.h"

namespace ridge::agent {

using namespace spool;

namespace {

constexpr uint32_t kVirtualAddress = 1;  // NVTX_MEM_TYPE_VIRTUAL_ADDRESS
constexpr uint32_t kByPointer = 1;       // NVTX_MEM_REGION_REF_TYPE_POINTER
uint64_t g_regions = 0;

uint64_t nextRegion() {
    return __atomic_add_fetch(&g_regions, 1, __ATOMIC_RELAXED);
}

uint32_t message(Ring* ring, uint32_t type, const nvtxMessageValue_t& value) {
    switch (type) {
        case NVTX_MESSAGE_TYPE_ASCII:
            return textId(ring, value.ascii);
        case NVTX_MESSAGE_TYPE_UNICODE:
            return textId(ring, value.unicode);
        case NVTX_MESSAGE_TYPE_REGISTERED:
            return registeredId(ring, value.registered);
        default:
            return 0;
    }
}

void put(Ring* ring, uint32_t domainId, RegionOp op, uint32_t nameId, uint64_t regionId,
         uint64_t heapId, const void* address, uint64_t bytes) {
    emit(ring,
         MemoryRegion{recordHeader(RecordType::kMemoryRegion, sizeof(MemoryRegion), nameId), now(),
                      regionId, heapId, reinterpret_cast<uintptr_t>(address), bytes, domainId, op});
}

// body(address of element i) for each of an array whose elements may be larger than we know them.
template <class Element, class Body>
void each(const void* elements, size_t count, size_t stride, Body body) {
    if (elements == nullptr || stride < sizeof(Element)) return;
    for (size_t i = 0; i < count; ++i) {
        Element element;
        memcpy(&element, static_cast<const uint8_t*>(elements) + i * stride, sizeof element);
        body(element, i);
    }
}

// Also during a pause: a region that was registered then may be looked at later.
template <class Body>
void noting(nvtxDomainHandle_t domain, Body body) {
    const uint32_t domainId = idOf(domain);
    if (wanted(domainId)) withRingAlways([&](Ring* ring) { body(ring, domainId); });
}

uintptr_t onHeapRegister(nvtxDomainHandle_t domain, const NvtxHeapDescription* heap) {
    const uint32_t domainId = idOf(domain);
    if (heap == nullptr || !wanted(domainId)) return 0;
    return withRingAlways(uintptr_t{0}, [&](Ring* ring) {
        NvtxMemoryRange range{};
        if (heap->type == kVirtualAddress && heap->typeSpecificDesc != nullptr &&
            heap->typeSpecificDescSize >= sizeof range)
            memcpy(&range, heap->typeSpecificDesc, sizeof range);
        const uint64_t id = nextRegion();
        put(ring, domainId, RegionOp::kHeap, message(ring, heap->messageType, heap->message), id, 0,
            range.pointer, range.size);
        return static_cast<uintptr_t>(id);
    });
}
void onHeapUnregister(nvtxDomainHandle_t domain, uintptr_t heap) {
    noting(domain, [&](Ring* ring, uint32_t id) {
        put(ring, id, RegionOp::kHeapGone, 0, heap, 0, nullptr, 0);
    });
}
void onHeapReset(nvtxDomainHandle_t domain, uintptr_t heap) {
    noting(domain, [&](Ring* ring, uint32_t id) {
        put(ring, id, RegionOp::kHeapReset, 0, heap, 0, nullptr, 0);
    });
}

void onRegionsRegister(nvtxDomainHandle_t domain, const NvtxRegionsRegister* batch) {
    if (batch == nullptr) return;
    noting(domain, [&](Ring* ring, uint32_t domainId) {
        if (batch->regionType != kVirtualAddress)
            return countLoss(ring, kLossUnknownRegion, batch->regionCount);
        each<NvtxMemoryRange>(
            batch->regionDescElements, batch->regionCount, batch->regionDescElementSize,
            [&](const NvtxMemoryRange& range, size_t i) {
                const uint64_t id = nextRegion();
                if (batch->regionHandleElementsOut != nullptr)
                    batch->regionHandleElementsOut[i] = static_cast<uintptr_t>(id);
                put(ring, domainId, RegionOp::kRegion, 0, id, batch->heap, range.pointer,
                    range.size);
            });
    });
}

void onRegionsResize(nvtxDomainHandle_t domain, const NvtxRegionsResize* batch) {
    if (batch == nullptr) return;
    noting(domain, [&](Ring* ring, uint32_t domainId) {
        if (batch->regionType != kVirtualAddress)
            return countLoss(ring, kLossUnknownRegion, batch->regionDescCount);
        each<NvtxMemoryRange>(
            batch->regionDescElements, batch->regionDescCount, batch->regionDescElementSize,
            [&](const NvtxMemoryRange& range, size_t) {
                put(ring, domainId, RegionOp::kRegionResized, 0, 0, 0, range.pointer, range.size);
            });
    });
}

// A region is meant by its address or by its handle.
void onRegionsUnregister(nvtxDomainHandle_t domain, const NvtxRegionsUnregister* batch) {
    if (batch == nullptr) return;
    noting(domain, [&](Ring* ring, uint32_t domainId) {
        each<uintptr_t>(batch->refElements, batch->refCount, batch->refElementSize,
                        [&](uintptr_t ref, size_t) {
                            const bool pointer = batch->refType == kByPointer;
                            put(ring, domainId, RegionOp::kRegionGone, 0, pointer ? 0 : ref, 0,
                                pointer ? reinterpret_cast<const void*>(ref) : nullptr, 0);
                        });
    });
}

void onRegionsName(nvtxDomainHandle_t domain, const NvtxRegionsName* batch) {
    if (batch == nullptr) return;
    noting(domain, [&](Ring* ring, uint32_t domainId) {
        each<NvtxRegionName>(
            batch->regionElements, batch->regionCount, batch->regionElementSize,
            [&](const NvtxRegionName& name, size_t) {
                const bool pointer = name.regionRefType == kByPointer;
                put(ring, domainId, RegionOp::kName, message(ring, name.nameType, name.name),
                    pointer ? 0 : name.region, 0,
                    pointer ? reinterpret_cast<const void*>(name.region) : nullptr, 0);
            });
    });
}

}  // namespace

void fillMemory(intptr_t* slots, size_t count) {
    const auto set = [slots, count](size_t id, auto* function) {
        if (id < count) slots[id] = reinterpret_cast<intptr_t>(function);
    };
    set(0, onHeapRegister);
    set(1, onHeapUnregister);
    set(2, onHeapReset);
    set(3, onRegionsRegister);
    set(4, onRegionsResize);
    set(5, onRegionsUnregister);
    set(6, onRegionsName);
}

}  // namespace ridge::agent
