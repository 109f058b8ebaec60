// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/emitter.h"

#include <algorithm>

namespace ridge::recorder {

using namespace spool;

Emitter::Emitter(Catalogue& catalogue, const std::vector<RingFile>& rings, Tables& tables,
                 std::int64_t startMonotonicNs, std::int64_t startUtcNs)
    : m_catalogue(catalogue),
      m_rings(rings),
      m_tables(tables),
      m_start(startMonotonicNs),
      m_startUtc(startUtcNs),
      m_code(catalogue.strings) {
    for (const auto& [map, path] : catalogue.codeMaps) m_code.add(map, path);
    catalogue.codeMaps.clear();
    m_code.finish();
}

namespace {

struct ActivityTimes {
    RecordHeader header;
    std::uint64_t start;
    std::uint64_t end;
};

}  // namespace

std::int64_t Emitter::time(std::uint64_t ticks) {
    return static_cast<std::int64_t>(
        static_cast<std::uint64_t>(m_catalogue.toMonotonic(*m_source, ticks, m_hint)) -
        static_cast<std::uint64_t>(m_start));
}

std::int64_t Emitter::sessionTime(const Source& source, std::uint64_t ticks) {
    std::size_t hint = 0;
    return m_catalogue.toMonotonic(source, ticks, hint) - m_start;
}

// By the readings of CUPTI's clock; without any, that clock is CLOCK_REALTIME.
std::int64_t Emitter::cudaTime(std::uint64_t cuptiNs) {
    const SteppedClock* map = m_source->cupti.get();
    const std::int64_t base = map && map->readings() ? m_start : m_startUtc;
    const std::int64_t ns = map && map->readings() ? map->toMonotonic(cuptiNs, m_cuptiHint)
                                                   : static_cast<std::int64_t>(cuptiNs);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(ns) -
                                     static_cast<std::uint64_t>(base));
}

std::int64_t Emitter::name(std::uint32_t id) {
    const std::int64_t known = m_source->names.get(id);
    if (known) return known;
    if (!m_unnamed) m_unnamed = m_catalogue.strings.intern("");
    return m_unnamed;
}

void Emitter::ring(std::uint32_t index) {
    const RingFile& ring = m_rings[index];
    m_source = m_catalogue.sources[m_catalogue.sourceOfRing[index]].get();
    m_recorder = ring.recorder;
    m_hint = 0;
    m_cuptiHint = 0;
    m_ringLast = 0;
    m_globalTid =
        m_source->globalThread(ring.header ? static_cast<std::uint32_t>(ring.header->tid) : 0);
    RecordView last{};
    ReadBehind behind(ring);
    walkRecords(ring.stream(), [&](const RecordView& view) {
        if (!goesOn()) return;
        behind.at(view.offset);
        if (view.type() == RecordType::kRange)
            range(view);
        else
            record(view);
        last = view;
    });
    if (ring.header && ring.header->agent == AgentKind::kAgent)
        openFrames(*ring.header, last.data ? &last : nullptr);
    m_source->lastTime = std::max(m_source->lastTime, m_ringLast);
    m_lastTime = std::max(m_lastTime, m_ringLast);
}

// All of CUPTI's records have their times behind the header; an event is a point.
bool Emitter::outsideOfWindows(const RecordView& view) {
    if (m_windows.empty() || view.type() < RecordType::kKernel || view.type() > RecordType::kJit)
        return false;
    bool point = false;
    switch (view.type()) {
        case RecordType::kCudaDevice:
        case RecordType::kCudaContext:
        case RecordType::kCudaStream:
        case RecordType::kExternalCorrelation:
        case RecordType::kGraphNode:
        // A reader needs every allocation to know what is held in a window.
        case RecordType::kCudaMemory:
        case RecordType::kMemoryPool:
            return false;
        case RecordType::kCudaEvent:
            point = true;
            break;
        default:
            break;
    }
    const auto span = view.as<ActivityTimes>();
    const std::int64_t start = cudaTime(span.start);
    const std::int64_t end = point ? start : cudaTime(span.end);
    return std::none_of(m_windows.begin(), m_windows.end(), [&](const TimeWindow& window) {
        return start <= window.end && end >= window.start;
    });
}

