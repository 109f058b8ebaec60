// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/cupti_convert.h"

#include "collector/agent/names.h"
#include "collector/agent/process.h"
#include "schemas/spool/cuda_records.h"

namespace ridge::agent {

using namespace spool;

namespace {

template <class Activity>
const Activity& as(const CUpti_Activity* activity) {
    return *reinterpret_cast<const Activity*>(activity);
}

void convertKernel(Ring* ring, const CUpti_ActivityKernel10& k) {
    Kernel r{};
    r.header = recordHeader(RecordType::kKernel, sizeof r, intern(ring, k.name));
    r.start = k.start;
    r.end = k.end;
    r.deviceId = k.deviceId;
    r.contextId = k.contextId;
    r.streamId = k.streamId;
    r.correlationId = k.correlationId;
    r.gridX = k.gridX;
    r.gridY = k.gridY;
    r.gridZ = k.gridZ;
    r.blockX = k.blockX;
    r.blockY = k.blockY;
    r.blockZ = k.blockZ;
    r.registersPerThread = k.registersPerThread;
    r.staticSharedMemory = k.staticSharedMemory;
    r.dynamicSharedMemory = k.dynamicSharedMemory;
    r.localMemoryPerThread = k.localMemoryPerThread;
    r.localMemoryTotal = k.localMemoryTotal_v2;
    r.gridId = k.gridId;
    r.graphNodeId = k.graphNodeId;
    r.graphId = k.graphId;
    r.sharedMemoryExecuted = k.sharedMemoryExecuted;
    r.clusterX = k.clusterX;
    r.clusterY = k.clusterY;
    r.clusterZ = k.clusterZ;
    r.launchType = k.launchType;
    emit(ring, r);
}

// MEMCPY and MEMCPY2 (between devices) agree in everything but where the correlation id stands.
template <class Activity>
Memcpy copyOf(const Activity& c) {
    Memcpy r{};
    r.header = recordHeader(RecordType::kMemcpy, sizeof r, c.correlationId);
    r.start = c.start;
    r.end = c.end;
    r.bytes = c.bytes;
    r.graphNodeId = c.graphNodeId;
    r.deviceId = c.deviceId;
    r.contextId = c.contextId;
    r.streamId = c.streamId;
    r.correlationId = c.correlationId;
    r.copyKind = c.copyKind;
    r.srcKind = c.srcKind;
    r.dstKind = c.dstKind;
    r.flags = c.flags;
    return r;
}

void convertCopy(Ring* ring, const CUpti_ActivityMemcpy6& c) {
    Memcpy r = copyOf(c);
    r.srcDeviceId = r.dstDeviceId = c.deviceId;
    r.srcContextId = r.dstContextId = c.contextId;
    emit(ring, r);
}

void convertPeerCopy(Ring* ring, const CUpti_ActivityMemcpyPtoP4& c) {
    Memcpy r = copyOf(c);
    r.srcDeviceId = c.srcDeviceId;
    r.srcContextId = c.srcContextId;
    r.dstDeviceId = c.dstDeviceId;
    r.dstContextId = c.dstContextId;
    emit(ring, r);
}

void convertSet(Ring* ring, const CUpti_ActivityMemset4& m) {
    emit(ring, Memset{recordHeader(RecordType::kMemset, sizeof(Memset), m.correlationId), m.start,
                      m.end, m.bytes, m.graphNodeId, m.deviceId, m.contextId, m.streamId,
                      m.correlationId, m.value, m.memoryKind});
}

void convertSync(Ring* ring, const CUpti_ActivitySynchronization2& s, uint32_t version) {
    // CUPTI names the context; the device is found through CudaContext.
    emit(ring, Sync{recordHeader(RecordType::kSync, sizeof(Sync), s.correlationId), s.start, s.end,
                    0, s.contextId, s.streamId, s.correlationId, static_cast<uint32_t>(s.type),
                    s.cudaEventId, version >= kHeaderCupti ? s.cudaEventSyncId : 0});
}

void convertApi(Ring* ring, const CuptiLibrary& cupti, const CUpti_ActivityAPI& a) {
    const bool driver = a.kind == CUPTI_ACTIVITY_KIND_DRIVER;
    const char* name = nullptr;
    cupti.callbackName(driver ? CUPTI_CB_DOMAIN_DRIVER_API : CUPTI_CB_DOMAIN_RUNTIME_API, a.cbid,
                       &name);
    char number[48];
    if (name == nullptr) {
        Text(number, sizeof number)
            .add(driver ? "driver api " : "runtime api ")
            .add(uint64_t{a.cbid});
        name = number;
    }
    emit(ring, Api{recordHeader(RecordType::kApi, sizeof(Api), intern(ring, name)), a.start, a.end,
                   a.threadId, a.correlationId, a.returnValue, driver ? 1u : 0u});
}

void convertOverhead(Ring* ring, const CUpti_ActivityOverhead3& o, uint32_t version) {
    const char* name = "other";
    switch (o.overheadKind) {
        case CUPTI_ACTIVITY_OVERHEAD_DRIVER_COMPILER:
            name = "driver compiler";
            break;
        case CUPTI_ACTIVITY_OVERHEAD_CUPTI_BUFFER_FLUSH:
            name = "CUPTI buffer flush";
            break;
        case CUPTI_ACTIVITY_OVERHEAD_CUPTI_INSTRUMENTATION:
            name = "CUPTI instrumentation";
            break;
        case CUPTI_ACTIVITY_OVERHEAD_CUPTI_RESOURCE:
            name = "CUPTI resource";
            break;
        case CUPTI_ACTIVITY_OVERHEAD_RUNTIME_TRIGGERED_MODULE_LOADING:
            name = "module loading";
            break;
        case CUPTI_ACTIVITY_OVERHEAD_LAZY_FUNCTION_LOADING:
            name = "lazy function loading";
            break;
        case CUPTI_ACTIVITY_OVERHEAD_COMMAND_BUFFER_FULL:
            name = "command buffer full";
            break;
        default:
            break;
    }
    const uint32_t thread =
        o.objectKind == CUPTI_ACTIVITY_OBJECT_THREAD ? o.objectId.pt.threadId : 0;
    emit(ring, Overhead{recordHeader(RecordType::kOverhead, sizeof(Overhead), intern(ring, name)),
                        o.start, o.end, static_cast<uint32_t>(o.overheadKind), thread,
                        version >= kHeaderCupti ? o.correlationId : 0, 0});
}

void convertDevice(Ring* ring, const CUpti_ActivityDevice5& d) {
    CudaDevice r{};
    r.header = recordHeader(RecordType::kCudaDevice, sizeof r, d.id);
    r.nameId = intern(ring, d.name);
    r.computeMajor = d.computeCapabilityMajor;
    r.computeMinor = d.computeCapabilityMinor;
    r.smCount = d.numMultiprocessors;
    r.memoryBandwidthBytesPerSecond =
        d.globalMemoryBandwidth * 1000;  // CUPTI: kilobytes per second
    r.totalMemory = d.globalMemorySize;
    r.clockRateHz = uint64_t{d.coreClockRate} * 1000;  // CUPTI: kHz
    r.l2CacheBytes = d.l2CacheSize;
    memcpy(r.uuid, &d.uuid, sizeof r.uuid);
    emit(ring, r);
}

void convertContext(Ring* ring, const CUpti_ActivityContext3& c, uint32_t version) {
    emit(ring, CudaContext{recordHeader(RecordType::kCudaContext, sizeof(CudaContext), c.contextId),
                           c.deviceId, c.nullStreamId});
    if (version < kHeaderCupti) return;
    emit(ring, CudaContextPart{
                   recordHeader(RecordType::kCudaContextPart, sizeof(CudaContextPart), c.contextId),
                   c.parentContextId, c.isGreenContext, c.numMultiprocessors, 0});
}

// Device timestamps of events are never asked for: they make streams wait for each other.
void convertEvent(Ring* ring, const CUpti_ActivityCudaEvent2& e, uint32_t version) {
    const bool whole = version >= kHeaderCupti;
    emit(ring, CudaEvent{recordHeader(RecordType::kCudaEvent, sizeof(CudaEvent), e.correlationId),
                         whole ? e.deviceTimestamp : 0, whole ? e.deviceId : 0, e.contextId,
                         e.streamId, e.eventId, whole ? e.cudaEventSyncId : 0});
}

void convertMemory(Ring* ring, const CUpti_ActivityMemory4& m) {
    CudaMemory r{};
    r.header = recordHeader(RecordType::kCudaMemory, sizeof r, intern(ring, m.name));
    r.timestamp = m.timestamp;
    r.address = m.address;
    r.bytes = m.bytes;
    r.pc = m.PC;
    r.deviceId = m.deviceId;
    r.contextId = m.contextId;
    r.streamId = m.streamId;
    r.correlationId = m.correlationId;
    r.operation = static_cast<uint32_t>(m.memoryOperationType);
    r.memoryKind = static_cast<uint32_t>(m.memoryKind);
    r.poolType = static_cast<uint32_t>(m.memoryPoolConfig.memoryPoolType);
    if (r.poolType != CUPTI_ACTIVITY_MEMORY_POOL_TYPE_INVALID) {
        r.poolAddress = m.memoryPoolConfig.address;
        r.poolThreshold = m.memoryPoolConfig.releaseThreshold;
        r.poolSizeOrProcess = m.memoryPoolConfig.pool.size;
        r.poolUsed = m.memoryPoolConfig.utilizedSize;
    }
    emit(ring, r);
}

void convertPool(Ring* ring, const CUpti_ActivityMemoryPool3& p) {
    MemoryPool r{};
    r.header = recordHeader(RecordType::kMemoryPool, sizeof r, p.correlationId);
    r.timestamp = p.timestamp;
    r.address = p.address;
    r.size = p.size;
    r.releaseThreshold = p.releaseThreshold;
    r.utilizedSize = p.utilizedSize;
    r.minBytesToKeep = p.minBytesToKeep;
    r.deviceId = p.deviceId;
    r.operation = static_cast<uint32_t>(p.memoryPoolOperationType);
    r.poolType = static_cast<uint32_t>(p.memoryPoolType);
    emit(ring, r);
}

void convertUnified(Ring* ring, const CUpti_ActivityUnifiedMemoryCounter3& u) {
    emit(ring,
         UnifiedMemory{recordHeader(RecordType::kUnifiedMemory, sizeof(UnifiedMemory), u.streamId),
                       u.start, u.end, u.address, u.value, static_cast<uint32_t>(u.counterKind),
                       u.srcId, u.dstId, u.flags});
}

// The structure of 12.x ends before the thread.
void convertJit(Ring* ring, const CUpti_ActivityJit2& j, uint32_t version) {
    Jit r{};
    r.header = recordHeader(RecordType::kJit, sizeof r, intern(ring, j.cachePath));
    r.start = j.start;
    r.end = j.end;
    r.cacheBytes = j.cacheSize;
    r.deviceId = j.deviceId;
    r.correlationId = j.correlationId;
    r.entry = static_cast<uint32_t>(j.jitEntryType);
    r.operation = static_cast<uint32_t>(j.jitOperationType);
    r.threadId = version >= kHeaderCupti ? j.threadId : 0;
    emit(ring, r);
}

void convertName(Ring* ring, const CUpti_ActivityName& n) {
    CudaName r{};
    switch (n.objectKind) {
        case CUPTI_ACTIVITY_OBJECT_DEVICE:
            r.kind = CudaObject::kDevice;
            break;
        case CUPTI_ACTIVITY_OBJECT_CONTEXT:
            r.kind = CudaObject::kContext;
            break;
        case CUPTI_ACTIVITY_OBJECT_STREAM:
            r.kind = CudaObject::kStream;
            break;
        default:
            return;  // processes and threads name themselves
    }
    r.header = recordHeader(RecordType::kCudaName, sizeof r, intern(ring, n.name));
    r.deviceId = n.objectId.dcs.deviceId;
    r.contextId = r.kind != CudaObject::kDevice ? n.objectId.dcs.contextId : 0;
    r.streamId = r.kind == CudaObject::kStream ? n.objectId.dcs.streamId : 0;
    emit(ring, r);
}

}  // namespace

void convertActivity(Ring* ring, const CuptiLibrary& cupti, uint32_t version,
                     const CUpti_Activity* activity) {
    switch (activity->kind) {
        case CUPTI_ACTIVITY_KIND_KERNEL:
        case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
            return convertKernel(ring, as<CUpti_ActivityKernel10>(activity));
        case CUPTI_ACTIVITY_KIND_MEMCPY:
            return convertCopy(ring, as<CUpti_ActivityMemcpy6>(activity));
        case CUPTI_ACTIVITY_KIND_MEMCPY2:
            return convertPeerCopy(ring, as<CUpti_ActivityMemcpyPtoP4>(activity));
        case CUPTI_ACTIVITY_KIND_MEMSET:
            return convertSet(ring, as<CUpti_ActivityMemset4>(activity));
        case CUPTI_ACTIVITY_KIND_RUNTIME:
        case CUPTI_ACTIVITY_KIND_DRIVER:
            return convertApi(ring, cupti, as<CUpti_ActivityAPI>(activity));
        case CUPTI_ACTIVITY_KIND_SYNCHRONIZATION:
            return convertSync(ring, as<CUpti_ActivitySynchronization2>(activity), version);
        case CUPTI_ACTIVITY_KIND_OVERHEAD:
            return convertOverhead(ring, as<CUpti_ActivityOverhead3>(activity), version);
        case CUPTI_ACTIVITY_KIND_DEVICE:
            return convertDevice(ring, as<CUpti_ActivityDevice5>(activity));
        case CUPTI_ACTIVITY_KIND_CONTEXT:
            return convertContext(ring, as<CUpti_ActivityContext3>(activity), version);
        case CUPTI_ACTIVITY_KIND_CUDA_EVENT:
            return convertEvent(ring, as<CUpti_ActivityCudaEvent2>(activity), version);
        case CUPTI_ACTIVITY_KIND_MEMORY2:
            return convertMemory(ring, as<CUpti_ActivityMemory4>(activity));
        case CUPTI_ACTIVITY_KIND_MEMORY_POOL:
            return convertPool(ring, as<CUpti_ActivityMemoryPool3>(activity));
        case CUPTI_ACTIVITY_KIND_UNIFIED_MEMORY_COUNTER:
            return convertUnified(ring, as<CUpti_ActivityUnifiedMemoryCounter3>(activity));
        case CUPTI_ACTIVITY_KIND_JIT:
            return convertJit(ring, as<CUpti_ActivityJit2>(activity), version);
        case CUPTI_ACTIVITY_KIND_NAME:
            return convertName(ring, as<CUpti_ActivityName>(activity));
        case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION: {
            const auto& e = as<CUpti_ActivityExternalCorrelation>(activity);
            emit(ring,
                 ExternalCorrelation{recordHeader(RecordType::kExternalCorrelation,
                                                  sizeof(ExternalCorrelation), e.correlationId),
                                     e.externalId, static_cast<uint32_t>(e.externalKind), 0});
            return;
        }
        case CUPTI_ACTIVITY_KIND_GRAPH_TRACE: {
            const auto& g = as<CUpti_ActivityGraphTrace2>(activity);
            emit(ring, GraphTrace{recordHeader(RecordType::kGraphTrace, sizeof(GraphTrace),
                                               g.correlationId),
                                  g.start, g.end, g.deviceId, g.contextId, g.streamId, g.graphId});
            return;
        }
        case CUPTI_ACTIVITY_KIND_STREAM: {
            const auto& s = as<CUpti_ActivityStream>(activity);
            emit(ring,
                 CudaStream{recordHeader(RecordType::kCudaStream, sizeof(CudaStream), s.streamId),
                            s.contextId, s.priority, static_cast<uint32_t>(s.flag), 0});
            return;
        }
        case CUPTI_ACTIVITY_KIND_DEVICE_ATTRIBUTE:
            return;  // comes along with DEVICE; nothing of it is kept
        default:
            countLoss(ring, kLossCuptiUnknown);
    }
}

}  // namespace ridge::agent
