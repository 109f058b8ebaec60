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
#include "collector/agent/payloads.h"
#include "collector/agent/ranges.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace ridge::agent {

#define RIDGE_FAST __attribute__((always_inline)) inline
#define RIDGE_RARE(condition) __builtin_expect(!!(condition), false)

// A value that is not to be worked out a second time, which would keep what it came from in a
// register.
template <class Value>
RIDGE_FAST Value once(Value value) {
    __asm__("" : "+r"(value));
    return value;
}

// Only where g_fastClock is set.
RIDGE_FAST uint64_t ticks() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return now();
#endif
}

// The thread's ring, not yet taken; nullptr whenever there is anything to do or to count first.
// The header is read beside the ring, not through it: two loads at once. In the child of a fork
// that told nobody it is the parent's still, but its wiped ring has no room for frames, and all is
// refused.
struct Idle {
    Ring* ring;
    spool::RingHeader* header;
};
RIDGE_FAST bool idleRing(Idle& idle) {
    const ThreadState& thread = t_state;
    idle = {thread.idle, thread.header};
    return !RIDGE_RARE(idle.ring == nullptr || stopped());
}

// Holds the ring as enter() and leave() do: before anything is read that a signal handler may
// change.
class Taken {
public:
    RIDGE_FAST Taken() {
        t_state.idle = nullptr;
        __asm__ volatile("" ::: "memory");
    }
    RIDGE_FAST ~Taken() { leave(); }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
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
    // The hash gives the slot's place in bytes at once.
    static_assert(sizeof(CachedName) == 64 && kNameSlots == 1024);
    const uint32_t place = (hashOfAddress(text) >> 16) & 0xFFC0;
    const auto& slot = *reinterpret_cast<const CachedName*>(reinterpret_cast<const uint8_t*>(ring) +
                                                            offsetof(Ring, names) + place);
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

// Where a thread remembers a string handle; those that it gave out are sixteen bytes apart at
// least.
RIDGE_FAST CachedHandle& handleSlot(Ring* ring, const void* handle) {
    // The handle's middle bits, twice, are the slot's place in bytes.
    const uintptr_t place = reinterpret_cast<uintptr_t>(handle) & ((kHandleSlots - 1) * 16);
    return *reinterpret_cast<CachedHandle*>(reinterpret_cast<uint8_t*>(ring) +
                                            offsetof(Ring, handles) + 2 * place);
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

// Name, domain and flags of a range, in the words that the frame needs.
struct FrameWords {
    uint64_t name;    // of OpenFrame: name, domain, flags; the level is missing
    uint64_t record;  // the first of the later record
};
RIDGE_FAST FrameWords frameWords(uint32_t domainId, uint32_t nameId, uint8_t flags,
                                 uint64_t added) {
    return {frameName(domainId, nameId, flags),
            rangeWord(sizeof(spool::Range) + added, flags, nameId)};
}

RIDGE_FAST bool hasRoom(const Ring* ring, uint64_t open) {
    return !RIDGE_RARE(static_cast<uint32_t>(open) >= ring->frameRoom);
}

// The one address that all fields of a frame are reached by: left alone, the compiler finds
// several.
RIDGE_FAST uint8_t* frameAt(spool::RingHeader* header, uint64_t index) {
    auto* frame = reinterpret_cast<uint8_t*>(&header->openFrames[index]);
    __asm__("" : "+r"(frame));
    return frame;
}
RIDGE_FAST uint32_t domainOf(const uint8_t* frame) {
    uint16_t domain;
    memcpy(&domain, frame + offsetof(spool::OpenFrame, domainId), sizeof domain);
    return domain;
}
RIDGE_FAST uint32_t levelOf(const uint8_t* frame) {
    return frame[offsetof(spool::OpenFrame, reserved0)];
}

RIDGE_FAST uint64_t extensionOf(const uint8_t* frame) {
    return loadWord(frame + offsetof(spool::OpenFrame, payloadOffset)) >> 32;
}

// Whether the range below is of the same domain, or there is none.
RIDGE_FAST bool continues(const Idle& idle, uint64_t open, uint64_t domainId) {
    const uint64_t count = static_cast<uint32_t>(open);
    return count == 0 ||
           domainOf(frameAt(idle.header, count) - sizeof(spool::OpenFrame)) == domainId;
}

// Fills the frame on top but for its time, and says its level. kSame: continues() was asked.
template <bool kSame>
RIDGE_FAST uint8_t* fillFrame(const Idle& idle, uint64_t open, uint32_t domainId, FrameWords words,
                              uint64_t payload, int& level) {
    const uint64_t count = static_cast<uint32_t>(open);
    uint8_t* frame = frameAt(idle.header, count);
    uint64_t name = words.name;
    uint32_t found = once(0u);  // else a register that is known to be 0 by then is kept for it
    if (count != 0) {
        const uint8_t* below = frame - sizeof(spool::OpenFrame);
        found = kSame || __builtin_expect(domainOf(below) == domainId, true)
                    ? levelOf(below) + 1
                    : levelOf(idle.header, static_cast<uint32_t>(count), domainId);
        name |= uint64_t{found} << 56;
    }
    storeWord(frame + 8, name);
    storeWord(frame + 16, 0);
    storeWord(frame + 24, payload);
    storeWord(frame + 32, words.record);
    level = static_cast<int>(found);
    return frame;
}

template <bool kSame>
RIDGE_FAST void pushFrame(const Idle& idle, uint64_t open, uint32_t domainId, FrameWords words,
                          int& level) {
    uint8_t* frame = fillFrame<kSame>(idle, open, domainId, words, open >> 32, level);
    storeWord(frame, ticks());
    storeOpen(idle.header, open + 1);
}

template <bool kSame = false>
RIDGE_FAST bool tryPush(const Idle& idle, uint64_t open, uint32_t domainId, uint32_t nameId,
                        uint8_t flags, int& level) {
    pushFrame<kSame>(idle, open, domainId, frameWords(domainId, nameId, flags, 0), level);
    return true;
}

// A word of ours and whole words of the program's memory, and not a byte behind them. Written in
// the pieces in which the pop reads it: a load that spans two stores waits for both to reach the
// cache.
RIDGE_FAST void writeBlob(uint8_t* to, uint64_t word, const uint8_t* from, uint64_t bytes) {
#if defined(__SSE2__)
    const __m128d first =
        _mm_loadh_pd(_mm_castsi128_pd(_mm_cvtsi64_si128(static_cast<long long>(word))),
                     reinterpret_cast<const double*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_castpd_si128(first));
    if (bytes == 24) {  // three words, without a loop
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 16),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8)));
        return;
    }
    for (uint64_t at = 8; at + 16 <= bytes; at += 16)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 8 + at),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at)));
    if ((bytes & 8) == 0) memcpy(to + bytes, from + bytes - 8, 8);
