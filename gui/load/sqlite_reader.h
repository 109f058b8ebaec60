// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Reads the tables of a timeline file into an Assembly. The rules of what is taken are the analyzer's
// (times within +-2^55 ns, end >= start); what is not taken is counted. Long tables are decoded by a thread
// beside (row_scan.h). Counters, memory, samples and hand-offs are in sqlite_series.cpp.

#include <atomic>
#include <functional>
#include <unordered_map>

#include "gui/load/assembly.h"
#include "gui/load/row_scan.h"
#include "schemas/sqlite/database.h"

namespace ridge::gui {

class SqliteReader {
public:
    // tick(progress) is called every few thousand rows, and publishes when it is time to.
    // file: number of this file among those of the assembly; shift: what its times lack to be those of the first.
    SqliteReader(Database& db, Assembly& assembly, const std::atomic<bool>& stop, std::function<void(double)> tick,
                 std::uint32_t file = 0, Ns shift = 0)
        : m_db(db), m_assembly(assembly), m_stop(stop), m_tick(std::move(tick)), m_file(file), m_shift(shift) {}

    // kBadInput when the file has no table of a timeline.
    Status read();
    // UTC of t = 0, ns; 0: the file does not say.
    static std::int64_t utcOfZero(Database& db);
    [[nodiscard]] std::int64_t rowsRead() const { return m_done; }

private:
    struct Times {
        Ns start, end;  // end kOpenEnd: has none
    };
    std::optional<Times> takeTimes(RowScan& scan, bool mayBeOpen);
    std::optional<Ns> takeTime(RowScan& scan, std::size_t column);
    bool step(RowScan& scan);  // next row; false at the end, on errors and when stopped
    void finish(const RowScan& scan);
    std::uint32_t nameOf(std::optional<std::int64_t> id);
    [[nodiscard]] std::int64_t processOf(std::int64_t globalId) const;
    // As a row number or correlation of a lane; 0: none.
    static std::uint32_t small(std::int64_t value) {
        return value > 0 && value < INT64_C(0xFFFFFFFF) ? static_cast<std::uint32_t>(value) : 0U;
    }
    [[nodiscard]] std::int64_t machine() const { return Assembly::inFile(m_file, 0); }
    void countRows();
    void readStrings();
    void readNames();
    void readGpuTable(std::string_view table, TrackKind kind);
    void readRanges();
    void readCalls();
    void readWaits();
    void readIo();
    void readSamples();
    void readHandOffs();
    void readMemoryEvents();
    void readCounters();
    void readGpuMetrics();
    void readPreemptions();

    Database& m_db;
    Assembly& m_assembly;
    const std::atomic<bool>& m_stop;
    std::function<void(double)> m_tick;
    std::uint32_t m_file;
    Ns m_shift;
    std::vector<std::uint32_t> m_dense;  // of ids that are small
    std::unordered_map<std::int64_t, std::uint32_t> m_strings;
    std::int64_t m_total = 0, m_done = 0;
    std::int64_t m_negative = 0, m_outOfRange = 0, m_wrongTypes = 0, m_open = 0;
};

}  // namespace ridge::gui
