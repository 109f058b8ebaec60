// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The contract between the agents inside a profiled process and the recorder outside of it: what lies
// in the shared ring of a thread, and, byte for byte the same, in its spool file. Plain data only: the
// agents include this and nothing else of ours.
//
// A session is a folder:
//   session.json      what was started, by whom, with which options; enough for --recover
//   control           one ControlBlock, mapped shared by the recorder and every agent
//   <ring>.spool      all bytes of a ring that were ever drained, from offset 0, in order
//   recorder.spool    the recorder's own records (clock samples, counters, preemption gaps)
//   reserve           room on the disk that is given up when the recording ends
// and rings, in ControlBlock::ringDir (below /dev/shm where that has room, else in the session):
//   <pid>-<image>-<agent>-<n>.ring   one per thread and agent: a RingHeader, then ringBytes of data
//   <pid>-<image>-<agent>-<n>.names  what other records refer to, of records given up on a full disk
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
// kCupti in the same ring. All integers are little-endian, all sizes multiples of 8.

#include <stdint.h>

namespace ridge::spool {

inline constexpr uint32_t kRingMagic = 0x474E5252;     // "RRNG"
inline constexpr uint32_t kControlMagic = 0x4C525443;  // "CTRL"
inline constexpr uint32_t kLayoutVersion = 1;
inline constexpr uint32_t kHeaderBytes = 32768;  // page multiple: header, open frames, their payloads
inline constexpr uint64_t kDefaultRingBytes = uint64_t{1} << 20;
inline constexpr int32_t kInnerDrain = 1 << 30;
inline constexpr uint32_t kMaxOpenFrames = 256;
inline constexpr uint32_t kOpenPayloadBytes = 8192;
inline constexpr uint32_t kMaxNameBytes = 16384;     // longer names are cut and counted as kTruncated
inline constexpr uint32_t kMaxPayloadBytes = 32768;  // per range; longer blobs are cut and counted
inline constexpr const char* kSessionVariable = "RIDGE_SESSION";  // absolute path of the session folder

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
    kLossKinds = 16
};

enum StopState : uint32_t {
    kRecording = 0,
    kOver = 1,       // agents become no-ops
    kPaused = 2,     // only definitions are recorded, and what CUPTI hands over late
    kSwitching = 3,  // from one to the other
};
enum class Capture : uint32_t { kNone = 0, kNvtxRange = 1, kCudaProfiler = 2 };
enum class DomainFilter : uint32_t { kNone = 0, kInclude = 1, kExclude = 2 };

inline constexpr uint32_t kMaxWindows = 64;
inline constexpr uint32_t kWindowsWithoutEnd = ~0u;
struct Window {
    uint64_t startNs;  // CLOCK_MONOTONIC
    uint64_t endNs;    // 0: it goes on
};

enum CudaOption : uint32_t {
    kCudaGraphsWhole = 1,       // one record per launch of a graph instead of one per node
    kCudaNoMemory = 2,          // no allocations and pools
    kCudaNoEvents = 4,
    kCudaPageFaults = 8,        // of unified memory; migrations are always recorded
    kCudaAllApis = 16,          // the chatty calls, too
    kCudaKernelCounters = 32,   // CUPTI's range profiler around every kernel: slow, a pass of its own
    kCudaPmSampling = 64,       // GPU counters as time series
    kNcclSteps = 128,           // every step of NCCL's proxy
};

// Mapped by everyone. Written by the recorder before the program starts; window.h for what moves.
struct ControlBlock {
    uint32_t magic;
    uint32_t version;
    uint32_t stopped;        // StopState; agents record only while it is 0
    int32_t recorderPid;
    uint64_t heartbeatNs;    // CLOCK_MONOTONIC, written by the recorder at every drain round
    uint64_t ringBytes;      // power of two, multiple of the page size
    uint32_t traceNvtx;
    uint32_t traceCuda;
    uint32_t traceIo;
    uint32_t cudaOptions;    // CudaOption
    char ringDir[512];
    char cuptiPath[512];     // library to dlopen when the process has none of its own; may be empty
    uint64_t lostWithoutRing;  // added to by agents: events that found no ring to be counted in
    Capture capture;           // what begins and ends a window, if not the recorder
    DomainFilter domainFilter;
    uint32_t partial;          // 1: the program runs before a window begins, or between two
    uint32_t windowsLeft;      // so many more may be ended; kWindowsWithoutEnd: any number
    uint32_t windows;          // begun so far; 0 and kRecording: all of the run is one
    uint32_t pidNamespace;     // the recorder's: inode of /proc/self/ns/pid; 0: not known
    Window window[kMaxWindows];
    char captureName[256];
    char captureDomain[128];   // "*": in any domain; "" is the default domain
    char domains[1024];        // of the filter: texts one after the other, each ended by a NUL
};
static_assert(sizeof(ControlBlock) <= 4096);

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

