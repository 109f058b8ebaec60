// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/sqlite_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "gui/model/colours.h"
#include "schemas/timeline/ids.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {

namespace {

constexpr Ns kMaxTime = Ns{1} << 55;
constexpr std::int64_t kLookEvery = 4096;
constexpr std::int64_t kDenseStrings = 1 << 22;

constexpr std::array<const char*, 16> kTables{
    "CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_MEMCPY", "CUPTI_ACTIVITY_KIND_MEMSET",
    "CUPTI_ACTIVITY_KIND_GRAPH_TRACE", "NVTX_EVENTS", "CUPTI_ACTIVITY_KIND_RUNTIME", "OSRT_API",
    "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "CUPTI_ACTIVITY_KIND_CUDA_EVENT", "RIDGE_COUNTER_SAMPLE",
    "GPU_METRICS", "RIDGE_PREEMPTION", "StringIds", "CUDA_GPU_MEMORY_USAGE_EVENTS",
    "COMPOSITE_EVENTS", "RIDGE_FLOW"};

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

ColourId colourOfCall(std::string_view name) {
    if (has(name, "Synchronize") || has(name, "WaitEvent") || has(name, "EventQuery")) return colourOf(WallClass::kSync);
    if (has(name, "Launch")) return colourOf(WallClass::kLaunch);
    if (has(name, "Memcpy") || has(name, "Memset")) return colourOf(WallClass::kCopy);
    return colourOf(WallClass::kApi);
}

ColourId colourOfIo(std::string_view name) {
    for (const char* part : {"write", "sync", "fflush", "fputs"})
        if (has(name, part)) return colourOf(WallClass::kIoCheckpoint);
    for (const char* part : {"read", "open", "fget", "stat", "seek", "mmap", "close"})
        if (has(name, part)) return colourOf(WallClass::kIoInput);
    return colourOf(WallClass::kHost);
}

const char* copyName(std::int64_t kind) {
    switch (kind) {
        case 1: return "copy host to device";
        case 2: return "copy device to host";
        case 8: return "copy device to device";
        case 9: return "copy host to host";
        case 10: return "copy peer to peer";
        case 11: return "unified memory host to device";
        case 12: return "unified memory device to host";
        case 13: return "unified memory device to device";
        default: return "copy";
    }
}

}  // namespace

bool SqliteReader::step(RowScan& scan) {
    if (!scan.next()) return false;
    if (++m_done % kLookEvery == 0) {
        if (m_stop.load(std::memory_order_relaxed)) return false;
        m_tick(m_total > 0 ? std::min(0.99, static_cast<double>(m_done) / static_cast<double>(m_total)) : 0);
    }
    return true;
}

std::optional<Ns> SqliteReader::takeTime(RowScan& scan, std::size_t column) {
    const auto time = scan.integer(column);
    if (!time || *time <= -kMaxTime || *time >= kMaxTime) return std::nullopt;
    return *time + m_shift;
}

std::optional<SqliteReader::Times> SqliteReader::takeTimes(RowScan& scan, bool mayBeOpen) {
    const auto start = scan.integer(0);
    const std::int64_t wrongBefore = scan.wrongTypes();
    const auto end = scan.integer(1);
    const auto inRange = [](std::int64_t t) { return t > -kMaxTime && t < kMaxTime; };
    if (!start || !inRange(*start) || (end && !inRange(*end)) ||
        (!end && (!mayBeOpen || scan.wrongTypes() != wrongBefore))) {
        ++m_outOfRange;
        return std::nullopt;
    }
    if (end && *end < *start) {
        ++m_negative;
        return std::nullopt;
    }
    if (!end) ++m_open;
    m_assembly.seen(*start + m_shift, end.value_or(*start) + m_shift);
    return Times{*start + m_shift, end ? *end + m_shift : kOpenEnd};
}

