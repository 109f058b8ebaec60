// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One pass over one table, as timeline::TableScan, with the cells of a long table decoded by a thread of
// its own, a few chunks ahead of the reader: what makes tracks of them takes as long as decoding them.
// A short table is read in place. What is taken and what is counted is TableScan's doing.
//
// Each column is read as one kind; the others would count as wrong. Memory: kAhead chunks and what the
// reader holds. The destructor stops the thread.

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "schemas/sqlite/database.h"

namespace ridge::gui {

class RowScan {
public:
    enum class Kind : std::uint8_t { kInteger, kReal, kText };
    struct Column {
        std::string_view name;
        Kind kind;
        constexpr Column(const char* columnName, Kind columnKind = Kind::kInteger) : name(columnName), kind(columnKind) {}
    };
    static constexpr std::size_t kMostColumns = 12;

    // stop: ends the pass early, without an error. At most kMostColumns columns.
    RowScan(Database& db, std::string_view table, std::initializer_list<Column> columns, const std::atomic<bool>& stop);
    ~RowScan();
    RowScan(const RowScan&) = delete;
    RowScan& operator=(const RowScan&) = delete;

    [[nodiscard]] bool exists() const { return m_exists; }
    [[nodiscard]] bool hasColumn(std::size_t column) const { return m_present[column]; }
    // true: a row is there. false: the end, stopped, or error().
    bool next();
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

    [[nodiscard]] std::int64_t rowid() const { return m_chunk->rowids[m_at]; }
    [[nodiscard]] std::optional<std::int64_t> integer(std::size_t column) {
        const Cell& cell = m_chunk->cells[m_at * m_columns + column];
        if (cell.type == kValue) return cell.value;
        m_wrongTypes += cell.type == kWrong;
        return std::nullopt;
    }
    [[nodiscard]] std::int64_t integerOr(std::size_t column, std::int64_t fallback) {
        return integer(column).value_or(fallback);
    }
    [[nodiscard]] std::optional<double> real(std::size_t column);
    // Empty for NULL; valid until the next next(). May hold NUL bytes and bytes that are no UTF-8.
    [[nodiscard]] std::string_view text(std::size_t column);
    [[nodiscard]] std::int64_t wrongTypes() const { return m_wrongTypes; }
    // The cells are decoded by another thread.
    [[nodiscard]] bool threaded() const { return m_ahead != nullptr; }

private:
    enum Type : std::uint8_t { kNull, kValue, kWrong };
    struct Cell {
        std::int64_t value = 0;  // of a real: its bits; of a text: its place in Chunk::text
        std::uint32_t length = 0;
        Type type = kNull;
    };
    struct Chunk {
        std::vector<std::int64_t> rowids;
        std::vector<Cell> cells;  // row by row
        std::string text;
        std::optional<Error> error;
    };
    class Source;  // a TableScan and its columns
    class Ahead;   // the thread

    bool nextChunk();

    std::vector<bool> m_present;
    std::size_t m_columns = 0, m_at = 0;
    bool m_exists = false, m_over = false;
    std::int64_t m_wrongTypes = 0;
    std::optional<Error> m_error;
    const std::atomic<bool>& m_stop;
    std::shared_ptr<Chunk> m_chunk;
    std::unique_ptr<Source> m_inPlace;
    std::unique_ptr<Ahead> m_ahead;
};

}  // namespace ridge::gui
