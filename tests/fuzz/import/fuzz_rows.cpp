// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// One input: bytes that are taken as rows of a timeline, four or more bytes each, so that every mutation is rows again
// and reaches the analysis: times far apart and equal, rows that repeat thousands of times, links that make no sense.
// Whatever they are, the answer adds up and comes soon.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "analyzer/timeline/link.h"
#include "analyzer/timeline/order.h"
#include "verify.h"

namespace {

using namespace ridge::analyzer;

constexpr std::size_t kMostRows = 20'000;
constexpr std::array<std::string_view, 16> kNames{
    "", "step", "ProfilerStep#7", "ncclDevKernel_AllReduce", "ampere_sgemm_128x64_tn", "cudaLaunchKernel_v7000", "cudaDeviceSynchronize", "cudaMemcpy_v3020",
    "cudaMemcpyAsync", "cudaGraphLaunch", "save_checkpoint", "__next__", "aten::mm", "/data/a.bin", "read", "kv_cache"};

class Rows {
public:
    Rows(const std::uint8_t* data, std::size_t size) : m_data(data), m_size(size) {
        m_timeline.sources.push_back({"rows", (byte() & 1) != 0 ? "ridge" : "nsys", "1", "fuzz"});
        const std::size_t processes = 1 + byte() % 4, threads = 1 + byte() % 3, devices = byte() % 3;
        for (std::size_t p = 0; p < processes; ++p) {
            Process process;
            process.globalPid = static_cast<std::int64_t>((p + 1) << 24) | (p % 2 == 1 && (byte() & 1) != 0 ? std::int64_t{1} << 48 : 0);
            process.pid = static_cast<std::int64_t>(p) + 1;
            process.rankKnown = byte() % 4 != 0;
            process.rank = static_cast<std::int64_t>(p);
            process.worldSize = byte() % 5;
            m_timeline.processes.push_back(process);
            for (std::size_t t = 0; t < threads; ++t) m_timeline.threads.push_back({process.globalPid | static_cast<std::int64_t>(t), static_cast<std::int32_t>(p)});
            for (std::size_t d = 0; d < devices; ++d) m_timeline.devices.push_back({0, static_cast<std::int64_t>(d), "H100", static_cast<std::int64_t>(p)});
        }
        for (const std::string_view name : kNames) m_timeline.names.intern(name);
        while (m_at < m_size && m_rows < kMostRows) row();
        finish();
    }
    const Timeline& timeline() const { return m_timeline; }

private:
    std::uint8_t byte() { return m_at < m_size ? m_data[m_at++] : std::uint8_t{0}; }
    // Mostly short ways on, sometimes to the edges of what a loader lets through.
    Ns way() {
        const std::uint8_t b = byte();
        if (b < 160) return b;
        if (b < 220) return Ns{byte()} << (b % 24);
        if (b < 240) return -(Ns{byte()} << (b % 16));
        const std::array<Ns, 8> far{kMaxTime - 1, -kMaxTime + 1, kMaxTime / 2, -kMaxTime / 2, Ns{1} << 40, -(Ns{1} << 40), 10'000, 200'000};
        return far[b % far.size()] - m_now;
    }
    Ns clamped(Ns time) const { return std::clamp<Ns>(time, -kMaxTime + 1, kMaxTime - 1); }
    template <typename Row>
    Row timed() {
        Row row;
        m_now = clamped(m_now + way());
        row.start = m_now;
        row.end = std::max(m_now, clamped(m_now + way()));
        m_timeline.lastTime = std::max(m_timeline.lastTime, row.end);
        return row;
    }
    NameId name() { return NameId{static_cast<std::uint32_t>(byte() % kNames.size())}; }
    template <typename Rows>
    std::int32_t pick(const Rows& rows) {
        const std::uint8_t b = byte();
        return rows.empty() || b == 255 ? kNoIndex : static_cast<std::int32_t>(b % std::min<std::size_t>(rows.size(), 251));
    }
    std::int32_t thread() { return static_cast<std::int32_t>(byte() % m_timeline.threads.size()); }