void SqliteReader::finish(const RowScan& scan) {
    m_wrongTypes += scan.wrongTypes();
    if (scan.error() && !m_stop) m_assembly.lost(scan.error()->message);
}

std::int64_t SqliteReader::processOf(std::int64_t globalId) const {
    return Assembly::inFile(m_file, timeline::globalPidOf(globalId));
}

std::uint32_t SqliteReader::nameOf(std::optional<std::int64_t> id) {
    if (id && *id >= 0 && *id < static_cast<std::int64_t>(m_dense.size()) && m_dense[static_cast<std::size_t>(*id)] != kNoSlice)
        return m_dense[static_cast<std::size_t>(*id)];
    if (!id) return m_assembly.intern("");
    const auto it = m_strings.find(*id);
    return it == m_strings.end() ? m_assembly.intern("") : it->second;
}

void SqliteReader::countRows() {
    for (const char* table : kTables) {
        if (!timeline::TableScan(m_db, table, {}).exists()) continue;
        auto statement = m_db.prepare(fmt::format("SELECT max(rowid) FROM \"{}\"", table));
        if (!statement.ok()) continue;
        auto row = statement->step();
        if (row.ok() && *row) m_total += std::clamp<std::int64_t>(statement->integer(0), 0, 1LL << 40);
    }
}

std::int64_t SqliteReader::utcOfZero(Database& db) {
    timeline::TableScan scan(db, "TARGET_INFO_SESSION_START_TIME", {"utcEpochNs"});
    return scan.next() ? std::max<std::int64_t>(0, scan.integerOr(0, 0)) : 0;
}

void SqliteReader::readStrings() {
    RowScan scan(m_db, "StringIds", {"id", {"value", RowScan::Kind::kText}}, m_stop);
    while (step(scan))
        if (const auto id = scan.integer(0)) {
            const std::uint32_t name = m_assembly.intern(scan.text(1));
            if (*id < 0 || *id >= kDenseStrings) {
                m_strings[*id] = name;
                continue;
            }
            const auto at = static_cast<std::size_t>(*id);
            if (at >= m_dense.size()) m_dense.resize(std::max(at + 1, m_dense.size() * 2), kNoSlice);
            m_dense[at] = name;
        }
    finish(scan);
}

void SqliteReader::readNames() {
    using timeline::TableScan;
    TableScan processes(m_db, "PROCESSES", {"globalPid", "pid", "name"});
    while (processes.next())
        if (const auto id = processes.integer(0)) {
            auto& info = m_assembly.process(processOf(*id));
            info.pid = processes.integerOr(1, info.pid);
            info.name = toValidUtf8(processes.text(2));
        }
    TableScan ranks(m_db, "RIDGE_RANK", {"globalPid", "rank", "host"});
    while (ranks.next())
        if (const auto id = ranks.integer(0)) {
            auto& info = m_assembly.process(processOf(*id));
            info.rank = std::clamp<std::int64_t>(ranks.integerOr(1, -1), -1, 1 << 24);
            info.host = toValidUtf8(ranks.text(2));
        }
    TableScan threads(m_db, "ThreadNames", {"nameId", "globalTid"});
    while (threads.next())
        if (const auto tid = threads.integer(1)) m_assembly.nameThread(processOf(*tid), *tid, m_assembly.text(nameOf(threads.integer(0))));
    // vmId is that of a machine in our files; nsys exports are of one machine.
    TableScan gpus(m_db, "TARGET_INFO_GPU", {"id", "name", "cuDevice", "vmId"});
    const bool ours = m_db.hasTable("RIDGE_RUN");
    std::set<std::int64_t> machines;
    for (const char* table : {"CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_MEMCPY", "CUPTI_ACTIVITY_KIND_MEMSET"}) {
        TableScan rows(m_db, table, {"globalPid"}, "LIMIT 1");
        if (rows.next()) machines.insert(rows.integerOr(0, 0));
    }
    while (gpus.next()) {
        const auto id = gpus.integer(2) ? gpus.integer(2) : gpus.integer(0);
        if (!id) continue;
        if (ours) m_assembly.nameDevice(processOf(gpus.integerOr(3, 0) << 48), *id, gpus.text(1));
        for (const std::int64_t globalPid : machines) m_assembly.nameDevice(processOf(globalPid), *id, gpus.text(1));
    }
}

