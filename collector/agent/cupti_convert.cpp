// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/cupti_convert.h"

#include "collector/agent/names.h"
#include "collector/agent/process.h"

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
        case CUPTI_ACTIVITY_KIND_CONTEXT: {
            const auto& c = as<CUpti_ActivityContext3>(activity);
            emit(ring, CudaContext{
                           recordHeader(RecordType::kCudaContext, sizeof(CudaContext), c.contextId),
                           c.deviceId, c.nullStreamId});
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
