// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the loaders of one file share: string ids, processes, threads and devices as indices, and the
// check of times. Private to analyzer/timeline.

#include <optional>
#include <string_view>
#include <unordered_map>

#include "analyzer/timeline/timeline.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/read_table.h"

namespace ridge::analyzer {

class FileReader {
public:
    FileReader(Database& db, Timeline& timeline, std::int32_t file, Ns shift)
        : m_db(db), m_timeline(timeline), m_file(file), m_shift(shift) {}

    void readStrings();
    void readProcesses();
    void readMeta();
    void readRanges();
    void readWork(std::size_t firstRange);
    void readCalls();
    void readGpu();
    void readIo();
    void readCounters();
    void readPreemptions();
    void readDeviceNames();

private:
    // Start and end in ns of the timeline, or nothing (counted in the report). A missing end: open.
    struct Times {
        Ns start = 0, end = 0;
        bool open = false;
    };
    std::optional<Times> takeTimes(timeline::TableScan& scan, std::size_t startColumn, std::size_t endColumn,
                                   bool mayBeOpen, TableReport& report);
    void finish(timeline::TableScan& scan, TableReport& report);
    NameId nameOf(std::optional<std::int64_t> stringId);
    std::int32_t processOf(std::int64_t globalPid);
    std::int32_t threadOf(std::int64_t globalTid);
    std::int32_t threadOfTid(std::int64_t tid);
    std::int32_t deviceOf(std::int64_t id);
    void readNsysFileAccess();
    void readOurIo();
    void readGpuTable(std::string_view table, GpuKind kind);
    void readFlushes();
    void linkLaunches(std::size_t firstRow, std::size_t firstCall);

    Database& m_db;
    Timeline& m_timeline;
    std::int32_t m_file;
    Ns m_shift;
    std::unordered_map<std::int64_t, NameId> m_strings;
    std::unordered_map<std::int64_t, std::int32_t> m_processes, m_threads, m_devices;
    std::int64_t m_lastTid = -1;
    std::int32_t m_lastThread = kNoIndex;
};

}  // namespace ridge::analyzer
