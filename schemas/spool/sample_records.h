// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What is measured beside the calls: counters of programs and of the machine; and what the recorder sees of processes
// and CPUs, in recorder.spool, where times are CLOCK_MONOTONIC ns.

#include "schemas/spool/record.h"

#include <stdint.h>

namespace ridge::spool {

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

// The recorder saw this process end. In recorder.spool.
struct ProcessEnd {
    RecordHeader header;  // id = pid
    uint64_t time;
};

// What a thread of another pid namespace, whose own number stands in its ring, is called here. In recorder.spool.
struct ThreadNumber {
    RecordHeader header;  // id = tid here
    int32_t pid;          // here
    int32_t innerTid;
};

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

static_assert(sizeof(Counter) % 8 == 0 && sizeof(ThreadNumber) % 8 == 0);
static_assert(sizeof(CpuSample) % 8 == 0 && sizeof(CodeMap) % 8 == 0 && sizeof(SchedSwitch) % 8 == 0);

}  // namespace ridge::spool
