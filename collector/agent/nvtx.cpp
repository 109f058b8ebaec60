// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The NVTX injection: each shared object with NVTX in it calls the two entry points for itself,
// from any thread; handles from one may come back through another, so all state is the process's.
#include "collector/agent/cupti.h"
#include "collector/agent/fast_ranges.h"
#include "collector/agent/names.h"
#include "collector/agent/payloads.h"
#include "collector/agent/ranges.h"

#include <stddef.h>

namespace ridge::agent {

using namespace spool;

extern const AgentKind kThisAgent = AgentKind::kAgent;
extern const char* const kThisAgentName = "agent";

namespace {

// What an nvtxDomainHandle_t points to. Lives for ever; the same name gives the same domain.
struct DomainInfo {
    DomainInfo* next;
    const NameEntry* name;
    uint32_t id;
    uint32_t generation;
};
struct CategoryInfo {
    CategoryInfo* next;
    const NameEntry* name;
    uint32_t domainId;
    uint32_t category;
};

DomainInfo* g_domains = nullptr;
CategoryInfo* g_categories = nullptr;
uint32_t g_domainCount = 0;

uint32_t idOf(nvtxDomainHandle_t domain) {
    return domain != nullptr ? reinterpret_cast<const DomainInfo*>(domain)->id : 0;
}

void emitDomain(Ring* ring, DomainInfo* domain) {
    if (emit(ring, Domain{recordHeader(RecordType::kDomain, sizeof(Domain), domain->id), now(),
                          domain->name->id, 0}))
        domain->generation = imageGeneration();
}

void emitCategory(Ring* ring, const CategoryInfo& category) {
    emit(ring, Category{recordHeader(RecordType::kCategory, sizeof(Category), category.category),
                        static_cast<uint16_t>(category.domainId), 0, category.name->id});
}

nvtxDomainHandle_t createDomain(Ring* ring, const NameEntry* name) {
    if (name == nullptr) return nullptr;
    lockTables();
    DomainInfo* domain = g_domains;
    while (domain != nullptr && domain->name != name) domain = domain->next;
    if (domain == nullptr && g_domainCount < 0xFFFF) {
        domain = static_cast<DomainInfo*>(arenaAllocate(sizeof(DomainInfo)));
        if (domain != nullptr) {
            *domain = {g_domains, name, ++g_domainCount, 0};
            emitDomain(ring, domain);
            g_domains = domain;
        }
    }
    unlockTables();
    return reinterpret_cast<nvtxDomainHandle_t>(domain);
}

void nameCategory(Ring* ring, uint32_t domainId, uint32_t category, const NameEntry* name) {
    if (name == nullptr) return;
    lockTables();
    CategoryInfo* known = g_categories;
    while (known != nullptr && (known->domainId != domainId || known->category != category))
        known = known->next;
    const bool changed = known == nullptr || known->name != name;
    if (known == nullptr) {
        known = static_cast<CategoryInfo*>(arenaAllocate(sizeof(CategoryInfo)));
        if (known != nullptr) {
            *known = {g_categories, name, domainId, category};
            g_categories = known;
        }
    } else {
        known->name = name;
    }
    if (changed && known != nullptr) emitCategory(ring, *known);
    unlockTables();
}

uint32_t messageId(Ring* ring, const nvtxEventAttributes_t& attributes, uint8_t& flags) {
    switch (attributes.messageType) {
        case NVTX_MESSAGE_TYPE_ASCII:
            return intern(ring, attributes.message.ascii);
        case NVTX_MESSAGE_TYPE_REGISTERED:
            flags |= kRegisteredName;
            return idInThisImage(ring,
                                 reinterpret_cast<const NameEntry*>(attributes.message.registered));
        case NVTX_MESSAGE_TYPE_UNICODE:
            return idInThisImage(ring, internWide(ring, attributes.message.unicode));
        default:
            return 0;
    }
}

void readEvent(Ring* ring, Event& event, uint32_t domainId,
               const nvtxEventAttributes_t& attributes) {
    event.domainId = domainId;
    event.category = attributes.category;
    event.nameId = messageId(ring, attributes, event.flags);
    if (attributes.colorType == NVTX_COLOR_ARGB) {
        event.flags |= kHasColor;
        event.color = attributes.color;
    }
    if (attributes.payloadType == static_cast<int32_t>(NVTX_PAYLOAD_TYPE_EXT)) {
        addPayloads(ring, event,
                    reinterpret_cast<const nvtxPayloadData_t*>(
                        static_cast<uintptr_t>(attributes.payload.ullValue)),
                    static_cast<size_t>(attributes.reserved0 > 0 ? attributes.reserved0 : 0));
    } else if (attributes.payloadType >= NVTX_PAYLOAD_TYPE_UNSIGNED_INT64 &&
               attributes.payloadType <= NVTX_PAYLOAD_TYPE_FLOAT) {
        const bool narrow = attributes.payloadType >= NVTX_PAYLOAD_TYPE_UNSIGNED_INT32;
        event.flags |= kHasValue;
        event.valueType = static_cast<uint64_t>(attributes.payloadType);
        event.value = narrow ? attributes.payload.uiValue : attributes.payload.ullValue;
    }
}

// A structure of an older client may be shorter than ours.
const nvtxEventAttributes_t* whole(const nvtxEventAttributes_t* given,
                                   nvtxEventAttributes_t& room) {
    if (__builtin_expect(given == nullptr || given->size == 0 || given->size >= sizeof room, true))
        return given;
    memset(&room, 0, sizeof room);
    memcpy(&room, given, given->size);
    return &room;
}

__attribute__((noinline)) int pushAttributesSlow(uint32_t domainId,
                                                 const nvtxEventAttributes_t* given) {
    Ring* ring = enter();
    if (ring == nullptr) return -2;
    nvtxEventAttributes_t room;
    const nvtxEventAttributes_t* attributes = whole(given, room);
    int level = -1;
    if (attributes != nullptr) {
        Event event;
        readEvent(ring, event, domainId, *attributes);
        level = pushEvent(ring, event);
    }
    leave();
    return level;
}

// A registered or cached name, no colour, no category, and either nothing more or one payload.
RIDGE_FAST bool tryPushAttributes(uint32_t domainId, const nvtxEventAttributes_t* given,
                                  int& level) {
    Idle idle;
    if (RIDGE_RARE(!idleRing(idle) || given == nullptr)) return false;
    const Taken taken(idle.ring);
    const uint64_t open = loadOpen(idle.header);
    if (!hasRoom(idle.ring, open)) return false;
    const nvtxEventAttributes_t& a = *given;
    if (RIDGE_RARE(a.size < sizeof a || a.category != 0 || a.colorType == NVTX_COLOR_ARGB))
        return false;
    uint32_t name = 0;
    uint8_t flags = 0;
    if (a.messageType == NVTX_MESSAGE_TYPE_REGISTERED) {
        const auto* entry = reinterpret_cast<const NameEntry*>(a.message.registered);
        if (RIDGE_RARE(entry == nullptr || entry->generation != imageGeneration())) return false;
        name = entry->id;
        flags = kRegisteredName;
    } else if (a.messageType != NVTX_MESSAGE_TYPE_ASCII ||
               !cachedId(idle.ring, a.message.ascii, name)) {
        return false;
    }
    if (a.payloadType == 0) return tryPush(idle, open, domainId, name, flags, level);
    if (a.payloadType != static_cast<int32_t>(NVTX_PAYLOAD_TYPE_EXT) || a.reserved0 != 1)
        return false;
    const auto* data =
        reinterpret_cast<const nvtxPayloadData_t*>(static_cast<uintptr_t>(a.payload.ullValue));
    return tryPushBlob(idle, open, domainId, name, flags, data->schemaId, data->payload, data->size,
                       level);
}

__attribute__((noinline)) int popSlow(uint32_t domainId) {
    const uint64_t end = now();
    Ring* ring = enter();
    if (ring == nullptr) return -2;
    const int level = popEvent(ring, domainId, end, nullptr);
    leave();
    return level;
}

uint64_t startAttributes(uint32_t domainId, const nvtxEventAttributes_t* given) {
    Ring* ring = enter();
    if (ring == nullptr) return 0;
    nvtxEventAttributes_t room;
    const nvtxEventAttributes_t* attributes = whole(given, room);
    Event event;
    event.domainId = domainId;
    if (attributes != nullptr) readEvent(ring, event, domainId, *attributes);
    const uint64_t id = startRange(ring, event);
    leave();
    return id;
}

void markAttributes(uint32_t domainId, const nvtxEventAttributes_t* given) {
    Ring* ring = enter();
    if (ring == nullptr) return;
    nvtxEventAttributes_t room;
    const nvtxEventAttributes_t* attributes = whole(given, room);
    if (attributes != nullptr) {
        Event event;
        readEvent(ring, event, domainId, *attributes);
        mark(ring, event);
    }
    leave();
}

void end(uint64_t id) {
    const uint64_t time = now();
    Ring* ring = enter();
    if (ring == nullptr) return;
    if (id != 0) endRange(ring, id, time, nullptr);
    leave();
}

// The A and W variants differ only in how the text becomes an id.
template <class Char>
uint32_t textId(Ring* ring, const Char* text) {
    if constexpr (sizeof(Char) == 1)
        return intern(ring, text);
    else
        return idInThisImage(ring, internWide(ring, text));
}
template <class Char>
const NameEntry* textEntry(Ring* ring, const Char* text) {
    if constexpr (sizeof(Char) == 1)
        return text != nullptr ? internSlow(ring, text, strlen(text)) : nullptr;
    else
        return internWide(ring, text);
}

template <class Char>
__attribute__((noinline)) int pushSlow(const Char* text) {
    Ring* ring = enter();
    if (ring == nullptr) return -2;
    Event event;
    event.nameId = textId(ring, text);
    const int level = pushEvent(ring, event);
    leave();
    return level;
}
template <class Char>
void onMark(const Char* text) {
    Ring* ring = enter();
    if (ring == nullptr) return;
    Event event;
    event.nameId = textId(ring, text);
    mark(ring, event);
    leave();
}
template <class Char>
nvtxRangeId_t onStart(const Char* text) {
    Ring* ring = enter();
    if (ring == nullptr) return 0;
    Event event;
    event.nameId = textId(ring, text);
    const uint64_t id = startRange(ring, event);
    leave();
    return id;
}
template <class Char>
void onDomainNameCategory(nvtxDomainHandle_t domain, uint32_t category, const Char* text) {
    Ring* ring = enter();
    if (ring == nullptr) return;
    nameCategory(ring, idOf(domain), category, textEntry(ring, text));
    leave();
}
template <class Char>
void onNameCategory(uint32_t category, const Char* text) {
    onDomainNameCategory(nullptr, category, text);
}
template <class Char>
void onNameThread(uint32_t tid, const Char* text) {
    Ring* ring = enter();
    if (ring == nullptr) return;
    emit(ring,
         ThreadName{recordHeader(RecordType::kThreadName, sizeof(ThreadName), textId(ring, text)),
                    tid, 0});
    leave();
}
template <class Char>
nvtxStringHandle_t onRegisterString(nvtxDomainHandle_t, const Char* text) {
    Ring* ring = enter();
    if (ring == nullptr) return nullptr;
    const NameEntry* entry = textEntry(ring, text);
    leave();
    return reinterpret_cast<nvtxStringHandle_t>(const_cast<NameEntry*>(entry));
}
template <class Char>
nvtxDomainHandle_t onDomainCreate(const Char* text) {
    Ring* ring = enter();
    if (ring == nullptr) return nullptr;
    nvtxDomainHandle_t domain = createDomain(ring, textEntry(ring, text));
    leave();
    return domain;
}

nvtxRangeId_t onStartEx(const nvtxEventAttributes_t* a) {
    return startAttributes(0, a);
}
void onEnd(nvtxRangeId_t id) {
    end(id);
}
void onMarkEx(const nvtxEventAttributes_t* a) {
    markAttributes(0, a);
}
nvtxRangeId_t onDomainStartEx(nvtxDomainHandle_t d, const nvtxEventAttributes_t* a) {
    return startAttributes(idOf(d), a);
}
void onDomainEnd(nvtxDomainHandle_t, nvtxRangeId_t id) {
    end(id);
}
void onDomainMarkEx(nvtxDomainHandle_t d, const nvtxEventAttributes_t* a) {
    markAttributes(idOf(d), a);
}
void onDomainDestroy(nvtxDomainHandle_t domain) {
    Ring* ring = enter();
    if (ring == nullptr) return;
    if (domain != nullptr)
        emit(ring, Domain{recordHeader(RecordType::kDomainDestroy, sizeof(Domain), idOf(domain)),
                          now(), reinterpret_cast<const DomainInfo*>(domain)->name->id, 0});
    leave();
}
void onInitialize(const void*) {}

uint64_t onSchemaRegister(nvtxDomainHandle_t domain, const nvtxPayloadSchemaAttr_t* attributes) {
    Ring* ring = enter();
    if (ring == nullptr) return 0;
    const uint64_t id = registerSchema(ring, idOf(domain), attributes);
    leave();
    return id;
}
uint64_t onEnumRegister(nvtxDomainHandle_t domain, const nvtxPayloadEnumAttr_t* attributes) {
    return registerEnum(nullptr, idOf(domain), attributes);
}
void onMarkPayload(nvtxDomainHandle_t domain, const nvtxPayloadData_t* data, size_t count) {
    Ring* ring = enter();
    if (ring == nullptr) return;
    Event event;
    event.domainId = idOf(domain);
    addPayloads(ring, event, data, count);
    mark(ring, event);
    leave();
}
__attribute__((noinline)) int pushPayloadSlow(nvtxDomainHandle_t domain,
                                              const nvtxPayloadData_t* data, size_t count) {
    Ring* ring = enter();
    if (ring == nullptr) return -2;
    Event event;
    event.domainId = idOf(domain);
    addPayloads(ring, event, data, count);
    const int level = pushEvent(ring, event);
    leave();
    return level;
}
int onPopPayload(nvtxDomainHandle_t domain, const nvtxPayloadData_t* data, size_t count) {
    const uint64_t time = now();
    Ring* ring = enter();
    if (ring == nullptr) return -2;
    Event event;
    event.domainId = idOf(domain);
    addPayloads(ring, event, data, count);
    const int level = popEvent(ring, event.domainId, time, &event);
    leave();
    return level;
}
nvtxRangeId_t onStartPayload(nvtxDomainHandle_t domain, const nvtxPayloadData_t* data,
                             size_t count) {
    Ring* ring = enter();
    if (ring == nullptr) return 0;
    Event event;
    event.domainId = idOf(domain);
    addPayloads(ring, event, data, count);
    const uint64_t id = startRange(ring, event);
    leave();
    return id;
}
void onEndPayload(nvtxDomainHandle_t domain, nvtxRangeId_t id, const nvtxPayloadData_t* data,
                  size_t count) {
    const uint64_t time = now();
    Ring* ring = enter();
    if (ring == nullptr) return;
    Event event;
    event.domainId = idOf(domain);
    addPayloads(ring, event, data, count);
    if (id != 0) endRange(ring, id, time, &event);
    leave();
}
uint8_t onIsEnabled(nvtxDomainHandle_t) {
    return 1;
}
int64_t onTimestamp() {
    return static_cast<int64_t>(now());
}

// Pushes and pops in two kinds: kFast where the clock is an instruction.
template <bool kFast>
int onPushA(const char* text) {
    if constexpr (kFast) {
        Idle idle;
        if (!RIDGE_RARE(!idleRing(idle))) {
            const Taken taken(idle.ring);
            const uint64_t open = loadOpen(idle.header);
            uint32_t name = 0;
            int level = 0;
            if (__builtin_expect(hasRoom(idle.ring, open) && cachedId(idle.ring, text, name) &&
                                     tryPush(idle, open, 0, name, 0, level),
                                 true))
                return level;
        }
    }
    return pushSlow(text);
}
template <bool kFast>
int onDomainPushEx(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes) {
    int level = 0;
    if (kFast && __builtin_expect(tryPushAttributes(idOf(domain), attributes, level), true))
        return level;
    return pushAttributesSlow(idOf(domain), attributes);
}
template <bool kFast>
int onPushEx(const nvtxEventAttributes_t* attributes) {
    return onDomainPushEx<kFast>(nullptr, attributes);
}
template <bool kFast>
int onPushPayload(nvtxDomainHandle_t domain, const nvtxPayloadData_t* data, size_t count) {
    if constexpr (kFast) {
        Idle idle;
        if (!RIDGE_RARE(!idleRing(idle) || count != 1 || data == nullptr)) {
            const Taken taken(idle.ring);
            const uint64_t open = loadOpen(idle.header);
            int level = 0;
            if (__builtin_expect(hasRoom(idle.ring, open) &&
                                     tryPushBlob(idle, open, idOf(domain), 0, 0, data->schemaId,
                                                 data->payload, data->size, level),
                                 true))
                return level;
        }
    }
    return pushPayloadSlow(domain, data, count);
}
template <bool kFast>
RIDGE_FAST int pop(uint32_t domainId) {
    if constexpr (kFast) {
        Idle idle;
        if (!RIDGE_RARE(!idleRing(idle))) {
            const Taken taken(idle.ring);
            int level = 0;
            if (__builtin_expect(tryPop(idle, domainId, level), true)) return level;
        }
    }
    return popSlow(domainId);
}
template <bool kFast>
int onPop() {
    return pop<kFast>(0);
}
template <bool kFast>
int onDomainPop(nvtxDomainHandle_t domain) {
    return pop<kFast>(idOf(domain));
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

template <bool kFast>
void fillCore(const Slots& slots) {
    slots.set(NVTX_CBID_CORE_MarkEx, onMarkEx);
    slots.set(NVTX_CBID_CORE_MarkA, onMark<char>);
    slots.set(NVTX_CBID_CORE_MarkW, onMark<wchar_t>);
    slots.set(NVTX_CBID_CORE_RangeStartEx, onStartEx);
    slots.set(NVTX_CBID_CORE_RangeStartA, onStart<char>);
    slots.set(NVTX_CBID_CORE_RangeStartW, onStart<wchar_t>);
    slots.set(NVTX_CBID_CORE_RangeEnd, onEnd);
    slots.set(NVTX_CBID_CORE_RangePushEx, onPushEx<kFast>);
    slots.set(NVTX_CBID_CORE_RangePushA, onPushA<kFast>);
    slots.set(NVTX_CBID_CORE_RangePushW, pushSlow<wchar_t>);
    slots.set(NVTX_CBID_CORE_RangePop, onPop<kFast>);
    slots.set(NVTX_CBID_CORE_NameCategoryA, onNameCategory<char>);
    slots.set(NVTX_CBID_CORE_NameCategoryW, onNameCategory<wchar_t>);
    slots.set(NVTX_CBID_CORE_NameOsThreadA, onNameThread<char>);
    slots.set(NVTX_CBID_CORE_NameOsThreadW, onNameThread<wchar_t>);
}

template <bool kFast>
void fillCore2(const Slots& slots) {
    slots.set(NVTX_CBID_CORE2_DomainMarkEx, onDomainMarkEx);
    slots.set(NVTX_CBID_CORE2_DomainRangeStartEx, onDomainStartEx);
    slots.set(NVTX_CBID_CORE2_DomainRangeEnd, onDomainEnd);
    slots.set(NVTX_CBID_CORE2_DomainRangePushEx, onDomainPushEx<kFast>);
    slots.set(NVTX_CBID_CORE2_DomainRangePop, onDomainPop<kFast>);
    slots.set(NVTX_CBID_CORE2_DomainNameCategoryA, onDomainNameCategory<char>);
    slots.set(NVTX_CBID_CORE2_DomainNameCategoryW, onDomainNameCategory<wchar_t>);
    slots.set(NVTX_CBID_CORE2_DomainRegisterStringA, onRegisterString<char>);
    slots.set(NVTX_CBID_CORE2_DomainRegisterStringW, onRegisterString<wchar_t>);
    slots.set(NVTX_CBID_CORE2_DomainCreateA, onDomainCreate<char>);
    slots.set(NVTX_CBID_CORE2_DomainCreateW, onDomainCreate<wchar_t>);
    slots.set(NVTX_CBID_CORE2_DomainDestroy, onDomainDestroy);
    slots.set(NVTX_CBID_CORE2_Initialize, onInitialize);
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

// In a forked child, all that the program defined before.
void announceImage(Ring* ring) {
    for (DomainInfo* domain = g_domains; domain != nullptr; domain = domain->next) {
        if (domain->generation == imageGeneration()) continue;
        idInThisImage(ring, domain->name);
        emitDomain(ring, domain);
    }
    for (const CategoryInfo* category = g_categories; category != nullptr;
         category = category->next) {
        idInThisImage(ring, category->name);
        emitCategory(ring, *category);
    }
    announceSchemas(ring);
}

}  // namespace ridge::agent

#define RIDGE_EXPORT extern "C" __attribute__((visibility("default")))

RIDGE_EXPORT int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t getExportTable) {
    using namespace ridge::agent;
    if (!sessionOpen() || sessionControl()->traceNvtx == 0 || sessionControl()->stopped != 0)
        return 0;
    const auto* callbacks =
        static_cast<const NvtxExportTableCallbacks*>(getExportTable(NVTX_ETID_CALLBACKS));
    if (callbacks == nullptr || callbacks->struct_size < sizeof *callbacks) return 0;
    Slots slots{};
    if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &slots.table, &slots.count) != 0)
        g_fastClock ? fillCore<true>(slots) : fillCore<false>(slots);
    if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &slots.table, &slots.count) != 0)
        g_fastClock ? fillCore2<true>(slots) : fillCore2<false>(slots);
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
    if (!sessionOpen() || sessionControl()->traceNvtx == 0 || sessionControl()->stopped != 0)
        return 0;
    if (module == nullptr || module->moduleId != NVTX_EXT_PAYLOAD_MODULEID) return 0;
    if (module->segmentsCount == 0 || module->segments == nullptr ||
        module->segments[0].functionSlots == nullptr)
        return 0;
    const auto fill = g_fastClock ? fillPayload<true> : fillPayload<false>;
    fill(module->segments[0].functionSlots, module->segments[0].slotCount);
    return 1;
}
