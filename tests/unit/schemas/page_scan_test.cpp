// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A pass over a table must give the same rows, cells, counts and errors whether it reads pages or asks SQLite.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"
#include "schemas/timeline/read_table.h"

namespace ridge::test {
namespace {

using timeline::TableScan;

class PageScanTest : public ::testing::Test {
protected:
    std::string path(const char* name) { return (m_folder.path() / name).string(); }
    // A file that these statements make.
    std::string make(const char* name, const std::vector<std::string>& statements, int reserve = 0) {
        const std::string file = path(name);
        sqlite3* db = nullptr;
        EXPECT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
        if (reserve > 0) {
            EXPECT_EQ(sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve), SQLITE_OK);
        }
        for (const std::string& sql : statements) {
            char* message = nullptr;
            EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << sql << ": " << (message ? message : "");
            sqlite3_free(message);
        }
        sqlite3_close(db);
        return file;
    }

    TempDir m_folder = std::move(TempDir::create("ridge-pages")).value();
};

// Everything that a pass says, as text.
struct Reading {
    std::string text;
    std::int64_t rows = 0;
    bool direct = false;
};

constexpr std::size_t kColumns = 6;

Reading readAll(const std::string& file, bool direct, const char* table = "t") {
    Reading reading;
    auto opened = Database::openForReading(file);
    if (!opened.ok()) {
        reading.text = opened.error().message;
        return reading;
    }
    Database db = std::move(opened).value();
    db.allowDirectReading(direct);
    TableScan scan(db, table, {"a", "b", "c", "d", "missing", "id"});
    std::int64_t most = 200'000;
    while (most-- > 0 && scan.next()) {
        ++reading.rows;
        reading.direct = reading.direct || scan.direct();
        reading.text += fmt::format("{}:", scan.rowid());
        for (std::size_t c = 0; c < kColumns; ++c) {
            const auto integer = scan.integer(c);
            const auto real = scan.real(c);
            const std::string_view text = scan.text(c);
            reading.text += fmt::format("{}/{}/{}+{:x},", integer ? fmt::format("{}", *integer) : "-", real ? fmt::format("{:a}", *real) : "-",
                                        text.size(), std::hash<std::string_view>{}(text));
        }
        reading.text += "\n";
    }
    reading.text += fmt::format("wrong {} error {}", scan.wrongTypes(), scan.error() ? scan.error()->message : "none");
    return reading;
}

void expectSame(const std::string& file, bool direct, std::int64_t rows = -1) {
    const Reading pages = readAll(file, true), sqlite = readAll(file, false);
    EXPECT_EQ(pages.text, sqlite.text);
    EXPECT_EQ(pages.direct, direct);
    EXPECT_FALSE(sqlite.direct);
    if (rows >= 0) {
        EXPECT_EQ(pages.rows, rows);
    }
}

// Rows of every type and size, from a fixed seed.
std::vector<std::string> rows(std::size_t count, const char* insert = "INSERT INTO t(a, b, c, d) VALUES", std::size_t longest = 3000) {
    std::mt19937_64 random(7);
    std::vector<std::string> list{"BEGIN"};
    for (std::size_t i = 0; i < count; ++i) {
        std::string cells;
        for (int c = 0; c < 4; ++c) {
            cells += c == 0 ? "" : ", ";
            const std::uint64_t bits = random();
            switch (random() % 9) {
                case 0: cells += "NULL"; break;
                case 1: cells += fmt::format("{}", static_cast<std::int64_t>(bits) >> (random() % 64)); break;
                case 2: cells += fmt::format("{}", static_cast<std::int64_t>(bits >> 1) >> (random() % 63)); break;
                case 3: cells += fmt::format("{:.17g}", static_cast<double>(bits) * 1e-9); break;
                case 4: cells += fmt::format("'{}'", std::string(bits % 40, 'x')); break;
                case 5: cells += fmt::format("x'{:02x}'", bits % 256); break;
                case 6: cells += bits % 2 == 0 ? "0" : "1"; break;
                case 7: cells += bits % 30 == 0 ? fmt::format("'{}'", std::string(random() % longest, 'y')) : "-1"; break;
                default: cells += fmt::format("{}", static_cast<std::int64_t>(i) * 1000); break;
            }
        }
        list.push_back(fmt::format("{} ({})", insert, cells));
    }
    list.emplace_back("COMMIT");
    return list;
}

std::vector<std::string> with(std::vector<std::string> first, const std::vector<std::string>& then, std::vector<std::string> last = {}) {
    first.insert(first.end(), then.begin(), then.end());
    first.insert(first.end(), last.begin(), last.end());
    return first;
}

TEST_F(PageScanTest, OrdinaryTablesOfEveryPageSize) {
    for (const int size : {512, 1024, 4096, 16384, 65536}) {
        const std::string file = make(fmt::format("p{}", size).c_str(),
                                      with({fmt::format("PRAGMA page_size = {}", size), "CREATE TABLE t(a, b INTEGER, c REAL, d TEXT)"}, rows(3000)));
        expectSame(file, true, 3000);
    }
}

TEST_F(PageScanTest, RowsThatGoOnInOtherPages) {
    const std::string file = make("long", with({"PRAGMA page_size = 1024", "CREATE TABLE t(a, b, c, d)"}, rows(500, "INSERT INTO t(a, b, c, d) VALUES", 200'000)));
    expectSame(file, true, 500);
}

TEST_F(PageScanTest, RowIdAliasesGapsAndNegativeIds) {
    const auto insert = rows(400, "INSERT INTO t(a, b, c, d) VALUES");
    expectSame(make("alias", with({"CREATE TABLE t(a, id INTEGER PRIMARY KEY, b, c, d)"}, insert,
                                  {"DELETE FROM t WHERE id % 3 = 0", "INSERT INTO t(id, a) VALUES (-9223372036854775808, 1), (9223372036854775807, 2)"})),
               true);
    expectSame(make("descending", with({"CREATE TABLE t(a, id INTEGER PRIMARY KEY DESC, b, c, d)"}, insert)), true, 400);
    expectSame(make("other", with({"CREATE TABLE t(a, id INT PRIMARY KEY, b, c, d)"}, insert)), true, 400);
    expectSame(make("double", with({"CREATE TABLE t(a, id INTEGER, b, c, d, PRIMARY KEY(id))"}, insert)), true, 400);
    expectSame(make("two", with({"CREATE TABLE t(a, id INTEGER, b, c, d, PRIMARY KEY(id, a))"}, insert)), true, 400);
}

TEST_F(PageScanTest, ColumnsThatCameLater) {
    expectSame(make("later", with({"CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1, 2), (3, 4)", "ALTER TABLE t ADD COLUMN c", "ALTER TABLE t ADD COLUMN d REAL"}, rows(100))), true, 102);
    expectSame(make("default", with({"CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1, 2)", "ALTER TABLE t ADD COLUMN c DEFAULT 7"}, {"ALTER TABLE t ADD COLUMN d"}, rows(10))), false, 11);
}

TEST_F(PageScanTest, WhatIsNoPlainTableGoesThroughSqlite) {
    expectSame(make("norowid", {"CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d) WITHOUT ROWID", "INSERT INTO t VALUES (1, 2, 3, 4), (5, 6, 7, 8)"}), false, 2);
    expectSame(make("generated", {"CREATE TABLE t(a, b AS (a + 1), c, d AS (c * 2) STORED)", "INSERT INTO t(a, c) VALUES (1, 2), (5, 6)"}), false, 2);
    expectSame(make("utf16", {"PRAGMA encoding = 'UTF-16'", "CREATE TABLE t(a, b, c, d)", "INSERT INTO t VALUES ('x', 'y', 3, 4)"}), false, 1);
    expectSame(make("named", {"CREATE TABLE t(a, rowid, c, d)", "INSERT INTO t VALUES (1, 70, 3, 4), (5, 60, 7, 8)"}), false);
    expectSame(make("view", {"CREATE TABLE u(a, b, c, d)", "INSERT INTO u VALUES (1, 2, 3, 4)", "CREATE VIEW t AS SELECT * FROM u"}), false, 0);
    expectSame(make("empty", {"CREATE TABLE t(a, b, c, d)"}), false, 0);
    expectSame(make("none", {"CREATE TABLE u(a)"}), false, 0);
    std::string wide = "CREATE TABLE t(";
    for (int i = 0; i < 80; ++i) wide += fmt::format("x{}, ", i);
    expectSame(make("wide", {wide + "a, b, c, d)", "INSERT INTO t(a, b) VALUES (1, 2)"}), false, 1);
}

TEST_F(PageScanTest, AutoVacuumReservedBytesAndFreePages) {
    expectSame(make("vacuum", with({"PRAGMA auto_vacuum = FULL", "CREATE TABLE t(a, b, c, d)", "CREATE TABLE u(a)"}, rows(3000), {"DELETE FROM t WHERE rowid < 1000"})), true);
    expectSame(make("reserve", with({"CREATE TABLE t(a, b, c, d)"}, rows(3000)), 64), true, 3000);
    expectSame(make("mixed", with({"CREATE TABLE u(a)", "CREATE TABLE t(a, b, c, d)", "CREATE INDEX i ON t(a)"}, rows(2000), {"DELETE FROM t WHERE rowid % 7 <> 0", "INSERT INTO u SELECT a FROM t"})), true);
}

TEST_F(PageScanTest, AWriteAheadLogIsRespected) {
    const std::string file = path("wal");
    sqlite3* writer = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &writer), SQLITE_OK);
    const auto run = [&](const char* sql) { ASSERT_EQ(sqlite3_exec(writer, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sql; };
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA wal_autocheckpoint = 0");
    run("CREATE TABLE t(a, b, c, d)");
    run("INSERT INTO t VALUES (1, 2, 3, 4)");
    expectSame(file, false, 1);
    sqlite3_close(writer);
    expectSame(file, false, 1);  // the log is gone, the file still says that it may have one
}

TEST_F(PageScanTest, NotANumberIsNull) {
    const std::string file = make("nan", {"CREATE TABLE t(a, b, c REAL, d)", "INSERT INTO t VALUES (1.5, 2.5, 3.5, 4.5)"});
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    std::string all(std::filesystem::file_size(file), '\0');
    bytes.read(all.data(), static_cast<std::streamsize>(all.size()));
    const std::string wanted("\x40\x0c\x00\x00\x00\x00\x00\x00", 8);  // 3.5
    const std::size_t at = all.find(wanted);
    ASSERT_NE(at, std::string::npos);
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.write("\x7f\xf8\x00\x00\x00\x00\x00\x00", 8);
    bytes.close();
    expectSame(file, true, 1);
}

TEST_F(PageScanTest, DamagedFilesReadTheSame) {
    const std::string good = make("good", with({"PRAGMA page_size = 512", "CREATE TABLE t(a, id INTEGER PRIMARY KEY, b INTEGER, c REAL, d TEXT)", "CREATE TABLE u(a)"}, rows(300)));
    std::ifstream in(good, std::ios::binary);
    const std::string original((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::mt19937_64 random(11);
    std::int64_t readDirect = 0, broken = 0;
    for (int round = 0; round < 1000; ++round) {
        std::string hurt = original;
        const std::size_t changes = 1 + random() % 6;
        for (std::size_t i = 0; i < changes; ++i) {
            const std::size_t from = random() % 10 == 0 ? 16 : 100;
            std::size_t at = from + random() % (hurt.size() - from);
            if (random() % 2 == 0) at = (at / 512) * 512 + random() % 40;  // headers and cell pointers
            hurt[at] = static_cast<char>(random() % 3 == 0 ? random() % 4 : random());
        }
        if (random() % 20 == 0) hurt.resize(random() % hurt.size());
        const std::string file = path("hurt");
        std::ofstream(file, std::ios::binary | std::ios::trunc) << hurt;
        const Reading pages = readAll(file, true), sqlite = readAll(file, false);
        ASSERT_EQ(pages.text, sqlite.text) << "round " << round;
        readDirect += pages.direct ? 1 : 0;
        broken += pages.text.find("error none") == std::string::npos ? 1 : 0;
    }
    EXPECT_GT(readDirect, 200);  // or nothing was compared
    EXPECT_GT(broken, 60);
}

}  // namespace
}  // namespace ridge::test
