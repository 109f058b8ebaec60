// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The ring of a thread, and, byte for byte the same, its spool file.
//
// Invariants:
// 1. One producer, the thread that owns the ring; it alone writes head, the open frames and the data.
// 2. head and tail count bytes since the ring was made; head - tail <= ringBytes. Byte b lives at
//    data[b % ringBytes]; the data area is mapped twice in a row, so that no record ever wraps.
// 3. A record is complete before head is moved over it (release store). Whatever lies below head is
//    valid after any kill.
// 4. tail moves only after [tail, head) was written to the spool file *at offset tail*; writing it again
//    after a crash is therefore harmless.
// 5. Whoever drains (recorder, or the producer when its ring is full) holds drainOwner = its pid; a
//    holder that no longer exists may be replaced. A producer in another pid namespace than the
//    recorder's adds kInnerDrain: its number means nothing, or somebody else, to the recorder.
// 6. A pop publishes the Range record (head) before it lowers openCount: after a kill between the two,
//    the open frame with the same start and name as the last record is the one that ended.
// 7. Lost is what is counted in lost[], and nothing else is lost.
// 8. A spool may have holes (records given up on a full disk): zeros, so size 0. Readers skip 8 bytes.
//    Definitions (isDefinition) among them stand in <stem>.names, of the ring's folder or the session's;
//    read them first. Some may stand there and in the spool.
// 9. Every ring begins with ThreadAttach. A kill inside of a pop out of order may leave one open frame
//    twice (same start, name and domain): readers take it as one.
//
// Times are ticks of the ring's clock (ClockKind): TSC or CNTVCT raw ticks, or CLOCK_MONOTONIC ns.
// CUDA records carry CUPTI's own nanoseconds and are converted with the ClockSample records of kind
// kCupti in the same ring.

#include <stdint.h>

namespace ridge::spool {

inline constexpr uint32_t kRingMagic = 0x474E5252;     // "RRNG"
inline constexpr uint32_t kHeaderBytes = 32768;  // page multiple: header, open frames, their payloads
inline constexpr uint64_t kDefaultRingBytes = uint64_t{1} << 20;
inline constexpr int32_t kInnerDrain = 1 << 30;
inline constexpr uint32_t kMaxOpenFrames = 256;
inline constexpr uint32_t kOpenPayloadBytes = 8192;

enum class ClockKind : uint32_t { kMonotonicNs = 0, kTsc = 1, kCntvct = 2 };
enum class AgentKind : uint32_t { kAgent = 1, kIo = 2, kRecorder = 3 };

// What can be lost, each with its counter in the ring and its row in RIDGE_LOSS.
enum LossKind : uint32_t {
    kLossSpoolWrite = 0,    // records overwritten because the spool file could not be written (disk full)
    kLossNoRing = 1,        // events before or without a ring (no memory, no folder)
    kLossTruncatedName = 2,
    kLossTruncatedPayload = 3,
    kLossUnbalancedPop = 4,  // pops without a push (not ours to invent): counted, no record
    kLossCuptiDropped = 5,   // as CUPTI itself reports
    kLossCuptiUnknown = 6,   // CUPTI records of a kind or version that the agent does not read
    kLossNestedEvent = 7,    // events from a signal handler that interrupted the recording of another
    kLossDefinition = 8,     // names and other definitions given up on a full disk
    kLossForeignClock = 9,    // counter samples by a clock that cannot be converted
    kLossUnknownCounter = 10,  // samples of counters that nobody registered
    kLossUnknownRegion = 11,  // memory regions that are no range of addresses
    kLossKernelCounters = 12,  // kernels whose counters could not be told apart; samples of the GPU
    kLossUnreadable = 13,  // pointers in payloads to memory that is not there, handles of no registered string
    kLossKinds = 16
};

// A range that is open now.
struct OpenFrame {
    uint64_t start;
    uint32_t nameId;
    uint16_t domainId;
    uint8_t flags;          // RangeFlags
    uint8_t reserved0;
    uint32_t category;
    uint32_t color;
    uint32_t payloadOffset;  // into RingHeader::openPayload; the extension bytes of the later Range record
    uint32_t payloadBytes;   // multiple of 8
    uint64_t reserved1;
};
static_assert(sizeof(OpenFrame) == 40);

struct RingHeader {
    uint32_t magic;
    uint32_t version;
    uint32_t headerBytes;
    AgentKind agent;
    uint64_t ringBytes;
    int32_t pid;
    int32_t parentPid;
    int32_t tid;             // of the thread that owns the ring now (see ThreadAttach)
    uint32_t ringIndex;      // n-th ring of this process image and agent
    uint64_t imageId;        // CLOCK_MONOTONIC ns at which this process image's agent started
    ClockKind clock;
    uint32_t finished;       // 1: the thread ended; the ring may be taken over once drained
    uint64_t anchorTicks;    // one reading of both clocks when the ring was made
    int64_t anchorMonotonicNs;
    int64_t anchorRealtimeNs;
    uint64_t lost[kLossKinds];
    alignas(64) uint64_t head;
    alignas(64) uint64_t tail;
    int32_t drainOwner;      // pid, 0 = nobody
    uint32_t pidNamespace;   // that pid, parentPid and tid are of, as in ControlBlock; 0: not known
    int32_t outerPid;        // written by the recorder where that is not its own namespace: the pid it sees,
    int32_t outerParentPid;  // or, for a process that had ended by then, a number that no process has
    alignas(64) uint32_t openCount;
    uint32_t openPayloadUsed;
    OpenFrame openFrames[kMaxOpenFrames];
    alignas(8) uint8_t openPayload[kOpenPayloadBytes];
};
static_assert(sizeof(RingHeader) <= kHeaderBytes);
// What the process is known by outside.
inline int32_t processOf(const RingHeader& header) {
    return header.outerPid != 0 ? header.outerPid : header.pid;
}

}  // namespace ridge::spool
