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

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "schemas/sqlite/database.h"

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
    bool next();
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

    // Columns count from 0 in the order given to the constructor.
    [[nodiscard]] std::int64_t rowid() const { return m_rowid; }
    [[nodiscard]] std::optional<std::int64_t> integer(std::size_t column);
    [[nodiscard]] std::int64_t integerOr(std::size_t column, std::int64_t fallback) {
        return integer(column).value_or(fallback);
    }
    // Integers too; a NaN is NULL in SQLite.
    [[nodiscard]] std::optional<double> real(std::size_t column);
    // Empty for NULL; may hold NUL bytes and bytes that are no UTF-8.
    [[nodiscard]] std::string_view text(std::size_t column);
    // Cells so far whose type was not the asked one.
    [[nodiscard]] std::int64_t wrongTypes() const { return m_wrongTypes; }

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> m_statement;
    std::vector<bool> m_present;
    std::optional<Error> m_error;
    std::string m_table;
    std::int64_t m_rowid = 0;
    std::int64_t m_wrongTypes = 0;
    bool m_exists = false;
    bool m_first = true;
};

}  // namespace ridge::timeline
