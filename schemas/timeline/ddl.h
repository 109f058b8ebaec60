// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// schemas/timeline.sql, compiled in and taken apart: a writer creates a table when it has a row for it.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ridge::timeline {

inline constexpr std::uint32_t kApplicationId = 0x52494447;  // "RIDG"
inline constexpr int kSchemaVersion = 3;                     // PRAGMA user_version
inline constexpr std::string_view kNsysSchemaVersion = "3.24.14";  // whose vocabulary the file speaks

struct TableDdl {
    std::string name;
    std::string createTable;               // CREATE TABLE ...; with its comments
    std::vector<std::string> columns;      // in order
    std::vector<std::string> indexes;      // CREATE INDEX ...;
    std::string inserts;                   // rows of ENUM_ tables, empty for others
};

// The whole text.
std::string_view timelineSql();
// Every table in the order of the file.
const std::vector<TableDdl>& tables();
// nullptr: there is no such table.
const TableDdl* findTable(std::string_view name);

struct ViewDdl {
    std::string name;
    std::vector<std::string> needs;  // tables
    std::string createView;          // CREATE VIEW ...;
};

// schemas/views.sql, taken apart.
const std::vector<ViewDdl>& views();
// The views whose tables are all among `tables`, as SQL to execute; those in `existing` are left out.
std::string viewsFor(const std::set<std::string>& tables, const std::set<std::string>& existing = {});

}  // namespace ridge::timeline
