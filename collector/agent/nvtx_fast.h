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
                                     tryPush(idle, open, 0, name, 0, level),
                                 true))
                return level;
        }
    }
    return pushText(text);
}
template <bool kFast>
int onDomainPushEx(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes) {
    int level = 0;
    if (kFast && __builtin_expect(tryPushAttributes(idOf(domain), attributes, level), true))
        return level;
    return pushAttributes(idOf(domain), attributes);
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
            const Taken taken;
            const uint64_t open = loadOpen(idle.header);
            int level = 0;
            if (__builtin_expect(hasRoom(idle.ring, open) &&
                                     tryPushBlob(idle, open, idOf(domain), 0, 0, data->schemaId,
                                                 data->payload, data->size, level),
                                 true))
                return level;
        }
    }
    return pushPayload(idOf(domain), data, count);
}
template <bool kFast>
RIDGE_FAST int pop(uint32_t domainId) {
    if constexpr (kFast) {
        Idle idle;
        if (!RIDGE_RARE(!idleRing(idle))) {
            const Taken taken;
            int level = 0;
            if (__builtin_expect(tryPop(idle, domainId, level), true)) return level;
        }
    }
    return popRange(domainId);
}
template <bool kFast>
int onPop() {
    return pop<kFast>(0);
}
template <bool kFast>
int onDomainPop(nvtxDomainHandle_t domain) {
    return pop<kFast>(idOf(domain));
}

}  // namespace ridge::agent
