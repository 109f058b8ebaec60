// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What every record begins with, and the records that every agent writes. Sizes are multiples of 8.

#include <stdint.h>

namespace ridge::spool {

inline constexpr uint32_t kMaxNameBytes = 16384;     // longer names are cut and counted as kTruncated
inline constexpr uint32_t kMaxPayloadBytes = 32768;  // per range; longer blobs are cut and counted

enum class RecordType : uint8_t {
    kPadding = 0,
    kName = 1,
    kDomain = 2,
    kCategory = 3,
    kSchema = 4,
    kThreadName = 5,
    kRange = 6,
    kRangeOpen = 7,
    kRangeClose = 8,
    kMark = 9,
    kProcess = 10,
    kThreadAttach = 11,
    kClockSample = 12,
    kDomainDestroy = 13,
    kPayloadEnum = 14,
    kMemoryRegion = 15,
    kIoCall = 20,
    kIoFile = 21,
    kKernel = 30,
    kMemcpy = 31,
    kMemset = 32,
    kSync = 33,
    kApi = 34,
    kOverhead = 35,
    kCudaDevice = 36,
    kCudaContext = 37,
    kCudaStream = 38,
    kCudaEvent = 39,
    kGraphTrace = 40,
    kCudaMemory = 41,
    kMemoryPool = 42,
    kUnifiedMemory = 43,
    kExternalCorrelation = 44,
    kGraphNode = 45,
    kJit = 46,
    kCudaName = 47,
    kCudaContextPart = 48,
    kKernelLaunch = 49,
    kCounter = 50,
    kCounterSample = 51,
    kPreemptionGap = 52,
    kDiagnostic = 53,
    kProcessEnd = 54,
    kKernelMetric = 55,
    kGpuMetricSample = 56,
    kNcclCommunicator = 60,
    kNcclEvent = 61,
    kNcclState = 62,
    kCpuSample = 70,
    kCodeMap = 71,
    kSchedSwitch = 72,
    kThreadNumber = 73,
};

// What other records refer to: worth more than events where there is no room for all.
inline bool isDefinition(RecordType type) {
    switch (type) {
        case RecordType::kName:
        case RecordType::kDomain:
        case RecordType::kCategory:
        case RecordType::kSchema:
        case RecordType::kPayloadEnum:
        case RecordType::kThreadName:
        case RecordType::kProcess:
        case RecordType::kIoFile:
        case RecordType::kCudaDevice:
        case RecordType::kCudaContext:
        case RecordType::kCudaStream:
        case RecordType::kCudaName:
        case RecordType::kCudaContextPart:
        case RecordType::kGraphNode:
        case RecordType::kCounter:
        case RecordType::kCodeMap:
        case RecordType::kDiagnostic:
        case RecordType::kProcessEnd:
        case RecordType::kThreadNumber:
        case RecordType::kNcclCommunicator:
            return true;
        default:
            return false;
    }
}

// Every record starts so. size counts 8-byte units, this header included (so at most 512 KiB).
struct RecordHeader {
    RecordType type;
    uint8_t flags;
    uint16_t size;
    uint32_t id;  // meaning by type: name id, file id, ...
};
static_assert(sizeof(RecordHeader) == 8);

// Text follows: length bytes, padded to 8. Ids are per process image and agent; 0 is the empty name.
struct Name {
    RecordHeader header;  // id = the new name's id
    uint32_t length;
    uint32_t reserved;
};

// The process as it knows itself, first record of its first ring. -1: not under a launcher.
struct Process {
    RecordHeader header;  // id = name id of the executable's name
    int32_t pid;
    int32_t parentPid;
    int32_t rank;
    int32_t worldSize;
    int32_t localRank;
    uint32_t hostNameId;
};

// The ring was taken over by another thread: what follows is that thread's.
struct ThreadAttach {
    RecordHeader header;  // id = tid
    uint64_t time;
};

enum class ClockSampleKind : uint32_t { kTicks = 0, kCupti = 1 };

// One reading of several clocks, as close together as they could be had.
struct ClockSample {
    RecordHeader header;    // id = ClockSampleKind
    uint64_t ticks;         // of the ring's clock, middle of the reading
    int64_t monotonicNs;
    int64_t realtimeNs;
    int64_t otherNs;        // kCupti: cuptiGetTimestamp
    uint64_t windowTicks;   // from first to last reading: the error bound
};

struct Diagnostic {
    RecordHeader header;  // id = name id of the text
    uint64_t time;
    uint32_t severity;    // 1 info, 2 warning, 3 error
    uint32_t reserved;
};

static_assert(sizeof(Process) % 8 == 0 && sizeof(Diagnostic) % 8 == 0);

}  // namespace ridge::spool
