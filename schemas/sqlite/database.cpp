// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/sqlite/database.h"
#include "schemas/sqlite/attach.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/text.h"

namespace ridge {
namespace {

Error sqliteError(sqlite3* db, const std::string& path) {
    const int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
    const char* message = db ? sqlite3_errmsg(db) : "out of memory";
    const bool environment = code == SQLITE_IOERR || code == SQLITE_CANTOPEN ||
                             code == SQLITE_PERM || code == SQLITE_READONLY;
    // Without room on the disk nothing can be made; everything else of the environment is a place that was named wrongly.
    return {code == SQLITE_FULL ? ErrorCode::kMeasurement : environment ? ErrorCode::kIo : ErrorCode::kBadInput,
            fmt::format("{}: {}", path, toValidUtf8(message))};
}

// Percent-encodes what a SQLite URI would read as syntax.
std::string toUri(const std::string& path, std::string_view query) {
    std::string uri = "file:";
    for (const char c : path) {
        if (c == '?' || c == '#' || c == '%')
            uri += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        else
            uri += c;
    }
    return uri.append(query);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Statement::Statement(sqlite3* db, sqlite3_stmt* statement, std::string path)
    : m_db(db), m_statement(statement), m_path(std::move(path)) {}

void Statement::bind(int parameter, std::int64_t value) { sqlite3_bind_int64(m_statement.get(), parameter, value); }
void Statement::bind(int parameter, double value) { sqlite3_bind_double(m_statement.get(), parameter, value); }
void Statement::bind(int parameter, std::string_view value) {
    sqlite3_bind_text64(m_statement.get(), parameter, value.data() ? value.data() : "", value.size(),
                        SQLITE_TRANSIENT, SQLITE_UTF8);
}
void Statement::bindNull(int parameter) { sqlite3_bind_null(m_statement.get(), parameter); }

Result<bool> Statement::step() {
    const int code = sqlite3_step(m_statement.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) {
        sqlite3_reset(m_statement.get());
        return false;
    }
    Error error = sqliteError(m_db, m_path);
    sqlite3_reset(m_statement.get());
    return error;
}

void Statement::reset() { sqlite3_reset(m_statement.get()); }

bool Statement::isNull(int column) const {
    return sqlite3_column_type(m_statement.get(), column) == SQLITE_NULL;
}
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(m_statement.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(m_statement.get(), column); }
std::string_view Statement::text(int column) const {
    // A text of a UTF-16 database is converted; a blob is taken as it is.
    const bool isText = sqlite3_column_type(m_statement.get(), column) == SQLITE_TEXT;
    const void* data = isText ? static_cast<const void*>(sqlite3_column_text(m_statement.get(), column)) : sqlite3_column_blob(m_statement.get(), column);
    const int size = sqlite3_column_bytes(m_statement.get(), column);
    if (!data || size <= 0) return {};
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

namespace {

// What people give in place of a database, told apart by the first bytes; SQLite takes an empty file for a database.
Status refuseOthers(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 16> head{};
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (!file && file.gcount() == 0 && !file.eof()) return {};  // cannot be read: SQLite says why
    const std::string_view text(head.data(), static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    std::error_code ec;
    if (text.empty() && std::filesystem::is_regular_file(path, ec))
        return Error{ErrorCode::kBadInput, fmt::format("{}: is empty (0 bytes)", path)};
    const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    const bool json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
    if (json || text.starts_with("\x1f\x8b"))
        return Error{ErrorCode::kBadInput, fmt::format("{}: is {}, not a timeline database; of a PyTorch trace make one with: ridge import kineto {} -o trace.sqlite",
                                                       path, json ? "JSON" : "packed by gzip", path)};
    return {};
}

}  // namespace

Result<Database> Database::openForReading(const std::string& path) {
    std::error_code ec;
    const auto status = std::filesystem::status(path, ec);
    if (!std::filesystem::exists(status))
        return Error{ErrorCode::kBadInput, fmt::format("{}: no such file", path)};
    if (std::filesystem::is_directory(status))
        return Error{ErrorCode::kBadInput, fmt::format("{}: is a folder, not a file", path)};
    RIDGE_TRY_STATUS(refuseOthers(path));
    sqlite3* raw = nullptr;
    // immutable: no locks, no -wal or -shm beside a file that we may not own. Nobody writes a finished trace.
    const bool hasWal = std::filesystem::exists(path + "-wal", ec);
    const std::string uri = toUri(path, hasWal ? "?mode=ro" : "?mode=ro&immutable=1");
    const int code = sqlite3_open_v2(uri.c_str(), &raw,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
    Database db(raw, path);
    if (code != SQLITE_OK) return sqliteError(raw, path);
    sqlite3_busy_timeout(raw, 2000);
    sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, 256 << 20);
    RIDGE_TRY_STATUS(db.execute("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"));
    // The first read of the schema is where "file is not a database" and truncation show.
    RIDGE_TRY_STATUS(db.execute("SELECT count(*) FROM sqlite_master"));
    return db;
}

Result<Database> Database::openForWriting(const std::string& path) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2((path == ":memory:" ? path : toUri(path, "?mode=rwc")).c_str(), &raw,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
    Database db(raw, path);
    if (code != SQLITE_OK) return sqliteError(raw, path);
    sqlite3_busy_timeout(raw, 2000);
    return db;
}

Status attachForReading(Database& db, const std::string& path, std::string_view schema) {
    RIDGE_TRY_STATUS(refuseOthers(path));
    std::error_code ec;
    const bool hasWal = std::filesystem::exists(path + "-wal", ec);
    RIDGE_TRY(Statement attach, db.prepare(fmt::format("ATTACH ?1 AS {}", schema)));
    attach.bind(1, std::string_view(toUri(path, hasWal ? "?mode=ro" : "?mode=ro&immutable=1")));
    RIDGE_TRY([[maybe_unused]] const bool none, attach.step());
    return {};
}

Status Database::execute(const std::string& sql) {
    if (sqlite3_exec(m_db.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return sqliteError(m_db.get(), m_path);
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(m_db.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
        return sqliteError(m_db.get(), m_path);
    return Statement(m_db.get(), statement, m_path);
}

bool Database::hasTable(std::string_view table) {
    auto statement = prepare("SELECT 1 FROM sqlite_master WHERE type IN ('table','view') AND name = ?1");
    if (!statement.ok()) return false;
    statement->bind(1, table);
    auto row = statement->step();
    return row.ok() && *row;
}

std::set<std::string> Database::columns(std::string_view table) {
    std::set<std::string> names;
    auto statement = prepare("SELECT name FROM pragma_table_info(?1)");
    if (!statement.ok()) return names;
    statement->bind(1, table);
    for (;;) {
        auto row = statement->step();
        if (!row.ok() || !*row) return names;
        names.emplace(statement->text(0));
    }
}

}  // namespace ridge
