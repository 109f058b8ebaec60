// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/nvtx_events.h"

namespace ridge::agent {

using namespace spool;

namespace {

uint32_t messageId(Ring* ring, const nvtxEventAttributes_t& attributes, uint8_t& flags) {
    switch (attributes.messageType) {
        case NVTX_MESSAGE_TYPE_ASCII:
            return intern(ring, attributes.message.ascii);
        case NVTX_MESSAGE_TYPE_REGISTERED:
            flags |= kRegisteredName;
            return registeredId(ring, attributes.message.registered);
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

template <class Char>
int pushTextAs(const Char* text) {
    if (!wanted(0)) return kNoLevel;
    if (g_watching) beforePush(0, text);
    return withRing(kNoLevel, [&](Ring* ring) {
        Event event;
        event.nameId = textId(ring, text);
        return pushEvent(ring, event);
    });
}

// A range that a recording may wait for; call(text) with the text as its kind has it.
template <class Call>
auto withMessage(const nvtxEventAttributes_t& attributes, Call call) {
    switch (attributes.messageType) {
        case NVTX_MESSAGE_TYPE_REGISTERED: {
            const NameEntry* entry = registeredEntry(attributes.message.registered);
            return call(entry != nullptr ? entry->text : static_cast<const char*>(nullptr));
        }
        case NVTX_MESSAGE_TYPE_UNICODE:
            return call(attributes.message.unicode);
        case NVTX_MESSAGE_TYPE_ASCII:
            return call(attributes.message.ascii);
        default:
            return call(static_cast<const char*>(nullptr));
    }
}

Event payloadEvent(Ring* ring, uint32_t domainId, const nvtxPayloadData_t* data, size_t count) {
    Event event;
    event.domainId = domainId;
    addPayloads(ring, event, data, count);
    return event;
}

}  // namespace

__attribute__((noinline)) int pushAttributes(uint32_t domainId,
                                             const nvtxEventAttributes_t* given) {
    if (!wanted(domainId)) return kNoLevel;
    if (g_watching && given != nullptr)
        withMessage(*given, [&](auto* text) { beforePush(domainId, text); });
    return withRing(kNoLevel, [&](Ring* ring) {
        nvtxEventAttributes_t room;
        const nvtxEventAttributes_t* attributes = whole(given, room);
        if (attributes == nullptr) return -1;
        Event event;
        readEvent(ring, event, domainId, *attributes);
        return pushEvent(ring, event);
    });
}

__attribute__((noinline)) int pushText(const char* text) {
    return pushTextAs(text);
}
int pushText(const wchar_t* text) {
    return pushTextAs(text);
}

__attribute__((noinline)) int pushPayload(uint32_t domainId, const nvtxPayloadData_t* data,
                                          size_t count) {
    if (!wanted(domainId)) return kNoLevel;
    if (g_watching) beforePush(domainId, static_cast<const char*>(nullptr));
    return withRing(kNoLevel, [&](Ring* ring) {
        Event event = payloadEvent(ring, domainId, data, count);
        return pushEvent(ring, event);
    });
}

__attribute__((noinline)) int popRange(uint32_t domainId) {
    const uint64_t end = now();
    if (!wanted(domainId)) return kNoLevel;
    const int level =
        withRingAtEnd(kNoLevel, [&](Ring* ring) { return popEvent(ring, domainId, end, nullptr); });
    if (g_watching) afterPop(domainId);
    return level;
}

int popPayload(uint32_t domainId, const nvtxPayloadData_t* data, size_t count) {
    const uint64_t end = now();
    if (!wanted(domainId)) return kNoLevel;
    const int level = withRingAtEnd(kNoLevel, [&](Ring* ring) {
        Event event = payloadEvent(ring, domainId, data, count);
        return popEvent(ring, domainId, end, &event);
    });
    if (g_watching) afterPop(domainId);
    return level;
}

uint64_t startAttributes(uint32_t domainId, const nvtxEventAttributes_t* given) {
    if (!wanted(domainId)) return 0;
    const bool captures = g_watching && given != nullptr && withMessage(*given, [&](auto* text) {
                              return beforeStart(domainId, text);
                          });
    const uint64_t id = withRing(uint64_t{0}, [&](Ring* ring) {
        nvtxEventAttributes_t room;
        const nvtxEventAttributes_t* attributes = whole(given, room);
        Event event;
        event.domainId = domainId;
        if (attributes != nullptr) readEvent(ring, event, domainId, *attributes);
        return startRange(ring, event);
    });
    if (captures) afterStart(id);
    return id;
}

uint64_t startPayload(uint32_t domainId, const nvtxPayloadData_t* data, size_t count) {
    if (!wanted(domainId)) return 0;
    return withRing(uint64_t{0}, [&](Ring* ring) {
        Event event = payloadEvent(ring, domainId, data, count);
        return startRange(ring, event);
    });
}

void endPayload(uint32_t domainId, uint64_t id, const nvtxPayloadData_t* data, size_t count) {
    const uint64_t end = now();
    if (id == 0) return;  // its beginning was not recorded
    withRing([&](Ring* ring) {
        const bool known = domainId != kNoDomain;
        if (!known) countLoss(ring, kLossUnreadable);
        Event event = payloadEvent(ring, domainId, data, known ? count : 0);
        endRange(ring, id, end, &event);
    });
    if (g_watching) afterEnd(id);
}

void endStarted(uint64_t id) {
    const uint64_t end = now();
    if (id == 0) return;  // its beginning was not recorded
    withRing([&](Ring* ring) { endRange(ring, id, end, nullptr); });
    if (g_watching) afterEnd(id);
}

void markAttributes(uint32_t domainId, const nvtxEventAttributes_t* given) {
    if (!wanted(domainId)) return;
    withRing([&](Ring* ring) {
        nvtxEventAttributes_t room;
        const nvtxEventAttributes_t* attributes = whole(given, room);
        if (attributes == nullptr) return;
        Event event;
        readEvent(ring, event, domainId, *attributes);
        mark(ring, event);
    });
}

void markPayload(uint32_t domainId, const nvtxPayloadData_t* data, size_t count) {
    if (!wanted(domainId)) return;
    withRing([&](Ring* ring) {
        Event event = payloadEvent(ring, domainId, data, count);
        mark(ring, event);
    });
}

}  // namespace ridge::agent
