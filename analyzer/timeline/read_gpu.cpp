// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// API calls, GPU rows and the link between them.
#include <algorithm>
#include <limits>

#include "analyzer/timeline/reader.h"
#include "base/text.h"

namespace ridge::analyzer {

using timeline::TableScan;

namespace {

// Calls that return only when the device has done something: synchronize calls, and copies that are not
// asynchronous.
bool isBlocking(std::string_view name) {
    if (name.find("Synchronize") != std::string_view::npos) return true;
    const bool copy = name.starts_with("cudaMemcpy") || name.starts_with("cuMemcpy") || name.starts_with("hipMemcpy");
    return copy && name.find("Async") == std::string_view::npos;
}

std::uint8_t smallKind(std::optional<std::int64_t> kind) {
    return kind && *kind >= 0 && *kind < 255 ? static_cast<std::uint8_t>(*kind) : std::uint8_t{255};
}

}  // namespace

void FileReader::readCalls() {
    TableScan scan(m_db, "CUPTI_ACTIVITY_KIND_RUNTIME", {"start", "end", "globalTid", "correlationId", "nameId"});
    TableReport report{"CUPTI_ACTIVITY_KIND_RUNTIME"};
    std::vector<std::int8_t> blocking;  // per name, -1: not judged yet
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
        if (blocking.size() <= call.name.value) blocking.resize(m_timeline.names.size(), -1);
        std::int8_t& known = blocking[call.name.value];
        if (known < 0) known = isBlocking(m_timeline.names.text(call.name)) ? 1 : 0;
        call.blocking = known == 1;
        if (m_timeline.names.text(call.name).find("GraphLaunch") != std::string::npos) ++m_timeline.graphLaunches;
        m_timeline.calls.push_back(call);
    }
    finish(scan, report);
}

void FileReader::readGpuTable(std::string_view table, GpuKind kind) {
    TableScan scan(m_db, table,
                   {"start", "end", "deviceId", "streamId", "correlationId", "globalPid", "demangledName", "shortName",
                    "bytes", "copyKind", "srcKind", "dstKind"});
    TableReport report{std::string(table)};
    while (scan.next()) {
        const auto times = takeTimes(scan, 0, 1, false, report);
        if (!times) continue;
        GpuRow row;
        row.start = times->start;
        row.end = times->end;
        row.device = deviceOf(scan.integerOr(2, 0));
        row.stream = scan.integerOr(3, 0);
        row.correlation = scan.integerOr(4, 0);
        const auto globalPid = scan.integer(5);
        row.process = globalPid ? processOf(*globalPid) : kNoIndex;
        row.name = nameOf(scan.integer(6));
        if (row.name == NameId{0}) row.name = nameOf(scan.integer(7));
        row.bytes = std::max<std::int64_t>(scan.integerOr(8, 0), 0);
        row.copyKind = smallKind(scan.integer(9));
        row.srcKind = smallKind(scan.integer(10));
        row.dstKind = smallKind(scan.integer(11));
        row.kind = kind;
        row.rowid = scan.rowid();
        m_timeline.gpu.push_back(row);
    }
    finish(scan, report);
}

void FileReader::readGpu() {
    const std::size_t firstRow = m_timeline.gpu.size();
    const std::size_t firstCall = m_timeline.calls.size();
    readCalls();
    readGpuTable("CUPTI_ACTIVITY_KIND_KERNEL", GpuKind::kKernel);
    readGpuTable("CUPTI_ACTIVITY_KIND_MEMCPY", GpuKind::kCopy);
    readGpuTable("CUPTI_ACTIVITY_KIND_MEMSET", GpuKind::kSet);
    readGpuTable("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", GpuKind::kGraph);
    readFlushes();
    readDeviceNames();
    linkLaunches(firstRow, firstCall);
}

// Correlation ids are unique inside one process only. Of several calls with one id (a runtime call and
// the driver call in it) the earliest is the launch.
void FileReader::linkLaunches(std::size_t firstRow, std::size_t firstCall) {
    struct Key {
        std::int32_t process;
        std::int64_t correlation;
        Ns start;
        std::int32_t call;
    };
    std::vector<Key> keys;
    auto& calls = m_timeline.calls;
    keys.reserve(calls.size() - firstCall);
    for (std::size_t i = firstCall; i < calls.size(); ++i)
        if (calls[i].correlation != 0)
            keys.push_back({m_timeline.threads[static_cast<std::size_t>(calls[i].thread)].process, calls[i].correlation,
                            calls[i].start, static_cast<std::int32_t>(i)});
    std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
        return std::tie(a.process, a.correlation, a.start, a.call) < std::tie(b.process, b.correlation, b.start, b.call);
    });
    // An old export without globalPid: only one process can be meant.
    std::int32_t only = kNoIndex;
    if (!keys.empty() && keys.front().process == keys.back().process) only = keys.front().process;
    for (std::size_t i = firstRow; i < m_timeline.gpu.size(); ++i) {
        GpuRow& row = m_timeline.gpu[i];
        if (row.process == kNoIndex) row.process = only;
        if (row.correlation == 0 || row.process == kNoIndex) continue;
        const auto it = std::lower_bound(keys.begin(), keys.end(), row, [](const Key& key, const GpuRow& r) {
            return std::tie(key.process, key.correlation) < std::tie(r.process, r.correlation);
        });
        if (it != keys.end() && it->process == row.process && it->correlation == row.correlation) row.launch = it->call;
    }
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
    TableScan scan(m_db, "TARGET_INFO_GPU", {"id", "name", "cuDevice", "memoryBandwidth"});
    bool roofGiven = false;
    while (scan.next()) {
        const auto id = scan.integer(0);
        const auto cuDevice = scan.integer(2);
        for (GpuDevice& device : m_timeline.devices)
            if (device.file == m_file && device.name.empty() && (id == device.id || cuDevice == device.id))
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
