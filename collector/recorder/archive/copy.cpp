// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/copy.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ridge::archive {
namespace {

Result<std::int64_t> pragma(Database& db, std::string_view name) {
    RIDGE_TRY(Statement statement, db.prepare(fmt::format("PRAGMA {}", name)));
    RIDGE_TRY(const bool row, statement.step());
    return row ? statement.integer(0) : 0;
}

// Generated columns cannot be inserted; they come again by themselves.
Status readColumns(Database& db, TableShape& table) {
    RIDGE_TRY(Statement info, db.prepare("SELECT name, upper(type), pk, hidden FROM pragma_table_xinfo(?1)"));
    info.bind(1, std::string_view(table.name));
    int keys = 0, integerKey = -1;
    for (;;) {
        RIDGE_TRY(const bool row, info.step());
        if (!row) break;
        if (info.integer(3) != 0) continue;
        if (info.integer(2) != 0) {
            ++keys;
            if (info.text(1) == "INTEGER") integerKey = static_cast<int>(table.columns.size());
        }
        table.columns.emplace_back(info.text(0));
    }
    for (const char* name : {"rowid", "_rowid_", "oid"}) {
        const bool taken = std::any_of(table.columns.begin(), table.columns.end(), [&](const std::string& column) {
            return column.size() == std::string_view(name).size() && std::equal(column.begin(), column.end(), name, [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
        });
        if (taken) continue;
        if (!db.prepare(fmt::format("SELECT {} FROM {} LIMIT 0", name, sqlName(table.name))).ok()) break;  // WITHOUT ROWID
        table.rowidName = name;
        break;
    }
    // "INTEGER PRIMARY KEY DESC" is no alias of the row id; asking is surer than parsing.
    if (keys == 1 && integerKey >= 0 && !table.rowidName.empty()) {
        const std::string column = sqlName(table.columns[static_cast<std::size_t>(integerKey)]);
        auto other = db.prepare(fmt::format("SELECT 1 FROM {} WHERE {} IS NOT {} LIMIT 1", sqlName(table.name), column, table.rowidName));
        if (!other.ok()) return std::move(other).takeError();
        RIDGE_TRY(const bool differs, other->step());
        if (!differs) table.rowidColumn = integerKey;
    }
    return {};
}

Result<std::vector<std::pair<std::string, std::int64_t>>> readSequences(Database& db) {
    std::vector<std::pair<std::string, std::int64_t>> sequences;
    RIDGE_TRY(Statement rows, db.prepare("SELECT name, seq FROM sqlite_sequence ORDER BY rowid"));
    for (;;) {
        RIDGE_TRY(const bool row, rows.step());
        if (!row) return sequences;
        if (!rows.isNull(0)) sequences.emplace_back(rows.text(0), rows.integer(1));
    }
}

}  // namespace

std::string sqlName(std::string_view name) {
    std::string result = "\"";
    for (const char c : name) result += c == '"' ? std::string("\"\"") : std::string(1, c);
    return result + "\"";
}

Result<FileShape> readShape(Database& db) {
    FileShape shape;
    RIDGE_TRY(shape.pageSize, pragma(db, "page_size"));
    RIDGE_TRY(shape.applicationId, pragma(db, "application_id"));
    RIDGE_TRY(shape.userVersion, pragma(db, "user_version"));
    RIDGE_TRY(Statement encoding, db.prepare("PRAGMA encoding"));
    RIDGE_TRY([[maybe_unused]] const bool any, encoding.step());
    shape.encoding = encoding.text(0);
    std::vector<std::string> views;
    bool hasSequences = false;
    RIDGE_TRY(Statement master, db.prepare("SELECT type, name, sql FROM sqlite_master ORDER BY rowid"));
    for (;;) {
        RIDGE_TRY(const bool row, master.step());
        if (!row) break;
        const std::string type(master.text(0)), name(master.text(1)), sql(master.text(2));
        std::string upper;
        for (const char c : sql.substr(0, 30)) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        if (name.starts_with("sqlite_") || sql.empty()) {
            hasSequences = hasSequences || name == "sqlite_sequence";
            if (type == "table" && name != "sqlite_sequence") shape.leftOut.push_back(fmt::format("{} {} is SQLite's own and was left out", type, toValidUtf8(name)));
        } else if (type == "table" && upper.starts_with("CREATE VIRTUAL")) {
            shape.leftOut.push_back(fmt::format("virtual table {} was left out", toValidUtf8(name)));
        } else if (type == "table") {
            shape.tables.push_back({name, sql, {}, {}, -1});
        } else if (type == "trigger") {
            shape.leftOut.push_back(fmt::format("trigger {} was left out", toValidUtf8(name)));
        } else {
            (type == "view" ? views : shape.afterwards).push_back(sql);
        }
    }
    for (TableShape& table : shape.tables) RIDGE_TRY_STATUS(readColumns(db, table));
    if (hasSequences) {
        RIDGE_TRY(shape.sequences, readSequences(db));
    }
    shape.afterwards.insert(shape.afterwards.end(), views.begin(), views.end());
    return shape;
}

Status restoreSequences(Database& db, const std::vector<std::pair<std::string, std::int64_t>>& sequences) {
    if (!db.hasTable("sqlite_sequence")) return {};
    RIDGE_TRY_STATUS(db.execute("DELETE FROM main.sqlite_sequence"));
    RIDGE_TRY(Statement insert, db.prepare("INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)"));
    for (const auto& [name, seq] : sequences) {
        insert.bind(1, std::string_view(name));
        insert.bind(2, seq);
        RIDGE_TRY([[maybe_unused]] const bool none, insert.step());
    }
    return {};
}

}  // namespace ridge::archive