#else
    storeWord(to, word);
    copyWords(to + 8, from, bytes);
#endif
}

RIDGE_FAST const CachedSchema& schemaSlot(const Ring* ring, uint64_t schemaId) {
    const uint8_t* slot = reinterpret_cast<const uint8_t*>(ring->schemas) +
                          schemaId % kSchemaSlots * sizeof(CachedSchema);
    __asm__("" : "+r"(slot));  // one address for all fields
    return *reinterpret_cast<const CachedSchema*>(slot);
}

// One blob of whole words whose schema was seen before and holds no handles.
RIDGE_FAST bool tryPushBlob(const Idle& idle, uint64_t open, uint32_t domainId, uint32_t nameId,
                            uint8_t flags, const nvtxPayloadData_t& data, int& level) {
    const CachedSchema& schema = schemaSlot(idle.ring, data.schemaId);
    const uint64_t size = data.size;
    if (RIDGE_RARE(schema.schemaId != data.schemaId || schema.plainRef == 0 ||
                   (schema.domainId != domainId && !holdsInAll(data.schemaId)) ||
                   data.payload == nullptr || (size & 7) != 0 || size - 8 > idle.ring->fastBlob ||
                   (open >> 32) + size + 8 > spool::kOpenPayloadBytes))
        return false;
    writeBlob(idle.header->openPayload + (open >> 32), uint64_t{schema.plainRef} | size << 32,
              static_cast<const uint8_t*>(data.payload), size);
    const FrameWords words =
        frameWords(domainId, nameId, static_cast<uint8_t>(flags | spool::kHasBlobs), size + 8);
    const uint64_t added = (size + 8) << 32;
    uint8_t* frame = fillFrame<false>(idle, open, domainId, words, open >> 32 | added, level);
    const uint64_t opened = open + 1 + added;
    storeWord(frame, ticks());
    storeOpen(idle.header, opened);
    return true;
}

