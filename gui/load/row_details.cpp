// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/row_details.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

constexpr std::size_t kLongestText = 2000;

bool isStringId(std::string_view column) {
    constexpr std::array<std::string_view, 7> kColumns{"nameId", "textId", "demangledName", "shortName",
                                                       "mangledName", "jsonTextId", "apiCallId"};
    return std::find(kColumns.begin(), kColumns.end(), column) != kColumns.end();
}

std::string stringOf(Database& db, std::int64_t id) {
    auto statement = db.prepare("SELECT value FROM StringIds WHERE id = ?1");
    if (!statement.ok()) return {};
    statement->bind(1, id);
    auto row = statement->step();
    return row.ok() && *row ? toValidUtf8(statement->text(0).substr(0, kLongestText)) : std::string{};
}

Status append(Database& db, const std::string& table, const char* key, std::int64_t rowid, RowDetails& out) {
    if (!timeline::TableScan(db, table, {}).exists()) return {};
    const auto columns = db.columns(table);
    RIDGE_TRY(Statement statement, db.prepare(fmt::format("SELECT * FROM \"{}\" WHERE {} = ?1", table, key)));
    statement.bind(1, rowid);
    RIDGE_TRY(const bool found, statement.step());
    if (!found) return {};
    // The statement's own order of columns, which is the file's.
    for (const std::string& column : columns) {
        RIDGE_TRY(Statement one, db.prepare(fmt::format("SELECT \"{}\" FROM \"{}\" WHERE {} = ?1", column, table, key)));
        one.bind(1, rowid);
        RIDGE_TRY(const bool row, one.step());
        if (!row || one.isNull(0)) continue;
        std::string value = toValidUtf8(one.text(0).substr(0, kLongestText));
        if (isStringId(column))
            if (std::string text = stringOf(db, one.integer(0)); !text.empty()) value = std::move(text);
        if (!value.empty()) out.emplace_back(column, std::move(value));
    }
    return {};
}

}  // namespace

Result<RowDetails> rowDetails(const std::string& path, const std::string& table, std::int64_t rowid) {
    RIDGE_TRY(Database db, Database::openForReading(path));
    RowDetails details;
    RIDGE_TRY_STATUS(append(db, table, "rowid", rowid, details));
    if (table == "NVTX_EVENTS") RIDGE_TRY_STATUS(append(db, "RIDGE_WORK", "nvtxId", rowid, details));
    if (table == "OSRT_API") {
        RIDGE_TRY_STATUS(append(db, "RIDGE_IO", "osrtId", rowid, details));
        const auto file = std::find_if(details.begin(), details.end(), [](const auto& d) { return d.first == "fileAccessId"; });
        if (file != details.end() && file->second.size() < 18 && file->second.find_first_not_of("0123456789") == std::string::npos)
            RIDGE_TRY_STATUS(append(db, "OSRT_FILE_ACCESS_DESCRIPTORS", "fileAccessId", std::stoll(file->second), details));
    }
    return details;
}

}  // namespace ridge::gui
