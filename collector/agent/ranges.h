// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ranges and marks, below NVTX's calling conventions. One array of open frames per thread serves
// the stacks of all domains: a pop closes the topmost frame of its domain. Callers hold the ring.
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
    uint32_t scratchUsed = 0;
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
// The blobs of atEnd (may be nullptr) follow those of the push, or of the start.
int popEvent(Ring* ring, uint32_t domainId, uint64_t end, Event* atEnd);
uint64_t startRange(Ring* ring, Event& event);
void endRange(Ring* ring, uint64_t rangeId, uint64_t end, Event* atEnd);
void mark(Ring* ring, Event& event);

// Fork: pops of what was pushed before are known to the child.
void rememberOpenRanges(const Ring* ring);
void adoptRememberedRanges();
// Thread end: what is open becomes RangeOpen records that never close.
void spillOpenRanges(Ring* ring);

inline uint32_t levelOf(const spool::RingHeader* header, uint32_t count, uint32_t domainId) {
    for (uint32_t i = count; i-- > 0;)
        if (header->openFrames[i].domainId == domainId)
            return uint32_t{header->openFrames[i].reserved0} + 1;
    return 0;
}

// OpenFrame::reserved1 has the beginning of the later Range record, reserved0 the level in its
// domain.
inline constexpr uint64_t rangeWord(uint64_t bytes, uint8_t flags, uint32_t nameId) {
    return uint64_t{static_cast<uint8_t>(spool::RecordType::kRange)} | uint64_t{flags} << 8 |
           bytes / 8 << 16 | uint64_t{nameId} << 32;
}
static_assert(spool::kMaxOpenFrames <= 256);
// Name, domain and flags of an OpenFrame; the level is missing.
inline constexpr uint64_t frameName(uint32_t domainId, uint32_t nameId, uint8_t flags) {
    return uint64_t{nameId} | uint64_t{domainId} << 32 | uint64_t{flags} << 48;
}

inline void storeWord(uint8_t* to, uint64_t word) {
    memcpy(to, &word, sizeof word);
}

inline void copyWords(uint8_t* to, const uint8_t* from, uint64_t bytes) {
    // Counts up to 0: one instruction less in the loop.
    to += bytes;
    from += bytes;
    for (int64_t i = -static_cast<int64_t>(bytes); i != 0; i += 8) memcpy(to + i, from + i, 8);
}

}  // namespace ridge::agent
