// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/timeline/read_table.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text.h"

namespace ridge::timeline {
namespace {

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
}

bool isOrdinaryTable(Database& db, std::string_view table) {
    auto statement = db.prepare("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1");
    if (!statement.ok()) return false;
    statement->bind(1, table);
    auto row = statement->step();
    if (!row.ok() || !*row) return false;
    return upper(statement->text(0).substr(0, 24)).find("VIRTUAL") == std::string::npos;
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
    if (where.empty() && columns.size() > 0 && db.directReading()) m_db = &db;
    m_columns.assign(columns.begin(), columns.end());
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

// The number of each column among the stored ones, from the table's declaration as SQLite understands it.
bool TableScan::findStored(Database& db, std::size_t& columns) {
    auto rows = db.prepare("SELECT name, type, pk, dflt_value IS NOT NULL, hidden FROM pragma_table_xinfo(?1) ORDER BY cid");
    auto keys = db.prepare("SELECT count(*) FROM pragma_index_list(?1) WHERE origin = 'pk'");
    if (!rows.ok() || !keys.ok()) return false;
    rows->bind(1, m_table);
    keys->bind(1, m_table);
    auto key = keys->step();
    if (!key.ok() || !*key) return false;
    const bool keyIsIndex = keys->integer(0) != 0;
    m_stored.assign(m_columns.size(), kAbsent);
    m_realColumn.assign(m_columns.size(), 0);
    std::int64_t keyColumns = 0;
    std::size_t alias = m_columns.size();
    columns = 0;
    for (std::int16_t number = 0;; ++number) {
        auto row = rows->step();
        if (!row.ok() || number == std::numeric_limits<std::int16_t>::max()) return false;
        if (!*row) break;
        if (rows->integer(4) != 0 || upper(rows->text(0)) == "ROWID") return false;
        const std::string type = upper(rows->text(1));
        if (rows->integer(2) != 0) ++keyColumns;
        const auto it = std::find(m_columns.begin(), m_columns.end(), rows->text(0));
        if (it == m_columns.end()) continue;
        const auto column = static_cast<std::size_t>(it - m_columns.begin());
        if (std::find(std::next(it), m_columns.end(), *it) != m_columns.end() || rows->integer(3) != 0) return false;
        m_stored[column] = number;
        columns = static_cast<std::size_t>(number) + 1;
        if (rows->integer(2) != 0 && type == "INTEGER" && !keyIsIndex) alias = column;
        const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
        m_realColumn[column] = !has("INT") && !has("CHAR") && !has("CLOB") && !has("TEXT") && !has("BLOB") &&
                               (has("REAL") || has("FLOA") || has("DOUB"));
    }
    if (alias < m_columns.size() && keyColumns == 1) m_stored[alias] = kRowid;
    return true;
}

// The statement has given its first row, so a read transaction is open: nobody changes the file meanwhile.
void TableScan::begin() {
    Database& db = *std::exchange(m_db, nullptr);
    std::size_t columns = 0;
    if (sqlite3_column_type(m_statement.get(), 0) != SQLITE_INTEGER || !findStored(db, columns)) return;
    auto root = db.prepare("SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?1");
    if (!root.ok()) return;
    root->bind(1, m_table);
    auto row = root->step();
    if (!row.ok() || !*row || root->integer(0) < 1 || root->integer(0) > std::numeric_limits<std::int32_t>::max()) return;
    m_pages = PageScan::open(db, static_cast<std::uint32_t>(root->integer(0)), columns);
    if (!m_pages) return;
    const bool same = m_pages->next() && m_pages->rowid() == m_rowid;
    if (same)
        ++m_given;
    else
        m_pages.reset();
}

bool TableScan::nextOfStatement() {
    if (!m_statement || m_error) return false;
    if (m_pages) {
        if (!m_pages->irregular()) return false;
        m_pages.reset();  // the statement stands on its first row
        std::uint64_t skip = m_given - 1;
        m_rowid = sqlite3_column_int64(m_statement.get(), 0);
        while (skip-- > 0)
            if (!stepStatement()) return false;
    }
    const bool begins = m_db != nullptr;
    if (!stepStatement()) return false;
    if (begins) begin();
    return true;
}

bool TableScan::stepStatement() {
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

bool TableScan::isNan(std::size_t stored) const { return std::isnan(m_pages->real(stored)); }

std::optional<std::int64_t> TableScan::integerOfStatement(std::size_t column) {
    const int index = static_cast<int>(column) + 1;
    const int type = sqlite3_column_type(m_statement.get(), index);
    if (type == SQLITE_INTEGER) return sqlite3_column_int64(m_statement.get(), index);
    if (type != SQLITE_NULL) ++m_wrongTypes;
    return std::nullopt;
}

std::optional<double> TableScan::real(std::size_t column) {
    if (m_pages) {
        const std::int16_t stored = m_stored[column];
        if (stored == kRowid) return static_cast<double>(m_rowid);
        const auto i = static_cast<std::size_t>(stored);
        const std::uint32_t type = stored < 0 ? 0 : m_pages->type(i);
        if (type == 0 || (type == kDouble && isNan(i))) return std::nullopt;
        if (type == kDouble) return m_pages->real(i);
        if (type < 10) return static_cast<double>(m_pages->integer(i));
        ++m_wrongTypes;
        return std::nullopt;
    }
    const int index = static_cast<int>(column) + 1;
    const int type = sqlite3_column_type(m_statement.get(), index);
    if (type == SQLITE_FLOAT || type == SQLITE_INTEGER) return sqlite3_column_double(m_statement.get(), index);
    if (type != SQLITE_NULL) ++m_wrongTypes;
    return std::nullopt;
}

std::string_view TableScan::textOfStatement(std::size_t column) {
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
