// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/trace/trace.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/text.h"
#include "reports/trace/tracks.h"

namespace ridge::reports {
namespace {

using namespace analyzer;  // NOLINT: this file is about its rows

constexpr std::size_t kPiece = std::size_t{1} << 20;

std::string jsonText(std::string_view text) { return nlohmann::json(toValidUtf8(text)).dump(); }

// Bytes of one element as Kineto calls the types; 0: not known.
std::int64_t elementBytes(std::string_view dtype) {
    static constexpr std::array<std::pair<std::string_view, std::int64_t>, 10> kSizes{{{"Float", 4}, {"BFloat16", 2}, {"Half", 2}, {"Double", 8}, {"Int", 4}, {"Long", 8}, {"Byte", 1}, {"Char", 1}, {"Bool", 1}, {"Short", 2}}};
    for (const auto& [name, bytes] : kSizes)
        if (name == dtype) return bytes;
    return 0;
}

// As Kineto names copies; numbers as in ENUM_CUDA_MEMCPY_OPER and ENUM_CUDA_MEM_KIND.
std::string copyName(const GpuRow& row) {
    static constexpr std::array<std::string_view, 11> kOperations{"", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA", "AtoD", "DtoA", "DtoD", "HtoH", "PtoP"};
    static constexpr std::array<std::string_view, 5> kKinds{"Pageable", "Pinned", "Device", "Array", "Managed"};
    const auto kind = [&](std::uint8_t k) { return k < kKinds.size() ? kKinds[k] : std::string_view("?"); };
    std::string name = "Memcpy";
    if (row.copyKind > 0 && row.copyKind < kOperations.size()) name += fmt::format(" {}", kOperations[row.copyKind]);
    if (row.srcKind != 255 || row.dstKind != 255) name += fmt::format(" ({} -> {})", kind(row.srcKind), kind(row.dstKind));
    return name;
}

std::string_view syncName(SyncKind kind) {
    switch (kind) {
        case SyncKind::kEvent: return "Event Sync";
        case SyncKind::kStreamWaitEvent: return "Stream Wait Event";
        case SyncKind::kStream: return "Stream Sync";
        case SyncKind::kContext: return "Context Sync";
        case SyncKind::kUnknown: break;
    }
    return "Synchronization";
}

class Writer {
public:
    Writer(const Timeline& timeline, const TraceSink& sink) : m_t(timeline), m_sink(sink), m_ids(timeline) { m_out.reserve(kPiece + (kPiece >> 2)); }

    Result<TraceCounts> write() {
        head();
        hostSlices();
        deviceSlices();
        syncSlices();
        arrows();
        counters();
        memory();
        gaps();
        names();
        m_out += "\n]}\n";
        give(true);
        if (!m_status.ok()) return m_status.error();
        return m_counts;
    }

private:
    void give(bool all) {
        if (!all && m_out.size() < kPiece) return;
        if (m_status.ok()) m_status = m_sink(m_out);
        m_out.clear();
    }

    auto out() { return std::back_inserter(m_out); }

    const std::string& text(NameId id) {
        if (m_texts.size() <= id.value) m_texts.resize(m_t.names.size());
        std::string& known = m_texts[id.value];
        if (known.empty()) known = jsonText(m_t.names.text(id));
        return known;
    }

    void time(const char* key, Ns ns) { fmt::format_to(out(), ",\"{}\":{}{}.{:03}", key, ns < 0 ? "-" : "", std::abs(ns) / 1000, std::abs(ns) % 1000); }

    // Up to the arguments, which the caller adds; then close().
    void begin(char phase, std::string_view category, const std::string& name, std::int64_t pid, std::int64_t tid, Ns at, Ns duration) {
        fmt::format_to(out(), "{}\n{{\"ph\":\"{}\",\"cat\":\"{}\",\"name\":{},\"pid\":{},\"tid\":{}", m_first ? "" : ",", phase, category, name, pid, tid);
        m_first = false;
        time("ts", at);
        if (phase == 'X') time("dur", duration);
        m_argument = false;
    }
    template <typename Value>
    void argument(std::string_view key, const Value& value) {
        fmt::format_to(out(), "{}\"{}\":{}", m_argument ? "," : ",\"args\":{", key, value);
        m_argument = true;
    }
    void close() {
        m_out += m_argument ? "}}" : "}";
        give(false);
    }

    void head() {
        m_out = "{\"displayTimeUnit\":\"ns\"";
        if (m_t.utcOfZero > 0) fmt::format_to(out(), ",\"baseTimeNanoseconds\":{}", m_t.utcOfZero);
        const Process* ranked = nullptr;
        std::size_t ranks = 0;
        for (const Process& p : m_t.processes)
            if (p.rankKnown && ++ranks > 0) ranked = &p;
        if (ranks == 1) fmt::format_to(out(), ",\"distributedInfo\":{{\"rank\":{},\"world_size\":{}}}", ranked->rank, ranked->worldSize);
        m_out += ",\"deviceProperties\":[";
        for (std::size_t i = 0; i < m_t.devices.size(); ++i) fmt::format_to(out(), "{}{{\"id\":{},\"name\":{}}}", i ? "," : "", m_ids.deviceIds[i], jsonText(m_t.devices[i].name));
        m_out += "],\"traceEvents\":[";
    }

    std::int64_t pidOf(std::int32_t process) const { return process == kNoIndex ? kOtherPids - 2 : m_ids.processes[static_cast<std::size_t>(process)]; }

    struct Track {
        std::int64_t pid = 0, tid = 0;
    };
    Track hostTrack(std::int32_t thread, Ns start, Ns end) {
        std::int64_t pid = pidOf(kNoIndex), number = 0;
        if (thread != kNoIndex) {
            const Thread& t = m_t.threads[static_cast<std::size_t>(thread)];
            pid = pidOf(t.process);
            number = t.globalTid & 0xFFFFFF;
        }
        const std::size_t lane = m_tracks.lanes(pid, number).place(start, end);
        return {pid, m_tracks.tid(pid, number, lane, fmt::format("thread {}", number))};
    }

    // Ranges, calls and file accesses of all threads together, by start, longer ones first: that is how they nest.
    void hostSlices() {
        std::size_t r = 0, c = 0, i = 0;
        struct Slice {
            Ns start, end;
            int kind;
            std::size_t index;
        };
        std::vector<Slice> together;  // those of one start
        constexpr Ns kNever = std::numeric_limits<Ns>::max();
        while (m_status.ok()) {
            const Ns nextRange = r < m_t.ranges.size() ? m_t.ranges[r].start : kNever, nextCall = c < m_t.calls.size() ? m_t.calls[c].start : kNever, nextIo = i < m_t.io.size() ? m_t.io[i].start : kNever;
            const Ns now = std::min({nextRange, nextCall, nextIo});
            if (now == kNever) return;
            together.clear();
            for (; r < m_t.ranges.size() && m_t.ranges[r].start == now; ++r) together.push_back({now, m_t.ranges[r].end, 0, r});
            for (; c < m_t.calls.size() && m_t.calls[c].start == now; ++c) together.push_back({now, m_t.calls[c].end, 1, c});
            for (; i < m_t.io.size() && m_t.io[i].start == now; ++i) together.push_back({now, m_t.io[i].end, 2, i});
            std::stable_sort(together.begin(), together.end(), [](const Slice& a, const Slice& b) { return a.end > b.end; });
            for (const Slice& s : together) {
                if (s.kind == 0) range(m_t.ranges[s.index]);
                else if (s.kind == 1) call(m_t.calls[s.index]);
                else access(m_t.io[s.index]);
                ++m_counts.slices;
            }
        }
    }

    void range(const Range& r) {
        const bool endless = r.open && !r.endKnown;
        const Track at = hostTrack(r.thread, r.start, r.end);
        const std::string_view category = r.kind == RangeKind::kOp ? "cpu_op" : r.kind == RangeKind::kFunction ? "python_function" : "user_annotation";
        const bool step = r.frame == Frame::kStep;
        begin(endless ? 'B' : 'X', category, step ? fmt::format("\"ProfilerStep#{}\"", r.index) : text(r.name), at.pid, at.tid, r.start, r.end - r.start);
        if (step) argument("range", text(r.name));
        if (r.frame == Frame::kWorkload) argument("frame", "\"workload\"");
        if (r.frame == Frame::kWarmup) argument("frame", "\"warmup\"");
        if (r.shapes != NameId{}) {
            const std::string& shapes = m_t.names.text(r.shapes);
            if (!shapes.empty()) argument("Input Dims", nlohmann::json::accept(shapes) ? shapes : jsonText(shapes));
        }
        if (r.open && r.endKnown) argument("unfinished", "true");
        if (r.work != kNoIndex) work(m_t.works[static_cast<std::size_t>(r.work)]);
        close();
    }

    void work(const Work& w) {
        argument("op_kind", w.opKind);
        argument("dtype_number", w.dtype);
        for (const auto& [key, value] : {std::pair("flops", w.flops), std::pair("bytes_read", w.bytesRead), std::pair("bytes_written", w.bytesWritten), std::pair("bytes_communicated", w.bytesCommunicated)})
            if (value > 0 && std::isfinite(value)) argument(key, fmt::format("{:.0f}", value));
    }

    void call(const Call& c) {
        const Track at = hostTrack(c.thread, c.start, c.end);
        const std::string& name = m_t.names.text(c.name);
        const bool driver = name.starts_with("cu") && !name.starts_with("cuda");
        begin('X', driver ? "cuda_driver" : "cuda_runtime", text(c.name), at.pid, at.tid, c.start, c.end - c.start);
        argument("correlation", c.correlation);
        close();
    }

    void access(const IoRow& row) {
        const Track at = hostTrack(row.thread, row.start, row.end);
        begin('X', "io", text(row.name), at.pid, at.tid, row.start, row.end - row.start);
        if (row.bytes > 0) argument("bytes", row.bytes);
        if (row.path != NameId{}) argument("path", text(row.path));
        close();
    }

    // Rows of a vector that is sorted by start, those of one start from the longest on.
    template <typename Row, typename Write>
    void longestFirst(const std::vector<Row>& rows, Write write) {
        for (std::size_t from = 0; from < rows.size() && m_status.ok();) {
            std::size_t to = from;
            while (to < rows.size() && rows[to].start == rows[from].start) ++to;
            for (std::size_t i = to; i-- > from;) write(rows[i], i);
            from = to;
        }
    }

    void deviceSlices() {
        m_gpuTracks.resize(m_t.gpu.size());
        longestFirst(m_t.gpu, [&](const GpuRow& row, std::size_t i) {
            const std::int64_t pid = row.device == kNoIndex ? kOtherPids - 3 : m_ids.devices[static_cast<std::size_t>(row.device)];
            const std::int64_t track = row.stream;
            const std::size_t lane = m_tracks.lanes(pid, track).place(row.start, row.end);
            const std::int64_t tid = m_tracks.tid(pid, track, lane, fmt::format("stream {}", row.stream));
            m_gpuTracks[i] = tid;
            const bool kernel = row.kind == GpuKind::kKernel, graph = row.kind == GpuKind::kGraph;
            const char* category = kernel ? "kernel" : graph ? "cuda_graph" : row.kind == GpuKind::kCopy ? "gpu_memcpy" : "gpu_memset";
            begin('X', category, kernel || graph ? text(row.name) : row.kind == GpuKind::kCopy ? jsonText(copyName(row)) : std::string("\"Memset (Device)\""), pid, tid, row.start, row.end - row.start);
            if (row.device != kNoIndex) argument("device", m_ids.deviceIds[static_cast<std::size_t>(row.device)]);
            argument("stream", row.stream);
            argument("correlation", row.correlation);
            if (!kernel && row.bytes > 0) argument("bytes", row.bytes);
            if (row.blocks > 0) argument("grid", fmt::format("[{}, 1, 1]", row.blocks));
            if (row.collective != kNoIndex) collective(m_t.collectives[static_cast<std::size_t>(row.collective)]);
            close();
            ++m_counts.slices;
        });
    }

    void collective(const Collective& c) {
        argument("Collective name", text(c.name));
        argument("dtype", text(c.dtype));
        if (const std::int64_t size = elementBytes(m_t.names.text(c.dtype)); size > 0) {
            argument("In msg nelems", c.bytesIn / size);
            argument("Out msg nelems", c.bytesOut / size);
        }
        if (c.groupSize > 0) argument("Group size", c.groupSize);
        if (!m_t.names.text(c.group).empty()) argument("Process Group Name", text(c.group));
        if (c.sequence >= 0) argument("Seq", c.sequence);
    }

    // On tracks of their own: they lie across the kernels that they wait for.
    void syncSlices() {
        constexpr std::int64_t kSyncTracks = 500'000'000;
        longestFirst(m_t.syncs, [&](const SyncRow& row, std::size_t) {
            const std::int64_t pid = row.device == kNoIndex ? pidOf(row.process) : m_ids.devices[static_cast<std::size_t>(row.device)];
            const std::int64_t track = kSyncTracks + std::clamp<std::int64_t>(row.stream, -1, 100'000'000) + 1;
            const std::size_t lane = m_tracks.lanes(pid, track).place(row.start, row.end);
            const std::int64_t tid = m_tracks.tid(pid, track, lane, row.stream < 0 ? std::string("synchronization") : fmt::format("synchronization of stream {}", row.stream));
            begin('X', "cuda_sync", jsonText(syncName(row.kind)), pid, tid, row.start, row.end - row.start);
            argument("cuda_sync_kind", jsonText(syncName(row.kind)));
            argument("device", row.device == kNoIndex ? -1 : m_ids.deviceIds[static_cast<std::size_t>(row.device)]);
            argument("stream", row.stream);
            argument("correlation", row.correlation);
            if (row.waitedStream >= 0) argument("wait_on_stream", row.waitedStream);
            if (row.eventRecord > 0) argument("wait_on_cuda_event_record_corr_id", row.eventRecord);
            close();
            ++m_counts.slices;
        });
    }

    void arrow(std::string_view category, const std::string& name, std::int64_t id, const Track& from, Ns fromTime, const Track& to, Ns toTime) {
        for (const bool start : {true, false}) {
            const Track& at = start ? from : to;
            begin(start ? 's' : 'f', category, name, at.pid, at.tid, start ? fromTime : toTime, 0);
            fmt::format_to(out(), ",\"id\":{}{}", id, start ? "" : ",\"bp\":\"e\"");
            close();
        }
        ++m_counts.arrows;
    }

    Track threadTrack(std::int32_t thread) const {
        if (thread == kNoIndex) return {pidOf(kNoIndex), 0};
        const Thread& t = m_t.threads[static_cast<std::size_t>(thread)];
        return {pidOf(t.process), t.globalTid & 0xFFFFFF};
    }

    void arrows() {
        std::int64_t id = 0;
        for (std::size_t i = 0; i < m_t.gpu.size() && m_status.ok(); ++i) {
            const GpuRow& row = m_t.gpu[i];
            if (row.launch == kNoIndex || row.device == kNoIndex) continue;
            const Call& launch = m_t.calls[static_cast<std::size_t>(row.launch)];
            if (launch.start > row.start) continue;  // clocks that do not agree: an arrow does not point back in time
            arrow("ac2g", "\"launch\"", ++id, threadTrack(launch.thread), launch.start, {m_ids.devices[static_cast<std::size_t>(row.device)], m_gpuTracks[i]}, row.start);
        }
        id = 0;
        for (const Flow& f : m_t.flows) arrow("fwdbwd", "\"hand-off\"", ++id, threadTrack(f.fromThread), f.fromTime, threadTrack(f.toThread), f.toTime);
    }

    void sample(const std::string& name, std::int64_t pid, Ns at, double value) {
        if (!std::isfinite(value)) return;
        begin('C', "counter", name, pid, 0, at, 0);
        argument("value", fmt::format("{}", value));
        close();
        ++m_counts.samples;
    }

    void counters() {
        for (const CounterSeries& series : m_t.counters) {
            const std::string name = jsonText(series.name + (series.device >= 0 ? fmt::format(" GPU {}", series.device) : "") + (series.unit.empty() ? "" : " [" + series.unit + "]"));
            for (const auto& [at, value] : series.samples) sample(name, pidOf(series.process), at, value);
        }
    }

    void memory() {
        std::map<std::int32_t, double> inUse;
        for (const MemoryEvent& e : m_t.memoryEvents) {
            double& bytes = inUse[e.device];
            bytes += e.frees ? -static_cast<double>(e.bytes) : static_cast<double>(e.bytes);
            sample("\"device memory in use [B]\"", e.device == kNoIndex ? pidOf(e.process) : m_ids.devices[static_cast<std::size_t>(e.device)], e.time, bytes);
        }
    }

    void gaps() {
        for (const Preemption& gap : m_t.preemptions) {
            const std::size_t lane = m_tracks.lanes(kGapPid, gap.cpu).place(gap.start, gap.end);
            begin('X', "preemption", "\"not running\"", kGapPid, m_tracks.tid(kGapPid, gap.cpu, lane, fmt::format("CPU {}", gap.cpu)), gap.start, gap.end - gap.start);
            close();
            ++m_counts.slices;
        }
    }

    void name(const char* what, std::int64_t pid, std::int64_t tid, const char* key, const std::string& value) {
        fmt::format_to(out(), "{}\n{{\"ph\":\"M\",\"name\":\"{}\",\"pid\":{},\"tid\":{},\"ts\":0,\"args\":{{\"{}\":{}}}}}", m_first ? "" : ",", what, pid, tid, key, value);
        m_first = false;
        give(false);
    }

    void names() {
        std::int64_t order = 0;
        const auto process = [&](std::int64_t pid, const std::string& called) {
            name("process_name", pid, 0, "name", jsonText(called));
            name("process_sort_index", pid, 0, "sort_index", std::to_string(++order));
        };
        for (std::size_t i = 0; i < m_t.processes.size(); ++i) {
            const Process& p = m_t.processes[i];
            process(m_ids.processes[i], fmt::format("{}{}{}", p.rankKnown ? fmt::format("rank {} ", p.rank) : "", p.name.empty() ? "process" : p.name, p.host.empty() ? "" : " on " + p.host));
        }
        for (std::size_t i = 0; i < m_t.devices.size(); ++i) process(m_ids.devices[i], fmt::format("GPU {} {}", m_t.devices[i].id, m_t.devices[i].name));
        if (!m_t.preemptions.empty()) process(kGapPid, "the host took the CPU away");
        for (const auto& track : m_tracks.named()) name("thread_name", track.pid, track.tid, "name", jsonText(track.name));
    }

    const Timeline& m_t;
    const TraceSink& m_sink;
    TraceIds m_ids;
    TrackTable m_tracks;
    std::string m_out;
    std::vector<std::string> m_texts;          // quoted, by name; empty: not yet
    std::vector<std::int64_t> m_gpuTracks;     // tid of each device row
    TraceCounts m_counts;
    Status m_status;
    bool m_first = true, m_argument = false;
};

}  // namespace

Result<TraceCounts> writeTrace(const Timeline& timeline, const TraceSink& sink) { return Writer(timeline, sink).write(); }

}  // namespace ridge::reports
