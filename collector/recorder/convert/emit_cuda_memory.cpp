// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// CUPTI's records of memory, graphs' nodes and compilation -> their tables. Columns in the order of
// timeline.sql; enums are translated from CUPTI's numbers to those of the file.
#include "collector/recorder/convert/cuda_enums.h"
#include "collector/recorder/convert/emitter.h"

#include <algorithm>

namespace ridge::recorder {

using namespace spool;

namespace {

// CUpti_ActivityUnifiedMemoryCounterKind.
constexpr std::uint32_t kBytesHtoD = 1, kBytesDtoH = 2, kCpuFaults = 3, kGpuFault = 4,
                        kBytesDtoD = 8;
// CUpti_ActivityUnifiedMemoryAccessType: the file has the same numbers.
constexpr std::uint32_t kAccessTypes = 4;
constexpr std::uint32_t kHostProcessor = 0xffffffff;

}  // namespace

// False: no record of this kind.
bool Emitter::cudaMemoryRecord(const RecordView& view) {
    switch (view.type()) {
        case RecordType::kCudaMemory:
            cudaMemory(view.as<CudaMemory>());
            return true;
        case RecordType::kMemoryPool:
            memoryPool(view.as<MemoryPool>());
            return true;
        case RecordType::kUnifiedMemory:
            unifiedMemory(view.as<UnifiedMemory>());
            return true;
        case RecordType::kGraphNode:
            graphNode(view.as<GraphNode>());
            return true;
        case RecordType::kJit:
            jit(view.as<Jit>());
            return true;
        case RecordType::kExternalCorrelation: {
            const auto e = view.as<ExternalCorrelation>();
            m_tables.small("RIDGE_EXTERNAL_CORRELATION",
                           {globalTid(m_source->pid, 0), std::int64_t{e.header.id},
                            std::int64_t{e.kind}, static_cast<std::int64_t>(e.externalId)});
            return true;
        }
        default:
            return false;
    }
}

// The owner: the variable that CUPTI names, else the region that the program registered there.
void Emitter::cudaMemory(const CudaMemory& m) {
    constexpr std::uint32_t kAllocation = 1, kLocal = 1, kImported = 2;
    const std::int64_t at = cudaTime(m.timestamp);
    m_row.clear();
    m_row.integer(at).integer(globalTid(m_source->pid, 0)).integer(m.deviceId).integer(m.contextId);
    m_row.integer(static_cast<std::int64_t>(m.address)).integer(static_cast<std::int64_t>(m.pc));
    m_row.integer(static_cast<std::int64_t>(m.bytes)).integer(cudaMemoryKind(m.memoryKind));
    m_row.integer(m.operation == kAllocation ? 0 : 1);
    const std::string owner =
        m.header.id ? m_catalogue.strings.text(name(m.header.id)) : ownerAt(m.address, at);
    if (owner.empty())
        m_row.null();
    else
        m_row.text(owner);
    m_row.integer(m.correlationId).integer(m.streamId);
    const auto pool = [&](bool present, std::uint64_t value) {
        m_row.integerOrNull(present, static_cast<std::int64_t>(value));
    };
    const bool local = m.poolType == kLocal;
    const bool imported = m.poolType == kImported;
    pool(local, m.poolAddress);
    pool(local, m.poolThreshold);
    pool(local, m.poolSizeOrProcess);
    pool(local, m.poolUsed);
    pool(imported, m.poolAddress);
    pool(imported, m.poolSizeOrProcess);
    m_tables.cudaMemory().add(m_row);
    note(at);
}

void Emitter::memoryPool(const MemoryPool& p) {
    // CUPTI: 1 created, 2 destroyed, 3 trimmed; 1 local, 2 imported.
    if (p.operation < 1 || p.operation > 3 || p.poolType < 1 || p.poolType > 2) return;
    const bool local = p.poolType == 1;
    const auto value = [](std::uint64_t v) { return static_cast<std::int64_t>(v); };
    m_tables.small("CUDA_GPU_MEMORY_POOL_EVENTS",
                   {cudaTime(p.timestamp), globalTid(m_source->pid, 0), std::int64_t{p.deviceId},
                    value(p.address), std::int64_t{p.operation} - 1, std::int64_t{p.poolType} - 1,
                    std::int64_t{p.header.id}, value(p.minBytesToKeep),
                    local ? Value(value(p.releaseThreshold)) : Value(nullptr),
                    local ? Value(value(p.size)) : Value(nullptr),
                    local ? Value(value(p.utilizedSize)) : Value(nullptr)});
}

// Migrations stand among the copies, with neither correlation nor stream.
void Emitter::unifiedMemory(const UnifiedMemory& u) {
    const std::int64_t start = cudaTime(u.start);
    switch (u.counterKind) {
        case kBytesHtoD:
        case kBytesDtoH:
        case kBytesDtoD: {
            const bool toDevice = u.counterKind != kBytesDtoH;
            const std::uint32_t deviceId = toDevice ? u.dstId : u.srcId;
            device(start, cudaTime(u.end), deviceId == kHostProcessor ? 0 : deviceId, 0, 0, 0);
            const std::int64_t copyKind = u.counterKind == kBytesHtoD   ? 11
                                          : u.counterKind == kBytesDtoH ? 12
                                                                        : 13;
            constexpr std::int64_t kManaged = 4;
            m_row.integer(static_cast<std::int64_t>(u.value)).integer(copyKind).null();
            m_row.integer(kManaged).integer(kManaged);
            m_row.integerOrNull(u.srcId != kHostProcessor, u.srcId).null();
            m_row.integerOrNull(u.dstId != kHostProcessor, u.dstId).null();
            m_row.integer(u.flags <= 5 ? u.flags : 0).null();
            m_row.integer(static_cast<std::int64_t>(u.address));
            m_tables.memcpy().add(m_row, start);
            return;
        }
        case kCpuFaults:
            m_tables.small("CUDA_UM_CPU_PAGE_FAULT_EVENTS", {start, globalTid(m_source->pid, 0),
                                                             static_cast<std::int64_t>(u.address)});
            return note(start);
        case kGpuFault:
            m_tables.small(
                "CUDA_UM_GPU_PAGE_FAULT_EVENTS",
                {start, cudaTime(u.end), globalTid(m_source->pid, 0), std::int64_t{u.srcId},
                 static_cast<std::int64_t>(u.address), static_cast<std::int64_t>(u.value),
                 std::int64_t{u.flags <= kAccessTypes ? u.flags : 0}});
            return note(cudaTime(u.end));
        default:
            return;  // never asked for
    }
}

void Emitter::graphNode(const GraphNode& g) {
    m_row.clear();
    m_row.integer(time(g.time)).null().null().integer(m_globalTid).integer(name(g.header.id));
    m_row.integer(static_cast<std::int64_t>(g.nodeId));
    m_row.integerOrNull(g.originalNodeId != 0, static_cast<std::int64_t>(g.originalNodeId));
    m_tables.graphNode().add(m_row);
    note(time(g.time));
}

void Emitter::jit(const Jit& j) {
    constexpr const char* kEntries[] = {"unknown", "ptx_to_cubin", "nvvm_ir_to_ptx"};
    constexpr const char* kOperations[] = {"unknown", "cache_load", "cache_store", "compile"};
    const std::int64_t end = cudaTime(j.end);
    m_tables.small(
        "RIDGE_JIT",
        {cudaTime(j.start), end, m_source->globalThread(j.threadId), std::int64_t{j.deviceId},
         j.correlationId ? Value(std::int64_t{j.correlationId}) : Value(nullptr),
         std::string(kEntries[j.entry < 3 ? j.entry : 0]),
         std::string(kOperations[j.operation < 4 ? j.operation : 0]),
         static_cast<std::int64_t>(j.cacheBytes),
         j.header.id ? Value(m_catalogue.strings.text(name(j.header.id))) : Value(nullptr)});
    note(end);
}

// The newest region that begins at this address and lives then, in this process's own words.
std::string Emitter::ownerAt(std::uint64_t address, std::int64_t at) {
    auto& regions = m_regions[m_source];
    if (!regions) {
        regions =
            std::make_unique<std::vector<RegionRow>>(memoryRegions(*m_source, m_catalogue.strings));
        std::stable_sort(
            regions->begin(), regions->end(),
            [](const RegionRow& a, const RegionRow& b) { return a.address < b.address; });
    }
    std::string owner;
    auto row = std::lower_bound(regions->begin(), regions->end(), address,
                                [](const RegionRow& r, std::uint64_t a) { return r.address < a; });
    // The program names its memory after it has it: a region may begin a little later than that.
    for (; row != regions->end() && row->address == address; ++row) {
        if (row->name.empty() || (row->end && sessionTime(*m_source, row->end) < at)) continue;
        if (owner.empty() || sessionTime(*m_source, row->start) <= at) owner = row->name;
    }
    return owner;
}

}  // namespace ridge::recorder
