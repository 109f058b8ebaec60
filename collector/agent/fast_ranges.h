// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The paths that every event takes, written to be short: no call is made in them, so that the
// compiler saves no registers, and each instruction counts: the processor overlaps next to nothing
// with the two clock reads. What is not the usual case (first event, unknown name, full ring,
// interleaved domains, odd payloads, a slow clock) is refused without a trace and done by ranges.h,
// from the start.
//
// Whole words are written to the open frame and read back: the pop comes a few nanoseconds after
// the push, and a load wider than the store before it would wait for the cache.

#include "collector/agent/names.h"
#include "collector/agent/ranges.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace ridge::agent {

#define RIDGE_FAST __attribute__((always_inline)) inline
#define RIDGE_RARE(condition) __builtin_expect(!!(condition), false)

// Only where g_fastClock is set.
RIDGE_FAST uint64_t ticks() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return now();
#endif
}

// The thread's ring, not yet taken; nullptr whenever there is anything to do or to count first.
// Header and control are read beside the ring, not through it: three loads at once. In the child of
// a fork that told nobody they are the parent's still, but its wiped ring has no room for frames,
// and all is refused.
struct Idle {
    Ring* ring;
    spool::RingHeader* header;
};
RIDGE_FAST bool idleRing(Idle& idle) {
    const ThreadState& thread = t_state;
    idle = {thread.idle, thread.header};
    return !RIDGE_RARE(idle.ring == nullptr ||
                       __atomic_load_n(&thread.control->stopped, __ATOMIC_RELAXED) != 0);
}

// Holds the ring as enter() and leave() do: before anything is read that a signal handler may
// change.
class Taken {
public:
    RIDGE_FAST explicit Taken(Ring* ring) : m_ring(ring) {
        t_state.idle = nullptr;
        __asm__ volatile("" ::: "memory");
    }
    RIDGE_FAST ~Taken() {
        __asm__ volatile("" ::: "memory");
        t_state.idle = m_ring;
    }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;

private:
    Ring* m_ring;
};

RIDGE_FAST uint64_t loadWord(const void* from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

// The id of a text that this thread used at this address before; false if it has to be looked up.
// Sixteen bytes are compared at once; those behind the text's end are ignored, and never lie on
// another page, or the slot's check word would refuse (internAndRemember). It is all ones for a
// text of one piece.
RIDGE_FAST bool cachedId(const Ring* ring, const char* text, uint32_t& id) {
#if defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__)
    const CachedName& slot = ring->names[slotOf(text)];
    if (RIDGE_RARE(slot.key != text)) return false;
    const auto equal = [&slot, text ](uint32_t at) __attribute__((always_inline)) {
        return static_cast<uint32_t>(_mm_movemask_epi8(
            _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at)),
                           _mm_load_si128(reinterpret_cast<const __m128i*>(slot.text + at)))));
    };
    id = slot.id;
    const uint32_t first = equal(0) | slot.check;
    if (__builtin_expect(first == 0xFFFF, true)) return true;
    const uint32_t last = slot.check >> 16;
    if ((first & 0xFFFF) != 0xFFFF || last > 32) return false;
    if (last == 16) return (equal(16) | slot.behindEnd) == 0xFFFF;
    return last == 32 && equal(16) == 0xFFFF && (equal(32) | slot.behindEnd) == 0xFFFF;
#else
    id = text != nullptr ? lookUp(ring, text) : 0;
    return id != 0;
#endif
}

// Count and payload bytes are one word: one load, one store.
using OpenWord [[gnu::may_alias]] = uint64_t;
static_assert(offsetof(spool::RingHeader, openPayloadUsed) ==
              offsetof(spool::RingHeader, openCount) + 4);
RIDGE_FAST uint64_t loadOpen(const spool::RingHeader* header) {
    return __atomic_load_n(reinterpret_cast<const OpenWord*>(&header->openCount), __ATOMIC_RELAXED);
}
RIDGE_FAST void storeOpen(spool::RingHeader* header, uint64_t open) {
    __atomic_store_n(reinterpret_cast<OpenWord*>(&header->openCount), open, __ATOMIC_RELEASE);
}

RIDGE_FAST uint64_t frameName(uint32_t domainId, uint32_t nameId, uint8_t flags) {
    return uint64_t{nameId} | uint64_t{domainId} << 32 | uint64_t{flags} << 48;
}

RIDGE_FAST bool hasRoom(const Ring* ring, uint64_t open) {
    return !RIDGE_RARE(static_cast<uint32_t>(open) >= ring->frameRoom);
}