// The same for a blob of the size that its schema says, in the domain in which that was last looked
// up: but for the name, all that is written stands in the schema's slot. domainId: any number
// (ownId()). The order is one that needs no register that had to be saved.
RIDGE_FAST bool tryPushUsualBlob(const Idle& idle, uint64_t open, uint64_t domainId,
                                 uint32_t nameId, uint8_t flags, const nvtxPayloadData_t& data,
                                 int& level) {
    spool::RingHeader* header = idle.header;
    const uint64_t count = static_cast<uint32_t>(open);
    uint8_t* frame = frameAt(header, count);
    uint64_t name = 0;
    if (count != 0) {
        const uint8_t* below = frame - sizeof(spool::OpenFrame);
        if (RIDGE_RARE(domainOf(below) != domainId)) return false;
        name = uint64_t{levelOf(below) + 1} << 56;
    }
    const CachedSchema& schema = schemaSlot(idle.ring, data.schemaId);
    __asm__("" : : : "memory");
    if (RIDGE_RARE(schema.schemaId != data.schemaId || schema.domainId != domainId ||
                   schema.usualBytes != data.size || data.payload == nullptr ||
                   header->openPayloadUsed > spool::kOpenPayloadBytes - kFastBlobBytes))
        return false;
    storeWord(frame + 8, name | schema.frameName | frameName(0, nameId, flags));
    storeWord(frame + 16, 0);
    storeWord(frame + 32, schema.record | rangeWord(0, flags, nameId));
    const uint64_t used = open >> 32;
    uint64_t opened = schema.opened;
    storeWord(frame + 24, opened + used - 1);
    opened += open;
    __asm__("" : "+r"(opened) : : "memory");
    writeBlob(header->openPayload + used, loadWord(&schema.plainRef),
              static_cast<const uint8_t*>(data.payload), data.size);
    storeWord(frame, ticks());
    storeOpen(header, opened);
    level = static_cast<int>(levelOf(frame));
    return true;
}

// The frame's extension, thirty-two bytes at a time: written a clock reading ago, it is in the
// cache. May touch the thirty-one bytes behind either end (kFastSlack; the header's page goes on).
static_assert(offsetof(spool::RingHeader, openPayload) + spool::kOpenPayloadBytes + 32 <=
              spool::kHeaderBytes);
RIDGE_FAST void copyExtension(uint8_t* to, const uint8_t* from, uint64_t bytes) {
#if defined(__SSE2__)
    const auto copy = [ to, from ](uint64_t at) __attribute__((always_inline)) {
        const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
        const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at + 16));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), first);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at + 16), second);
    };
    copy(0);
    for (uint64_t at = 32; at < bytes; at += 32) copy(at);
#else
    copyWords(to, from, bytes);
#endif
}

// The clock is read first here and last in a push: the range has nothing of our own cost in it, and
// all our work lies in one piece between two readings, which the processor does not reorder around
// them.
RIDGE_FAST bool tryPop(const Idle& idle, uint64_t domainId, int& level) {
    const Ring* ring = idle.ring;
    spool::RingHeader* header = idle.header;
    const uint64_t end = ticks();
    const uint64_t last = uint64_t{header->openCount} - 1;
    if (RIDGE_RARE(last >= ring->frameRoom)) return false;
    const uint8_t* frame = frameAt(header, last);
    if (RIDGE_RARE(domainOf(frame) != domainId)) return false;
    if (RIDGE_RARE(extensionOf(frame) + header->head > ring->fastLimit)) return false;
    __asm__("" : : : "memory");
    uint8_t* to = ring->base + header->head;
    storeWord(to + 16, end);
    storeWord(to + 24, domainId);
    storeWord(to, loadWord(frame + offsetof(spool::OpenFrame, reserved1)));
    storeWord(to + 8, loadWord(frame));
    const uint64_t look = loadWord(frame + offsetof(spool::OpenFrame, category));
    if (RIDGE_RARE(look != 0))
        storeWord(to + 24, domainId | (look & ~uint64_t{0xFFFFFFFF}) | (look & 0xFFFF) << 16);
    const uint64_t payload = loadWord(frame + offsetof(spool::OpenFrame, payloadOffset));
    const uint64_t extension = payload >> 32;
    const auto offset = static_cast<uint32_t>(payload);
    if (extension != 0)
        copyExtension(to + sizeof(spool::Range), header->openPayload + offset, extension);
    level = static_cast<int>(levelOf(frame));
    __atomic_store_n(&header->head, header->head + extension + sizeof(spool::Range),
                     __ATOMIC_RELEASE);
    storeOpen(header, last | uint64_t{offset} << 32);
    return true;
}

}  // namespace ridge::agent
