// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The producer's side of a ring (schemas/spool/ring_header.h): every event is written by the thread
// that makes it into a ring of its own. Times: ticks of clock.h. Errors: none are shown; what is
// lost is counted. Cost: enter + reserve + publish are a handful of loads and stores.
//
// 1. Between enter() and leave() the thread's idle pointer is null: a signal handler that records
//    meanwhile is refused by enter() and counted (kLossNestedEvent).
// 2. Ring objects live in memory that the kernel wipes in a forked child, however it was forked: a
//    child's first event finds header == nullptr and starts a new process image.
// 3. No file descriptor is held: the spool is opened for each write, so that a program which closes
//    all descriptors neither breaks us nor gets our bytes in its files.

#include "collector/agent/clock.h"
#include "schemas/spool/control_block.h"
#include "schemas/spool/nvtx_records.h"
#include "schemas/spool/record.h"
#include "schemas/spool/ring_header.h"

#include <stddef.h>
#include <string.h>

namespace ridge::agent {

struct NameEntry;
struct SchemaInfo;

inline constexpr uint32_t kNameSlots = 1024;

// One cache line. Short texts lie in it; of longer ones it has the entry (names.h).
struct alignas(64) CachedName {
    const char* key;
    uint32_t id;
    uint32_t
        check;      // low half: what to ignore of the first 16 bytes; high: where the last 16 begin
    char text[44];  // zero behind the end
    uint32_t behindEnd;  // one bit for each of the last 16 bytes that lies behind the NUL
};
static_assert(sizeof(CachedName) == 64);

// A record of fast_ranges.h needs this much beside its extension: itself, and what the copying of
// the extension may write behind its end.
inline constexpr uint64_t kFastSlack = sizeof(spool::Range) + 32;

// A payload of fast_ranges.h and the word before it take no more of the header's room.
inline constexpr uint64_t kFastBlobBytes = 1024;

inline constexpr uint32_t kSchemaSlots = 8;
inline constexpr uint64_t kNoUsualBytes = ~uint64_t{0} - 1;  // no payload is as long
struct alignas(64) CachedSchema {
    uint64_t schemaId;
    uint64_t domainId;  // it was looked up in
    const SchemaInfo* info;
    // What a push of a payload of the size that the schema says writes (tryPushUsualBlob).
    // kNoUsualBytes: it says none, or none that is so pushed, or the slot is empty.
    uint64_t usualBytes = kNoUsualBytes;
    uint32_t plainRef;    // 0: has string handles or a message, so the blob has to be looked into
    uint32_t plainBytes;  // one word with plainRef: what stands before the blob
    uint64_t frameName;   // of the open frame: domain and flags
    uint64_t record;      // rangeWord(), without a name
    uint64_t opened;      // added to the header's count of open frames and payload bytes
};
static_assert(sizeof(CachedSchema) == 64);

// A string handle that this thread used before: it is looked at as a number, and never followed,
// since it may be any. What a push with that name and nothing else writes lies ready.
inline constexpr uint32_t kHandleSlots = 512;
struct alignas(32) CachedHandle {
    const void* key;
    uint64_t frameName;  // of the open frame: name and flags, no domain
    uint64_t record;     // rangeWord()
};
static_assert(sizeof(CachedHandle) == 32);

// A push that found no room in the header's frames. Those of one domain are a chain, so that
// neither a push nor a pop looks through a deep stack of another's.
struct OverflowFrame {
    uint64_t rangeId;
    uint32_t domainId;  // kNoDomain: popped out of order, its place not given back yet
    uint32_t level;
    uint32_t below;  // place of the next of the domain, plus 1; 0: none
    uint32_t reserved;
};
inline constexpr uint32_t kNoDomain = ~0u;
inline constexpr uint32_t kDomainPlaces = 65536;

struct Ring {
    spool::RingHeader* header;
    uint8_t* data;
    uint64_t mask;
    uint8_t* base;   // base + head is where the next record goes, as long as head is below limit
    uint64_t limit;  // head may go up to here before tail has to be looked at again
    uint64_t fastLimit;  // limit less kFastSlack; 0 in a wiped ring
    uint64_t
        frameRoom;      // pushes may use the header's frames below this: 0 while overflowCount != 0
    uint64_t fastBlob;  // largest payload of tryPushBlob, less 8
    uint64_t nextRange;
    OverflowFrame* overflow;
    uint32_t* overflowTop;  // by domain: place of its last in overflow, plus 1; 0: none
    uint32_t overflowCount;
    uint32_t overflowCapacity;
    Ring* nextFree;
    uint8_t* scratch;  // copies of payloads with pointers (payloads.cpp); made at first need
    char stem[96];     // file name without suffix
    CachedSchema schemas[kSchemaSlots];
    CachedHandle handles[kHandleSlots];
    CachedName names[kNameSlots];
};

struct ThreadState {
    Ring* ring;
    Ring* idle;                 // the ring while nobody writes into it, else nullptr
    spool::RingHeader* header;  // the ring's
    uint32_t busy;              // 1 while the ring is made or given back
    uint32_t exitRounds;        // destructor rounds seen; kThreadOver when the ring was given back
    uint32_t missed;            // 1: events came during a pause, idle is null for that
};
inline constexpr uint32_t kThreadOver = ~0u;

// __thread, not thread_local: no initialisation function to ask for at each use.
extern __thread ThreadState t_state
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

// Which library this is; defined by each.
extern const spool::AgentKind kThisAgent;
extern const char* const kThisAgentName;
// Called before a fork, before any lock of ours is taken; nullptr: nothing is to be waited for.
extern void (*g_beforeFork)() __attribute__((visibility("hidden")));
// Called with a fresh ring of a fresh process image, before any other record: re-announce what
// exists.
void announceImage(Ring* ring);

// The session's control block is mapped over this page, so that its address is known when the
// library is linked: the test whether recording was stopped is one instruction of every event.
// Zeros before.
#if defined(__aarch64__)
inline constexpr size_t kControlPage = 65536;
#else
inline constexpr size_t kControlPage = 4096;
#endif
union ControlPage {
    spool::ControlBlock block;
    uint8_t page[kControlPage];
};
static_assert(sizeof(ControlPage) == kControlPage);
extern ControlPage g_controlPage __attribute__((visibility("hidden")));
inline const spool::ControlBlock* sessionControl() {
    return &g_controlPage.block;
}
inline bool stopped() {
    return __atomic_load_n(&g_controlPage.block.stopped, __ATOMIC_RELAXED) != 0;
}

// Recording has ended for good, not only for a while.
inline bool over() {
    return __atomic_load_n(&g_controlPage.block.stopped, __ATOMIC_RELAXED) == spool::kOver;
}
// The same block, to be written to; nullptr where the process may not.
spool::ControlBlock* writableControl();

// What an event is to the losses where there is no ring: a range is lost once, not again at its
// end.
enum class Unrecorded : uint32_t { kIsLoss, kWasCounted };

Ring* enterSlow(Unrecorded counted);
bool makeRoom(Ring* ring, uint64_t bytes);

// The calling thread's ring, or nullptr when nothing is to be recorded. Pair with leave().
inline Ring* enter(Unrecorded counted = Unrecorded::kIsLoss) {
    ThreadState& thread = t_state;
    Ring* ring = thread.idle;
    if (__builtin_expect(ring == nullptr || ring->header == nullptr || stopped(), false))
        return enterSlow(counted);
    thread.idle = nullptr;
    __asm__ volatile("" ::: "memory");
    return ring;
}

inline void leave() {
    __asm__ volatile("" ::: "memory");
    t_state.idle = t_state.ring;
}

// During a pause too: for what later records refer to. Pair with leaveAlways().
Ring* enterAlways();
inline void leaveAlways() {
    __asm__ volatile("" ::: "memory");
    t_state.busy = 0;
    t_state.idle = t_state.missed != 0 ? nullptr : t_state.ring;
}

// Room for one record of that many bytes (multiple of 8); nullptr: no room could be made, counted.
inline uint8_t* reserve(Ring* ring, uint64_t bytes) {
    if (__builtin_expect(ring->header->head + bytes > ring->limit, false) && !makeRoom(ring, bytes))
        return nullptr;
    return ring->base + ring->header->head;
}

inline void publish(Ring* ring, uint64_t bytes) {
    // Nobody else writes head, so it is its own private copy.
    __atomic_store_n(&ring->header->head, ring->header->head + bytes, __ATOMIC_RELEASE);
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

inline uint64_t padded(uint64_t bytes) {
    return (bytes + 7) & ~uint64_t{7};
}

// True when RIDGE_SESSION names a live session; the first call maps it. Any thread.
bool sessionOpen();
// Events of threads that have no ring.
void countWithoutRing();
// Differs in every process image; names and domains announced in another one are announced again.
extern uint32_t g_imageGeneration __attribute__((visibility("hidden")));
inline uint32_t imageGeneration() {
    return g_imageGeneration;
}
// The calling thread's ring is given back, its open ranges written as never ended.
void finishThread();

void emitClockSample(Ring* ring);
// Writes all that is in the ring to its spool, as the recorder would. False: could not be written.
bool drainToSpool(Ring* ring);

}  // namespace ridge::agent