enum RangeFlags : uint8_t {
    kHasColor = 1,
    kHasValue = 2,         // extension: uint64 NVTX payload type, uint64 raw value
    kHasBlobs = 4,         // extension: one or more {uint32 schemaRef, uint32 bytes, bytes padded to 8}
    kRegisteredName = 8,   // the name was a registered string (nsys: textId instead of text)
    kWideCategory = 16,    // extension: uint64 category (category field is then 0)
    kStartEnd = 32,        // nvtxRangeStart/End: may end on another thread; RangeOpen/RangeClose pair
    kBlobsAtEnd = 64,      // blobs were given at the end (pop payload) and replace those of the start
};
// Order of extensions: wide category, value, blobs (to the end of the record).

// A finished push/pop range: header.id = name id. 32 bytes without extensions.
struct Range {
    RecordHeader header;
    uint64_t start;
    uint64_t end;
    uint16_t domainId;
    uint16_t category;
    uint32_t color;
};
static_assert(sizeof(Range) == 32);

// Start of a start/end range, or of a push deeper than kMaxOpenFrames. header.id = name id.
struct RangeOpen {
    RecordHeader header;
    uint64_t start;
    uint64_t rangeId;  // unique in the process image
    uint16_t domainId;
    uint16_t category;
    uint32_t color;
};

// End of what RangeOpen began, perhaps on another thread. header.flags may have kHasBlobs | kBlobsAtEnd.
struct RangeClose {
    RecordHeader header;
    uint64_t end;
    uint64_t rangeId;
};

struct Mark {
    RecordHeader header;  // id = name id
    uint64_t time;
    uint16_t domainId;
    uint16_t category;
    uint32_t color;
};

// Text follows: length bytes, padded to 8. Ids are per process image and agent; 0 is the empty name.
struct Name {
    RecordHeader header;  // id = the new name's id
    uint32_t length;
    uint32_t reserved;
};

struct Domain {
    RecordHeader header;  // id = domain id (1...; 0 is NVTX's default domain)
    uint64_t time;
    uint32_t nameId;
    uint32_t reserved;
};

struct Category {
    RecordHeader header;  // id = category
    uint16_t domainId;
    uint16_t reserved;
    uint32_t nameId;
};

struct ThreadName {
    RecordHeader header;  // id = name id
    uint32_t tid;
    uint32_t reserved;
};

struct SchemaEntry {
    uint64_t flags;
    uint64_t type;
    uint64_t arrayOrUnionDetail;
    uint64_t offset;
    uint32_t nameId;
    uint32_t descriptionId;
};

// A payload schema; entryCount SchemaEntry follow.
struct Schema {
    RecordHeader header;  // id = schemaRef, unique in the process image
    uint64_t schemaId;    // as the program or NVTX knows it
    uint32_t domainId;
    uint32_t nameId;
    uint32_t type;
    uint32_t flags;
    uint64_t payloadSize;
    uint32_t alignTo;
    uint32_t entryCount;
};

struct PayloadEnumerator {
    uint64_t value;
    uint32_t nameId;
    int32_t isFlag;  // the value is a set of bits
};

// An enum that payload entries may have as their type; entryCount PayloadEnumerator follow.
struct PayloadEnum {
    RecordHeader header;  // id: unique in the process image
    uint64_t enumId;      // in the number space of schema ids
    uint32_t domainId;
    uint32_t nameId;
    uint32_t bytes;
    uint32_t entryCount;
};

enum class RegionOp : uint32_t {
    kHeap = 1, kHeapGone = 2, kHeapReset = 3, kRegion = 4, kRegionGone = 5, kRegionResized = 6, kName = 7
};

