// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/timeline/read_table.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cctype>

#include "base/text.h"

namespace ridge::timeline {
namespace {

bool isOrdinaryTable(Database& db, std::string_view table) {
    auto statement = db.prepare("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1");
    if (!statement.ok()) return false;
    statement->bind(1, table);
    auto row = statement->step();
    if (!row.ok() || !*row) return false;
    std::string head;
    for (const char c : statement->text(0).substr(0, 24))
        head += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return head.find("VIRTUAL") == std::string::npos;
}

}  // namespace

std::string oneLine(std::string_view text) {
    constexpr std::size_t kMost = 300;
    std::string line = toValidUtf8(text.substr(0, kMost));
    for (char& c : line)
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    return text.size() > kMost ? line + "..." : line;
}

void TableScan::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

TableScan::TableScan(Database& db, std::string_view table, std::initializer_list<std::string_view> columns,
                     std::string_view where)
    : m_present(columns.size(), false), m_table(table) {
    if (!isOrdinaryTable(db, table)) return;
    m_exists = true;
    const auto there = db.columns(table);
    std::string list;
    std::size_t i = 0;
    for (const std::string_view column : columns) {
        m_present[i] = there.contains(std::string(column));
        // The table's name qualifies the column: SQLite reads an unknown "x" in quotes as a string.
        list += m_present[i] ? fmt::format(", \"{}\".\"{}\"", table, column) : ", NULL";
        ++i;
    }
    for (const char* rowid : {"rowid", "NULL"}) {  // NULL: a table WITHOUT ROWID
        const std::string sql = fmt::format("SELECT {}{} FROM \"{}\" {}", rowid, list, table, where);
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &statement, nullptr) == SQLITE_OK) {
            m_statement.reset(statement);
            m_error.reset();
            return;
        }
        m_error = Error{ErrorCode::kBadInput, fmt::format("table {}: {}", table, oneLine(sqlite3_errmsg(db.handle())))};
    }
}

bool TableScan::next() {
    if (!m_statement || m_error) return false;
    const int code = sqlite3_step(m_statement.get());
    if (code == SQLITE_DONE) return false;
    if (code != SQLITE_ROW) {
        m_error = Error{ErrorCode::kBadInput,
                        fmt::format("table {}: reading stopped after row {}: {}", m_table, m_rowid,
                                    oneLine(sqlite3_errmsg(sqlite3_db_handle(m_statement.get()))))};
        return false;
    }
    if (sqlite3_column_type(m_statement.get(), 0) == SQLITE_INTEGER) {
        const std::int64_t rowid = sqlite3_column_int64(m_statement.get(), 0);
        if (!m_first && rowid <= m_rowid) {
            m_error = Error{ErrorCode::kBadInput, fmt::format("table {}: reading stopped after row {}: the rows repeat",
                                                              m_table, m_rowid)};
            return false;
        }
        m_rowid = rowid;
    }
    m_first = false;
    return true;
}

std::optional<std::int64_t> TableScan::integer(std::size_t column) {
    const int index = static_cast<int>(column) + 1;
    const int type = sqlite3_column_type(m_statement.get(), index);
    if (type == SQLITE_INTEGER) return sqlite3_column_int64(m_statement.get(), index);
    if (type != SQLITE_NULL) ++m_wrongTypes;
    return std::nullopt;
}

std::optional<double> TableScan::real(std::size_t column) {
    const int index = static_cast<int>(column) + 1;
    const int type = sqlite3_column_type(m_statement.get(), index);
    if (type == SQLITE_FLOAT || type == SQLITE_INTEGER) return sqlite3_column_double(m_statement.get(), index);
    if (type != SQLITE_NULL) ++m_wrongTypes;
    return std::nullopt;
}

std::string_view TableScan::text(std::size_t column) {
    const int index = static_cast<int>(column) + 1;
    const int type = sqlite3_column_type(m_statement.get(), index);
    if (type == SQLITE_NULL) return {};
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) {
        ++m_wrongTypes;
        return {};
    }
    const void* data = sqlite3_column_blob(m_statement.get(), index);
    const int size = sqlite3_column_bytes(m_statement.get(), index);
    if (!data || size <= 0) return {};
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

}  // namespace ridge::timeline
