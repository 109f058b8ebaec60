// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/sqlite/database.h"

#include "schemas/sqlite/whole_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"

namespace ridge {
namespace {

class DatabaseTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto created = TempDir::create("ridge-db-test-");
        ASSERT_TRUE(created.ok());
        m_dir.emplace(std::move(*created));
    }
    std::string path(const char* name) const { return (m_dir->path() / name).string(); }
    std::optional<TempDir> m_dir;
};

TEST_F(DatabaseTest, AFileThatIsCutOffIsTold) {
    const std::string file = path("cut.sqlite");
    {
        auto db = Database::openForWriting(file);
        ASSERT_TRUE(db.ok());
        ASSERT_TRUE(db->execute("CREATE TABLE t(s TEXT); INSERT INTO t VALUES(zeroblob(50000))").ok());
    }
    EXPECT_EQ(whatIsCutOff(file), "");
    const auto whole = std::filesystem::file_size(file);
    std::filesystem::resize_file(file, whole - 1);
    EXPECT_NE(whatIsCutOff(file).find(std::to_string(whole - 1) + " of " + std::to_string(whole)), std::string::npos) << whatIsCutOff(file);
    std::filesystem::resize_file(file, 40);
    EXPECT_EQ(whatIsCutOff(file), "") << "no header: opening it says so";
    EXPECT_EQ(whatIsCutOff(path("nowhere")), "");
}

TEST_F(DatabaseTest, BindsStepsAndReadsBack) {
    const std::string file = path("a?b#c.sqlite");
    {
        auto db = Database::openForWriting(file);
        ASSERT_TRUE(db.ok());
        ASSERT_TRUE(db->execute("CREATE TABLE t(i INTEGER, r REAL, s TEXT)").ok());
        auto insert = db->prepare("INSERT INTO t VALUES(?1,?2,?3)");
        ASSERT_TRUE(insert.ok());
        insert->bind(1, std::int64_t{1} << 62);
        insert->bind(2, 0.5);
        insert->bind(3, std::string_view("x\0y", 3));
        ASSERT_TRUE(insert->step().ok());
        insert->bindNull(1);
        ASSERT_TRUE(insert->step().ok());
    }
    auto db = Database::openForReading(file);
    ASSERT_TRUE(db.ok()) << db.error().message;
    EXPECT_TRUE(db->hasTable("t"));
    EXPECT_FALSE(db->hasTable("u"));
    EXPECT_EQ(db->columns("t"), (std::set<std::string>{"i", "r", "s"}));
    auto select = db->prepare("SELECT * FROM t ORDER BY rowid");
    ASSERT_TRUE(select.ok());
    ASSERT_TRUE(*select->step());
    EXPECT_EQ(select->integer(0), std::int64_t{1} << 62);
    EXPECT_EQ(select->real(1), 0.5);
    EXPECT_EQ(select->text(2), std::string_view("x\0y", 3));
    ASSERT_TRUE(*select->step());
    EXPECT_TRUE(select->isNull(0));
    EXPECT_FALSE(*select->step());
    EXPECT_FALSE(db->execute("DELETE FROM t").ok()) << "opened for reading";
}

TEST_F(DatabaseTest, WhatIsNoDatabaseGivesOneLine) {
    std::ofstream(path("text")) << std::string(5000, 'x');
    std::ofstream(path("empty"));
    std::ofstream(path("json")) << "\n{\"traceEvents\": []}";
    std::ofstream(path("packed")) << "\x1f\x8b\x08 and so on";
    const std::pair<std::string, std::string> cases[] = {
        {path("text"), "file is not a database"},
        {path("missing"), "no such file"},
        {path("empty"), "is empty (0 bytes)"},
        {path("json"), "is JSON, not a timeline database; of a PyTorch trace make one with: ridge import kineto"},
        {path("packed"), "is packed by gzip, not a timeline database"},
        {m_dir->path().string(), "is a folder"},
    };
    for (const auto& [file, reason] : cases) {
        auto db = Database::openForReading(file);
        ASSERT_FALSE(db.ok()) << file;
        EXPECT_EQ(db.error().message.find('\n'), std::string::npos);
        EXPECT_NE(db.error().message.find(reason), std::string::npos) << db.error().message;
        EXPECT_EQ(exitCodeFor(db.error().code), 2);
    }
}

TEST_F(DatabaseTest, ATruncatedFileIsAnErrorAndNotACrash) {
    const std::string file = path("t.sqlite");
    {
        auto db = Database::openForWriting(file);
        ASSERT_TRUE(db->execute("CREATE TABLE t(s TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
                                "WHERE i < 5000) INSERT INTO t SELECT 'some text ' || i FROM n").ok());
    }
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
    auto db = Database::openForReading(file);
    if (!db.ok()) {
        EXPECT_EQ(exitCodeFor(db.error().code), 2);
        return;
    }
    auto select = db->prepare("SELECT count(s), max(s) FROM t");
    ASSERT_TRUE(select.ok());
    auto row = select->step();
    EXPECT_FALSE(row.ok());
}

TEST_F(DatabaseTest, AnUnwritableFolderNamesThePath) {
    auto db = Database::openForWriting("/proc/nowhere/x.sqlite");
    ASSERT_FALSE(db.ok());
    EXPECT_NE(db.error().message.find("/proc/nowhere/x.sqlite"), std::string::npos);
    EXPECT_EQ(db.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace ridge
