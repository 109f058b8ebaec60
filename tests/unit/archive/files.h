// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Files for the tests of copies and archives: the real exports, unpacked, and the contents of any file as text, so that
// two can be compared to the row.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "schemas/sqlite/database.h"

namespace ridge::test {

// Every table's rows as text, with row ids and types; texts too if asked for.
inline std::map<std::string, std::vector<std::string>> contents(const std::string& path, bool texts) {
    std::map<std::string, std::vector<std::string>> result;
    auto db = Database::openForReading(path);
    EXPECT_TRUE(db.ok()) << (db.ok() ? "" : db.error().message);
    if (!db.ok()) return result;
    std::vector<std::string> tables;
    auto names = db->prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    while (*names->step()) tables.emplace_back(names->text(0));
    for (const std::string& table : tables) {
        std::vector<std::string> columns;
        auto info = db->prepare(fmt::format("SELECT name FROM pragma_table_info('{}')", table));
        while (*info->step()) {
            std::string name;
            for (const char c : info->text(0)) name += c == '"' ? std::string("\"\"") : std::string(1, c);
            columns.push_back(std::move(name));
        }
        std::string sql = "SELECT ";
        for (const std::string& column : columns)
            sql += fmt::format("typeof(\"{0}\") || CASE typeof(\"{0}\") WHEN 'text' THEN {1} WHEN 'blob' THEN {1} WHEN 'real' THEN format('%!.17g', \"{0}\") ELSE ifnull(\"{0}\", '') END || '|' || ", column,
                               texts ? fmt::format("hex(\"{}\")", column) : std::string("''"));
        const bool rowid = db->prepare(fmt::format("SELECT rowid FROM \"{}\"", table)).ok();
        sql += rowid ? "'@' || rowid" : "''";
        auto rows = db->prepare(fmt::format("{} FROM \"{}\"", sql, table));
        EXPECT_TRUE(rows.ok()) << (rows.ok() ? "" : rows.error().message);
        if (!rows.ok()) continue;
        auto& lines = result[table];
        while (*rows->step()) lines.emplace_back(rows->text(0));
    }
    return result;
}

inline std::string answer(const std::string& path, const std::string& sql) {
    auto db = Database::openForReading(path);
    if (!db.ok()) return db.error().message;
    auto statement = db->prepare(sql);
    if (!statement.ok()) return statement.error().message;
    auto row = statement->step();
    return row.ok() && *row ? std::string(statement->text(0)) : "-";
}

// The real exports of another tool, unpacked into a folder; none: they are not on this machine.
inline std::vector<std::string> realExports(const std::filesystem::path& into) {
    std::vector<std::string> files;
    const char* given = std::getenv("RIDGE_TRACES");
    const std::filesystem::path folder = std::filesystem::path(given != nullptr ? given : RIDGE_TRACES_DIR) / "nsys";
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ec)) {
        const std::string out = (into / entry.path().stem()).string();
        if (entry.path().extension() == ".gz" && std::system(fmt::format("gzip -dc '{}' > '{}'", entry.path().string(), out).c_str()) == 0) files.push_back(out);
    }
    return files;
}

}  // namespace ridge::test
