// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// CUPTI's records -> CUPTI_ACTIVITY_KIND_*. Columns in the order of timeline.sql; enums are
// translated from CUPTI's numbers (cupti_activity.h) to those of the file's ENUM_ tables where the
// two differ.
#include "collector/recorder/convert/cuda_enums.h"
#include "collector/recorder/convert/emitter.h"
#include "collector/recorder/convert/kernel_name.h"

namespace ridge::recorder {

using namespace spool;

// start, end, deviceId, contextId, greenContextId, streamId, correlationId, globalPid.
void Emitter::device(std::int64_t start, std::int64_t end, std::uint32_t deviceId,
                     std::uint32_t contextId, std::uint32_t streamId, std::uint32_t correlationId) {
    m_row.clear();
    m_row.integer(start).integer(end).integer(deviceId).integer(contextId).null().integer(streamId);
    m_row.integer(correlationId).integer(globalTid(m_source->pid, 0));
    note(end);
}

std::pair<std::int64_t, std::int64_t> Emitter::kernelNames(std::int64_t mangled) {
    const auto [found, isNew] = m_kernelNames.try_emplace(mangled);
    if (isNew) {
        const std::string full = demangle(m_catalogue.strings.text(mangled));
        found->second = {m_catalogue.strings.intern(full),
                         m_catalogue.strings.intern(shortKernelName(full))};
    }
    return found->second;
}

void Emitter::kernel(const Kernel& k) {
    const std::int64_t mangled = name(k.header.id);
    const auto [demangled, shortName] = kernelNames(mangled);
    const std::int64_t start = cudaTime(k.start);
    device(start, cudaTime(k.end), k.deviceId, k.contextId, k.streamId, k.correlationId);
    m_row.integer(demangled)
        .integer(shortName)
        .integer(mangled)
        .integer(cudaLaunchType(k.launchType))
        .null();
    m_row.integer(k.registersPerThread).integer(k.gridX).integer(k.gridY).integer(k.gridZ);
    m_row.integer(k.blockX).integer(k.blockY).integer(k.blockZ).integer(k.staticSharedMemory);
    m_row.integer(k.dynamicSharedMemory).integer(k.localMemoryPerThread);
    m_row.integer(static_cast<std::int64_t>(k.localMemoryTotal))
        .integer(k.gridId)
        .integer(k.sharedMemoryExecuted);
    m_row.integerOrNull(k.graphNodeId != 0, static_cast<std::int64_t>(k.graphNodeId));
    m_row.null().null().null().null().integerOrNull(k.graphId != 0, k.graphId);
    if (k.clusterX) m_row.integer(k.clusterX).integer(k.clusterY).integer(k.clusterZ);
    m_tables.kernel().add(m_row, start);
    m_launches[m_source].kernel(k.correlationId, start);
}

void Emitter::copy(const Memcpy& c) {
    const std::int64_t start = cudaTime(c.start);
    device(start, cudaTime(c.end), c.deviceId, c.contextId, c.streamId, c.correlationId);
    m_row.integer(static_cast<std::int64_t>(c.bytes)).integer(c.copyKind).null();
    m_row.integer(cudaMemoryKind(c.srcKind)).integer(cudaMemoryKind(c.dstKind));
    constexpr std::uint32_t kPeerToPeer =
        10;  // ENUM_CUDA_MEMCPY_OPER; only there the two ends are told
    if (c.copyKind == kPeerToPeer)
        m_row.integer(c.srcDeviceId)
            .integer(c.srcContextId)
            .integer(c.dstDeviceId)
            .integer(c.dstContextId);
    else
        m_row.null().null().null().null();
    m_row.null().integerOrNull(c.graphNodeId != 0, static_cast<std::int64_t>(c.graphNodeId));
    m_tables.memcpy().add(m_row, start);
}

void Emitter::set(const Memset& s) {
    const std::int64_t start = cudaTime(s.start);
    device(start, cudaTime(s.end), s.deviceId, s.contextId, s.streamId, s.correlationId);
    m_row.integer(s.value).integer(static_cast<std::int64_t>(s.bytes));
    m_row.integerOrNull(s.graphNodeId != 0, static_cast<std::int64_t>(s.graphNodeId))
        .integer(cudaMemoryKind(s.memoryKind));
    m_tables.memset().add(m_row, start);
}

void Emitter::synchronization(const Sync& s) {
    const std::int64_t start = cudaTime(s.start);
    device(start, cudaTime(s.end), s.deviceId, s.contextId, s.streamId, s.correlationId);
    m_row.null().integer(s.syncType <= 4 ? s.syncType : 0).integer(s.eventId);
    m_row.integerOrNull(s.eventSyncId != 0, static_cast<std::int64_t>(s.eventSyncId));
    m_tables.sync().add(m_row, start);
}

void Emitter::api(const Api& a) {
    const std::int64_t start = cudaTime(a.start);
    const std::int64_t end = cudaTime(a.end);
    m_row.clear();
    m_row.integer(start)
        .integer(end)
        .integer(a.isDriver ? 1 : 0)
        .integer(m_source->globalThread(a.threadId));
    m_row.integer(a.correlationId).integer(name(a.header.id)).integer(a.returnValue);
    m_tables.runtime().add(m_row, start);
    m_launches[m_source].call(a.correlationId, start);
    note(end);
}

void Emitter::overheadRow(const Overhead& o) {
    const std::int64_t start = cudaTime(o.start);
    const std::int64_t end = cudaTime(o.end);
    m_row.clear();
    m_row.integer(start).integer(end).integer(103).integer(m_source->globalThread(o.threadId));
    m_row.integer(o.correlationId)
        .integer(name(o.header.id))
        .integer(cudaOverheadType(o.overheadType));
    m_tables.overhead().add(m_row);
    note(end);
}

void Emitter::cudaEvent(const CudaEvent& e) {
    const std::int64_t at = cudaTime(e.timestamp);
    m_row.clear();
    m_row.integerOrNull(e.timestamp != 0, at)
        .integer(e.deviceId)
        .integer(e.contextId)
        .null()
        .integer(e.streamId);
    m_row.integer(e.header.id).integer(globalTid(m_source->pid, 0)).integer(e.eventId);
    m_row.integerOrNull(e.eventSyncId != 0, static_cast<std::int64_t>(e.eventSyncId));
    m_tables.cudaEvent().add(m_row);
    note(e.timestamp ? at : 0);
}

void Emitter::graphTrace(const GraphTrace& g) {
    device(cudaTime(g.start), cudaTime(g.end), g.deviceId, g.contextId, g.streamId, g.header.id);
    m_row.integer(g.graphId);
    m_tables.graphTrace().add(m_row);
}

}  // namespace ridge::recorder
