// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/load/row_scan.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "schemas/timeline/read_table.h"

namespace ridge::gui {
namespace {

using timeline::TableScan;

class RowScanTest : public testing::Test {
protected:
    RowScanTest() : m_db(std::move(Database::openForWriting((m_folder.path() / "t.sqlite").string())).value()) {}
    void run(const std::string& sql) {
        const auto status = m_db.execute(sql);
        ASSERT_TRUE(status.ok()) << status.error().message;
    }
    // Numbers, NULLs, text in a column of numbers, reals, texts; every seventh row id is missing.
    void fill(int rows) {
        run("CREATE TABLE T(a INTEGER, b, name TEXT)");
        run("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < " + std::to_string(rows) +
            ") INSERT INTO T(rowid, a, b, name) SELECT i, i * 1000003, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 'text' WHEN 2 THEN i * 0.5 ELSE i END, "
            "'name ' || (i % 97) FROM c WHERE i % 7 <> 3");
    }
    // Every cell of the two ways of reading.
    void expectSame(bool threaded) {
        using enum RowScan::Kind;
        RowScan rows(m_db, "T", {"a", "b", {"name", kText}, "missing"}, m_stop), reals(m_db, "T", {{"b", kReal}}, m_stop);
        TableScan want(m_db, "T", {"a", "b", "name", "missing"}), wantReals(m_db, "T", {"b"});
        EXPECT_TRUE(rows.exists());
        EXPECT_FALSE(rows.hasColumn(3));
        EXPECT_EQ(rows.threaded(), threaded);
        std::size_t count = 0;
        while (want.next()) {
            ASSERT_TRUE(rows.next());
            ASSERT_TRUE(reals.next() && wantReals.next());
            ASSERT_EQ(rows.rowid(), want.rowid());
            ASSERT_EQ(rows.integer(0), want.integer(0));
            ASSERT_EQ(rows.integer(1), want.integer(1));
            ASSERT_EQ(reals.real(0), wantReals.real(0));
            ASSERT_EQ(rows.text(2), want.text(2));
            ASSERT_EQ(rows.integer(3), std::nullopt);
            ++count;
        }
        EXPECT_FALSE(rows.next());
        EXPECT_FALSE(rows.next()) << "it stays at its end";
        EXPECT_FALSE(rows.error());
        EXPECT_GT(count, 0U);
        EXPECT_EQ(rows.wrongTypes(), want.wrongTypes());
        EXPECT_EQ(reals.wrongTypes(), wantReals.wrongTypes());
    }
    TempDir m_folder = std::move(TempDir::create("ridge-rows")).value();
    Database m_db;
    std::atomic<bool> m_stop{false};
};

TEST_F(RowScanTest, ReadsAShortTableInPlace) {
    fill(9'001);
    expectSame(false);
}

TEST_F(RowScanTest, ReadsALongTableAheadAndInOrder) {
    fill(400'000);
    expectSame(true);
}

TEST_F(RowScanTest, ReadsSparseRowIdsAndTablesWithoutThem) {
    run("CREATE TABLE T(a INTEGER, b, name TEXT)");
    for (const char* id : {"-9223372036854775808", "-5", "0", "9223372036854775807"}) run(std::string("INSERT INTO T(rowid, a) VALUES (") + id + ", 1)");
    expectSame(true);
    run("CREATE TABLE W(a INTEGER PRIMARY KEY) WITHOUT ROWID");
    run("INSERT INTO W VALUES (4), (5)");
    RowScan rows(m_db, "W", {"a"}, m_stop);
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.integer(0), 4);
    ASSERT_TRUE(rows.next());
    EXPECT_FALSE(rows.next());
}

TEST_F(RowScanTest, RefusesWhatIsNoOrdinaryTable) {
    run("CREATE VIEW V AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i FROM c) SELECT i AS a FROM c");
    EXPECT_FALSE(RowScan(m_db, "V", {"a"}, m_stop).exists());
    EXPECT_FALSE(RowScan(m_db, "nothing", {"a"}, m_stop).exists());
}

TEST_F(RowScanTest, EndsSoonWhenItIsStopped) {
    fill(400'000);
    RowScan rows(m_db, "T", {"a"}, m_stop);
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(rows.next());
    m_stop = true;
    std::size_t more = 0;
    while (rows.next()) ++more;
    EXPECT_LT(more, 340'000U);  // what was decoded ahead, at most
    EXPECT_FALSE(rows.error());
}

// A scan that is given up in the middle must not leave its thread behind.
TEST_F(RowScanTest, CanBeGivenUpAtAnyPoint) {
    fill(400'000);
    for (int rows : {0, 1, 20'000, 200'000}) {
        RowScan scan(m_db, "T", {"a", {"name", RowScan::Kind::kText}}, m_stop);
        for (int i = 0; i < rows; ++i) ASSERT_TRUE(scan.next());
    }
}

}  // namespace
}  // namespace ridge::gui
