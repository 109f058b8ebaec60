// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The NVTX injection: each shared object with NVTX in it calls the two entry points for itself,
// from any thread, and gets the functions below into its tables.
#include "collector/agent/cupti.h"
#include "collector/agent/init_guard.h"
#include "collector/agent/nvtx_extensions.h"
#include "collector/agent/nvtx_fast.h"
#include "collector/agent/raw.h"

#include <stddef.h>

namespace ridge::agent {

using namespace spool;

namespace {

template <class Char>
void onMark(const Char* text) {
    if (!wanted(0)) return;
    withRing([&](Ring* ring) {
        Event event;
        event.nameId = textId(ring, text);
        mark(ring, event);
    });
}
template <class Char>
nvtxRangeId_t onStart(const Char* text) {
    if (!wanted(0)) return 0;
    const bool captures = g_watching && beforeStart(0, text);
    const nvtxRangeId_t id = withRing(nvtxRangeId_t{0}, [&](Ring* ring) {
        Event event;
        event.nameId = textId(ring, text);
        return startRange(ring, event);
    });
    if (captures) afterStart(id);
    return id;
}
template <class Char>
int onPush(const Char* text) {
    return pushText(text);
}
template <class Char>
void onDomainNameCategory(nvtxDomainHandle_t domain, uint32_t category, const Char* text) {
    withDomainAlways(0, domain, [&](Ring* ring, uint32_t domainId) {
        nameCategory(ring, domainId, category, textEntry(ring, text));
        return 0;
    });
}
template <class Char>
void onNameCategory(uint32_t category, const Char* text) {
    onDomainNameCategory(nullptr, category, text);
}
template <class Char>
void onNameThread(uint32_t tid, const Char* text) {
    withRingAlways([&](Ring* ring) {
        emit(ring, ThreadName{recordHeader(RecordType::kThreadName, sizeof(ThreadName),
                                           textId(ring, text)),
                              tid, 0});
    });
}
template <class Char>
nvtxStringHandle_t onRegisterString(nvtxDomainHandle_t, const Char* text) {
    return withRingAlways(nvtxStringHandle_t{}, [&](Ring* ring) {
        return reinterpret_cast<nvtxStringHandle_t>(const_cast<NameEntry*>(textEntry(ring, text)));
    });
}
template <class Char>
nvtxDomainHandle_t onDomainCreate(const Char* text) {
    return withRingAlways(nvtxDomainHandle_t{}, [&](Ring* ring) {
        const uint32_t id = createDomain(ring, textEntry(ring, text));
        return id != 0 ? reinterpret_cast<nvtxDomainHandle_t>(kDomainHandles + id) : nullptr;
    });
}
void onDomainDestroy(nvtxDomainHandle_t domain) {
    if (domain == nullptr) return;
    withDomainAlways(0, domain, [&](Ring* ring, uint32_t domainId) {
        destroyDomain(ring, domainId);
        return 0;
    });
}

nvtxRangeId_t onStartEx(const nvtxEventAttributes_t* a) {
    return startAttributes(0, a);
}
nvtxRangeId_t onDomainStartEx(nvtxDomainHandle_t d, const nvtxEventAttributes_t* a) {
    return startAttributes(idOf(d), a);
}
void onEnd(nvtxRangeId_t id) {
    endStarted(id);
}
void onDomainEnd(nvtxDomainHandle_t, nvtxRangeId_t id) {
    endStarted(id);
}
void onMarkEx(const nvtxEventAttributes_t* a) {
    markAttributes(0, a);
}
void onDomainMarkEx(nvtxDomainHandle_t d, const nvtxEventAttributes_t* a) {
    markAttributes(idOf(d), a);
}
void onInitialize(const void*) {}

uint64_t onSchemaRegister(nvtxDomainHandle_t domain, const nvtxPayloadSchemaAttr_t* attributes) {
    return withDomainAlways(uint64_t{0}, domain, [&](Ring* ring, uint32_t domainId) {
        return registerSchema(ring, domainId, attributes);
    });
}
uint64_t onEnumRegister(nvtxDomainHandle_t domain, const nvtxPayloadEnumAttr_t* attributes) {
    return withDomainAlways(uint64_t{0}, domain, [&](Ring* ring, uint32_t domainId) {
        return registerEnum(ring, domainId, attributes);
    });
}
void onMarkPayload(nvtxDomainHandle_t domain, const nvtxPayloadData_t* data, size_t count) {
    markPayload(idOf(domain), data, count);
}
int onPopPayload(nvtxDomainHandle_t domain, const nvtxPayloadData_t* data, size_t count) {
    return popPayload(idOf(domain), data, count);
}
nvtxRangeId_t onStartPayload(nvtxDomainHandle_t domain, const nvtxPayloadData_t* data,
                             size_t count) {
    return startPayload(idOf(domain), data, count);
}
void onEndPayload(nvtxDomainHandle_t domain, nvtxRangeId_t id, const nvtxPayloadData_t* data,
                  size_t count) {
    endPayload(idOf(domain), id, data, count);
}
uint8_t onIsEnabled(nvtxDomainHandle_t domain) {
    return wanted(idOf(domain)) ? 1 : 0;
}
int64_t onTimestamp() {
    return static_cast<int64_t>(now());
}

}  // namespace

int pushOther(uint32_t domainId, const nvtxEventAttributes_t* attributes) {
    int level = 0;
    if (__builtin_expect(tryPushAttributes(domainId, attributes, level), true)) return level;
    return pushAttributes(domainId, attributes);
}

// NVTX's default domain by its handle, or a handle that we did not give out.
int pushNotOwn(uint64_t own, const nvtxEventAttributes_t* attributes) {
    const uint32_t domainId = idOfOwn(own);
    return domainId != kNoDomain ? pushOther(domainId, attributes)
                                 : pushAttributes(domainId, attributes);
}

int pushOtherText(const char* text) {
    Idle idle;
    if (!RIDGE_RARE(!idleRing(idle))) {
        const Taken taken;
        const uint64_t open = loadOpen(idle.header);
        uint32_t name = 0;
        int level = 0;
        if (hasRoom(idle.ring, open) && cachedId(idle.ring, text, name) &&
            tryPush(idle, open, 0, name, 0, level))
            return level;
    }
    return pushText(text);
}

int pushOtherPayload(uint64_t own, const nvtxPayloadData_t* data) {
    const uint32_t domainId = idOfOwn(own);
    Idle idle;
    if (domainId != kNoDomain && !RIDGE_RARE(!idleRing(idle))) {
        const Taken taken;
        const uint64_t open = loadOpen(idle.header);
        int level = 0;
        if (hasRoom(idle.ring, open) && tryPushBlob(idle, open, domainId, 0, 0, *data, level))
            return level;
    }
    return pushPayload(domainId, data, 1);
}

// The default domain by its handle is to be had here; all else is not on top, or not ours.
int popOther(uint64_t own) {
    const uint32_t domainId = idOfOwn(own);
    int level = 0;
    if (domainId == 0 && popTop(0, level)) return level;
    return popRange(domainId);
}

namespace {

// Handles of CUDA objects are pointers, of devices numbers.
template <CudaObject kKind, class Char>
void onNameCuda(uintptr_t handle, const Char* text) {
    if (text == nullptr) return;
    if constexpr (sizeof(Char) == 1) {
        nameCudaObject(kKind, handle, text);
    } else {
        char narrow[1024];
        const size_t length = toUtf8(text, narrow, sizeof narrow - 8);
        narrow[length] = 0;
        nameCudaObject(kKind, handle, narrow);
    }
}
template <class Char>
void onNameDevice(int device, const Char* text) {
    onNameCuda<CudaObject::kDevice>(static_cast<uintptr_t>(device), text);
}

struct Slots {
    NvtxFunctionTable table;
    unsigned count;
    template <class Function>
    void set(unsigned id, Function* function) const {
        if (id < count && table[id] != nullptr)
            *table[id] = reinterpret_cast<NvtxFunctionPointer>(function);
    }
};

// Both variants of a function whose text is char (A) or wchar_t (W).
#define RIDGE_SET_TEXT(module, name, function)                 \
    slots.set(NVTX_CBID_##module##_##name##A, function<char>); \
    slots.set(NVTX_CBID_##module##_##name##W, function<wchar_t>)

template <bool kFast>
void fillCore(const Slots& slots) {
    RIDGE_SET_TEXT(CORE, Mark, onMark);
    RIDGE_SET_TEXT(CORE, RangeStart, onStart);
    RIDGE_SET_TEXT(CORE, RangePush, onPush);
    RIDGE_SET_TEXT(CORE, NameCategory, onNameCategory);
    RIDGE_SET_TEXT(CORE, NameOsThread, onNameThread);
    slots.set(NVTX_CBID_CORE_MarkEx, onMarkEx);
    slots.set(NVTX_CBID_CORE_RangeStartEx, onStartEx);
    slots.set(NVTX_CBID_CORE_RangeEnd, onEnd);
    slots.set(NVTX_CBID_CORE_RangePushA, onPushA<kFast>);
    slots.set(NVTX_CBID_CORE_RangePushEx, onPushEx<kFast>);
    slots.set(NVTX_CBID_CORE_RangePop, onPop<kFast>);
}

template <bool kFast>
void fillCore2(const Slots& slots) {
    RIDGE_SET_TEXT(CORE2, DomainNameCategory, onDomainNameCategory);
    RIDGE_SET_TEXT(CORE2, DomainRegisterString, onRegisterString);
    RIDGE_SET_TEXT(CORE2, DomainCreate, onDomainCreate);
    slots.set(NVTX_CBID_CORE2_DomainMarkEx, onDomainMarkEx);
    slots.set(NVTX_CBID_CORE2_DomainRangeStartEx, onDomainStartEx);
    slots.set(NVTX_CBID_CORE2_DomainRangeEnd, onDomainEnd);
    slots.set(NVTX_CBID_CORE2_DomainRangePushEx, onDomainPushEx<kFast>);
    slots.set(NVTX_CBID_CORE2_DomainRangePop, onDomainPop<kFast>);
    slots.set(NVTX_CBID_CORE2_DomainDestroy, onDomainDestroy);
    slots.set(NVTX_CBID_CORE2_Initialize, onInitialize);
}

// The same for names of CUDA's objects.
#define RIDGE_SET_OBJECT(module, name, kind)                                           \
    slots.set(NVTX_CBID_##module##_Name##name##A, onNameCuda<CudaObject::kind, char>); \
    slots.set(NVTX_CBID_##module##_Name##name##W, onNameCuda<CudaObject::kind, wchar_t>)

void fillCuda(const Slots& slots) {
    RIDGE_SET_TEXT(CUDA, NameCuDevice, onNameDevice);
    RIDGE_SET_OBJECT(CUDA, CuContext, kContext);
    RIDGE_SET_OBJECT(CUDA, CuStream, kStream);
    RIDGE_SET_OBJECT(CUDA, CuEvent, kEvent);
}
void fillCudaRuntime(const Slots& slots) {
    RIDGE_SET_TEXT(CUDART, NameCudaDevice, onNameDevice);
    RIDGE_SET_OBJECT(CUDART, CudaStream, kStream);
    RIDGE_SET_OBJECT(CUDART, CudaEvent, kEvent);
}

template <bool kFast>
void fillPayload(intptr_t* slots, size_t count) {
    const auto set = [slots, count](size_t id, auto* function) {
        if (id < count) slots[id] = reinterpret_cast<intptr_t>(function);
    };
    set(NVTX3EXT_CBID_nvtxPayloadSchemaRegister, onSchemaRegister);
    set(NVTX3EXT_CBID_nvtxPayloadEnumRegister, onEnumRegister);
    set(NVTX3EXT_CBID_nvtxMarkPayload, onMarkPayload);
    set(NVTX3EXT_CBID_nvtxRangePushPayload, onPushPayload<kFast>);
    set(NVTX3EXT_CBID_nvtxRangePopPayload, onPopPayload);
    set(NVTX3EXT_CBID_nvtxRangeStartPayload, onStartPayload);
    set(NVTX3EXT_CBID_nvtxRangeEndPayload, onEndPayload);
    set(NVTX3EXT_CBID_nvtxDomainIsEnabled, onIsEnabled);
    set(NVTX3EXT_CBID_nvtxTimestampGet, onTimestamp);
}

}  // namespace

}  // namespace ridge::agent

#define RIDGE_EXPORT extern "C" __attribute__((visibility("default")))

namespace ridge::agent {
namespace {

// No handler of the program's runs on this thread until NVTX's tables are filled: one that emits an
// event before would wait, in NVTX's own header, for the code that it interrupted. Then such an
// event comes to us, whatever of NVTX's initialisation is still to do.
bool fillTables(NvtxGetExportTableFunc_t getExportTable) {
    const raw::SignalShield shield;
    if (!sessionOpen() || sessionControl()->traceNvtx == 0 || over()) return false;
    const auto* callbacks =
        static_cast<const NvtxExportTableCallbacks*>(getExportTable(NVTX_ETID_CALLBACKS));
    if (callbacks == nullptr || callbacks->struct_size < sizeof *callbacks) return false;
    startWatching();
    const bool fast = g_fastClock && !g_watching;
    Slots slots{};
    if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &slots.table, &slots.count) != 0)
        fast ? fillCore<true>(slots) : fillCore<false>(slots);
    if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &slots.table, &slots.count) != 0)
        fast ? fillCore2<true>(slots) : fillCore2<false>(slots);
    if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CUDA, &slots.table, &slots.count) != 0)
        fillCuda(slots);
    if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CUDART, &slots.table, &slots.count) != 0)
        fillCudaRuntime(slots);
    return true;
}

}  // namespace
}  // namespace ridge::agent

