// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/pack.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "base/file.h"
#include "collector/recorder/archive/codec.h"
#include "collector/recorder/archive/scrub.h"
#include "collector/recorder/archive/zstd.h"
#include "schemas/timeline/ddl.h"
#include "tests/unit/archive/files.h"

namespace ridge::archive {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

class PackTest : public testing::Test {
protected:
    void SetUp() override {
        if (!canPack()) GTEST_SKIP() << "built without zstd";
    }
    Database open(const std::string& path) { return std::move(Database::openForWriting(path)).value(); }
    void run(Database& db, const std::string& sql) {
        const auto done = db.execute(sql);
        ASSERT_TRUE(done.ok()) << done.error().message << " in " << sql.substr(0, 200);
    }
    // There and back, and compared to the row, the type and the bit.
    PackOutcome roundTrip(const std::string& file) {
        const auto packed = packTimeline(file, m_archive);
        EXPECT_TRUE(packed.ok()) << (packed.ok() ? "" : packed.error().message);
        const auto unpacked = unpackTimeline(m_archive, m_out);
        EXPECT_TRUE(unpacked.ok()) << (unpacked.ok() ? "" : unpacked.error().message);
        if (!packed.ok() || !unpacked.ok()) return {};
        EXPECT_EQ(test::contents(file, true), test::contents(m_out, true)) << file;
        for (const char* sql : {"PRAGMA application_id", "PRAGMA user_version", "PRAGMA page_size", "PRAGMA encoding",
                                "SELECT group_concat(type || name || sql) FROM (SELECT * FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND type <> 'trigger' ORDER BY type, name)"})
            EXPECT_EQ(test::answer(m_out, sql), test::answer(file, sql)) << sql;
        EXPECT_EQ(test::answer(m_out, "PRAGMA integrity_check"), "ok");
        EXPECT_EQ(packed->rows, unpacked->rows);
        EXPECT_EQ(packed->archiveBytes, fs::file_size(m_archive));
        fs::remove(m_archive);
        fs::remove(m_out);
        return *packed;
    }
    // A small archive of two tables, as bytes.
    std::string smallArchive() {
        auto db = open(m_in);
        run(db, "CREATE TABLE a (start INTEGER, end INTEGER, name TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, x); CREATE INDEX i ON a(start)");
        run(db, "INSERT INTO a VALUES (1, 5, 'x'), (3, 9, 'y'), (4, NULL, NULL); INSERT INTO b VALUES (7, 1.5), (9, X'0001')");
        EXPECT_TRUE(packTimeline(m_in, m_archive).ok());
        return *readFile(m_archive);
    }
    // One whose first section says `shape`, with a checksum that holds.
    static std::string withShape(const std::string& shape) {
        std::string bytes(kMagic);
        const auto section = [&](std::uint32_t kind, const std::string& text) {
            const std::string packed = zstdPack(text, 3);
            const std::uint32_t header[5] = {kind, 0, 0, static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(packed.size())};
            bytes.append(reinterpret_cast<const char*>(header), sizeof header).append(packed);
        };
        section(0, shape);
        section(2, "end");
        const std::uint64_t hash = hashOn(kHashStart, bytes);
        return bytes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
    }
    static std::string shapeOf(const std::string& table, const std::string& after = "") {
        return R"({"page_size":4096,"application_id":0,"user_version":0,"encoding":"UTF-8","tables":[{"name":"t","sql":")" + table + R"(","columns":["x"],"rowid":null}],"afterwards":[)" +
               (after.empty() ? "" : "\"" + after + "\"") + "]}";
    }
    Result<PackOutcome> unpackBytes(const std::string& bytes) {
        std::ofstream(m_archive, std::ios::binary | std::ios::trunc) << bytes;
        return unpackTimeline(m_archive, m_out);
    }
    TempDir m_dir = std::move(TempDir::create("ridge-pack")).value();
    std::string m_in = (m_dir.path() / "in.sqlite").string(), m_out = (m_dir.path() / "out.sqlite").string(), m_archive = (m_dir.path() / "a.ridgepack").string();
};

TEST(Codec, anyValuesComeBack) {
    std::mt19937_64 random(42);
    for (int round = 0; round < 300; ++round) {
        std::vector<Column> columns(1 + random() % 6);
        const std::size_t rows = 1 + random() % 200;
        for (Column& column : columns) {
            const std::uint64_t kind = random() % 5;
            std::int64_t last = static_cast<std::int64_t>(random());
            for (std::size_t row = 0; row < rows; ++row) {
                const std::uint64_t what = kind == 4 ? random() % 5 : kind;
                if (what == 0) column.addNull();
                else if (what == 1) column.add(Type::kInteger, random() % 50 == 0 ? std::numeric_limits<std::int64_t>::min() : last += static_cast<std::int64_t>(random() % 1000));
                else if (what == 2) column.add(Type::kReal, static_cast<std::int64_t>(random()));
                else column.addBytes(random() % 2 == 0 ? Type::kText : Type::kBlob, std::string(random() % 30, static_cast<char>(random())));
            }
        }
        const std::string bytes = encodeBlock(columns);
        std::vector<Column> back(columns.size());
        const std::span<const std::uint8_t> span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        ASSERT_TRUE(decodeBlock(span, rows, back));
        for (std::size_t i = 0; i < columns.size(); ++i) {
            EXPECT_EQ(back[i].types, columns[i].types);
            EXPECT_EQ(back[i].integers, columns[i].integers);
            EXPECT_EQ(back[i].texts, columns[i].texts);
        }
        for (std::size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 40) EXPECT_FALSE(decodeBlock(span.first(length), rows, back));
        std::string spoilt = bytes;
        for (int i = 0; i < 20; ++i) {
            spoilt[random() % spoilt.size()] = static_cast<char>(random());
            (void)decodeBlock({reinterpret_cast<const std::uint8_t*>(spoilt.data()), spoilt.size()}, rows, back);
        }
    }
}

TEST_F(PackTest, randomTablesComeBackToTheBit) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 15; ++round) {
        const std::string file = (m_dir.path() / fmt::format("r{}.sqlite", round)).string();
        auto db = open(file);
        run(db, fmt::format("PRAGMA page_size = {}; PRAGMA encoding = 'UTF-8'; PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN", 512 << random() % 6, random() % 1000000, random() % 1000));
        for (int t = 0; t < 4; ++t) {
            static const char* const kForms[] = {"id INTEGER PRIMARY KEY, a, b TEXT, c REAL)", "a INTEGER, b, c BLOB, d)", "k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID", "rowid TEXT, oid INT, \"q\"\"q\" , z)"};
            run(db, fmt::format("CREATE TABLE \"t {}\" ({}", t, kForms[t]));
            const int columns = t == 2 ? 2 : 4;
            std::string values = "?1";
            for (int c = 2; c <= columns; ++c) values += fmt::format(", ?{}", c);
            auto insert = db.prepare(fmt::format("INSERT OR IGNORE INTO \"t {}\" VALUES ({})", t, values));
            ASSERT_TRUE(insert.ok()) << insert.error().message;
            for (std::uint64_t row = random() % 400; row > 0; --row) {
                for (int c = 1; c <= columns; ++c) {
                    const std::uint64_t what = random() % 6;
                    if (t == 0 && c == 1) insert->bind(c, static_cast<std::int64_t>(random()));
                    else if (t == 2 && c == 1) insert->bind(c, std::string_view(fmt::format("k{}", random())));
                    else if (what == 0) insert->bindNull(c);
                    else if (what == 1) insert->bind(c, static_cast<std::int64_t>(random() >> random() % 64));
                    else if (what == 2) insert->bind(c, std::numeric_limits<std::int64_t>::min());
                    else if (what == 3) insert->bind(c, static_cast<double>(random()) / 7 - 1e18);
                    else if (what == 4) insert->bind(c, -0.0);
                    else insert->bind(c, std::string_view("te\0xt\n\"'"s));
                }
                ASSERT_TRUE(insert->step().ok());
            }
        }
        run(db, "COMMIT; CREATE INDEX \"an index\" ON \"t 1\"(a, b); CREATE UNIQUE INDEX u ON \"t 0\"(id); CREATE VIEW v AS SELECT count(*) AS n FROM \"t 0\"");
        roundTrip(file);
    }
}