void Emitter::record(const RecordView& view) {
    if (outsideOfWindows(view)) return;
    switch (view.type()) {
        case RecordType::kRange:
            range(view);
            break;
        case RecordType::kRangeOpen:
            rangeOpen(view);
            break;
        case RecordType::kMark:
            mark(view);
            break;
        case RecordType::kThreadAttach:
            m_globalTid = m_source->globalThread(view.as<RecordHeader>().id);
            break;
        case RecordType::kIoCall:
            ioCall(view.as<IoCall>());
            break;
        case RecordType::kKernel:
            kernel(view.as<Kernel>());
            break;
        case RecordType::kMemcpy:
            copy(view.as<Memcpy>());
            break;
        case RecordType::kMemset:
            set(view.as<Memset>());
            break;
        case RecordType::kSync:
            synchronization(view.as<Sync>());
            break;
        case RecordType::kApi:
            api(view.as<Api>());
            break;
        case RecordType::kOverhead:
            overheadRow(view.as<Overhead>());
            break;
        case RecordType::kCudaEvent:
            cudaEvent(view.as<CudaEvent>());
            break;
        case RecordType::kGraphTrace:
            graphTrace(view.as<GraphTrace>());
            break;
        case RecordType::kCounterSample:
            counterSample(view.as<CounterSample>());
            break;
        case RecordType::kCpuSample:
            cpuSample(view);
            break;
        case RecordType::kSchedSwitch:
            schedSwitch(view.as<SchedSwitch>());
            break;
        case RecordType::kPreemptionGap: {
            const auto gap = view.as<PreemptionGap>();
            m_tables.small("RIDGE_PREEMPTION",
                           {time(gap.start), time(gap.end), std::int64_t{gap.header.id}});
            break;
        }
        default:
            if (!cudaMemoryRecord(view) && !counterRecord(view))
                ncclRecord(view);  // others: used by the first pass
            break;
    }
}

// Of no counter that was announced: as much as lost, and counted by the ring that lost the other.
void Emitter::counterSample(const CounterSample& sample) {
    const auto counter = m_source->counters.find(sample.header.id);
    if (counter == m_source->counters.end()) return;
    std::int64_t at = 0;
    switch (static_cast<SampleClock>(sample.header.flags)) {
        case SampleClock::kMonotonic:
            at = static_cast<std::int64_t>(sample.time - static_cast<std::uint64_t>(m_start));
            break;
        case SampleClock::kRealtime:
            at = static_cast<std::int64_t>(sample.time - static_cast<std::uint64_t>(m_startUtc));
            break;
        default:
            at = time(sample.time);
    }
    if (m_source->agent != AgentKind::kRecorder) {
        // By the program's own stamp, which is none of the clock that it names.
        if (at < 0) return countForeignClock();
        ++m_events;
    }
    m_row.clear();
    m_row.integer(counter->second).integer(at).real(sample.value);
    m_tables.counterSample().add(m_row);
}

void Emitter::countForeignClock() {
    m_catalogue.addLoss("foreign_clock", globalTid(m_source->pid, 0), 1,
                        "counter samples with times before the recording began");
}

void Emitter::ioCall(const IoCall& call) {
    const std::int64_t start = time(call.start);
    const std::int64_t end = time(call.end);
    const std::int64_t function = name(call.functionId);
    m_row.clear();
    m_row.integer(start)
        .integer(end)
        .integer(27)
        .integer(m_globalTid)
        .integer(function)
        .integer(call.result);
    m_row.integer(0).integer(0).integer(0);
    const std::int64_t rowid = m_tables.osrt().add(m_row, start);
    note(end);

    const auto file = m_source->files.find(call.header.id);
    const bool known = call.header.id != 0 && file != m_source->files.end();
    const auto op = static_cast<std::uint32_t>(call.op);
    const bool opens = call.op == IoOp::kOpen || call.op == IoOp::kFopen;
    const bool closes = call.op == IoOp::kClose || call.op == IoOp::kFclose;
    const bool reads = call.op == IoOp::kRead || call.op == IoOp::kPread ||
                       call.op == IoOp::kReadv || call.op == IoOp::kPreadv ||
                       call.op == IoOp::kFread || call.op == IoOp::kTransferIn;
    const bool writes = call.op == IoOp::kWrite || call.op == IoOp::kPwrite ||
                        call.op == IoOp::kWritev || call.op == IoOp::kPwritev ||
                        call.op == IoOp::kFwrite || call.op == IoOp::kTransferOut;
    const std::int64_t bytes = (reads || writes) && call.result > 0 ? call.result : 0;
    m_row.clear();
    m_row.null().integerOrNull(known, known ? file->second.globalId : 0).integer(op).integer(bytes);
    m_row.integer(static_cast<std::int64_t>(call.requested))
        .integerOrNull(call.offset >= 0, call.offset);
    m_row.integer(call.errorNumber);
    m_tables.io().addAt(rowid, m_row);
    if (!known) return;
    // ENUM_OSRT_FILE_ACCESS_EVENT_TYPE
    const std::int64_t action = opens ? 1 : closes ? 2 : reads ? 3 : writes ? 4 : 6;
    m_row.clear();
    m_row.integer(file->second.globalId)
        .integer(m_globalTid & 0xffffff)
        .integer(start)
        .integer(end);
    m_row.integer(action).integer(function).integer(bytes).text("");
    m_tables.fileEvent().add(m_row);
}

}  // namespace ridge::recorder
