// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a file is made of, for making another like it: its tables with their row ids, indexes and views, as SQLite has
// them. Names are quoted; triggers, virtual tables and SQLite's own tables are left out and named.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "schemas/sqlite/database.h"

namespace ridge::archive {

struct TableShape {
    std::string name;
    std::string createTable;
    std::vector<std::string> columns;
    std::string rowidName;   // rowid, _rowid_ or oid, whichever is no column; empty: the table has none (WITHOUT ROWID)
    int rowidColumn = -1;    // the INTEGER PRIMARY KEY, which is the row id; -1: there is none
};

struct FileShape {
    std::int64_t pageSize = 4096, applicationId = 0, userVersion = 0;
    std::string encoding;                 // 'UTF-8', ...
    std::vector<TableShape> tables;       // in the order of the file
    std::vector<std::string> afterwards;  // CREATE INDEX, CREATE VIEW
    std::vector<std::pair<std::string, std::int64_t>> sequences;  // of AUTOINCREMENT: table -> the last row id it gave
    std::vector<std::string> leftOut;     // one line each
};

// "name" -> "\"name\""
std::string sqlName(std::string_view name);

Result<FileShape> readShape(Database& db);

// In a database whose tables are filled: what AUTOINCREMENT goes on from.
Status restoreSequences(Database& db, const std::vector<std::pair<std::string, std::int64_t>>& sequences);

}  // namespace ridge::archive
