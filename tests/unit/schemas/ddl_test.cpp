// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/timeline/ddl.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "schemas/sqlite/database.h"
#include "schemas/timeline/views.h"

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

// Every view answers on a file that has all tables, and none is made without its tables.
TEST(Views, EachAnswersWhereItsTablesAre) {
    auto db = Database::openForWriting(":memory:");
    ASSERT_TRUE(db.ok()) << db.error().message;
    ASSERT_TRUE(timeline::createViews(*db).ok());
    EXPECT_FALSE(db->hasTable("v_ranges"));
    for (const auto& table : timeline::tables()) ASSERT_TRUE(db->execute(table.createTable).ok()) << table.name;
    ASSERT_TRUE(timeline::createViews(*db).ok());
    ASSERT_TRUE(timeline::createViews(*db).ok()) << "a second time changes nothing";
    ASSERT_GE(timeline::views().size(), 9u);
    for (const auto& view : timeline::views()) {
        for (const std::string& table : view.needs) EXPECT_NE(timeline::findTable(table), nullptr) << view.name << " needs " << table;
        auto rows = db->prepare("SELECT * FROM " + view.name);
        ASSERT_TRUE(rows.ok()) << view.name << ": " << rows.error().message;
        const auto step = rows->step();
        ASSERT_TRUE(step.ok()) << view.name;
        EXPECT_FALSE(*step);
    }
}

TEST(Views, StepsBelongToTheirWorkloadAndWarmUpIsNone) {
    auto db = Database::openForWriting(":memory:");
    ASSERT_TRUE(db.ok()) << db.error().message;
    for (const char* table : {"NVTX_EVENTS", "StringIds"}) ASSERT_TRUE(db->execute(timeline::findTable(table)->createTable).ok());
    ASSERT_TRUE(timeline::createViews(*db).ok());
    ASSERT_TRUE(db->execute(
        "INSERT INTO NVTX_EVENTS(start, end, eventType, category, text, globalTid, domainId, uint64Value) VALUES"
        "(0, NULL, 75, NULL, 'ridge', 16777217, 1, NULL), (10, 90, 59, 1, 'train/fp32', 16777217, 1, NULL), (12, 30, 59, 2, 'warmup', 16777217, 1, NULL),"
        // What a category is called is a row of that category, and is open for ever: neither a workload nor a warm-up.
        "(1, NULL, 33, 1, 'workload', 16777217, 1, NULL), (1, NULL, 33, 2, 'warmup', 16777217, 1, NULL), (1, NULL, 33, 3, 'step', 16777217, 1, NULL),"
        "(13, 20, 59, 3, 'step', 16777217, 1, 0), (40, 50, 59, 3, 'step', 16777217, 1, 0), (50, 65, 59, 3, 'step', 16777217, 1, 1)").ok());
    // A recorder writes all names as ids, also the domain's.
    ASSERT_TRUE(db->execute("INSERT INTO StringIds(id, value) VALUES (7, 'ridge'), (8, 'step')").ok());
    ASSERT_TRUE(db->execute(
        "INSERT INTO NVTX_EVENTS(start, end, eventType, category, textId, globalTid, domainId, uint64Value) VALUES"
        "(0, NULL, 75, NULL, 7, 33554434, 2, NULL), (100, 130, 59, 3, 8, 33554434, 2, 5)").ok());
    auto rows = db->prepare("SELECT workload, step, duration FROM v_steps ORDER BY start");
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    ASSERT_TRUE(*rows->step());
    EXPECT_EQ(rows->text(0), "train/fp32");
    EXPECT_EQ(rows->integer(1), 0);
    EXPECT_EQ(rows->integer(2), 10);
    ASSERT_TRUE(*rows->step());
    EXPECT_EQ(rows->integer(1), 1);
    ASSERT_TRUE(*rows->step());
    EXPECT_EQ(rows->integer(1), 5);
    EXPECT_EQ(rows->integer(2), 30);
    EXPECT_FALSE(*rows->step());
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
