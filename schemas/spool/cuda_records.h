// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What CUPTI hands over, times in its own nanoseconds where nothing else is said, and counters of kernels and GPUs.

#include "schemas/spool/record.h"

#include <stdint.h>

namespace ridge::spool {

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

static_assert(sizeof(Kernel) % 8 == 0 && sizeof(Memcpy) % 8 == 0 && sizeof(Memset) % 8 == 0);
static_assert(sizeof(Sync) % 8 == 0 && sizeof(Api) % 8 == 0 && sizeof(Overhead) % 8 == 0);
static_assert(sizeof(CudaContext) % 8 == 0 && sizeof(CudaStream) % 8 == 0 && sizeof(CudaEvent) % 8 == 0);
static_assert(sizeof(CudaMemory) % 8 == 0 && sizeof(MemoryPool) % 8 == 0 && sizeof(UnifiedMemory) % 8 == 0);
static_assert(sizeof(GraphNode) % 8 == 0 && sizeof(Jit) % 8 == 0 && sizeof(CudaName) % 8 == 0 && sizeof(CudaDevice) % 8 == 0);
static_assert(sizeof(KernelLaunch) % 8 == 0 && sizeof(KernelMetric) % 8 == 0 && sizeof(GpuMetricSample) % 8 == 0);

}  // namespace ridge::spool
