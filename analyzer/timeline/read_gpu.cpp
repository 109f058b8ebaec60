// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// API calls, GPU rows and the link between them.
#include <algorithm>
#include <limits>

#include "analyzer/timeline/link.h"
#include "analyzer/timeline/reader.h"
#include "base/text.h"

namespace ridge::analyzer {

using timeline::TableScan;

namespace {

std::uint8_t smallKind(std::optional<std::int64_t> kind) {
    return kind && *kind >= 0 && *kind < 255 ? static_cast<std::uint8_t>(*kind) : std::uint8_t{255};
}

// 0: not known.
std::int32_t blocksOf(std::int64_t x, std::int64_t y, std::int64_t z) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    std::int64_t product = 1;
    for (const std::int64_t n : {x, y, z}) {
        if (n <= 0 || n > kMost) return 0;
        product = std::min(product * n, kMost);
    }
    return static_cast<std::int32_t>(product);
}

SyncKind syncKindOf(std::int64_t type) {
    switch (type) {
        case 1: return SyncKind::kEvent;
        case 2: return SyncKind::kStreamWaitEvent;
        case 3: return SyncKind::kStream;
        case 4: return SyncKind::kContext;
        default: return SyncKind::kUnknown;
    }
}

constexpr Ns kWindowSlack = 1'000'000;  // the last rows end after the stop was asked for
constexpr std::int64_t kNoStream = 0xFFFFFFFF;  // as CUPTI has it

}  // namespace

void FileReader::readCalls() {
    TableScan scan(m_db, "CUPTI_ACTIVITY_KIND_RUNTIME", {"start", "end", "globalTid", "correlationId", "nameId"});
    TableReport report{"CUPTI_ACTIVITY_KIND_RUNTIME"};
    expectRows("CUPTI_ACTIVITY_KIND_RUNTIME", m_timeline.calls);
    while (scan.next()) {
        const auto times = takeTimes(scan, 0, 1, false, report);
        if (!times) continue;
        Call call;
        call.start = times->start;
        call.end = times->end;
        call.thread = threadOf(scan.integerOr(2, 0));
        call.correlation = scan.integerOr(3, 0);
        call.name = nameOf(scan.integer(4));
        call.rowid = scan.rowid();
        m_timeline.calls.push_back(call);
    }
    finish(scan, report);
}

void FileReader::readGpuTable(std::string_view table, GpuKind kind) {
    TableScan scan(m_db, table,
                   {"start", "end", "deviceId", "streamId", "correlationId", "globalPid", "demangledName", "shortName",
                    "bytes", "copyKind", "srcKind", "dstKind", "gridX", "gridY", "gridZ"});
    TableReport report{std::string(table)};
    while (scan.next()) {
        const auto times = takeTimes(scan, 0, 1, false, report);
        if (!times) continue;
        const auto deviceId = scan.integer(2);
        if (!deviceId && scan.hasColumn(2)) {  // a table without the column is told by schema_check
            ++report.withoutDevice;
            continue;
        }
        GpuRow row;
        row.start = times->start;
        row.end = times->end;
        const auto globalPid = scan.integer(5);
        row.process = globalPid ? processOf(*globalPid) : kNoIndex;
        row.device = deviceOf(globalPid, deviceId.value_or(0));
        if (m_duration > 0 && (row.start < m_shift - kWindowSlack || row.end > m_shift + m_duration + kWindowSlack))
            ++m_timeline.outsideCapture;
        row.stream = scan.integerOr(3, 0);
        row.correlation = scan.integerOr(4, 0);
        row.name = nameOf(scan.integer(6));
        if (row.name == NameId{0}) row.name = nameOf(scan.integer(7));
        row.bytes = possibleBytes(scan.integerOr(8, 0), row.end - row.start, report);
        if (const auto copy = scan.integer(9)) row.copyKind = smallKind(copy);
        row.srcKind = smallKind(scan.integer(10));
        row.dstKind = smallKind(scan.integer(11));
        row.blocks = blocksOf(scan.integerOr(12, 0), scan.integerOr(13, 0), scan.integerOr(14, 0));
        row.kind = kind;
        row.rowid = scan.rowid();
        m_timeline.gpu.push_back(row);
    }
    finish(scan, report);
}

Result<Timeline> FileReader::readCallRows(const std::string& path) const {
    RIDGE_TRY(Database db, Database::openForReading(path));
    Timeline part;
    FileReader reader(db, part, m_file, m_shift, m_ours);
    reader.m_strings = m_strings;
    reader.m_farStrings = m_farStrings;
    reader.readCalls();
    return part;
}