    void row() {
        ++m_rows;
        switch (const std::uint8_t what = byte(); what % 12) {
            case 0: return range(Frame::kNone);
            case 1: return range(static_cast<Frame>(byte() % 4));
            case 2: return work();
            case 3:
            case 4: return call();
            case 5:
            case 6:
            case 7: return gpu();
            case 8: return io();
            case 9: return sync();
            case 10: return other();
            default: return repeat();
        }
    }
    void range(Frame frame) {
        Range r = timed<Range>();
        r.frame = frame;
        r.name = name();
        r.thread = thread();
        r.kind = static_cast<RangeKind>(byte() % 3);
        r.nests = byte() % 8 != 0;
        r.index = byte();
        r.rowid = static_cast<std::int64_t>(m_timeline.ranges.size()) + 1;
        m_timeline.ranges.push_back(r);
    }
    void work() {
        range(Frame::kNone);
        Work w;
        w.opKind = static_cast<std::uint16_t>(byte() % 10);
        w.dtype = static_cast<std::uint16_t>(byte() % 8);
        const std::array<double, 5> amounts{0, 1, 4e6, 1.8e19, 1e12};
        w.flops = amounts[byte() % 5];
        w.bytesRead = amounts[byte() % 5];
        w.bytesWritten = amounts[byte() % 5];
        w.bytesCommunicated = amounts[byte() % 5];
        w.communicator = byte() % 3;
        w.sequence = byte() % 16;
        m_timeline.ranges.back().work = static_cast<std::int32_t>(m_timeline.works.size());
        m_timeline.works.push_back(w);
    }
    void call() {
        Call c = timed<Call>();
        c.name = name();
        c.thread = thread();
        c.blocking = isBlockingCall(m_timeline.names.text(c.name));
        c.correlation = static_cast<std::int64_t>(m_timeline.calls.size()) + 1;
        c.rowid = c.correlation;
        m_timeline.calls.push_back(c);
    }
    void gpu() {
        if (m_timeline.devices.empty()) return;
        GpuRow r = timed<GpuRow>();
        r.name = name();
        r.device = static_cast<std::int32_t>(byte() % m_timeline.devices.size());
        r.process = pick(m_timeline.processes);
        r.launch = pick(m_timeline.calls);
        r.stream = byte() % 4;
        r.kind = static_cast<GpuKind>(byte() % 4);
        r.blocks = byte() % 3 == 0 ? 0 : 1 << (byte() % 24);
        r.bytes = byte();
        r.copyKind = static_cast<std::uint8_t>(byte() % 12);
        r.rowid = static_cast<std::int64_t>(m_timeline.gpu.size()) + 1;
        m_timeline.gpu.push_back(r);
    }
    void io() {
        IoRow r = timed<IoRow>();
        r.name = name();
        r.path = name();
        r.thread = thread();
        r.writes = (byte() & 1) != 0;
        r.bytes = byte();
        m_timeline.io.push_back(r);
    }
    void sync() {
        SyncRow r = timed<SyncRow>();
        r.kind = static_cast<SyncKind>(byte() % 5);
        r.stream = byte() % 4;
        r.waitedStream = byte() % 4;
        r.eventRecord = byte();
        r.process = pick(m_timeline.processes);
        r.launch = pick(m_timeline.calls);
        r.device = pick(m_timeline.devices);
        m_timeline.syncs.push_back(r);
    }
    void other() {
        switch (byte() % 5) {
            case 0: return m_timeline.preemptions.push_back(timed<Preemption>());
            case 1: {
                const auto span = timed<Preemption>();
                m_timeline.flushes.emplace_back(span.start, span.end);
                return;
            }
            case 2: {
                const auto span = timed<Preemption>();
                return m_timeline.flows.push_back({span.start, span.end, thread(), thread()});
            }
            case 3: {
                MemoryEvent e;
                e.time = timed<Preemption>().start;
                e.address = byte();
                e.bytes = Ns{1} << (byte() % 62);
                e.owner = name();
                e.device = pick(m_timeline.devices);
                e.process = pick(m_timeline.processes);
                e.kind = byte();
                e.frees = (byte() & 1) != 0;
                return m_timeline.memoryEvents.push_back(e);
            }
            default: {
                constexpr std::array<const char*, 4> kCounters{"process.cpu", "gpu.power", "gpu.memory.used", "gpu.throttle"};
                CounterSeries series;
                series.name = kCounters[byte() % 4];
                series.process = pick(m_timeline.processes);
                series.device = byte() % 3 - 1;
                for (std::size_t n = byte() % 16; n > 0; --n) series.samples.emplace_back(timed<Preemption>().start, byte() * 1e9);
                std::sort(series.samples.begin(), series.samples.end());
                return m_timeline.counters.push_back(std::move(series));
            }
        }
    }
    // The last rows of each kind again and again, each a little later.
    void repeat() {
        const std::size_t times = std::size_t{1} << (byte() % 12);
        const Ns step = 1 + byte();
        const auto again = [&](auto& rows) {
            if (rows.empty()) return;
            for (std::size_t i = 0; i < times && m_rows < kMostRows; ++i, ++m_rows) {
                auto row = rows.back();
                row.start = clamped(row.start + step);
                row.end = std::max(row.start, clamped(row.end + step));
                m_timeline.lastTime = std::max(m_timeline.lastTime, row.end);
                rows.push_back(row);
            }
        };
        const std::uint8_t which = byte();
        if ((which & 1) != 0) again(m_timeline.ranges);
        if ((which & 2) != 0) again(m_timeline.calls);
        if ((which & 4) != 0) again(m_timeline.gpu);
        if ((which & 8) != 0) again(m_timeline.io);
        // A payload belongs to one range.
        for (std::size_t i = 1; i < m_timeline.ranges.size(); ++i) {
            Range& r = m_timeline.ranges[i];
            if (r.work == kNoIndex || r.work != m_timeline.ranges[i - 1].work) continue;
            m_timeline.works.push_back(m_timeline.works[static_cast<std::size_t>(r.work)]);
            ++m_timeline.works.back().sequence;
            r.work = static_cast<std::int32_t>(m_timeline.works.size() - 1);
        }
    }
    void finish() {
        sortCalls(m_timeline);
        sortRanges(m_timeline);
        sortRows(m_timeline);
        linkOps(m_timeline);
        numberCollectives(m_timeline);
    }

    const std::uint8_t* m_data;
    std::size_t m_size, m_at = 0, m_rows = 0;
    Ns m_now = 0;
    Timeline m_timeline;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Rows rows(data, size);
    ridge::test::verifyTimeline(rows.timeline());
    ridge::test::verifyAnswer(ridge::analyzer::analyzeTimeline(rows.timeline(), {}));
    return 0;
}
