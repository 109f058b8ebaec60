// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a session is, and the block through which recorder and agents steer it. Plain data only: the agents include the
// headers of this folder and nothing else of ours. All integers are little-endian.
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

#include <stddef.h>
#include <stdint.h>

namespace ridge::spool {

inline constexpr uint32_t kControlMagic = 0x4C525443;  // "CTRL"
inline constexpr const char* kSessionVariable = "RIDGE_SESSION";  // absolute path of the session folder

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
    uint32_t staticPrograms;   // added to by agents: programs that were started and take no preloaded library
    uint32_t reserved;
    char firstStatic[256];     // path of the first of them
};
static_assert(sizeof(ControlBlock) <= 4096);
// The block of the first files ends here: what was added since is, in its page, zeros.
inline constexpr size_t kFirstControlBytes = offsetof(ControlBlock, staticPrograms);

}  // namespace ridge::spool
