// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// I/O calls, counters, and what the file says about itself.
#include "analyzer/timeline/reader.h"
#include "base/text.h"

#include <algorithm>

namespace ridge::analyzer {

using timeline::TableScan;

namespace {

// Files of a file system: not devices, pipes, sockets or the kernel's own.
bool isRegularPath(std::string_view path) {
    if (path.empty()) return false;
    for (const char* prefix : {"/dev/", "/proc/", "/sys/",
                               "pipe:", "socket:", "anon_inode:", "stdin", "stdout", "stderr"})
        if (path.starts_with(prefix)) return false;
    return true;
}

bool isWriteName(std::string_view name) {
    return name.find("write") != std::string_view::npos ||
           name.find("sync") != std::string_view::npos ||
           name.find("fflush") != std::string_view::npos;
}

// ENUM_RIDGE_IO_OP: write, pwrite, writev, fsync, fdatasync, fwrite, fflush, pwritev, sync.
bool isWriteOp(std::int64_t op) {
    switch (op) {
        case 4:
        case 6:
        case 8:
        case 9:
        case 10:
        case 14:
        case 15:
        case 17:
        case 18:
            return true;
        default:
            return false;
    }
}

}  // namespace

void FileReader::readIo() {
    if (TableScan(m_db, "RIDGE_IO", {"osrtId"}).exists())
        readOurIo();
    else
        readNsysFileAccess();
}

void FileReader::readOurIo() {
    std::unordered_map<std::int64_t, NameId> paths;
    TableScan files(m_db, "OSRT_FILE_ACCESS_DESCRIPTORS", {"fileAccessId", "filePath"});
    while (files.next())
        if (const auto id = files.integer(0); id && isRegularPath(files.text(1)))
            paths[*id] = m_timeline.names.intern(files.text(1));

    struct Extra {
        std::int64_t osrtId, file, op, bytes;
    };
    std::vector<Extra> extras;
    TableScan io(m_db, "RIDGE_IO", {"osrtId", "fileAccessId", "op", "bytes"});
    TableReport ioReport{"RIDGE_IO"};
    while (io.next()) {
        ++ioReport.rows;
        if (const auto id = io.integer(0))
            extras.push_back({*id, io.integerOr(1, -1), io.integerOr(2, 19),
                              std::max<std::int64_t>(io.integerOr(3, 0), 0)});
    }
    finish(io, ioReport);
    std::sort(extras.begin(), extras.end(),
              [](const Extra& a, const Extra& b) { return a.osrtId < b.osrtId; });

    TableScan scan(m_db, "OSRT_API", {"start", "end", "globalTid", "nameId"});
    TableReport report{"OSRT_API"};
    while (scan.next()) {
        const auto times = takeTimes(scan, 0, 1, false, report);
        if (!times) continue;
        const auto it =
            std::lower_bound(extras.begin(), extras.end(), scan.rowid(),
                             [](const Extra& e, std::int64_t rowid) { return e.osrtId < rowid; });
        if (it == extras.end() || it->osrtId != scan.rowid()) continue;
        const auto path = paths.find(it->file);
        if (path == paths.end()) continue;  // a pipe, a socket, a device, or not known
        m_timeline.io.push_back({times->start, times->end, it->bytes, scan.rowid(),
                                 nameOf(scan.integer(3)), path->second,
                                 threadOf(scan.integerOr(2, 0)), isWriteOp(it->op)});
    }
    finish(scan, report);
}

void FileReader::readNsysFileAccess() {
    std::unordered_map<std::int64_t, NameId> paths;
    TableScan files(m_db, "OSRT_FILE_ACCESS_DESCRIPTORS", {"fileAccessId", "filePath"});
    while (files.next())
        if (const auto id = files.integer(0); id && isRegularPath(files.text(1)))
            paths[*id] = m_timeline.names.intern(files.text(1));
    std::unordered_map<std::int64_t, std::int32_t> threads;  // tid -> index
    TableScan scan(
        m_db, "OSRT_FILE_ACCESS_EVENTS",
        {"startedAt", "endedAt", "fileAccessId", "threadId", "apiCallId", "bytesProcessed"});
    TableReport report{"OSRT_FILE_ACCESS_EVENTS"};
    while (scan.next()) {
        const auto times = takeTimes(scan, 0, 1, false, report);
        if (!times) continue;
        const auto path = paths.find(scan.integerOr(2, -1));
        if (path == paths.end()) continue;
        const std::int64_t tid = scan.integerOr(3, 0);
        const auto [thread, isNew] = threads.try_emplace(tid, kNoIndex);
        if (isNew) thread->second = threadOfTid(tid);
        if (thread->second == kNoIndex) continue;
        const NameId name = nameOf(scan.integer(4));
        m_timeline.io.push_back({times->start, times->end,
                                 std::max<std::int64_t>(scan.integerOr(5, 0), 0), scan.rowid(),
                                 name, path->second, thread->second,
                                 isWriteName(m_timeline.names.text(name))});
    }
    finish(scan, report);
}

void FileReader::readCounters() {
    struct Place {
        std::vector<CounterSeries>* list;
        std::size_t index;
    };
    std::unordered_map<std::int64_t, Place> series;
    TableScan names(m_db, "RIDGE_COUNTER", {"id", "name", "unit", "globalPid", "deviceId"});
    while (names.next()) {
        const auto id = names.integer(0);
        const std::string_view name = names.text(1);
        const bool processorTime = name == "cpu.busy" || name.starts_with("thread.cpu/") || name.starts_with("thread.wait/");
        if (!id || (!processorTime && name != "process.rss" && name != "process.cpu" && name != "gpu.power" &&
                    name != "gpu.memory.used" && name != "gpu.clock.sm" && name != "gpu.throttle" &&
                    name.find("kv_cache") == std::string_view::npos && !name.starts_with("torch.gpu.")))
            continue;
        const auto globalPid = names.integer(3);
        auto& list = processorTime ? m_timeline.processorTime : m_timeline.counters;
        series[*id] = {&list, list.size()};
        list.push_back({std::string(name),
                        toValidUtf8(names.text(2)),
                        globalPid ? processOf(*globalPid) : kNoIndex,
                        {},
                        names.integerOr(4, -1)});
    }
    TableScan samples(m_db, "RIDGE_COUNTER_SAMPLE", {"counterId", "time", "value"});
    TableReport report{"RIDGE_COUNTER_SAMPLE"};
    while (samples.next()) {
        ++report.rows;
        const auto it = series.find(samples.integerOr(0, -1));
        if (it == series.end()) continue;
        const auto time = samples.integer(1);
        const auto value = samples.real(2);
        if (!time || *time <= -kMaxTime || *time >= kMaxTime || !value ||
            !(*value >= 0 && *value < 1e18)) {
            ++report.outOfRange;
            continue;
        }
        (*it->second.list)[it->second.index].samples.emplace_back(*time + m_shift, *value);
    }
    finish(samples, report);
}

void FileReader::readMeta() {
    TableScan environment(m_db, "RIDGE_ENVIRONMENT", {"name", "class", "value"});
    while (environment.next() && m_file == 0)
        m_timeline.environment.push_back({toValidUtf8(environment.text(0)),
                                          toValidUtf8(environment.text(1)),
                                          toValidUtf8(environment.text(2))});
    TableScan losses(m_db, "RIDGE_LOSS", {"source", "count"});
    while (losses.next())
        m_timeline.losses.push_back({toValidUtf8(losses.text(0)), losses.integerOr(1, 0)});
    TableScan roofs(
        m_db, "RIDGE_CEILING",
        {"kind", "name", "dtype", "level", "access", "capacityBytes", "value", "unit", "method"});
    while (roofs.next()) {
        const auto value = roofs.real(6);
        if (!value || !(*value > 0) || *value > 1e30) continue;
        Ceiling roof;
        roof.kind = toValidUtf8(roofs.text(0));
        roof.name = toValidUtf8(roofs.text(1));
        roof.dtype = toValidUtf8(roofs.text(2));
        roof.level = toValidUtf8(roofs.text(3));
        roof.access = toValidUtf8(roofs.text(4));
        if (const auto capacity = roofs.integer(5); capacity && *capacity > 0)
            roof.capacityBytes = *capacity;
        roof.value = *value;
        roof.unit = toValidUtf8(roofs.text(7));
        roof.method = toValidUtf8(roofs.text(8));
        m_timeline.ceilings.push_back(std::move(roof));
    }
    TableScan results(m_db, "RIDGE_BENCHMARK",
                      {"workload", "metric", "value", "unit", "direction"});
    while (results.next())
        m_timeline.benchmarks.push_back(
            {toValidUtf8(results.text(0)),
             {toValidUtf8(results.text(1)), results.real(2), toValidUtf8(results.text(3)),
              toValidUtf8(results.text(4))}});
}

}  // namespace ridge::analyzer
