// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Second pass: turns each record into its row. One Emitter per conversion, one thread. The cursor
// holds what changes from ring to ring; nothing grows with the number of records.

#include "collector/recorder/convert/catalogue.h"
#include "collector/recorder/convert/code_names.h"
#include "collector/recorder/convert/launch_order.h"
#include "collector/recorder/convert/memory_regions.h"
#include "collector/recorder/convert/nccl_calls.h"
#include "collector/recorder/convert/payload_json.h"
#include "collector/recorder/convert/tables.h"

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace ridge::recorder {

// A time of recording, ns since session start.
struct TimeWindow {
    std::int64_t start = 0;
    std::int64_t end = 0;
};

class Emitter {
public:
    // Times become ns since startMonotonicNs; utcAtStart: for CUPTI times without clock readings.
    Emitter(Catalogue& catalogue, const std::vector<RingFile>& rings, Tables& tables,
            std::int64_t startMonotonicNs, std::int64_t startUtcNs);

    // All rows of one ring, its open ranges included.
    // What the GPU did outside of them was handed over late or early, and is left out; none: all is
    // in.
    void setWindows(std::vector<TimeWindow> windows) { m_windows = std::move(windows); }
    void ring(std::uint32_t index);
    // Asked every kRecordsPerLook records; once it says so, nothing more is made of the rings.
    void setStop(std::function<bool()> isToStop) { m_isToStop = std::move(isToStop); }
    [[nodiscard]] bool stopped() const { return m_stopped; }
    // Largest time seen, ns since the start.
    [[nodiscard]] std::int64_t lastTime() const { return m_lastTime; }
    [[nodiscard]] std::uint64_t events() const { return m_events; }
    // Frames of sampled call stacks of which no function's name was found.
    [[nodiscard]] std::uint64_t unresolvedFrames() const { return m_code.unresolved(); }
    [[nodiscard]] std::uint64_t frames() const { return m_frames; }
    // StringIds of a text, on the way to rows made elsewhere.
    std::int64_t text(std::string_view value) { return m_catalogue.strings.intern(value); }
    // nullptr: no kernel and no call of that process was seen.
    [[nodiscard]] const LaunchOrder* launchOrder(const Source& source) const {
        const auto found = m_launches.find(&source);
        return found == m_launches.end() ? nullptr : &found->second;
    }
    // With their strings interned; before StringIds are written.
    std::vector<NcclCall> takeNcclCalls();
    [[nodiscard]] std::int64_t sessionTime(const Source& source, std::uint64_t time);

private:
    struct Extras {  // what follows the fixed part of a range or mark
        bool hasWideCategory = false;
        std::uint64_t wideCategory = 0;
        bool hasValue = false;
        std::uint64_t valueType = 0;
        std::uint64_t value = 0;
        std::string_view blobs;
    };
    struct NvtxEvent {
        std::int64_t start = 0;
        bool hasEnd = false;
        std::int64_t end = 0;
        std::int64_t eventType = 59;
        bool hasRangeId = false;
        std::uint64_t rangeId = 0;
        std::uint8_t flags = 0;
        std::uint32_t category = 0;
        std::uint32_t color = 0;
        std::uint32_t nameId = 0;
        std::uint16_t domainId = 0;
        std::int64_t endGlobalTid = 0;
        Extras extras;
    };
    static Extras extrasOf(std::uint8_t flags, std::string_view tail);

    void record(const RecordView& record);
    void range(const RecordView& record);
    void plainRange(const spool::Range& range);
    void rangeOpen(const RecordView& record);
    void mark(const RecordView& record);
    void openFrames(const spool::RingHeader& header, const RecordView* last);
    void nvtx(const NvtxEvent& event);
    void nvtxValue(const Extras& extras);
    void nvtxBlobs(std::string_view blobs);
    void payloadRows(std::int64_t nvtxId);
    void ncclCall(const NvtxEvent& event);

    bool goesOn() {
        if (++m_walked % kRecordsPerLook == 0 && m_isToStop) m_stopped = m_stopped || m_isToStop();
        return !m_stopped;
    }
    [[nodiscard]] bool outsideOfWindows(const RecordView& record);
    bool counterRecord(const RecordView& record);
    bool ncclRecord(const RecordView& record);
    void ncclEvent(const spool::NcclEvent& event);
    [[nodiscard]] const RangeEnd* endOf(std::uint64_t rangeId) const;
    void counterSample(const spool::CounterSample& sample);
    void cpuSample(const RecordView& view);
    void schedSwitch(const spool::SchedSwitch& event);
    [[nodiscard]] bool outsideOfWindows(std::int64_t at) const;
    void countForeignClock();
    void ioCall(const spool::IoCall& call);
    void kernel(const spool::Kernel& kernel);
    void copy(const spool::Memcpy& copy);
    void set(const spool::Memset& set);
    void synchronization(const spool::Sync& sync);
    void api(const spool::Api& api);
    void overheadRow(const spool::Overhead& overhead);
    void cudaEvent(const spool::CudaEvent& event);
    void graphTrace(const spool::GraphTrace& trace);
    void cudaMemory(const spool::CudaMemory& memory);
    void memoryPool(const spool::MemoryPool& pool);
    void unifiedMemory(const spool::UnifiedMemory& record);
    void graphNode(const spool::GraphNode& node);
    void jit(const spool::Jit& jit);
    bool cudaMemoryRecord(const RecordView& record);
    std::string ownerAt(std::uint64_t address, std::int64_t at);
    void device(std::int64_t start, std::int64_t end, std::uint32_t deviceId,
                std::uint32_t contextId, std::uint32_t streamId, std::uint32_t correlationId);
    std::pair<std::int64_t, std::int64_t> kernelNames(std::int64_t mangled);

    std::int64_t time(std::uint64_t ticks);
    std::int64_t cudaTime(std::uint64_t cuptiNs);
    std::int64_t name(std::uint32_t id);
    void note(std::int64_t end) {
        ++m_events;
        if (end > m_ringLast) m_ringLast = end;
    }

    static constexpr std::uint64_t kRecordsPerLook = 32768;
    std::function<bool()> m_isToStop;
    std::uint64_t m_walked = 0;
    bool m_stopped = false;
    Catalogue& m_catalogue;
    const std::vector<RingFile>& m_rings;
    Tables& m_tables;
    std::int64_t m_start;
    std::int64_t m_startUtc;
    std::int64_t m_lastTime = 0;
    std::uint64_t m_events = 0;
    bulk::BulkRow m_row;
    std::unordered_map<std::int64_t, std::pair<std::int64_t, std::int64_t>> m_kernelNames;
    std::int64_t m_unnamed = 0;
    std::vector<TimeWindow> m_windows;
    std::unordered_map<const Source*, std::unique_ptr<std::vector<RegionRow>>> m_regions;
    std::vector<NcclCall> m_ncclCalls;
    std::unordered_map<std::uint64_t, std::int64_t> m_ncclRanks;  // by communicator
    std::unordered_map<const Source*, LaunchOrder> m_launches;
    std::unordered_map<std::int64_t, std::int64_t>
        m_gpuMetrics;  // StringIds of the name -> metric id
    CodeNames m_code;
    std::int64_t m_samples = 0;
    std::uint64_t m_frames = 0;

    // Of the ring at hand.
    Source* m_source = nullptr;
    std::int64_t m_ringLast = 0;
    bool m_recorder = false;
    std::int64_t m_globalTid = 0;
    std::size_t m_hint = 0;
    std::size_t m_cuptiHint = 0;
    bool m_workFound = false;  // of the event at hand
    std::string m_blobs;       // of the range at hand: its start's and its end's
    bulk::BulkRow m_workRow;
    std::vector<std::pair<std::int64_t, PayloadValue>> m_payload;  // schema id, value
};

}  // namespace ridge::recorder