// Fills the frame on top and returns its level.
RIDGE_FAST int openFrame(const Idle& idle, uint64_t open, uint32_t domainId, uint64_t name,
                         uint64_t payload, uint64_t added) {
    const uint64_t count = static_cast<uint32_t>(open);
    auto* frame = reinterpret_cast<uint8_t*>(&idle.header->openFrames[count]);
    const uint32_t level = levelOf(idle.header, static_cast<uint32_t>(count), domainId);
    const uint64_t flags = name >> 48;
    storeWord(frame + 8, name);
    storeWord(frame + 16, 0);
    storeWord(frame + 24, payload);
    storeWord(frame + 32,
              level | rangeWord(sizeof(spool::Range) + added, static_cast<uint8_t>(flags)) << 32);
    storeWord(frame, ticks());
    storeOpen(idle.header, open + 1 + (added << 32));
    return static_cast<int>(level);
}

RIDGE_FAST bool tryPush(const Idle& idle, uint64_t open, uint32_t domainId, uint32_t nameId,
                        uint8_t flags, int& level) {
    level = openFrame(idle, open, domainId, frameName(domainId, nameId, flags), open >> 32, 0);
    return true;
}

// One blob of whole words whose schema was seen before and holds no handles.
RIDGE_FAST bool tryPushBlob(const Idle& idle, uint64_t open, uint32_t domainId, uint32_t nameId,
                            uint8_t flags, uint64_t schemaId, const void* data, uint64_t size,
                            int& level) {
    const uint64_t used = open >> 32;
    const CachedSchema& schema = idle.ring->schemas[schemaId % kSchemaSlots];
    if (RIDGE_RARE(schema.schemaId != schemaId || schema.plainRef == 0 ||
                   (schema.domainId != domainId && schema.domainId != kAnyDomain) ||
                   data == nullptr || (size & 7) != 0 || size - 8 > idle.ring->fastBlob ||
                   used + size + 8 > spool::kOpenPayloadBytes))
        return false;
    uint8_t* to = idle.header->openPayload + used;
    storeWord(to, uint64_t{schema.plainRef} | size << 32);
    copyWords(to + 8, static_cast<const uint8_t*>(data), size);
    const uint64_t name =
        frameName(domainId, nameId, static_cast<uint8_t>(flags | spool::kHasBlobs));
    level = openFrame(idle, open, domainId, name, used | (size + 8) << 32, size + 8);
    return true;
}

// The frame's extension, sixteen bytes at a time: written a clock reading ago, it is in the cache.
// May touch the eight bytes behind either end.
RIDGE_FAST void copyPairs(uint8_t* to, const uint8_t* from, uint64_t bytes) {
#if defined(__SSE2__)
    for (uint64_t at = 0; at < bytes; at += 16)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at)));
#else
    copyWords(to, from, bytes);
#endif
}

// The clock is read first here and last in a push: the range has nothing of our own cost in it, and
// all our work lies in one piece between two readings, which the processor does not reorder around
// them.
RIDGE_FAST bool tryPop(const Idle& idle, uint32_t domainId, int& level) {
    Ring* ring = idle.ring;
    spool::RingHeader* header = idle.header;
    const uint64_t end = ticks();
    const uint64_t last = uint64_t{header->openCount} - 1;
    if (RIDGE_RARE(last >= ring->frameRoom)) return false;
    const spool::OpenFrame& top = header->openFrames[last];
    const auto* frame = reinterpret_cast<const uint8_t*>(&top);
    const uint64_t payload = loadWord(frame + 24);
    const uint64_t extension = payload >> 32;
    const uint64_t head = header->head;
    const uint64_t after = head + sizeof(spool::Range) + extension;
    if (RIDGE_RARE(top.domainId != domainId || after + 8 > ring->limit)) return false;
    uint8_t* to = ring->data + (head & ring->mask);
    const uint64_t levelAndRecord = loadWord(frame + 32);
    const uint64_t look = loadWord(frame + 16);
    storeWord(to, levelAndRecord >> 32 | loadWord(frame + 8) << 32);
    storeWord(to + 8, loadWord(frame));
    uint64_t shown = domainId;
    if (RIDGE_RARE(look != 0)) shown |= (look & ~uint64_t{0xFFFFFFFF}) | (look & 0xFFFF) << 16;
    storeWord(to + 24, shown);
    const auto offset = static_cast<uint32_t>(payload);
    if (extension != 0)
        copyPairs(to + sizeof(spool::Range), header->openPayload + offset, extension);
    level = static_cast<int>(levelAndRecord);
    storeWord(to + 16, end);
    __atomic_store_n(&header->head, after, __ATOMIC_RELEASE);
    storeOpen(header, last | uint64_t{offset} << 32);
    return true;
}

}  // namespace ridge::agent
