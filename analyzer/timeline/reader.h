// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the loaders of one file share: string ids, processes, threads and devices as indices, and the
// check of times. Private to analyzer/timeline.

#include <atomic>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/timeline/link.h"
#include "analyzer/timeline/timeline.h"
#include "base/result.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/read_table.h"

namespace ridge::analyzer {

class FileReader {
public:
    // ours: the file was written by this tool, whose TARGET_INFO_GPU.vmId is GpuDevice::machine.
    FileReader(Database& db, Timeline& timeline, std::int32_t file, Ns shift, bool ours)
        : m_db(db), m_timeline(timeline), m_file(file), m_shift(shift), m_ours(ours) {}

    void readStrings();
    void readProcesses();
    void readMeta();
    void readRanges();
    void readWork(std::size_t firstRange);
    // Calls; GPU rows. With the names of this reader and owners of their own. They touch nothing of
    // this reader, so that other threads may do it once the strings are read.
    [[nodiscard]] Result<Timeline> readCallRows(const std::string& path) const;
    [[nodiscard]] Result<Timeline> readGpuRows(const std::string& path,
                                               const std::atomic<bool>* stop) const;
    // Puts them where they belong.
    void takeRows(Timeline&& calls, Timeline&& gpu);
    // What belongs to them, and the links between them.
    void readGpu();
    void readIo();
    void readCounters();
    void readPreemptions();
    void readDeviceNames();
    void readDiagnostics();
    void readKernelMetrics();
    void readMemoryEvents();

private:
    // Start and end in ns of the timeline, or nothing (counted in the report). A missing end: open.
    struct Times {
        Ns start = 0, end = 0;
        bool open = false;
    };
    std::optional<Times> takeTimes(timeline::TableScan& scan, std::size_t startColumn, std::size_t endColumn,
                                   bool mayBeOpen, TableReport& report);
    void finish(timeline::TableScan& scan, TableReport& report);
    // Makes room for the rows that a table may have: its row ids, but not more than fit into the file.
    template <typename Row>
    void expectRows(std::string_view table, std::vector<Row>& rows) {
        rows.reserve(rows.size() + rowsOf(table));
    }
    std::size_t rowsOf(std::string_view table);
    NameId nameOf(std::optional<std::int64_t> stringId);
    std::int32_t processOf(std::int64_t globalPid);
    std::int32_t threadOf(std::int64_t globalTid);
    std::int32_t threadOfTid(std::int64_t tid);
    std::int32_t deviceOf(std::optional<std::int64_t> globalPid, std::int64_t id);
    std::int32_t deviceOfMachine(std::int64_t machine, std::int64_t id);
    void readNsysFileAccess();
    void readOurIo();
    void readCalls();
    void readGpuTable(std::string_view table, GpuKind kind);
    void judgeCalls();
    void readFlushes();
    void nameFrameworkOp(std::string_view text, Range& range);
    void readSyncs();
    void readCollectives();
    void readFlows();
    void readProcessEnds();
    void closeOpenRanges(std::size_t firstRange);

    Database& m_db;
    Timeline& m_timeline;
    std::int32_t m_file;
    Ns m_shift;
    bool m_ours;
    std::vector<NameId> m_strings;  // by id, as long as ids are about as many as strings
    std::unordered_map<std::int64_t, NameId> m_farStrings;
    std::unordered_map<std::int64_t, std::int32_t> m_processes, m_threads;
    std::map<std::pair<std::int64_t, std::int64_t>, std::int32_t> m_devices;  // machine, id
    // When the images of a process began and ended: globalPid -> (start, end), by start.
    std::unordered_map<std::int64_t, std::vector<std::pair<Ns, Ns>>> m_processEnds;
    Ns m_duration = 0;  // of the session; 0: not said
    FirstRows m_firstRows;                           // of this file
    std::size_t m_endKernel = 0;                     // into Timeline::gpu
    std::int64_t m_lastTid = -1;
    std::int32_t m_lastThread = kNoIndex;
};

}  // namespace ridge::analyzer