void SqliteReader::readGpuTable(std::string_view table, TrackKind kind) {
    RowScan scan(m_db, table,
                   {"start", "end", "deviceId", "streamId", "correlationId", "globalPid", "shortName", "demangledName",
                    "copyKind"}, m_stop);
    const bool set = table == "CUPTI_ACTIVITY_KIND_MEMSET";
    while (step(scan)) {
        const auto times = takeTimes(scan, false);
        if (!times) continue;
        std::uint32_t name = 0;
        if (kind == TrackKind::kKernels) {
            name = nameOf(scan.integer(6) ? scan.integer(6) : scan.integer(7));
            if (!m_assembly.hasColour(name)) {
                // Templates are told apart by the full name.
                const std::uint32_t full = nameOf(scan.integer(7));
                auto c = analyzer::classifyKernel(m_assembly.text(full));
                if (c == analyzer::KernelClass::kOther) c = analyzer::classifyKernel(m_assembly.text(name));
                m_assembly.colour(name, colourOf(c));
            }
        } else {
            name = m_assembly.intern(kind == TrackKind::kGraphs ? "CUDA graph" : set ? "memset" : copyName(scan.integerOr(8, 0)));
            m_assembly.colour(name, colourOf(kind == TrackKind::kGraphs ? WallClass::kComputeUnknown : WallClass::kCopy));
        }
        const std::int64_t device = std::clamp<std::int64_t>(scan.integerOr(2, 0), 0, 1 << 20);
        if (auto* lanes = m_assembly.track({processOf(scan.integerOr(5, 0)), device, scan.integerOr(3, 0), kind}, table))
            lanes->add(times->start, times->end, name, small(scan.rowid()), small(scan.integerOr(4, 0)));
    }
    finish(scan);
}

void SqliteReader::readRanges() {
    RowScan work(m_db, "RIDGE_WORK", {"nvtxId", "opKind"}, m_stop);  // in the order of NVTX_EVENTS' rowid
    bool haveWork = work.next();
    RowScan scan(m_db, "NVTX_EVENTS", {"start", "end", "eventType", {"text", RowScan::Kind::kText}, "globalTid", "textId"}, m_stop);
    while (step(scan)) {
        const std::int64_t type = scan.integerOr(2, 0);
        const bool nests = type == 59 || type == 70;
        if (!nests && type != 60 && type != 71) continue;
        const auto times = takeTimes(scan, true);
        if (!times) continue;
        const std::string_view text = scan.text(3);
        const std::uint32_t name = text.empty() ? nameOf(scan.integer(5)) : m_assembly.intern(text);
        while (haveWork && work.integerOr(0, 0) < scan.rowid()) haveWork = work.next();
        if (haveWork && work.integerOr(0, 0) == scan.rowid() && !m_assembly.hasColour(name))
            m_assembly.colour(name, colourOfOpKind(work.integerOr(1, 0), m_assembly.text(name)));
        const std::int64_t thread = scan.integerOr(4, 0);
        const TrackKind kind = nests ? TrackKind::kRanges : TrackKind::kFreeRanges;
        if (auto* lanes = m_assembly.track({processOf(thread), -1, thread, kind}, "NVTX_EVENTS"))
            lanes->add(times->start, times->end, name, small(scan.rowid()));
    }
    finish(scan);
}

