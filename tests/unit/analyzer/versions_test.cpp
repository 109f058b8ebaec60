// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Files that earlier versions wrote are read by this one: one real file per schema version, kept as SQL.
#include <gtest/gtest.h>

#include "analyzer/timeline/load.h"
#include "base/file.h"
#include "check.h"
#include "schemas/timeline/ddl.h"

namespace ridge::test {
namespace {

using namespace analyzer;

std::string restored(const TempDir& folder, int version) {
    const auto sql = readFile(std::string(RIDGE_SOURCE_DIR) + "/tests/data/timeline/version" + std::to_string(version) + ".sql");
    EXPECT_TRUE(sql.ok()) << (sql.ok() ? "" : sql.error().message);
    const std::string path = (folder.path() / "old.sqlite").string();
    auto db = Database::openForWriting(path);
    EXPECT_TRUE(db.ok() && sql.ok() && db->execute(*sql).ok());
    return path;
}

TEST(SchemaVersions, EveryEarlierVersionHasItsFile) {
    for (int version = 1; version < timeline::kSchemaVersion; ++version)
        EXPECT_TRUE(readFile(std::string(RIDGE_SOURCE_DIR) + "/tests/data/timeline/version" + std::to_string(version) + ".sql").ok()) << version;
}

TEST(SchemaVersions, Version1) {
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    const std::string path = restored(*folder, 1);
    const auto timeline = load({path});
    ASSERT_TRUE(timeline.ok()) << timeline.error().message;
    EXPECT_EQ(timeline->works.size(), 63U);
    EXPECT_EQ(timeline->io.size(), 266U);
    EXPECT_EQ(timeline->sources[0].kind, "ridge");
    for (const auto& table : timeline->tables) EXPECT_EQ(table.error, "") << table.table;
    const Analysis answer = analyzeOk(path);
    ASSERT_EQ(answer.workloads.size(), 1U);
    EXPECT_EQ(answer.workloads[0].name, "elementwise/fused");
    EXPECT_GT(answer.workloads[0].steps, 0);
    EXPECT_GT(at(answer.attribution, WallClass::kComputeUnknown), 0) << "the file brings no roofs";
    EXPECT_EQ(answer.stepSource, "ridge");
    checkPartition(answer);
}

TEST(SchemaVersions, Version2) {
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    const auto timeline = load({restored(*folder, 2)});
    ASSERT_TRUE(timeline.ok()) << timeline.error().message;
    EXPECT_EQ(timeline->works.size(), 1U);
    EXPECT_GE(timeline->io.size(), 5U);
    EXPECT_EQ(timeline->sources[0].kind, "ridge");
    for (const auto& table : timeline->tables) EXPECT_EQ(table.error, "") << table.table;
}

}  // namespace
}  // namespace ridge::test