// NVTX memory extension: what the program calls a piece of its memory.
struct MemoryRegion {
    RecordHeader header;  // id = name id, 0: none
    uint64_t time;
    uint64_t regionId;    // of heaps and regions alike, unique in the process image
    uint64_t heapId;      // 0: the process's
    uint64_t address;
    uint64_t bytes;
    uint32_t domainId;
    RegionOp op;
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

enum class IoOp : uint16_t {
    kOpen = 1, kClose = 2, kRead = 3, kWrite = 4, kPread = 5, kPwrite = 6, kReadv = 7, kWritev = 8,
    kFsync = 9, kFdatasync = 10, kFopen = 11, kFclose = 12, kFread = 13, kFwrite = 14, kFflush = 15,
    kPreadv = 16, kPwritev = 17, kSync = 18, kOther = 19,
    kTransferIn = 20, kTransferOut = 21,  // both ends of sendfile and its kind
    kMmap = 22, kMsync = 23, kMunmap = 24,
    // By io_uring: submissions; when they are done, and with what, only the program's memory says.
    kUringRead = 25, kUringWrite = 26, kUringSync = 27, kUringOther = 28, kUringSubmit = 29, kUringWait = 30
};

// One call of a hooked function. header.id = file id (0: not known).
struct IoCall {
    RecordHeader header;
    uint64_t start;
    uint64_t end;
    int64_t result;     // bytes, fd, or -1
    int64_t offset;     // -1 where the call has none
    uint64_t requested; // bytes asked for
    IoOp op;
    uint16_t functionId;  // name id of the function ("pread64"), fits because interned first
    int32_t errorNumber;  // errno where result < 0, else 0
};
static_assert(sizeof(IoCall) == 56);

// A file (or pipe, socket) that calls refer to. openTime/closeTime 0 = not seen.
struct IoFile {
    RecordHeader header;  // id = file id
    uint64_t time;
    uint32_t pathNameId;
    int32_t fd;
    uint32_t isClose;     // 0: opened or first seen, 1: closed
    uint32_t openFlags;
};

struct Kernel {
    RecordHeader header;  // id = name id (mangled)
    uint64_t start, end;  // CUPTI ns
    uint32_t deviceId, contextId, streamId, correlationId;
    int32_t gridX, gridY, gridZ, blockX, blockY, blockZ;
    uint32_t registersPerThread;
    int32_t staticSharedMemory, dynamicSharedMemory;
    uint32_t localMemoryPerThread;
    uint64_t localMemoryTotal;
    int64_t gridId;
    uint64_t graphNodeId;
    uint32_t graphId;
    uint32_t sharedMemoryExecuted;
    uint32_t clusterX, clusterY, clusterZ;
    uint32_t launchType;
};

struct Memcpy {
    RecordHeader header;  // id = correlation id
    uint64_t start, end, bytes, graphNodeId;
    uint32_t deviceId, contextId, streamId, correlationId;
    uint32_t copyKind, srcKind, dstKind, flags;
    uint32_t srcDeviceId, srcContextId, dstDeviceId, dstContextId;
};

struct Memset {
    RecordHeader header;  // id = correlation id
    uint64_t start, end, bytes, graphNodeId;
    uint32_t deviceId, contextId, streamId, correlationId;
    uint32_t value, memoryKind;
};

struct Sync {
    RecordHeader header;  // id = correlation id
    uint64_t start, end;
    uint32_t deviceId, contextId, streamId, correlationId;
    uint32_t syncType, eventId;
    uint64_t eventSyncId;
};

struct Api {
    RecordHeader header;  // id = name id ("cudaLaunchKernel_v7000")
    uint64_t start, end;
    uint32_t threadId, correlationId, returnValue;
    uint32_t isDriver;    // 0 runtime, 1 driver API
};

struct Overhead {
    RecordHeader header;  // id = name id
    uint64_t start, end;
    uint32_t overheadType, threadId, correlationId, reserved;
};

struct CudaEvent {
    RecordHeader header;  // id = correlation id
    uint64_t timestamp;
    uint32_t deviceId, contextId, streamId, eventId;
    uint64_t eventSyncId;
};

struct GraphTrace {
    RecordHeader header;  // id = correlation id
    uint64_t start, end;
    uint32_t deviceId, contextId, streamId, graphId;
};

// Memory that a CUDA call allocated or gave back.
struct CudaMemory {
    RecordHeader header;  // id = name id of the variable, 0: none
    uint64_t timestamp, address, bytes, pc;
    uint32_t deviceId, contextId, streamId, correlationId;
    uint32_t operation;   // CUpti_ActivityMemoryOperationType: 1 allocation, 2 release
    uint32_t memoryKind;  // CUpti_ActivityMemoryKind
    uint32_t poolType;    // 0: not from a pool, 1 local, 2 imported
    uint32_t reserved;
    uint64_t poolAddress, poolThreshold, poolSizeOrProcess, poolUsed;
};

struct MemoryPool {
    RecordHeader header;  // id = correlation id
    uint64_t timestamp, address, size, releaseThreshold, utilizedSize, minBytesToKeep;
    uint32_t deviceId, operation, poolType, reserved;
};

// Migrations and page faults; kinds and causes by CUPTI's numbers.
struct UnifiedMemory {
    RecordHeader header;  // id = stream id
    uint64_t start, end, address, value;
    uint32_t counterKind, srcId, dstId, flags;
};

struct ExternalCorrelation {
    RecordHeader header;  // id = correlation id
    uint64_t externalId;
    uint32_t kind, reserved;
};

// A node of a CUDA graph was made, by the thread whose ring this is.
struct GraphNode {
    RecordHeader header;  // id = name id of the node's type
    uint64_t time;        // of the ring's clock
    uint64_t nodeId, originalNodeId;  // 0: not a clone
    uint32_t graphId, originalGraphId;
};

struct Jit {
    RecordHeader header;  // id = name id of the cache's path
    uint64_t start, end, cacheBytes;
    uint32_t deviceId, correlationId;
    uint32_t entry, operation;       // CUpti_ActivityJitEntryType, ...JitOperationType
    uint32_t threadId, reserved;     // 0: this CUPTI does not say
};

enum class CudaObject : uint32_t { kDevice = 1, kContext = 2, kStream = 3, kEvent = 4 };
struct CudaName {
    RecordHeader header;  // id = name id
    CudaObject kind;
    uint32_t deviceId, contextId, streamId;
    uint64_t handle;      // the program's own
};

struct CudaDevice {
    RecordHeader header;  // id = device id
    uint32_t nameId;
    uint32_t computeMajor, computeMinor, smCount;
    uint64_t memoryBandwidthBytesPerSecond, totalMemory, clockRateHz, l2CacheBytes;
    uint8_t uuid[16];
};

struct CudaContext {
    RecordHeader header;  // id = context id
    uint32_t deviceId, nullStreamId;
};

// Beside CudaContext, from CUPTI 13.0 on.
struct CudaContextPart {
    RecordHeader header;  // id = context id
    uint32_t parentContextId, isGreen, smCount, reserved;
};

struct CudaStream {
    RecordHeader header;  // id = stream id
    uint32_t contextId, priority, flag, reserved;
};

// While counters are taken: a kernel is about to be launched, the index-th in its context.
struct KernelLaunch {
    RecordHeader header;  // id = name id (mangled)
    uint64_t time;
    uint32_t contextId, index, correlationId, reserved;
};

struct KernelMetric {
    RecordHeader header;  // id = name id of the metric
    uint32_t contextId, index;  // of KernelLaunch
    double value;
};

struct GpuMetricSample {
    RecordHeader header;  // id = name id of the metric
    uint64_t time;        // CUPTI ns: end of what was sampled
    uint32_t deviceId, reserved;
    double value;
};

struct NcclCommunicator {
    RecordHeader header;  // id = name id
    uint64_t time;
    uint64_t communicator;  // equal on all its ranks
    int32_t rank, ranks, nodes, reserved;
};

// Something of NCCL's began; it ends with the RangeClose of its id. Kinds: bits of NCCL's mask.
struct NcclEvent {
    RecordHeader header;    // id = name id of the function
    uint64_t start;
    uint64_t eventId, parentId;  // 0: none
    uint64_t communicator;
    uint64_t sequence;      // of a collective in its communicator; number of a proxy's step
    uint64_t count;         // elements; steps of a proxy operation
    uint64_t value;         // %globaltimer of a channel's start; chunk size of a proxy operation
    uint32_t kind;
    int32_t rank;
    int32_t peer;           // or root; -1: none
    uint32_t channels;      // how many; which one for channels and proxy operations
    uint32_t datatypeNameId, algorithmNameId, protocolNameId, reserved;
};

struct NcclState {
    RecordHeader header;    // id = NCCL's number of the state
    uint64_t time;
    uint64_t eventId;
    uint64_t value;         // bytes moved so far; %globaltimer of a channel's end
};

struct Counter {
    RecordHeader header;  // id = counter id, unique in this spool
    uint32_t nameId, unitNameId;
    int32_t pid;          // 0: of the machine
    int32_t deviceId;     // -1: none (CPU number for per-CPU counters)
};

enum class SampleClock : uint8_t { kRing = 0, kMonotonic = 1, kRealtime = 2 };  // ns but for the ring's

struct CounterSample {
    RecordHeader header;  // id = counter id, flags = SampleClock
    uint64_t time;
    double value;
};

// This CPU ran nothing of the guest between start and end, as far as a sleeper on it could tell.
struct PreemptionGap {
    RecordHeader header;  // id = cpu
    uint64_t start, end;
};

struct Diagnostic {
    RecordHeader header;  // id = name id of the text
    uint64_t time;
    uint32_t severity;    // 1 info, 2 warning, 3 error
    uint32_t reserved;
};

// The recorder saw this process end. In recorder.spool.
struct ProcessEnd {
    RecordHeader header;  // id = pid
    uint64_t time;
};

static_assert(sizeof(KernelLaunch) % 8 == 0 && sizeof(KernelMetric) % 8 == 0 && sizeof(GpuMetricSample) % 8 == 0);
static_assert(sizeof(NcclEvent) % 8 == 0 && sizeof(NcclCommunicator) % 8 == 0 && sizeof(NcclState) % 8 == 0);
static_assert(sizeof(CudaMemory) % 8 == 0 && sizeof(MemoryPool) % 8 == 0 && sizeof(UnifiedMemory) % 8 == 0);
static_assert(sizeof(GraphNode) % 8 == 0 && sizeof(Jit) % 8 == 0 && sizeof(CudaName) % 8 == 0);
enum CpuSampleFlags : uint8_t {
    kInKernel = 1,  // the first address is the kernel's
};

// Where a thread was when its CPU was sampled. In recorder.spool, as what follows here. header.flags: CpuSampleFlags.
// Addresses follow, the innermost first, 8 bytes each, to the end of the record; those of callers point behind the call.
struct CpuSample {
    RecordHeader header;  // id = cpu
    uint64_t time;
    uint32_t pid, tid;
    uint64_t period;      // of the sampling event: ns, or cycles
};

// A process maps a file to run code from it. length 0: it has no maps of its own any more (exec; start 0), or has those
// of the process `start` (fork).
struct CodeMap {
    RecordHeader header;  // id = name id of the file
    uint64_t time;
    uint32_t pid, reserved;
    uint64_t start, length;
    uint64_t fileOffset;
    uint64_t inode;       // 0: not known
};

enum SchedSwitchFlags : uint8_t {
    kSwitchOut = 1,  // left the CPU; else came onto it
    kPreempted = 2,  // left it although it could have gone on
};

struct SchedSwitch {
    RecordHeader header;  // id = cpu; flags: SchedSwitchFlags
    uint64_t time;
    uint32_t pid, tid;
};

static_assert(sizeof(Kernel) % 8 == 0 && sizeof(Memcpy) % 8 == 0 && sizeof(Memset) % 8 == 0);
static_assert(sizeof(Sync) % 8 == 0 && sizeof(Api) % 8 == 0 && sizeof(Overhead) % 8 == 0);
static_assert(sizeof(PayloadEnum) % 8 == 0 && sizeof(PayloadEnumerator) % 8 == 0 && sizeof(MemoryRegion) % 8 == 0);
static_assert(sizeof(Schema) % 8 == 0 && sizeof(SchemaEntry) % 8 == 0 && sizeof(Process) % 8 == 0);
static_assert(sizeof(IoFile) % 8 == 0 && sizeof(CudaDevice) % 8 == 0 && sizeof(Counter) % 8 == 0);
static_assert(sizeof(CudaContext) % 8 == 0 && sizeof(CudaStream) % 8 == 0 && sizeof(CudaEvent) % 8 == 0);
static_assert(sizeof(ThreadName) % 8 == 0 && sizeof(Category) % 8 == 0 && sizeof(Diagnostic) % 8 == 0);

static_assert(sizeof(CpuSample) % 8 == 0 && sizeof(CodeMap) % 8 == 0 && sizeof(SchedSwitch) % 8 == 0);

}  // namespace ridge::spool