TEST_F(PackTest, aTimelineOfAllTablesOfOurs) {
    {
        auto db = open(m_in);
        run(db, std::string(timeline::timelineSql()));
        run(db, fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", timeline::kApplicationId, timeline::kSchemaVersion));
        run(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO NVTX_EVENTS (start, end, eventType, globalTid, textId, domainId) "
                "SELECT i * 1000 + abs(random() % 400), i * 1000 + 400 + abs(random() % 500), 59, 281474976710656 + i % 4, 1 + i % 9, 1 FROM n");
        run(db, "INSERT INTO OSRT_API(rowid, start, end, eventClass, nameId, returnValue, callchainId, argumentsId) VALUES (5, 1, 2, 27, 1, 0, 0, 0), (900, 3, 4, 27, 1, 0, 0, 0)");
    }
    const PackOutcome outcome = roundTrip(m_in);
    EXPECT_EQ(outcome.events, 100002U);
    // Random starts and lengths of 9 bits each, and little else: the target for any timeline is 12 B.
    EXPECT_LT(static_cast<double>(outcome.archiveBytes) / static_cast<double>(outcome.events), 5.0);
}

TEST_F(PackTest, utf16ComesBackToTheByte) {
    for (const char* encoding : {"UTF-16le", "UTF-16be"}) {
        fs::remove(m_in);
        auto db = open(m_in);
        run(db, fmt::format("PRAGMA encoding = '{}'; CREATE TABLE \"tä\" (id INTEGER PRIMARY KEY, \"nämé\" TEXT, b BLOB); CREATE INDEX i ON \"tä\"(\"nämé\")", encoding));
        run(db, "INSERT INTO \"tä\" VALUES (1, 'größe 🙂', X'00FF'), (2, '', NULL), (3, 'plain', X'')");
        EXPECT_EQ(roundTrip(m_in).rows, 3U);
    }
    // Half a surrogate pair has no UTF-8: refused, not changed.
    auto db = open(m_in);
    run(db, "INSERT INTO \"tä\" VALUES (4, CAST(X'D800' AS TEXT), NULL)");
    const auto packed = packTimeline(m_in, m_archive);
    ASSERT_FALSE(packed.ok());
    EXPECT_NE(packed.error().message.find("comes back as another value"), std::string::npos) << packed.error().message;
    EXPECT_FALSE(fs::exists(m_archive));
}

TEST_F(PackTest, rowsAgainstAConstraintComeBackOrAreRefused) {
    auto db = open(m_in);
    run(db, "CREATE TABLE c (x INTEGER CHECK (x > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO c VALUES (-1), (1)");
    EXPECT_EQ(roundTrip(m_in).rows, 2U);
    // What a damaged page gives out: a value that its table would not take.
    run(db, "CREATE TABLE n (x TEXT, y); INSERT INTO n VALUES (NULL, 1); PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE TABLE n (x TEXT NOT NULL, y)' WHERE name = 'n'");
    const auto packed = packTimeline(m_in, m_archive);
    ASSERT_FALSE(packed.ok());
    EXPECT_EQ(packed.error().code, ErrorCode::kBadInput);
    EXPECT_NE(packed.error().message.find("NOT NULL"), std::string::npos) << packed.error().message;
    EXPECT_EQ(packed.error().message.find('\n'), std::string::npos);
    for (const char* left : {"", ".partial", ".check"}) EXPECT_FALSE(fs::exists(m_archive + left)) << left;
}

TEST_F(PackTest, autoincrementGoesOnWhereItWas) {
    auto db = open(m_in);
    run(db, "CREATE TABLE s (id INTEGER PRIMARY KEY AUTOINCREMENT, x); INSERT INTO s (x) VALUES (1), (2), (3); DELETE FROM s WHERE id > 1");
    ASSERT_TRUE(packTimeline(m_in, m_archive).ok());
    ASSERT_TRUE(unpackTimeline(m_archive, m_out).ok());
    EXPECT_EQ(test::answer(m_out, "SELECT group_concat(name || seq) FROM sqlite_sequence"), "s3");
    fs::remove(m_out);
    ASSERT_TRUE(scrubTimeline(m_in, m_out).ok());
    EXPECT_EQ(test::answer(m_out, "SELECT group_concat(name || seq) FROM sqlite_sequence"), "s3");
}

TEST_F(PackTest, realExportsComeBackToTheBit) {
    const auto files = test::realExports(m_dir.path());
    if (files.empty()) GTEST_SKIP() << "the real exports are not on this machine (RIDGE_TRACES)";
    for (const std::string& file : files) {
        const PackOutcome outcome = roundTrip(file);
        std::printf("%s: %llu rows, %llu events, %llu B -> %llu B, %.2f B per event\n", fs::path(file).filename().c_str(), static_cast<unsigned long long>(outcome.rows),
                    static_cast<unsigned long long>(outcome.events), static_cast<unsigned long long>(outcome.fileBytes), static_cast<unsigned long long>(outcome.archiveBytes),
                    static_cast<double>(outcome.archiveBytes) / static_cast<double>(outcome.events));
    }
}

TEST_F(PackTest, everyCutAndEveryFlippedBitIsRefused) {
    const std::string good = smallArchive();
    ASSERT_TRUE(unpackBytes(good).ok());
    fs::remove(m_out);
    for (std::size_t length = 0; length < good.size(); ++length) {
        const auto outcome = unpackBytes(good.substr(0, length));
        ASSERT_FALSE(outcome.ok()) << length;
        EXPECT_EQ(outcome.error().code, ErrorCode::kBadInput);
        EXPECT_EQ(outcome.error().message.find('\n'), std::string::npos);
    }
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
        ASSERT_FALSE(unpackBytes(bad).ok()) << bit;
    }
    EXPECT_FALSE(fs::exists(m_out));
    EXPECT_FALSE(fs::exists(m_out + ".partial"));
    EXPECT_FALSE(unpackBytes(good + "x").ok());
}

