// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "schemas/sqlite/bulk_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <random>

#include "base/file.h"

namespace ridge::bulk {
namespace {

std::string scalar(Database& db, const std::string& sql) {
    auto query = db.prepare(sql);
    EXPECT_TRUE(query.ok()) << (query.ok() ? "" : query.error().message);
    if (!query.ok()) return "?";
    auto row = query->step();
    EXPECT_TRUE(row.ok() && *row) << sql;
    return row.ok() && *row ? std::string(query->text(0)) : "?";
}

Status nothing(Database&) { return {}; }

class BulkTableTest : public testing::Test {
protected:
    TempDir m_dir = std::move(TempDir::create("ridge-bulk")).value();
    std::string m_path = (m_dir.path() / "t.sqlite").string();
};

// Rows with index, interleaved over two tables, so that their pages mix.
void writeAndCheck(const std::string& path, std::uint32_t pageSize, std::int64_t rows, bool shuffled,
                   std::size_t keysInMemory = 1 << 20) {
    SCOPED_TRACE(testing::Message() << "page " << pageSize << " rows " << rows << " shuffled " << shuffled);
    BulkOptions options;
    options.pageSize = pageSize;
    options.keysInMemory = keysInMemory;
    auto file = BulkFile::create(path, options);
    ASSERT_TRUE(file.ok()) << file.error().message;
    BulkTable& a = (*file)->addTable("a", "CREATE TABLE a(start INTEGER NOT NULL, x INTEGER, y REAL, t TEXT);",
                                     "CREATE INDEX a_start ON a(start);");
    BulkTable& b = (*file)->addTable("b", "CREATE TABLE b(id INTEGER NOT NULL PRIMARY KEY, v INTEGER);");
    std::mt19937_64 random(static_cast<std::uint64_t>(rows) + pageSize);
    BulkRow row;
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
        const std::int64_t start = shuffled ? static_cast<std::int64_t>(random() >> 20) - (1LL << 42) : 7 * i - 3;
        sum += start % 1000;
        row.clear();
        row.integer(start).integer(static_cast<std::int64_t>(random())).real(static_cast<double>(i) + 0.5);
        if (i % 3 == 0) row.text("abc");
        a.add(row, start);
        row.clear();
        row.null().integer(i);
        b.addAt(3 * i + 1, row);
    }
    const Status done = (*file)->finish(nothing);
    ASSERT_TRUE(done.ok()) << done.error().message;
    auto db = Database::openForReading(path);
    ASSERT_TRUE(db.ok()) << db.error().message;
    ASSERT_EQ(scalar(*db, "PRAGMA integrity_check"), "ok");
    if (rows == 0) {
        EXPECT_FALSE(db->hasTable("a"));
        return;
    }
    EXPECT_EQ(scalar(*db, "SELECT count(*) FROM a NOT INDEXED"), std::to_string(rows));
    EXPECT_EQ(scalar(*db, "SELECT count(*) FROM a INDEXED BY a_start WHERE start > -9e18"), std::to_string(rows));
    EXPECT_EQ(scalar(*db, "SELECT sum(start % 1000) FROM a NOT INDEXED"), std::to_string(sum));
    EXPECT_EQ(scalar(*db, "SELECT count(*) FROM b WHERE id = 3 * v + 1"), std::to_string(rows));
    EXPECT_EQ(scalar(*db, "SELECT count(*) FROM a WHERE t = 'abc'"), std::to_string((rows + 2) / 3));
}

TEST_F(BulkTableTest, EveryRowCountMakesASoundFile) {
    std::vector<std::int64_t> counts = {0, 1, 2, 10, 1000, 12345, 50000};
    for (std::int64_t n = 60; n < 260; n += 3) counts.push_back(n);
    for (const std::int64_t n : counts)
        for (const std::uint32_t page : {512U, 4096U, 16384U, 65536U})
            for (const bool shuffled : {false, true}) writeAndCheck(m_path, page, n, shuffled);
}

// At 512 bytes a page holds so few cells that every split case of three levels is met.
TEST_F(BulkTableTest, SmallPagesMeetEverySplit) {
    for (std::int64_t n = 600; n < 1400; n += 7) writeAndCheck(m_path, 512, n, n % 2 == 0);
}

// Runs of 1 key, of one more or less than there are, and of some, in order and in none.
TEST_F(BulkTableTest, MoreKeysThanMemoryAreSortedInAFile) {
    for (const std::size_t keys : {1, 7, 1000, 4999, 5000, 5001})
        for (const bool shuffled : {false, true}) writeAndCheck(m_path, 4096, 5000, shuffled, keys);
    EXPECT_FALSE(std::filesystem::exists(m_path + ".keys"));
}

TEST_F(BulkTableTest, ValuesComeBackAsTheyWere) {
    auto file = BulkFile::create(m_path, {});
    ASSERT_TRUE(file.ok());
    BulkTable& table = (*file)->addTable("v", "CREATE TABLE v(i INTEGER, r REAL, t TEXT, b TEXT);");
    std::vector<std::int64_t> integers = {0, 1, -1, 2, std::numeric_limits<std::int64_t>::min(),
                                          std::numeric_limits<std::int64_t>::max()};
    for (int bit = 1; bit < 63; ++bit)
        for (const std::int64_t d : {-1, 0, 1}) {
            integers.push_back((std::int64_t{1} << bit) + d);
            integers.push_back(-(std::int64_t{1} << bit) + d);
        }
    BulkRow row;
    for (const std::int64_t i : integers) {
        row.clear();
        row.integer(i).real(static_cast<double>(i) * 0.25).text(std::string_view("a\0b", 3)).blob("\xff\x00");
        table.add(row);
    }
    row.clear();
    row.null().real(std::nan("")).null().null();
    table.add(row);
    ASSERT_TRUE((*file)->finish(nothing).ok());
    auto db = Database::openForReading(m_path);
    ASSERT_TRUE(db.ok());
    EXPECT_EQ(scalar(*db, "PRAGMA integrity_check"), "ok");
    auto query = db->prepare("SELECT i, r, t, b, typeof(b) FROM v ORDER BY rowid");
    ASSERT_TRUE(query.ok());
    for (const std::int64_t i : integers) {
        ASSERT_TRUE(*query->step());
        EXPECT_EQ(query->integer(0), i);
        EXPECT_EQ(query->real(1), static_cast<double>(i) * 0.25);
        EXPECT_EQ(query->text(2), std::string_view("a\0b", 3));
        EXPECT_EQ(query->text(4), "blob");
    }
    ASSERT_TRUE(*query->step());
    for (int column = 0; column < 4; ++column) EXPECT_TRUE(query->isNull(column));
}

TEST_F(BulkTableTest, LongRowsUseOverflowPages) {
    for (const std::uint32_t page : {512U, 4096U, 65536U}) {
        BulkOptions options;
        options.pageSize = page;
        auto file = BulkFile::create(m_path, options);
        ASSERT_TRUE(file.ok());
        BulkTable& table = (*file)->addTable("l", "CREATE TABLE l(n INTEGER, t TEXT);");
        std::vector<std::size_t> sizes = {0, 1, 400, 460, 470, 480, 500, 508, 512, 1000, 1016, 1017, 4000, 4050,
                                          4060, 4061, 4062, 4096, 8192, 65000, 65480, 65500, 65536, 200000, 1000000};
        BulkRow row;
        for (const std::size_t size : sizes) {
            row.clear();
            row.integer(static_cast<std::int64_t>(size)).text(std::string(size, static_cast<char>('a' + size % 26)));
            table.add(row);
        }
        ASSERT_TRUE((*file)->finish(nothing).ok());
        auto db = Database::openForReading(m_path);
        ASSERT_TRUE(db.ok());
        EXPECT_EQ(scalar(*db, "PRAGMA integrity_check"), "ok");
        EXPECT_EQ(scalar(*db, "SELECT count(*) FROM l WHERE length(t) = n AND "
                              "replace(t, char(97 + n % 26), '') = ''"),
                  std::to_string(sizes.size()));
    }
}

// The page at 1 GiB belongs to SQLite's locks. The rows before it are long, so that this stays quick.
TEST_F(BulkTableTest, TheLockPageIsLeftOut) {
    auto file = BulkFile::create(m_path, {});
    ASSERT_TRUE(file.ok());
    BulkTable& table = (*file)->addTable("l", "CREATE TABLE l(n INTEGER, t BLOB);", "CREATE INDEX l_n ON l(n);");
    BulkRow row;
    const std::string megabyte(1 << 20, 'x');
    for (int i = 0; i < 1040; ++i) {
        row.clear();
        row.integer(i).blob(megabyte);
        table.add(row, i);
    }
    const Status done = (*file)->finish(nothing);
    if (!done.ok()) GTEST_SKIP() << "no room for a file of 1 GiB: " << done.error().message;
    auto db = Database::openForReading(m_path);
    ASSERT_TRUE(db.ok());
    EXPECT_EQ(scalar(*db, "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(scalar(*db, "SELECT count(*) FROM l WHERE length(t) = 1048576"), "1040");
}

TEST_F(BulkTableTest, AnUnwritableFolderIsAnError) {
    auto file = BulkFile::create("/proc/ridge-no-such/t.sqlite", {});
    ASSERT_FALSE(file.ok());
    EXPECT_NE(file.error().message.find("/proc/ridge-no-such"), std::string::npos);
}

}  // namespace
}  // namespace ridge::bulk
