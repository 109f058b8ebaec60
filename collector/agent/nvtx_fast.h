// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The usual pushes and pops in NVTX's calling conventions: fast_ranges.h first, nvtx_events.h where
// it refuses. kFast: the clock is an instruction.

#include "collector/agent/fast_ranges.h"
#include "collector/agent/nvtx_events.h"

namespace ridge::agent {

using spool::kRegisteredName;

// A registered or cached name, no colour, no category, and either nothing more or one payload.
RIDGE_FAST bool tryPushAttributes(uint32_t domainId, const nvtxEventAttributes_t* given,
                                  int& level) {
    Idle idle;
    if (RIDGE_RARE(!idleRing(idle) || given == nullptr)) return false;
    const Taken taken;
    const uint64_t open = loadOpen(idle.header);
    if (!hasRoom(idle.ring, open)) return false;
    const nvtxEventAttributes_t& a = *given;
    if (RIDGE_RARE(a.size < sizeof a || a.category != 0 || a.colorType == NVTX_COLOR_ARGB))
        return false;
    uint32_t name = 0;
    uint8_t flags = 0;
    if (a.messageType == NVTX_MESSAGE_TYPE_REGISTERED) {
        const void* handle = a.message.registered;
        flags = kRegisteredName;
        CachedHandle& slot = handleSlot(idle.ring, handle);
        if (RIDGE_RARE(slot.key != handle)) {
            const NameEntry* entry = registeredEntry(handle);
            if (entry == nullptr || entry->generation != imageGeneration()) return false;
            slot = {handle, frameName(0, entry->id, flags),
                    rangeWord(sizeof(spool::Range), flags, entry->id)};
        }
        name = static_cast<uint32_t>(slot.frameName);
    } else if (a.messageType != NVTX_MESSAGE_TYPE_ASCII ||
               !cachedId(idle.ring, a.message.ascii, name)) {
        return false;
    }
    if (a.payloadType == 0) return tryPush(idle, open, domainId, name, flags, level);
    if (a.payloadType != static_cast<int32_t>(NVTX_PAYLOAD_TYPE_EXT) || a.reserved0 != 1)
        return false;
    const auto* data =
        reinterpret_cast<const nvtxPayloadData_t*>(static_cast<uintptr_t>(a.payload.ullValue));
    return tryPushUsualBlob(idle, open, domainId, name, flags, *data, level) ||
           tryPushBlob(idle, open, domainId, name, flags, *data, level);
}

// Apart from the shortest paths, which would save registers for them.
__attribute__((noinline)) int pushOther(uint32_t domainId, const nvtxEventAttributes_t* attributes);
__attribute__((noinline)) int pushNotOwn(uint64_t own, const nvtxEventAttributes_t* attributes);
__attribute__((noinline)) int pushOtherPayload(uint64_t own, const nvtxPayloadData_t* data);
__attribute__((noinline)) int pushOtherText(const char* text);
__attribute__((noinline)) int popOther(uint64_t own);

template <bool kFast>
int onPushA(const char* text) {
    if constexpr (kFast) {
        Idle idle;
        if (!RIDGE_RARE(!idleRing(idle))) {
            const Taken taken;
            const uint64_t open = loadOpen(idle.header);
            uint32_t name = 0;
            int level = 0;
            if (__builtin_expect(hasRoom(idle.ring, open) && cachedId(idle.ring, text, name) &&
                                     continues(idle, open, 0) &&
                                     tryPush<true>(idle, open, 0, name, 0, level),
                                 true))
                return level;
        }
        return pushOtherText(text);
    }
    return pushText(text);
}
// A registered name and nothing else. Each field is read as the program wrote it a moment ago: a
// load of two at once would wait for both stores.
RIDGE_FAST bool pushRegistered(uint32_t domainId, const nvtxEventAttributes_t* attributes,
                               int& level) {
    Idle idle;
    if (RIDGE_RARE(attributes == nullptr)) return false;
    const nvtxEventAttributes_t& a = *attributes;
    const void* handle = a.message.registered;
    const bool usual = a.messageType == NVTX_MESSAGE_TYPE_REGISTERED && a.payloadType == 0 &&
                       a.size >= sizeof a && a.category == 0 && a.colorType != NVTX_COLOR_ARGB;
    if (RIDGE_RARE(!usual || !idleRing(idle))) return false;
    const Taken taken;
    const uint64_t open = loadOpen(idle.header);
    const CachedHandle& slot = handleSlot(idle.ring, handle);
    if (RIDGE_RARE(!hasRoom(idle.ring, open) || slot.key != handle ||
                   !continues(idle, open, domainId)))
        return false;
    const FrameWords words{slot.frameName | uint64_t{domainId} << 32, slot.record};
    pushFrame<true>(idle, open, domainId, words, level);
    return true;
}
template <bool kFast>
int onDomainPushEx(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes) {
    if constexpr (kFast) {
        int level = 0;
        const uint64_t own = once(ownId(domain));
        if (RIDGE_RARE(own >= kDomainPlaces)) return pushNotOwn(own, attributes);
        const uint32_t id = once(static_cast<uint32_t>(own));
        if (__builtin_expect(pushRegistered(id, attributes, level), true)) return level;
        return pushOther(id, attributes);
    }
    return pushAttributes(idOf(domain), attributes);
}
template <bool kFast>
int onPushEx(const nvtxEventAttributes_t* attributes) {
    if constexpr (kFast) {
        int level = 0;
        if (__builtin_expect(pushRegistered(0, attributes, level), true)) return level;
        return pushOther(0, attributes);
    }
    return pushAttributes(0, attributes);
}
template <bool kFast>
int onPushPayload(nvtxDomainHandle_t domain, const nvtxPayloadData_t* data, size_t count) {
    if constexpr (kFast) {
        if (RIDGE_RARE(count != 1 || data == nullptr))
            return pushPayload(idOf(domain), data, count);
        const uint64_t id = once(ownId(domain));
        Idle idle;
        if (!RIDGE_RARE(!idleRing(idle))) {
            const Taken taken;
            const uint64_t open = loadOpen(idle.header);
            int level = 0;
            if (__builtin_expect(hasRoom(idle.ring, open) &&
                                     tryPushUsualBlob(idle, open, id, 0, 0, *data, level),
                                 true))
                return level;
        }
        return pushOtherPayload(id, data);
    }
    return pushPayload(idOf(domain), data, count);
}
// domainId: any number (ownId()). The range on top is of a domain of ours, so that no other number
// than that one's passes.
RIDGE_FAST bool popTop(uint64_t domainId, int& level) {
    Idle idle;
    if (RIDGE_RARE(!idleRing(idle))) return false;
    const Taken taken;
    return __builtin_expect(tryPop(idle, domainId, level), true);
}
template <bool kFast>
int onPop() {
    if constexpr (kFast) {
        int level = 0;
        if (popTop(0, level)) return level;
    }
    return popRange(0);
}
template <bool kFast>
int onDomainPop(nvtxDomainHandle_t domain) {
    if constexpr (kFast) {
        int level = 0;
        const uint64_t id = once(ownId(domain));
        if (popTop(id, level)) return level;
        return popOther(id);
    }
    return popRange(idOf(domain));
}

}  // namespace ridge::agent
