// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ranges and marks, below NVTX's calling conventions. One array of open frames per thread serves the
// stacks of all domains: a pop closes the topmost frame of its domain. Callers hold the ring.
//
// 1. While the overflow stack is not empty, every push goes there: the two together stay one stack.
// 2. A frame's payload bytes are the extension bytes of its later Range record, ready made.

#include "collector/agent/ring.h"

namespace ridge::agent {

struct Blob {
    uint32_t schemaRef;
    uint32_t bytes;  // as they will stand in the record, without padding
    const void* data;
    const SchemaInfo* schema;  // tells which fields hold string handles; may be nullptr
};

inline constexpr uint32_t kMaxBlobs = 8;

struct Event {
    uint32_t nameId = 0;
    uint32_t domainId = 0;
    uint32_t category = 0;
    uint32_t color = 0;
    uint64_t valueType = 0;
    uint64_t value = 0;
    uint32_t blobCount = 0;
    uint8_t flags = 0;
    Blob blobs[kMaxBlobs];
};

// Bytes of the extensions; cuts blobs that do not fit and counts them.
uint64_t extensionBytes(Ring* ring, Event& event);
void writeExtensions(uint8_t* to, const Event& event);
// Rewrites string handles in a copied blob (payloads.cpp; nothing to do in the io library).
void translateHandles(uint8_t* copy, const Blob& blob);

int pushEvent(Ring* ring, Event& event);
int pushOverflow(Ring* ring, Event& event, uint64_t extension);
// blobs (may be nullptr) replace those of the push.
int popOther(Ring* ring, uint32_t domainId, uint64_t end, Event* replacement);
uint64_t startRange(Ring* ring, Event& event);
void endRange(Ring* ring, uint64_t rangeId, uint64_t end, Event* replacement);
void mark(Ring* ring, Event& event);

// Fork: pops of what was pushed before are known to the child.
void rememberOpenRanges(const Ring* ring);
void adoptRememberedRanges();
// Thread end: what is open becomes RangeOpen records that never close.
void spillOpenRanges(Ring* ring);

inline uint32_t levelOf(const spool::RingHeader* header, uint32_t count, uint32_t domainId) {
    for (uint32_t i = count; i-- > 0;)
        if (header->openFrames[i].domainId == domainId)
            return static_cast<uint32_t>(header->openFrames[i].reserved1) + 1;
    return 0;
}

inline void storeWord(uint8_t* to, uint64_t word) { memcpy(to, &word, sizeof word); }

// A push without colour, category or payload.
__attribute__((always_inline)) inline int pushPlain(Ring* ring, uint32_t domainId, uint32_t nameId, uint8_t flags) {
    spool::RingHeader* header = ring->header;
    const uint32_t count = header->openCount;
    if (__builtin_expect(count >= spool::kMaxOpenFrames || ring->overflowCount != 0, false)) {
        Event event;
        event.nameId = nameId;
        event.domainId = domainId;
        event.flags = flags;
        return pushOverflow(ring, event, 0);
    }
    spool::OpenFrame& frame = header->openFrames[count];
    const uint32_t level = levelOf(header, count, domainId);
    // Whole words, as the pop reads them back a few nanoseconds later.
    auto* words = reinterpret_cast<uint8_t*>(&frame);
    storeWord(words + 8, uint64_t{nameId} | uint64_t{domainId} << 32 | uint64_t{flags} << 48);
    storeWord(words + 16, 0);
    storeWord(words + 24, header->openPayloadUsed);
    storeWord(words + 32, level);
    frame.start = now();
    __atomic_store_n(&header->openCount, count + 1, __ATOMIC_RELEASE);
    return static_cast<int>(level);
}

inline void copyWords(uint8_t* to, const uint8_t* from, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; i += 8) memcpy(to + i, from + i, 8);
}

__attribute__((always_inline)) inline int popRange(Ring* ring, uint32_t domainId, uint64_t end) {
    spool::RingHeader* header = ring->header;
    const uint32_t count = header->openCount;
    if (__builtin_expect(count == 0 || ring->overflowCount != 0 ||
                             header->openFrames[count - 1].domainId != domainId, false))
        return popOther(ring, domainId, end, nullptr);
    const spool::OpenFrame& frame = header->openFrames[count - 1];
    const uint64_t bytes = sizeof(spool::Range) + frame.payloadBytes;
    uint8_t* to = reserve(ring, bytes);
    if (__builtin_expect(to != nullptr, true)) {
        // Field by field into place: a copy of a record put together on the stack would wait for the
        // stores that made it (small stores, wide load).
        storeWord(to, uint64_t{static_cast<uint8_t>(spool::RecordType::kRange)} | uint64_t{frame.flags} << 8 |
                          (bytes / 8) << 16 | uint64_t{frame.nameId} << 32);
        storeWord(to + 8, frame.start);
        storeWord(to + 16, end);
        storeWord(to + 24, uint64_t{frame.domainId} | uint64_t{static_cast<uint16_t>(frame.category)} << 16 |
                               uint64_t{frame.color} << 32);
        copyWords(to + sizeof(spool::Range), header->openPayload + frame.payloadOffset, frame.payloadBytes);
        publish(ring, bytes);
    }
    header->openPayloadUsed = frame.payloadOffset;
    __atomic_store_n(&header->openCount, count - 1, __ATOMIC_RELEASE);
    return static_cast<int>(frame.reserved1);
}

}  // namespace ridge::agent
