// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Walks the records of a spool without trusting a byte of it. Every record handed out lies wholly
// inside the stream and is at least as long as its type's struct; the walk ends at the first that
// is not.

#include "schemas/spool/cuda_records.h"
#include "schemas/spool/io_records.h"
#include "schemas/spool/nccl_records.h"
#include "schemas/spool/nvtx_records.h"
#include "schemas/spool/record.h"
#include "schemas/spool/sample_records.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace ridge::recorder {

// Fixed part of a record in bytes; 0: a type that this version does not know.
constexpr std::uint32_t minimumBytes(spool::RecordType type) {
    using namespace spool;
    switch (type) {
        case RecordType::kPadding:
            return sizeof(RecordHeader);
        case RecordType::kName:
            return sizeof(Name);
        case RecordType::kDomain:
            return sizeof(Domain);
        case RecordType::kCategory:
            return sizeof(Category);
        case RecordType::kSchema:
            return sizeof(Schema);
        case RecordType::kThreadName:
            return sizeof(ThreadName);
        case RecordType::kRange:
            return sizeof(Range);
        case RecordType::kRangeOpen:
            return sizeof(RangeOpen);
        case RecordType::kRangeClose:
            return sizeof(RangeClose);
        case RecordType::kMark:
            return sizeof(Mark);
        case RecordType::kProcess:
            return sizeof(Process);
        case RecordType::kThreadAttach:
            return sizeof(ThreadAttach);
        case RecordType::kClockSample:
            return sizeof(ClockSample);
        case RecordType::kDomainDestroy:
            return sizeof(RecordHeader);
        case RecordType::kPayloadEnum:
            return sizeof(PayloadEnum);
        case RecordType::kMemoryRegion:
            return sizeof(MemoryRegion);
        case RecordType::kIoCall:
            return sizeof(IoCall);
        case RecordType::kIoFile:
            return sizeof(IoFile);
        case RecordType::kKernel:
            return sizeof(Kernel);
        case RecordType::kMemcpy:
            return sizeof(Memcpy);
        case RecordType::kMemset:
            return sizeof(Memset);
        case RecordType::kSync:
            return sizeof(Sync);
        case RecordType::kApi:
            return sizeof(Api);
        case RecordType::kOverhead:
            return sizeof(Overhead);
        case RecordType::kCudaDevice:
            return sizeof(CudaDevice);
        case RecordType::kCudaContext:
            return sizeof(CudaContext);
        case RecordType::kCudaStream:
            return sizeof(CudaStream);
        case RecordType::kCudaEvent:
            return sizeof(CudaEvent);
        case RecordType::kGraphTrace:
            return sizeof(GraphTrace);
        case RecordType::kCudaMemory:
            return sizeof(CudaMemory);
        case RecordType::kMemoryPool:
            return sizeof(MemoryPool);
        case RecordType::kUnifiedMemory:
            return sizeof(UnifiedMemory);
        case RecordType::kExternalCorrelation:
            return sizeof(ExternalCorrelation);
        case RecordType::kGraphNode:
            return sizeof(GraphNode);
        case RecordType::kJit:
            return sizeof(Jit);
        case RecordType::kCudaName:
            return sizeof(CudaName);
        case RecordType::kCudaContextPart:
            return sizeof(CudaContextPart);
        case RecordType::kKernelLaunch:
            return sizeof(KernelLaunch);
        case RecordType::kKernelMetric:
            return sizeof(KernelMetric);
        case RecordType::kGpuMetricSample:
            return sizeof(GpuMetricSample);
        case RecordType::kNcclCommunicator:
            return sizeof(NcclCommunicator);
        case RecordType::kNcclEvent:
            return sizeof(NcclEvent);
        case RecordType::kNcclState:
            return sizeof(NcclState);
        case RecordType::kCounter:
            return sizeof(Counter);
        case RecordType::kCounterSample:
            return sizeof(CounterSample);
        case RecordType::kPreemptionGap:
            return sizeof(PreemptionGap);
        case RecordType::kDiagnostic:
            return sizeof(Diagnostic);
        case RecordType::kProcessEnd:
            return sizeof(ProcessEnd);
        case RecordType::kCpuSample:
            return sizeof(CpuSample);
        case RecordType::kCodeMap:
            return sizeof(CodeMap);
        case RecordType::kSchedSwitch:
            return sizeof(SchedSwitch);
        case RecordType::kThreadNumber:
            return sizeof(ThreadNumber);
    }
    return 0;
}

inline constexpr auto kMinimumBytes = [] {
    std::array<std::uint16_t, 256> table{};
    for (std::size_t type = 0; type < table.size(); ++type)
        table[type] =
            static_cast<std::uint16_t>(minimumBytes(static_cast<spool::RecordType>(type)));
    return table;
}();

struct RecordView {
    const std::uint8_t* data;
    std::uint32_t bytes;
    std::uint64_t offset;  // in the stream

    [[nodiscard]] spool::RecordType type() const { return static_cast<spool::RecordType>(data[0]); }
    // A copy: spool bytes need not be aligned as the struct is.
    template <typename T>
    [[nodiscard]] T as() const {
        T record;
        std::memcpy(&record, data, sizeof record);
        return record;
    }
    // What follows the fixed part.
    [[nodiscard]] std::string_view tail(std::size_t fixed) const {
        return {reinterpret_cast<const char*>(data) + fixed, bytes - fixed};
    }
};

struct WalkEnd {
    std::uint64_t consumed = 0;  // bytes of whole, sound records
    bool corrupt = false;        // more bytes follow, and they are no record
    std::uint64_t unknown = 0;   // records of types that this version does not know
    std::uint64_t holes = 0;  // bytes of zeros between records: given up by the producer, or gone
};

template <typename Visit>
WalkEnd walkRecords(std::span<const std::uint8_t> stream, Visit&& visit) {
    WalkEnd end;
    while (stream.size() - end.consumed >= sizeof(spool::RecordHeader)) {
        const std::uint8_t* at = stream.data() + end.consumed;
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        if (word == 0) {
            end.consumed += sizeof word;
            end.holes += sizeof word;
            continue;
        }
        const auto bytes = static_cast<std::uint32_t>(word >> 16 & 0xffff) * 8;
        const std::uint32_t minimum = kMinimumBytes[at[0]];
        if (bytes == 0 || bytes < minimum || bytes > stream.size() - end.consumed) break;
        if (minimum == 0)
            ++end.unknown;
        else
            visit(RecordView{at, bytes, end.consumed});
        end.consumed += bytes;
    }
    end.corrupt = end.consumed < stream.size();
    return end;
}

}  // namespace ridge::recorder