TEST_F(PackTest, pastTheChecksumDamageIsStillRefusedOrHarmless) {
    const std::string good = smallArchive();
    std::mt19937 random(3);
    for (int round = 0; round < 3000; ++round) {
        std::string bad = good;
        for (std::uint32_t i = 0; i <= random() % 4; ++i) bad[random() % bad.size()] = static_cast<char>(random());
        std::istringstream in(bad);
        const auto outcome = unpackUnchecked(in, m_out);
        if (outcome.ok()) {
            EXPECT_EQ(test::answer(m_out, "PRAGMA integrity_check"), "ok");
        }
        fs::remove(m_out);
    }
}

TEST_F(PackTest, theSqlOfAnArchiveMakesTablesAndNothingElse) {
    const std::string other = (m_dir.path() / "other.sqlite").string();
    ASSERT_TRUE(unpackBytes(withShape(shapeOf("CREATE TABLE t (x)"))).ok());
    fs::remove(m_out);
    for (const std::string& sql :
         {"ATTACH '" + other + "' AS o"s, "CREATE TABLE t (x); ATTACH '" + other + "' AS o"s, "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"s,
          "CREATE TABLE t (x DEFAULT (randomblob(1000000000)))x"s, "PRAGMA writable_schema = ON"s, "CREATE TRIGGER t AFTER INSERT ON t BEGIN SELECT 1; END"s, "DROP TABLE t"s,
          "CREATE VIRTUAL TABLE t USING fts5(x)"s, "CREATE TABLE "s, ""s, "CREATE TEMP TABLE t (x)"s, "CREATE TABLE other.t (x)"s}) {
        const auto outcome = unpackBytes(withShape(shapeOf(sql)));
        ASSERT_FALSE(outcome.ok()) << sql;
        EXPECT_EQ(outcome.error().code, ErrorCode::kBadInput) << sql;
    }
    EXPECT_FALSE(unpackBytes(withShape(shapeOf("CREATE TABLE t (x)", "ATTACH '" + other + "' AS o"))).ok());
    EXPECT_FALSE(unpackBytes(withShape("{}")).ok());
    EXPECT_FALSE(unpackBytes(withShape("[[[[")).ok());
    EXPECT_FALSE(fs::exists(other));
    EXPECT_FALSE(fs::exists(m_out));
    // An index whose expression would run a function is left out and named.
    const auto outcome = unpackBytes(withShape(shapeOf("CREATE TABLE t (x)", "CREATE INDEX i ON t(hex(zeroblob(100000000)))")));
    ASSERT_TRUE(outcome.ok());
    ASSERT_EQ(outcome->notes.size(), 1U);
}

TEST_F(PackTest, refusesItselfAndOtherFiles) {
    smallArchive();
    EXPECT_FALSE(packTimeline(m_in, m_in).ok());
    EXPECT_FALSE(unpackTimeline(m_archive, m_archive).ok());
    EXPECT_FALSE(unpackTimeline(m_in, m_out).ok());
    EXPECT_FALSE(packTimeline(m_archive, m_out).ok());
    EXPECT_FALSE(unpackTimeline((m_dir.path() / "nothing").string(), m_out).ok());
    EXPECT_FALSE(packTimeline(m_in, "/nowhere/x").ok());
}

}  // namespace
}  // namespace ridge::archive
