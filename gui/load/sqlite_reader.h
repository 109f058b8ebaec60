// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Reads the tables of a timeline file into an Assembly. The rules of what is taken are the analyzer's
// (times within +-2^55 ns, end >= start); what is not taken is counted.

#include <atomic>
#include <functional>
#include <unordered_map>

#include "gui/load/assembly.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {

class SqliteReader {
public:
    // tick(progress) is called every few thousand rows, and publishes when it is time to.
    SqliteReader(Database& db, Assembly& assembly, const std::atomic<bool>& stop, std::function<void(double)> tick)
        : m_db(db), m_assembly(assembly), m_stop(stop), m_tick(std::move(tick)) {}

    // kBadInput when the file has no table of a timeline.
    Status read();

private:
    struct Times {
        Ns start, end;  // end kOpenEnd: has none
    };
    std::optional<Times> takeTimes(timeline::TableScan& scan, bool mayBeOpen);
    bool step(timeline::TableScan& scan);  // next row; false at the end, on errors and when stopped
    void finish(const timeline::TableScan& scan);
    std::uint32_t nameOf(std::optional<std::int64_t> id);
    void countRows();
    void readStrings();
    void readNames();
    void readGpuTable(std::string_view table, TrackKind kind);
    void readRanges();
    void readCalls();
    void readWaits();
    void readIo();
    void readCounters();
    void readGpuMetrics();
    void readPreemptions();

    Database& m_db;
    Assembly& m_assembly;
    const std::atomic<bool>& m_stop;
    std::function<void(double)> m_tick;
    std::unordered_map<std::int64_t, std::uint32_t> m_strings;
    double m_total = 0, m_done = 0;
    std::int64_t m_negative = 0, m_outOfRange = 0, m_wrongTypes = 0, m_open = 0;
};

}  // namespace ridge::gui
