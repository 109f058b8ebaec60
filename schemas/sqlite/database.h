// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A thin, typed handle over SQLite: open, prepare, bind, step, with errors as values.
//
// Files come from anywhere. openForReading() opens read-only with trusted_schema off and takes nothing
// on trust: a file that is no database, is truncated or is locked gives one line. A Database and its
// Statements belong to one thread at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ridge {

class Statement {
public:
    Statement(Statement&&) noexcept = default;
    Statement& operator=(Statement&&) noexcept = default;

    // Parameters count from 1, columns from 0, as in SQLite.
    void bind(int parameter, std::int64_t value);
    void bind(int parameter, double value);
    void bind(int parameter, std::string_view value);  // copied
    void bindNull(int parameter);

    // true: a row is there; false: no more rows (a later step starts anew).
    Result<bool> step();
    void reset();

    [[nodiscard]] bool isNull(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;  // NULL and text read as SQLite casts them
    [[nodiscard]] double real(int column) const;
    // Valid until the next step; may hold NUL bytes and bytes that are no UTF-8.
    [[nodiscard]] std::string_view text(int column) const;

private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    Statement(sqlite3* db, sqlite3_stmt* statement, std::string path);
    sqlite3* m_db = nullptr;
    std::unique_ptr<sqlite3_stmt, Finalize> m_statement;
    std::string m_path;
};

class Database {
public:
    Database(Database&&) noexcept = default;
    Database& operator=(Database&&) noexcept = default;

    // Read-only; refuses what is no SQLite database. Does not create journal or -shm files (immutable=1
    // where the folder is not writable).
    static Result<Database> openForReading(const std::string& path);
    // Creates or opens for writing.
    static Result<Database> openForWriting(const std::string& path);

    Status execute(const std::string& sql);
    Result<Statement> prepare(std::string_view sql);

    // Table or view.
    [[nodiscard]] bool hasTable(std::string_view table);
    [[nodiscard]] std::set<std::string> columns(std::string_view table);
    // May scans of whole tables read the pages of the file themselves (timeline::TableScan)? On at first.
    void allowDirectReading(bool allow) { m_direct = allow; }
    [[nodiscard]] bool directReading() const { return m_direct; }
    [[nodiscard]] const std::string& path() const { return m_path; }
    [[nodiscard]] sqlite3* handle() const { return m_db.get(); }

private:
    struct Close {
        void operator()(sqlite3* db) const;
    };
    explicit Database(sqlite3* db, std::string path) : m_db(db), m_path(std::move(path)) {}
    std::unique_ptr<sqlite3, Close> m_db;
    std::string m_path;
    bool m_direct = true;
};

}  // namespace ridge
