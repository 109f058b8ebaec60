// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/from_timeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "gui/load/assembly.h"
#include "gui/load/memory_use.h"
#include "gui/model/colours.h"
#include "schemas/timeline/ids.h"

namespace ridge::gui {
namespace {

using analyzer::GpuKind;
using analyzer::kNoIndex;
using analyzer::RangeKind;
using analyzer::Timeline;

// Process ids of several files must not meet: the number of the process in the timeline is the id.
std::int64_t processId(std::int32_t index) { return (static_cast<std::int64_t>(index) + 1) << 24; }

class Builder {
public:
    Builder(const Timeline& timeline, const std::vector<std::string>& paths) : m_timeline(timeline), m_assembly(paths) {}

    SnapshotPtr build() {
        addProcesses();
        addGpu();
        addRanges();
        addCalls();
        addIo();
        addWaits();
        addHandOffs();
        addMemory();
        addCounters();
        addReports();
        return m_assembly.publish(true, 1);
    }

private:
    void addProcesses() {
        for (std::size_t i = 0; i < m_timeline.processes.size(); ++i) {
            const analyzer::Process& p = m_timeline.processes[i];
            m_assembly.beginFile(static_cast<std::uint32_t>(std::max(0, p.file)));
            auto& info = m_assembly.process(processId(static_cast<std::int32_t>(i)));
            info.pid = p.pid;
            info.rank = p.rankKnown ? p.rank : -1;
            info.name = p.name;
            info.host = p.host;
        }
        for (const analyzer::GpuDevice& device : m_timeline.devices) m_assembly.nameDevice(0, device.id, device.name);
    }
    std::uint32_t name(analyzer::NameId id) { return m_assembly.intern(m_timeline.names.text(id)); }
    static std::uint32_t small(std::int64_t value) {
        return value > 0 && value < INT64_C(0xFFFFFFFF) ? static_cast<std::uint32_t>(value) : 0U;
    }
    LaneBuilder* threadTrack(std::int32_t thread, TrackKind kind) {
        const analyzer::Thread& t = m_timeline.threads[static_cast<std::size_t>(thread)];
        const std::int64_t process = processId(t.process);
        return m_assembly.track({process, -1, process | timeline::tidOf(t.globalTid), kind}, "");
    }
    void addGpu() {
        for (const analyzer::GpuRow& row : m_timeline.gpu) {
            TrackKind kind = TrackKind::kKernels;
            if (row.kind == GpuKind::kCopy || row.kind == GpuKind::kSet) kind = TrackKind::kCopies;
            if (row.kind == GpuKind::kGraph) kind = TrackKind::kGraphs;
            std::uint32_t text = name(row.name);
            if (m_assembly.text(text).empty())
                text = m_assembly.intern(row.kind == GpuKind::kCopy ? "copy" : row.kind == GpuKind::kSet ? "memset" : "CUDA graph");
            if (!m_assembly.hasColour(text))
                m_assembly.colour(text, kind == TrackKind::kCopies ? colourOf(WallClass::kCopy)
                                                                    : colourOf(analyzer::classifyKernel(m_assembly.text(text))));
            const std::int64_t device =
                row.device == kNoIndex ? 0 : std::max<std::int64_t>(0, m_timeline.devices[static_cast<std::size_t>(row.device)].id);
            m_assembly.seen(row.start, row.end);
            // The number of the call stands in for the correlation: it is unique in the timeline.
            const std::uint32_t launch = row.launch == kNoIndex ? 0U : static_cast<std::uint32_t>(row.launch) + 1;
            if (auto* lanes = m_assembly.track({processId(row.process), device, row.stream, kind}, ""))
                lanes->add(row.start, row.end, text, 0, launch);
        }
    }
    void addRanges() {
        for (const analyzer::Range& range : m_timeline.ranges) {
            TrackKind kind = range.nests ? TrackKind::kRanges : TrackKind::kFreeRanges;
            if (range.kind == RangeKind::kOp || range.kind == RangeKind::kFunction) kind = TrackKind::kOps;
            const std::uint32_t text = name(range.name);
            if (range.work != kNoIndex && !m_assembly.hasColour(text))
                m_assembly.colour(text, colourOfOpKind(m_timeline.works[static_cast<std::size_t>(range.work)].opKind, m_assembly.text(text)));
            m_assembly.seen(range.start, range.end);
            if (range.thread == kNoIndex) continue;
            if (auto* lanes = threadTrack(range.thread, kind)) lanes->add(range.start, range.end, text, small(range.rowid));
        }
    }
    void addCalls() {
        for (std::size_t i = 0; i < m_timeline.calls.size(); ++i) {
            const analyzer::Call& call = m_timeline.calls[i];
            const std::uint32_t text = name(call.name);
            if (!m_assembly.hasColour(text)) {
                const bool launch = m_assembly.text(text).find("Launch") != std::string::npos;
                m_assembly.colour(text, colourOf(call.blocking ? WallClass::kSync : launch ? WallClass::kLaunch : WallClass::kApi));
            }
            m_assembly.seen(call.start, call.end);
            if (call.thread == kNoIndex) continue;
            if (auto* lanes = threadTrack(call.thread, TrackKind::kApi))
                lanes->add(call.start, call.end, text, small(call.rowid), static_cast<std::uint32_t>(i) + 1);
        }
    }
    void addIo() {
        for (const analyzer::IoRow& row : m_timeline.io) {
            const std::uint32_t text = name(row.name);
            m_assembly.colour(text, colourOf(row.writes ? WallClass::kIoCheckpoint : WallClass::kIoInput));
            m_assembly.seen(row.start, row.end);
            if (row.thread == kNoIndex) continue;
            if (auto* lanes = threadTrack(row.thread, TrackKind::kIo)) lanes->add(row.start, row.end, text, small(row.rowid));
        }
    }
    // A wait and the record it waits for, both named by their calls.
    void addWaits() {
        std::map<std::pair<std::int32_t, std::int64_t>, std::uint32_t> callOf;
        for (std::size_t i = 0; i < m_timeline.calls.size(); ++i) {
            const analyzer::Call& call = m_timeline.calls[i];
            if (call.correlation == 0 || call.thread == kNoIndex) continue;
            callOf.try_emplace({m_timeline.threads[static_cast<std::size_t>(call.thread)].process, call.correlation},
                               static_cast<std::uint32_t>(i) + 1);
        }
        for (const analyzer::SyncRow& sync : m_timeline.syncs) {
            if (sync.eventRecord == 0 || sync.launch == kNoIndex) continue;
            const auto it = callOf.find({sync.process, sync.eventRecord});
            if (it != callOf.end())
                m_assembly.addWait(processId(sync.process), it->second, static_cast<std::uint32_t>(sync.launch) + 1);
        }
    }
    void addHandOffs() {
        const auto end = [&](std::int32_t thread, Ns time) {
            const analyzer::Thread& t = m_timeline.threads[static_cast<std::size_t>(thread)];
            const std::int64_t process = processId(t.process);
            return Assembly::End{process, process | timeline::tidOf(t.globalTid), time};
        };
        for (const analyzer::Flow& flow : m_timeline.flows)
            if (flow.fromThread != kNoIndex && flow.toThread != kNoIndex)
                m_assembly.addHandOff(end(flow.fromThread, flow.fromTime), end(flow.toThread, flow.toTime));
    }
    void addMemory() {
        MemoryUse use;
        for (const analyzer::MemoryEvent& event : m_timeline.memoryEvents) {
            const std::int64_t device = event.device == kNoIndex ? 0 : std::max<std::int64_t>(0, m_timeline.devices[static_cast<std::size_t>(event.device)].id);
            use.add(event.process == kNoIndex ? 0 : processId(event.process), device, event.kind, event.time, event.address, event.bytes, event.frees);
            m_assembly.seen(event.time, event.time);
        }
        use.finish(m_assembly);
    }
    void addCounters() {
        std::int64_t key = 0;
        for (const analyzer::CounterSeries& series : m_timeline.counters) {
            const std::int64_t process = series.process == kNoIndex ? 0 : processId(series.process);
            Counter* counter = m_assembly.counter(process, series.process == kNoIndex ? -1 : series.device, series.name, series.unit, ++key);
            for (const auto& [time, value] : series.samples) counter->append(time, static_cast<float>(value));
        }
    }
    void addReports() {
        for (const analyzer::TableReport& table : m_timeline.tables) {
            m_assembly.warn("rows end before they start and are not drawn", table.negative);
            m_assembly.warn("rows have times that cannot be and are not drawn", table.outOfRange);
            m_assembly.warn("cells hold another type than their column should", table.wrongType);
            m_assembly.warn("ranges had no end in the file and are drawn to the last time seen", table.open);
            if (!table.error.empty()) m_assembly.lost(fmt::format("{}: {}", table.table, table.error));
        }
    }
    const Timeline& m_timeline;
    Assembly m_assembly;
};

}  // namespace

SnapshotPtr fromTimeline(const Timeline& timeline, const std::vector<std::string>& paths) { return Builder(timeline, paths).build(); }

}  // namespace ridge::gui
