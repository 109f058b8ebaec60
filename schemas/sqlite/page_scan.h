// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Walks the leaf pages of one rowid table without SQLite's virtual machine: several times the rows per second
// (file format: https://www.sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2.1). For TableScan only, which
// decides whether a table may be read so, and goes on through SQLite where this stops.
//
// Nothing in a page is trusted. Invariants:
// 1. A page is used only after every cell of it was found to lie inside it, with row ids that rise, the checks that
//    SQLite makes with cell_size_check on and a little more. What does not hold ends the walk (irregular()): SQLite
//    has the last word about damaged files.
// 2. Pages come through the database's own file handle (xRead): a second descriptor would drop its locks, and mapped
//    memory would end the process when somebody cuts the file short.
// 3. Every page is visited at most once in a tree, so the walk ends: more visits than the file has pages end it. The
//    same for the pages of long rows.
// Memory: one window of at most 256 KiB and the longest row.

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "schemas/sqlite/database.h"

struct sqlite3_file;

namespace ridge {

class PageScan {
public:
    static constexpr std::size_t kMostColumns = 64;

    // Nothing: the file is not one that may be read so (a write-ahead log, UTF-16, a page size that cannot be).
    // columns: how many of the stored ones next() shall make ready, from the first.
    static std::optional<PageScan> open(Database& db, std::uint32_t rootPage, std::size_t columns);

    // true: a row is there. false: the end, or irregular().
    bool next() {
        if (m_cell == m_cells.size() && !nextLeaf()) return false;
        const Cell& cell = m_cells[m_cell++];
        m_rowid = cell.rowid;
        return takeRecord(cell);
    }
    [[nodiscard]] bool irregular() const { return m_irregular; }
    [[nodiscard]] std::int64_t rowid() const { return m_rowid; }

    // Of stored column i: its serial type (0: NULL, 1 to 6, 8 and 9 integers, 7 a double, 12 and on: bytes), and its value.
    [[nodiscard]] std::uint32_t type(std::size_t i) const { return m_types[i]; }
    [[nodiscard]] std::int64_t integer(std::size_t i) const {
        const std::uint32_t type = m_types[i];
        if (type >= 8) return type - 8;
        std::uint64_t big = 0;
        std::memcpy(&big, m_record + m_offsets[i], 8);
        return static_cast<std::int64_t>(__builtin_bswap64(big)) >> (64 - 8 * kBytesOfType[type]);
    }
    [[nodiscard]] double real(std::size_t i) const {
        std::uint64_t big = 0;
        std::memcpy(&big, m_record + m_offsets[i], 8);
        return std::bit_cast<double>(__builtin_bswap64(big));
    }
    [[nodiscard]] std::string_view bytes(std::size_t i) const {
        return {reinterpret_cast<const char*>(m_record) + m_offsets[i], (m_types[i] - 12) / 2};
    }

private:
    struct Cell {
        std::int64_t rowid;
        std::uint32_t offset, payload, local;  // of the record in the page; its length; how much of it is in the page
    };
    struct Level {
        std::vector<std::uint32_t> children;
        std::size_t next = 0;
    };
    static constexpr std::array<std::uint8_t, 8> kBytesOfType{0, 1, 2, 3, 4, 6, 8, 8};
    static constexpr std::size_t kSlack = 32;  // behind each buffer, so that short reads need no check

    PageScan() = default;
    bool fail() {
        m_irregular = true;
        m_cells.clear();
        m_cell = 0;
        return false;
    }
    const std::uint8_t* page(std::uint32_t number);
    bool nextLeaf();
    bool enter(std::uint32_t number);
    bool enterInterior(const std::uint8_t* page, std::size_t header);
    bool enterLeaf(const std::uint8_t* page, std::size_t header);
    bool gather(const Cell& cell);
    bool takeLongTypes(std::size_t at, std::size_t headerBytes, std::size_t columns, std::uint64_t body, std::uint32_t payload);
    bool takeRecord(const Cell& cell) {
        if (cell.payload != cell.local) {
            if (!gather(cell)) return fail();
        } else {
            m_record = m_page + cell.offset;
        }
        // Headers of up to 127 bytes with types of one byte, as tables of numbers have them; others take the long way.
        const std::size_t headerBytes = m_record[0];
        if (headerBytes == 0 || headerBytes > cell.payload || headerBytes >= 0x80)
            return takeLongTypes(0, 0, 0, 0, cell.payload) || fail();
        const std::size_t columns = headerBytes - 1 < m_columns ? headerBytes - 1 : m_columns;
        std::uint64_t body = headerBytes;
        for (std::size_t i = 0; i < columns; ++i) {
            const std::uint8_t type = m_record[1 + i];
            if (type >= 0x80 || type == 10 || type == 11) return takeLongTypes(1 + i, headerBytes, i, body, cell.payload) || fail();
            m_types[i] = type;
            m_offsets[i] = static_cast<std::uint32_t>(body);
            body += kLengths[type];
        }
        // SQLite takes a record whose lengths do not add up for damaged once it has read all of its types.
        if (body > cell.payload || (columns == headerBytes - 1 && body != cell.payload)) return fail();
        for (std::size_t i = columns; i < m_columns; ++i) m_types[i] = 0;
        return true;
    }
    static constexpr std::array<std::uint8_t, 128> kLengths = [] {
        std::array<std::uint8_t, 128> lengths{};
        for (std::size_t t = 0; t < 8; ++t) lengths[t] = kBytesOfType[t];
        for (std::size_t t = 12; t < 128; ++t) lengths[t] = static_cast<std::uint8_t>((t - 12) / 2);
        return lengths;
    }();

    sqlite3_file* m_file = nullptr;
    std::uint32_t m_pageSize = 0, m_usable = 0, m_pageCount = 0;
    std::uint64_t m_visits = 0, m_longVisits = 0;
    std::uint64_t m_longest = 0;  // bytes of a row that SQLite would take
    std::vector<std::uint8_t> m_window, m_side, m_long;
    std::uint32_t m_windowFirst = 0, m_windowPages = 0, m_windowNext = 1;  // pages held from there; how many to read next
    std::vector<Level> m_levels;
    std::uint32_t m_root = 0;
    bool m_begun = false, m_irregular = false;

    const std::uint8_t* m_page = nullptr;  // the leaf
    std::vector<Cell> m_cells;
    std::size_t m_cell = 0;
    std::int64_t m_rowid = 0;
    bool m_anyRow = false;
    std::int64_t m_lastOfLeaf = 0;
    const std::uint8_t* m_record = nullptr;
    std::size_t m_columns = 0;
    std::array<std::uint32_t, kMostColumns> m_types{}, m_offsets{};
};

}  // namespace ridge
