// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/timeline/ddl.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "schemas/sqlite/database.h"

namespace ridge {
namespace {

TEST(TimelineDdl, EveryTableIsMadeBySqliteWithTheColumnsThatWeRead) {
    auto db = Database::openForWriting(":memory:");
    ASSERT_TRUE(db.ok()) << db.error().message;
    for (const auto& table : timeline::tables()) {
        ASSERT_TRUE(db->execute(table.createTable).ok()) << table.name;
        for (const std::string& index : table.indexes) ASSERT_TRUE(db->execute(index).ok()) << index;
        if (!table.inserts.empty()) {
            ASSERT_TRUE(db->execute(table.inserts).ok()) << table.name;
        }
        const auto columns = db->columns(table.name);
        EXPECT_EQ(columns, std::set<std::string>(table.columns.begin(), table.columns.end())) << table.name;
        EXPECT_EQ(table.name.starts_with("ENUM_"), !table.inserts.empty()) << table.name;
    }
}

TEST(TimelineDdl, ATableIsFoundByName) {
    ASSERT_NE(timeline::findTable("NVTX_EVENTS"), nullptr);
    EXPECT_EQ(timeline::findTable("NVTX_EVENTS")->indexes.size(), 1u);
    EXPECT_EQ(timeline::findTable("nothing"), nullptr);
}

// Golden: names and order of all tables and columns. Later versions add lines, they change none.
// Run with RIDGE_UPDATE_GOLDEN=1 to write the file anew.
TEST(TimelineDdl, TablesAndColumnsAreFrozen) {
    std::string text;
    for (const auto& table : timeline::tables()) {
        text += table.name + ":";
        for (const std::string& column : table.columns) text += " " + column;
        text += "\n";
    }
    const std::string golden = std::string(RIDGE_SOURCE_DIR) + "/tests/data/golden/timeline_tables.txt";
    if (std::getenv("RIDGE_UPDATE_GOLDEN")) std::ofstream(golden) << text;
    auto expected = readFile(golden);
    ASSERT_TRUE(expected.ok()) << expected.error().message;
    EXPECT_EQ(text, *expected);
}

}  // namespace
}  // namespace ridge
