// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The producer's side of a ring (schemas/spool/layout.h): every event is written by the thread that
// makes it into a ring of its own. Times: ticks of clock.h. Errors: none are shown; what is lost is
// counted. Cost: enter + reserve + publish are a handful of loads and stores.
//
// 1. Between enter() and leave() the thread's busy flag is set: a signal handler that records meanwhile
//    is refused by enter() and counted (kLossNestedEvent).
// 2. Ring objects live in memory that the kernel wipes in a forked child, however it was forked: a
//    child's first event finds header == nullptr and starts a new process image.
// 3. No file descriptor is held: the spool is opened for each write, so that a program which closes
//    all descriptors neither breaks us nor gets our bytes in its files.

#include "collector/agent/clock.h"
#include "schemas/spool/layout.h"

#include <stddef.h>
#include <string.h>

namespace ridge::agent {

struct NameEntry;
struct SchemaInfo;

inline constexpr uint32_t kNameSlots = 1024;

struct CachedName {
    const char* key;
    const NameEntry* entry;
};

// A push that found no room in the header's frames.
struct OverflowFrame {
    uint64_t rangeId;
    uint32_t domainId;
    uint32_t level;
};

struct Ring {
    spool::RingHeader* header;
    uint8_t* data;
    uint64_t mask;
    uint64_t head;
    uint64_t limit;  // head may go up to here before tail has to be looked at again
    const spool::ControlBlock* control;
    uint64_t nextRange;
    OverflowFrame* overflow;
    uint32_t overflowCount;
    uint32_t overflowCapacity;
    const SchemaInfo* schema;  // the last one used
    Ring* nextFree;
    char stem[96];  // file name without suffix
    CachedName names[kNameSlots];
};

struct ThreadState {
    Ring* ring;
    uint32_t busy;
    uint32_t exitRounds;  // destructor rounds seen; kThreadOver when the ring was given back
};
inline constexpr uint32_t kThreadOver = ~0u;

// __thread, not thread_local: no initialisation function to ask for at each use.
extern __thread ThreadState t_state __attribute__((tls_model("initial-exec")));

// Which library this is; defined by each.
extern const spool::AgentKind kThisAgent;
extern const char* const kThisAgentName;
// Called with a fresh ring of a fresh process image, before any other record: re-announce what exists.
void announceImage(Ring* ring);

Ring* enterSlow();
bool makeRoom(Ring* ring, uint64_t bytes);

// The calling thread's ring, or nullptr when nothing is to be recorded. Pair with leave().
inline Ring* enter() {
    ThreadState& thread = t_state;
    Ring* ring = thread.ring;
    if (__builtin_expect(ring == nullptr || thread.busy != 0, false)) return enterSlow();
    thread.busy = 1;
    __asm__ volatile("" ::: "memory");
    if (__builtin_expect(ring->header == nullptr ||
                             __atomic_load_n(&ring->control->stopped, __ATOMIC_RELAXED) != 0,
                         false)) {
        thread.busy = 0;
        return enterSlow();
    }
    return ring;
}

inline void leave() {
    __asm__ volatile("" ::: "memory");
    t_state.busy = 0;
}

// Room for one record of that many bytes (multiple of 8); nullptr: no room could be made, counted.
inline uint8_t* reserve(Ring* ring, uint64_t bytes) {
    if (__builtin_expect(ring->head + bytes > ring->limit, false) && !makeRoom(ring, bytes)) return nullptr;
    return ring->data + (ring->head & ring->mask);
}

inline void publish(Ring* ring, uint64_t bytes) {
    ring->head += bytes;
    __atomic_store_n(&ring->header->head, ring->head, __ATOMIC_RELEASE);
}

template <class Record>
inline bool emit(Ring* ring, const Record& record) {
    uint8_t* to = reserve(ring, sizeof(Record));
    if (to == nullptr) return false;
    memcpy(to, &record, sizeof(Record));
    publish(ring, sizeof(Record));
    return true;
}

inline spool::RecordHeader recordHeader(spool::RecordType type, uint64_t bytes, uint32_t id,
                                        uint8_t flags = 0) {
    return {type, flags, static_cast<uint16_t>(bytes / 8), id};
}

inline void countLoss(Ring* ring, spool::LossKind kind, uint64_t count = 1) {
    uint64_t* counter = &ring->header->lost[kind];
    __atomic_store_n(counter, *counter + count, __ATOMIC_RELAXED);
}

// Largest extension or name that fits a ring of this size with room to spare.
inline uint64_t largestBlob(const Ring* ring) {
    const uint64_t quarter = (ring->mask + 1) / 4;
    return quarter < spool::kMaxPayloadBytes ? quarter : spool::kMaxPayloadBytes;
}

inline uint64_t padded(uint64_t bytes) { return (bytes + 7) & ~uint64_t{7}; }

// True when RIDGE_SESSION names a live session; the first call maps it. Any thread.
bool sessionOpen();
const spool::ControlBlock* sessionControl();
// Events of threads that have no ring.
void countWithoutRing();
// Differs in every process image; names and domains announced in another one are announced again.
extern uint32_t g_imageGeneration;
inline uint32_t imageGeneration() { return g_imageGeneration; }
// The calling thread's ring is given back, its open ranges written as never ended.
void finishThread();

void emitClockSample(Ring* ring);
// Writes all that is in the ring to its spool, as the recorder would. False: could not be written.
bool drainToSpool(Ring* ring);

}  // namespace ridge::agent
