// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One pass over one table of a timeline file that nobody vouches for: columns that the file lacks read
// as NULL, cells of a wrong type are counted and read as NULL, a damaged page ends the pass with the
// rows before it kept.
//
// Only ordinary tables are read: a view or a virtual table could compute for ever. Rowids must rise,
// which ends the pass over a table whose pages form a loop. Cost: one statement, no copies; text is
// valid until the next next().
//
// Pages of ordinary rowid tables are read directly (sqlite/page_scan.h), several times faster than SQLite steps;
// all else through SQLite: tables WITHOUT ROWID, generated columns, defaults, files with a write-ahead log, UTF-16,
// passes with a condition. Where a page is not as it should be SQLite starts over, skips the rows that were given
// already, and decides: rows and errors are the same either way.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "schemas/sqlite/database.h"
#include "schemas/sqlite/page_scan.h"

struct sqlite3_stmt;

namespace ridge::timeline {

// SQLite quotes the file in its messages: valid UTF-8, no line breaks, not longer than a line.
std::string oneLine(std::string_view text);

class TableScan {
public:
    // A table that is not there gives a scan without rows (exists() is false). where: appended as is.
    TableScan(Database& db, std::string_view table, std::initializer_list<std::string_view> columns,
              std::string_view where = {});
    TableScan(TableScan&&) noexcept = default;
    TableScan& operator=(TableScan&&) noexcept = default;
    ~TableScan() = default;

    [[nodiscard]] bool exists() const { return m_exists; }
    [[nodiscard]] bool hasColumn(std::size_t column) const { return m_present[column]; }

    // true: a row is there. false: the end, or error().
    bool next() {
        if (!m_pages || !m_pages->next()) return nextOfStatement();
        m_rowid = m_pages->rowid();
        ++m_given;
        return true;
    }
    // Are pages read directly? Told from the first next() on.
    [[nodiscard]] bool direct() const { return m_pages.has_value(); }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

    // Columns count from 0 in the order given to the constructor.
    [[nodiscard]] std::int64_t rowid() const { return m_rowid; }
    [[nodiscard]] std::optional<std::int64_t> integer(std::size_t column) {
        if (!m_pages) return integerOfStatement(column);
        const std::int16_t stored = m_stored[column];
        if (stored < 0) return stored == kRowid ? std::optional(m_rowid) : std::nullopt;
        const auto i = static_cast<std::size_t>(stored);
        const std::uint32_t type = m_pages->type(i);
        if (type == 0) return std::nullopt;
        if (type < 10 && type != kDouble && !m_realColumn[column]) return m_pages->integer(i);
        m_wrongTypes += type == kDouble && isNan(i) ? 0 : 1;
        return std::nullopt;
    }
    [[nodiscard]] std::int64_t integerOr(std::size_t column, std::int64_t fallback) {
        return integer(column).value_or(fallback);
    }
    // Integers too; a NaN is NULL in SQLite.
    [[nodiscard]] std::optional<double> real(std::size_t column);
    // Empty for NULL; may hold NUL bytes and bytes that are no UTF-8.
    [[nodiscard]] std::string_view text(std::size_t column) {
        if (!m_pages) return textOfStatement(column);
        const std::int16_t stored = m_stored[column];
        const std::uint32_t type = stored < 0 ? 0 : m_pages->type(static_cast<std::size_t>(stored));
        if (type >= 12) return m_pages->bytes(static_cast<std::size_t>(stored));
        const bool null = stored == kAbsent || (stored >= 0 && type == 0) || (type == kDouble && isNan(static_cast<std::size_t>(stored)));
        m_wrongTypes += null ? 0 : 1;
        return {};
    }
    // Cells so far whose type was not the asked one.
    [[nodiscard]] std::int64_t wrongTypes() const { return m_wrongTypes; }

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    static constexpr std::int16_t kAbsent = -1, kRowid = -2;
    static constexpr std::uint32_t kDouble = 7;
    bool nextOfStatement();
    bool stepStatement();
    void begin();
    [[nodiscard]] std::optional<std::int64_t> integerOfStatement(std::size_t column);
    [[nodiscard]] std::string_view textOfStatement(std::size_t column);
    [[nodiscard]] bool isNan(std::size_t stored) const;
    // Finds where the columns are stored; false: the table may not be read directly.
    bool findStored(Database& db, std::size_t& columns);

    std::unique_ptr<sqlite3_stmt, Finalize> m_statement;
    Database* m_db = nullptr;  // until the first next(), where pages may be read directly
    std::optional<PageScan> m_pages;
    std::vector<std::string> m_columns;
    std::vector<std::int16_t> m_stored;  // per column: number among the stored ones, or kAbsent, kRowid
    std::vector<char> m_realColumn;      // per column: integers in it are doubles to SQLite
    std::uint64_t m_given = 0;           // rows read directly
    std::vector<bool> m_present;
    std::optional<Error> m_error;
    std::string m_table;
    std::int64_t m_rowid = 0;
    std::int64_t m_wrongTypes = 0;
    bool m_exists = false;
    bool m_first = true;
};

}  // namespace ridge::timeline