RIDGE_EXPORT int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t getExportTable) {
    using namespace ridge::agent;
    const InitGuard guard;
    if (!fillTables(getExportTable)) return 0;
    const auto* version =
        static_cast<const NvtxExportTableVersionInfo*>(getExportTable(NVTX_ETID_VERSIONINFO));
    if (version != nullptr && version->struct_size >= sizeof *version &&
        version->SetInjectionNvtxVersion != nullptr)
        version->SetInjectionNvtxVersion(NVTX_VERSION);
    startCuptiIfDriverLoaded();
    return 1;
}

RIDGE_EXPORT int InitializeInjectionNvtxExtension(nvtxExtModuleInfo_t* module) {
    using namespace ridge::agent;
    const InitGuard guard;
    const raw::SignalShield shield;
    if (!sessionOpen() || sessionControl()->traceNvtx == 0 || over()) return 0;
    if (module == nullptr) return 0;
    const bool known = module->moduleId == NVTX_EXT_PAYLOAD_MODULEID ||
                       module->moduleId == kCountersModule || module->moduleId == kMemoryModule;
    if (!known || module->segmentsCount == 0 || module->segments == nullptr ||
        module->segments[0].functionSlots == nullptr)
        return 0;
    startWatching();
    nvtxExtModuleSegment_t& segment = module->segments[0];
    if (module->moduleId == kCountersModule) {
        fillCounters(segment.functionSlots, segment.slotCount);
        return 1;
    }
    if (module->moduleId == kMemoryModule) {
        fillMemory(segment.functionSlots, segment.slotCount);
        return 1;
    }
    const auto fill = g_fastClock && !g_watching ? fillPayload<true> : fillPayload<false>;
    fill(segment.functionSlots, segment.slotCount);
    return 1;
}
