// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/scrub.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "tests/unit/archive/files.h"

namespace ridge::archive {
namespace {

using namespace std::string_literals;
namespace fs = std::filesystem;

// Each stands in another place of the file below; none may be anywhere in the bytes of the copy.
const std::vector<std::string> kPlanted = {"env-secret-4711", "hf_plantedtoken0123456789", "argv-secret-42", "out-secret-99",  "alice-w", "node7.cluster.example", "node7",
                                           "url-pass-5",      "deleted-secret-1",          "nvtx-secret-77", "meta-secret-31", "blob-secret-3", "Dave-Display"};

class ScrubTest : public testing::Test {
protected:
    // As an export of nsys looks, with a secret in every corner, and one in a free page.
    void plant() {
        auto db = Database::openForWriting(m_in);
        ASSERT_TRUE(db.ok());
        run(*db, "CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL)");
        string(*db, 1, "PATH=/bin\0HOSTNAME=node7.cluster.example\0USER=alice-w\0MY_API_KEY=env-secret-4711\0CUDA_VISIBLE_DEVICES=3\0"s);
        string(*db, 2, "export HF_TOKEN=hf_plantedtoken0123456789\nout-secret-99\n");
        string(*db, 3, "/tmp/stream.log");
        string(*db, 4, "void my_kernel<float>(int)");
        string(*db, 5, "curl https://u:url-pass-5@example.org, then env-secret-4711");
        string(*db, 6, "/home/alice-w/lib/libx.so");
        run(*db, "CREATE TABLE ProcessStreams (globalPid INTEGER NOT NULL, filenameId INTEGER NOT NULL, contentId INTEGER NOT NULL)");
        run(*db, "INSERT INTO ProcessStreams VALUES (281474976710656, 3, 2)");
        run(*db, "CREATE TABLE TARGET_INFO_SYSTEM_ENV (globalVid INTEGER, devStateName TEXT NOT NULL, name TEXT NOT NULL, nameEnum INTEGER NOT NULL, value TEXT NOT NULL)");
        run(*db, "INSERT INTO TARGET_INFO_SYSTEM_ENV VALUES (1, 'Dave-Display', 'CpuCores', 1, '16'), (1, 'Local (CLI)', 'Hostname', 619, 'node7.cluster.example'), "
                 "(1, 'Local (CLI)', 'DeviceEnvironment', 610, '{\"MY_API_KEY\":\"env-secret-4711\"}'), (1, 'Local (CLI)', 'CpuDescription', 13, 'Model X')");
        run(*db, "CREATE TABLE META_DATA_CAPTURE (name TEXT NOT NULL, value TEXT)");
        run(*db, "INSERT INTO META_DATA_CAPTURE VALUES ('PROCESS_0:COMMAND', './train --password argv-secret-42 --lr 1'), ('PROCESS_0:USER_NAME', 'alice-w'), "
                 "('PROCESS_0:ENVIRONMENT', 'X=meta-secret-31'), ('RATE_HZ', '1000'), ('PROCESS_0:WORKING_DIR', '/home/alice-w/work')");
        run(*db, "CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, text TEXT, binaryData TEXT)");
        run(*db, "INSERT INTO NVTX_EVENTS VALUES (5, 'step token=nvtx-secret-77', NULL), (7, 'decode token 17', X'" + hex("x secret=blob-secret-3") + "')");
        run(*db, "CREATE INDEX byStart ON NVTX_EVENTS(start)");
        run(*db, "CREATE TABLE PROCESSES (globalPid INTEGER, pid INTEGER, name TEXT)");
        run(*db, "INSERT INTO PROCESSES VALUES (281474976710656, 1, '/home/alice-w/bin/train on node7')");
        run(*db, "PRAGMA secure_delete = OFF; CREATE TABLE TMP (x TEXT); INSERT INTO TMP VALUES ('deleted-secret-1'); DROP TABLE TMP");
        run(*db, "CREATE VIEW times AS SELECT start FROM NVTX_EVENTS");
    }
    static std::string hex(const std::string& text) {
        std::string result;
        for (const unsigned char c : text) result += fmt::format("{:02x}", c);
        return result;
    }
    static void run(Database& db, const std::string& sql) {
        const auto done = db.execute(sql);
        ASSERT_TRUE(done.ok()) << done.error().message << " in " << sql;
    }
    static void string(Database& db, std::int64_t id, const std::string& text) {
        auto insert = db.prepare("INSERT INTO StringIds VALUES (?1, ?2)");
        insert->bind(1, id);
        insert->bind(2, std::string_view(text));
        ASSERT_TRUE(insert->step().ok());
    }
    std::uint64_t removed(const ScrubOutcome& outcome, const std::string& kind) {
        for (const auto& [name, count] : outcome.removed)
            if (name == kind) return count;
        return 0;
    }
    TempDir m_dir = std::move(TempDir::create("ridge-scrub")).value();
    std::string m_in = (m_dir.path() / "in.sqlite").string(), m_out = (m_dir.path() / "out.sqlite").string();
};

TEST_F(ScrubTest, nothingPlantedIsInTheBytesOfTheCopy) {
    plant();
    const std::string before = *readFile(m_in);
    for (const std::string& secret : kPlanted) ASSERT_NE(before.find(secret), std::string::npos) << secret << " is not planted";
    const auto outcome = scrubTimeline(m_in, m_out);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    const std::string after = *readFile(m_out);
    for (const std::string& secret : kPlanted) EXPECT_EQ(after.find(secret), std::string::npos) << secret;
    EXPECT_EQ(*readFile(m_in), before);
    EXPECT_GE(removed(*outcome, "environment variables"), 5U);
    EXPECT_EQ(removed(*outcome, "outputs of programs"), 1U);
    EXPECT_GE(removed(*outcome, "secrets"), 4U);
    EXPECT_GE(removed(*outcome, "host names"), 3U);
    EXPECT_GE(removed(*outcome, "user names"), 3U);
}

TEST_F(ScrubTest, allElseStaysToTheRow) {
    plant();
    ASSERT_TRUE(scrubTimeline(m_in, m_out).ok());
    EXPECT_EQ(test::contents(m_in, false), test::contents(m_out, false));
    EXPECT_EQ(test::answer(m_out, "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(test::answer(m_out, "PRAGMA freelist_count"), "0");
    EXPECT_EQ(test::answer(m_out, "SELECT value FROM StringIds WHERE id = 4"), "void my_kernel<float>(int)");
    EXPECT_EQ(test::answer(m_out, "SELECT value FROM StringIds WHERE id = 1"), "CUDA_VISIBLE_DEVICES=3");
    EXPECT_EQ(test::answer(m_out, "SELECT value FROM TARGET_INFO_SYSTEM_ENV WHERE name = 'CpuDescription'"), "Model X");
    EXPECT_EQ(test::answer(m_out, "SELECT value FROM META_DATA_CAPTURE WHERE name = 'PROCESS_0:COMMAND'"), "./train --password scrubbed --lr 1");
    EXPECT_EQ(test::answer(m_out, "SELECT text FROM NVTX_EVENTS WHERE start = 7"), "decode token 17");
    EXPECT_EQ(test::answer(m_out, "SELECT count(*) FROM sqlite_master WHERE name IN ('byStart', 'times')"), "2");
    EXPECT_EQ(test::answer(m_out, "SELECT value FROM META_DATA_CAPTURE WHERE name = 'PROCESS_0:WORKING_DIR'"), "/home/user/work");
}

TEST_F(ScrubTest, pathsAndWordsOnRequest) {
    plant();
    ScrubOptions options;
    options.paths = true;
    options.words = {"my_kernel"};
    const auto outcome = scrubTimeline(m_in, m_out, options);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(test::answer(m_out, "SELECT name FROM PROCESSES"), "scrubbed/train on host-2");
    EXPECT_EQ(test::answer(m_out, "SELECT value FROM StringIds WHERE id = 3"), "scrubbed/stream.log");
    EXPECT_EQ(test::answer(m_out, "SELECT value FROM StringIds WHERE id = 4"), "void scrubbed<float>(int)");
    EXPECT_GE(removed(*outcome, "paths"), 2U);
}

TEST_F(ScrubTest, hostsOfRanksStayApart) {
    auto db = Database::openForWriting(m_in);
    run(*db, "CREATE TABLE RIDGE_RANK (globalPid INTEGER, rank INTEGER, host TEXT); INSERT INTO RIDGE_RANK VALUES (1, 0, 'gpu-a'), (2, 1, 'gpu-b'), (3, 2, 'gpu-a')");
    ASSERT_TRUE(scrubTimeline(m_in, m_out).ok());
    EXPECT_EQ(test::answer(m_out, "SELECT group_concat(host) FROM RIDGE_RANK"), "host-1,host-2,host-1");
}

TEST_F(ScrubTest, aHostOfOneOrTwoLettersGoesTooWhereAHostStands) {
    auto db = Database::openForWriting(m_in);
    run(*db, "CREATE TABLE RIDGE_RANK (globalPid INTEGER, rank INTEGER, host TEXT); INSERT INTO RIDGE_RANK VALUES (1, 0, 'vm'), (2, 1, 'b'), (3, 2, 'vm'), (4, 3, 'localhost'), (5, 4, '17')");
    run(*db, "CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, text TEXT); INSERT INTO NVTX_EVENTS VALUES (1, 'a step of the vm')");
    const auto outcome = scrubTimeline(m_in, m_out);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(removed(*outcome, "host names"), 4U);
    EXPECT_EQ(test::answer(m_out, "SELECT group_concat(host) FROM RIDGE_RANK"), "host-s1,host-s2,host-s1,localhost,host-s3");
    EXPECT_EQ(test::answer(m_out, "SELECT text FROM NVTX_EVENTS"), "a step of the vm");  // a word of two letters is no name elsewhere
}

TEST_F(ScrubTest, aUtf16FileToo) {
    auto db = Database::openForWriting(m_in);
    run(*db, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE META_DATA_CAPTURE (name TEXT, value TEXT); INSERT INTO META_DATA_CAPTURE VALUES ('EXPORT_HOST', 'node-x1'), ('n', 'größe on node-x1, --password argv-secret-42')");
    const auto outcome = scrubTimeline(m_in, m_out);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->rows, 2U);
    EXPECT_EQ(test::answer(m_out, "SELECT group_concat(value, '|') FROM META_DATA_CAPTURE"), "scrubbed|größe on host-1, --password scrubbed");
    EXPECT_EQ(test::answer(m_out, "PRAGMA encoding"), "UTF-16le");
}

TEST_F(ScrubTest, rowIdsThatOthersReferToStay) {
    auto db = Database::openForWriting(m_in);
    run(*db, "CREATE TABLE OSRT_API (start INTEGER); INSERT INTO OSRT_API(rowid, start) VALUES (7, 1), (1000, 2); CREATE TABLE W (k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO W VALUES ('a', 1.5);"
             "CREATE TABLE odd (rowid TEXT, \"a\"\"b\" ANY); INSERT INTO odd VALUES ('x', NULL), ('y', 9)");
    const auto outcome = scrubTimeline(m_in, m_out);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(test::answer(m_out, "SELECT group_concat(rowid) FROM OSRT_API"), "7,1000");
    EXPECT_EQ(test::answer(m_out, "SELECT v FROM W"), "1.5");
    EXPECT_EQ(test::answer(m_out, "SELECT group_concat(rowid) FROM odd"), "x,y");
}

TEST_F(ScrubTest, refusesWhatIsNoDatabaseAndItself) {
    plant();
    const auto same = scrubTimeline(m_in, m_in);
    ASSERT_FALSE(same.ok());
    EXPECT_EQ(same.error().code, ErrorCode::kBadInput);
    ASSERT_TRUE(writeFileAtomically(m_dir.path() / "text", "no database, but long enough to be one, by its size alone at least").ok());
    EXPECT_FALSE(scrubTimeline((m_dir.path() / "text").string(), m_out).ok());
    EXPECT_FALSE(fs::exists(m_out));
    EXPECT_FALSE(fs::exists(m_out + ".partial"));
}

TEST_F(ScrubTest, triggersOfAForeignFileDoNotRunAndAreNamed) {
    auto db = Database::openForWriting(m_in);
    run(*db, "CREATE TABLE a (x); CREATE TABLE b (x); INSERT INTO a VALUES (1); CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO b VALUES (new.x); END");
    const auto outcome = scrubTimeline(m_in, m_out);
    ASSERT_TRUE(outcome.ok());
    ASSERT_EQ(outcome->notes.size(), 1U);
    EXPECT_EQ(outcome->notes[0], "trigger t was left out");
    EXPECT_EQ(test::answer(m_out, "SELECT count(*) FROM b"), "0");
}

TEST_F(ScrubTest, realExportsKeepEveryRowAndNumber) {
    const auto files = test::realExports(m_dir.path());
    if (files.empty()) GTEST_SKIP() << "the real exports are not on this machine (RIDGE_TRACES)";
    for (const std::string& file : files) {
        const auto outcome = scrubTimeline(file, m_out);
        ASSERT_TRUE(outcome.ok()) << outcome.error().message;
        EXPECT_EQ(test::contents(file, false), test::contents(m_out, false)) << file;
        EXPECT_EQ(test::answer(m_out, "PRAGMA integrity_check"), "ok");
        const std::string after = *readFile(m_out);
        EXPECT_EQ(after.find("/home/hangyudu"), std::string::npos) << file;
        // Names of kernels and ranges are no secrets.
        for (const char* sql : {"SELECT count(*) FROM (SELECT DISTINCT s.value FROM CUPTI_ACTIVITY_KIND_KERNEL k JOIN StringIds s ON s.id = k.demangledName)", "SELECT group_concat(v) FROM (SELECT DISTINCT s.value v FROM NVTX_EVENTS n JOIN StringIds s ON s.id = n.textId ORDER BY 1)"}) {
            const std::string was = test::answer(file, sql);
            if (was.find("no such table") == std::string::npos) {
                EXPECT_EQ(test::answer(m_out, sql), was) << file;
            }
        }
        fs::remove(m_out);
    }
}

}  // namespace
}  // namespace ridge::archive