Result<Timeline> FileReader::readGpuRows(const std::string& path,
                                         const std::atomic<bool>* stop) const {
    RIDGE_TRY(Database db, Database::openForReading(path));
    Timeline part;
    FileReader reader(db, part, m_file, m_shift, m_ours);
    reader.m_strings = m_strings;
    reader.m_farStrings = m_farStrings;
    TableScan details(db, "ANALYSIS_DETAILS", {"duration"});
    if (details.next()) reader.m_duration = std::clamp<Ns>(details.integerOr(0, 0), 0, kMaxTime);
    part.outsideChecked = reader.m_duration > 0;
    part.gpu.reserve(reader.rowsOf("CUPTI_ACTIVITY_KIND_KERNEL") + reader.rowsOf("CUPTI_ACTIVITY_KIND_MEMCPY") +
                     reader.rowsOf("CUPTI_ACTIVITY_KIND_MEMSET") + reader.rowsOf("CUPTI_ACTIVITY_KIND_GRAPH_TRACE"));
    for (const auto& [table, kind] : {std::pair("CUPTI_ACTIVITY_KIND_KERNEL", GpuKind::kKernel), std::pair("CUPTI_ACTIVITY_KIND_MEMCPY", GpuKind::kCopy),
                                      std::pair("CUPTI_ACTIVITY_KIND_MEMSET", GpuKind::kSet), std::pair("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", GpuKind::kGraph)}) {
        if (stop && *stop) return Error{ErrorCode::kIo, "reading was cancelled"};
        reader.readGpuTable(table, kind);
    }
    return part;
}

void FileReader::takeRows(Timeline&& calls, Timeline&& gpu) {
    m_firstRows = {m_timeline.gpu.size(), m_timeline.calls.size(), m_timeline.syncs.size()};
    m_endKernel = m_firstRows.gpu;
    const auto add = [](auto& to, auto& from) {
        if (to.empty())
            to = std::move(from);
        else
            to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
        from = {};
    };
    for (Timeline* part : {&calls, &gpu}) {
        std::vector<std::int32_t> processes, threads, devices;
        for (const Process& process : part->processes)
            processes.push_back(processOf(process.globalPid));
        for (const Thread& thread : part->threads) threads.push_back(threadOf(thread.globalTid));
        for (const GpuDevice& device : part->devices)
            devices.push_back(deviceOfMachine(device.machine, device.id));
        for (Call& call : part->calls) call.thread = threads[static_cast<std::size_t>(call.thread)];
        for (GpuRow& row : part->gpu) {
            if (row.process != kNoIndex)
                row.process = processes[static_cast<std::size_t>(row.process)];
            row.device = devices[static_cast<std::size_t>(row.device)];
            m_endKernel += row.kind == GpuKind::kKernel ? 1 : 0;
        }
        add(m_timeline.calls, part->calls);
        add(m_timeline.gpu, part->gpu);
        add(m_timeline.tables, part->tables);
        m_timeline.lastTime = std::max(m_timeline.lastTime, part->lastTime);
        m_timeline.outsideCapture += part->outsideCapture;
        m_timeline.outsideChecked = m_timeline.outsideChecked || part->outsideChecked;
    }
    judgeCalls();
}

// Which calls block, and how many launch a graph: told by their names.
void FileReader::judgeCalls() {
    std::vector<std::int8_t> judged(m_timeline.names.size(), -1);  // per name, -1: not judged yet; 1: blocks, 2: launches a graph
    for (std::size_t i = m_firstRows.calls; i < m_timeline.calls.size(); ++i) {
        Call& call = m_timeline.calls[i];
        std::int8_t& known = judged[call.name.value];
        if (known < 0) {
            const std::string& name = m_timeline.names.text(call.name);
            known = static_cast<std::int8_t>((isBlockingCall(name) ? 1 : 0) | (name.find("GraphLaunch") != std::string::npos ? 2 : 0));
        }
        call.blocking = (known & 1) != 0;
        m_timeline.graphLaunches += (known & 2) != 0 ? 1 : 0;
    }
}

void FileReader::readGpu() {
    readSyncs();
    readCollectives();
    readFlushes();
    readDeviceNames();
    linkLaunches(m_timeline, m_firstRows);
}