void SqliteReader::readCalls() {
    RowScan scan(m_db, "CUPTI_ACTIVITY_KIND_RUNTIME", {"start", "end", "globalTid", "correlationId", "nameId"}, m_stop);
    while (step(scan)) {
        const auto times = takeTimes(scan, false);
        if (!times) continue;
        const std::uint32_t name = nameOf(scan.integer(4));
        if (!m_assembly.hasColour(name)) m_assembly.colour(name, colourOfCall(m_assembly.text(name)));
        const std::int64_t thread = scan.integerOr(2, 0);
        if (auto* lanes = m_assembly.track({processOf(thread), -1, thread, TrackKind::kApi}, "CUPTI_ACTIVITY_KIND_RUNTIME"))
            lanes->add(times->start, times->end, name, small(scan.rowid()), small(scan.integerOr(3, 0)));
    }
    finish(scan);
}

// A wait names the record of the event by eventSyncId; both name their API call by correlationId.
void SqliteReader::readWaits() {
    std::unordered_map<std::int64_t, std::pair<std::int64_t, std::uint32_t>> records;  // eventSyncId -> (process, call)
    RowScan events(m_db, "CUPTI_ACTIVITY_KIND_CUDA_EVENT", {"eventSyncId", "globalPid", "correlationId"}, m_stop);
    while (step(events))
        if (const auto id = events.integer(0); id && *id != 0)
            records[*id] = {processOf(events.integerOr(1, 0)), small(events.integerOr(2, 0))};
    finish(events);
    RowScan waits(m_db, "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", {"eventSyncId", "globalPid", "correlationId"}, m_stop);
    while (step(waits)) {
        const auto id = waits.integer(0);
        if (!id) continue;
        const auto it = records.find(*id);
        if (it != records.end())
            m_assembly.addWait(processOf(waits.integerOr(1, 0)), it->second.second, small(waits.integerOr(2, 0)));
    }
    finish(waits);
}

void SqliteReader::readIo() {
    RowScan scan(m_db, "OSRT_API", {"start", "end", "globalTid", "nameId"}, m_stop);
    while (step(scan)) {
        const auto times = takeTimes(scan, false);
        if (!times) continue;
        const std::uint32_t name = nameOf(scan.integer(3));
        if (!m_assembly.hasColour(name)) m_assembly.colour(name, colourOfIo(m_assembly.text(name)));
        const std::int64_t thread = scan.integerOr(2, 0);
        if (auto* lanes = m_assembly.track({processOf(thread), -1, thread, TrackKind::kIo}, "OSRT_API"))
            lanes->add(times->start, times->end, name, small(scan.rowid()));
    }
    finish(scan);
}

Status SqliteReader::read() {
    bool any = false;
    for (const char* table : kTables)
        any = any || (std::string_view(table) != "StringIds" && timeline::TableScan(m_db, table, {}).exists());
    if (!any)
        return Error{ErrorCode::kBadInput,
                     fmt::format("{}: is a SQLite database, but no timeline (no NVTX, CUDA or OS table); give a trace "
                                 "of ridge record or an export of nsys",
                                 m_db.path())};
    countRows();
    readStrings();
    readNames();
    readGpuTable("CUPTI_ACTIVITY_KIND_KERNEL", TrackKind::kKernels);
    readGpuTable("CUPTI_ACTIVITY_KIND_MEMCPY", TrackKind::kCopies);
    readGpuTable("CUPTI_ACTIVITY_KIND_MEMSET", TrackKind::kCopies);
    readGpuTable("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", TrackKind::kGraphs);
    readRanges();
    readCalls();
    readIo();
    readSamples();
    readWaits();
    readHandOffs();
    readMemoryEvents();
    readCounters();
    readGpuMetrics();
    readPreemptions();
    m_assembly.warn("rows end before they start and are not drawn", m_negative);
    m_assembly.warn("rows have times that cannot be and are not drawn", m_outOfRange);
    m_assembly.warn("cells hold another type than their column should", m_wrongTypes);
    m_assembly.warn("ranges had no end in the file and are drawn to the last time seen", m_open);
    return {};
}

}  // namespace ridge::gui