// eventSyncId ties the record of an event to the waits on it.
void FileReader::readSyncs() {
    struct Record {
        std::int64_t correlation = std::numeric_limits<std::int64_t>::min(), stream = -1;
        auto operator<=>(const Record&) const = default;
    };
    std::unordered_map<std::uint64_t, Record> records;
    const auto key = [](std::int64_t globalPid, std::int64_t id) {
        return static_cast<std::uint64_t>(globalPid) ^ (static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15ULL);
    };
    TableScan events(m_db, "CUPTI_ACTIVITY_KIND_CUDA_EVENT", {"eventSyncId", "globalPid", "correlationId", "streamId"});
    TableReport eventReport{"CUPTI_ACTIVITY_KIND_CUDA_EVENT"};
    while (events.next()) {
        ++eventReport.rows;
        if (const auto id = events.integer(0); id && *id != 0) {
            Record& record = records[key(events.integerOr(1, 0), *id)];  // of several with one id the last that was asked for
            record = std::max(record, Record{events.integerOr(2, 0), events.integerOr(3, -1)});
        }
    }
    finish(events, eventReport);

    TableScan scan(m_db, "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION",
                   {"start", "end", "deviceId", "streamId", "correlationId", "globalPid", "syncType", "eventSyncId",
                    "deprecatedSyncType"});
    TableReport report{"CUPTI_ACTIVITY_KIND_SYNCHRONIZATION"};
    while (scan.next()) {
        const auto times = takeTimes(scan, 0, 1, false, report);
        if (!times) continue;
        SyncRow row;
        row.start = times->start;
        row.end = times->end;
        const auto globalPid = scan.integer(5);
        row.process = globalPid ? processOf(*globalPid) : kNoIndex;
        if (const auto device = scan.integer(2); device && *device >= 0) row.device = deviceOf(globalPid, *device);
        if (const std::int64_t stream = scan.integerOr(3, -1); stream >= 0 && stream < kNoStream) row.stream = stream;
        row.correlation = scan.integerOr(4, 0);
        const std::int64_t type = scan.integerOr(6, 0);
        row.kind = syncKindOf(type != 0 ? type : scan.integerOr(8, 0));
        if (const auto id = scan.integer(7); id && *id != 0)
            if (const auto it = records.find(key(globalPid.value_or(0), *id)); it != records.end()) {
                row.eventRecord = std::max<std::int64_t>(it->second.correlation, 0);
                row.waitedStream = std::max<std::int64_t>(it->second.stream, -1);
            }
        row.rowid = scan.rowid();
        m_timeline.syncs.push_back(row);
    }
    finish(scan, report);
}

// Arguments of collectives that another tool's trace had, by kernel. Kernels are read in rowid order.
void FileReader::readCollectives() {
    TableScan scan(m_db, "RIDGE_COLLECTIVE",
                   {"kernelId", "nameId", "groupId", "dtypeId", "bytesIn", "bytesOut", "groupSize", "collectiveId"});
    TableReport report{"RIDGE_COLLECTIVE"};
    std::unordered_map<std::int64_t, std::int32_t> ofId;
    auto& gpu = m_timeline.gpu;
    const auto begin = gpu.begin() + static_cast<std::ptrdiff_t>(m_firstRows.gpu);
    const auto end = gpu.begin() + static_cast<std::ptrdiff_t>(m_endKernel);
    while (scan.next()) {
        ++report.rows;
        const auto id = scan.integer(0);
        if (!id) continue;
        const auto it = std::lower_bound(begin, end, *id, [](const GpuRow& row, std::int64_t rowid) { return row.rowid < rowid; });
        if (it == end || it->rowid != *id || it->collective != kNoIndex) continue;
        const auto [known, isNew] = ofId.try_emplace(scan.integerOr(7, -*id), static_cast<std::int32_t>(m_timeline.collectives.size()));
        it->collective = known->second;
        if (!isNew) continue;
        Collective collective;
        collective.name = nameOf(scan.integer(1));
        collective.group = nameOf(scan.integer(2));
        collective.dtype = nameOf(scan.integer(3));
        collective.bytesIn = std::max<std::int64_t>(scan.integerOr(4, 0), 0);
        collective.bytesOut = std::max<std::int64_t>(scan.integerOr(5, 0), 0);
        collective.groupSize = std::clamp<std::int64_t>(scan.integerOr(6, 0), 0, 1 << 24);
        m_timeline.collectives.push_back(collective);
    }
    finish(scan, report);
}

// Buffer flushes of the collector: overheadType 3.
void FileReader::readFlushes() {
    for (const char* table : {"CUPTI_ACTIVITY_KIND_OVERHEAD", "PROFILER_OVERHEAD"}) {
        TableScan scan(m_db, table, {"start", "end", "overheadType"});
        TableReport report{table};
        while (scan.next())
            if (const auto t = takeTimes(scan, 0, 1, false, report); t && scan.integerOr(2, 0) == 3)
                m_timeline.flushes.emplace_back(t->start, t->end);
        finish(scan, report);
    }
}

void FileReader::readDeviceNames() {
    TableScan scan(m_db, "TARGET_INFO_GPU", {"id", "name", "cuDevice", "memoryBandwidth", "vmId"});
    bool roofGiven = false;
    while (scan.next()) {
        const auto id = scan.integer(0);
        const auto cuDevice = scan.integer(2);
        const std::int64_t machine = scan.integerOr(4, 0);
        for (GpuDevice& device : m_timeline.devices)
            if (device.file == m_file && device.name.empty() && (id == device.id || cuDevice == device.id) &&
                (!m_ours || machine == device.machine))
                device.name = toValidUtf8(scan.text(1));
        // The trace's own data sheet is a roof of memory; the peak of arithmetic is not in it.
        if (const auto bandwidth = scan.integer(3); bandwidth && *bandwidth > 0 && !roofGiven) {
            roofGiven = true;
            Ceiling roof;
            roof.kind = "memory";
            roof.name = toValidUtf8(scan.text(1)) + " memory";
            roof.level = "DRAM";
            roof.value = static_cast<double>(*bandwidth);
            roof.unit = "B/s";
            roof.method = "data sheet (trace)";
            m_timeline.ceilings.push_back(roof);
        }
    }
}

}  // namespace ridge::analyzer
