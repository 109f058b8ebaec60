// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Files that are broken or mean harm: one line of error, or a flagged partial answer.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "check.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

namespace fs = std::filesystem;
using enum WallClass;
constexpr std::int64_t kTid = (1LL << 48) | (100LL << 24) | 100;

class Hostile : public testing::Test {
protected:
    void SetUp() override {
        auto folder = TempDir::create("ridge-analyzer-test");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(folder).value());
    }
    std::string path(const std::string& name) { return (m_folder->path() / name).string(); }
    static std::string errorOf(const std::string& path) {
        const auto answer = analyzer::analyze({path}, {});
        if (answer.ok()) return {};
        EXPECT_EQ(answer.error().message.find('\n'), std::string::npos);
        return answer.error().message;
    }
    std::optional<TempDir> m_folder;
};

TEST_F(Hostile, WhatIsNoTimelineIsRefusedInOneLine) {
    EXPECT_NE(errorOf(path("absent")).find("no such file"), std::string::npos);
    EXPECT_NE(errorOf(m_folder->path().string()).find("folder"), std::string::npos);
    std::ofstream(path("empty")) << "";
    EXPECT_FALSE(errorOf(path("empty")).empty());
    std::ofstream(path("text")) << std::string(9000, 'x');
    EXPECT_FALSE(errorOf(path("text")).empty());
    auto db = Database::openForWriting(path("other.sqlite"));
    ASSERT_TRUE(db->execute("CREATE TABLE t(x); INSERT INTO t VALUES (1)").ok());
    EXPECT_NE(errorOf(path("other.sqlite")).find("no timeline"), std::string::npos);
    EXPECT_FALSE(analyzer::analyze({}, {}).ok());
}

TEST_F(Hostile, ANewerSchemaIsRefused) {
    TraceBuilder t(path("new.sqlite"));
    t.range(kTid, 0, 10, "a");
    t.run("PRAGMA user_version = 9999");
    t.finish();
    EXPECT_NE(errorOf(path("new.sqlite")).find("newer"), std::string::npos);
}

TEST_F(Hostile, ImpossibleTimesAreLeftOutAndCounted) {
    TraceBuilder t(path("t.sqlite"));
    t.range(kTid, 0, 20'000, "step", 3, 0);
    t.work(kTid, 0, 10'000, "good", {1, 1, 10, 10, 10});
    t.kernel(100, 0, 100, 50, "negative", 1);
    t.kernel(100, 0, INT64_MIN, INT64_MAX, "huge", 1);
    t.kernel(100, 0, 5, 5, "zero", 1);
    t.range(kTid, 9'000, 8'000, "negative");
    t.range(kTid, INT64_MIN, INT64_MAX, "huge");
    t.range(kTid, INT64_MAX - 1, -1, "huge and open");
    t.io(kTid, 12'000, INT64_MAX, "read", 3, "/data/a", INT64_MAX);
    t.preemption(INT64_MIN, INT64_MAX);
    t.finish();
    const Analysis answer = analyzeOk(path("t.sqlite"));
    EXPECT_EQ(gateOf(answer, "negative_durations")->count, 2);
    EXPECT_EQ(gateOf(answer, "times_out_of_range")->count, 5);
    EXPECT_EQ(gateOf(answer, "zero_durations")->count, 1);
}

TEST_F(Hostile, WrongTypesReadAsMissing) {
    TraceBuilder t(path("t.sqlite"));
    t.range(kTid, 0, 20'000, "step", 3, 0);
    t.work(kTid, 0, 10'000, "good", {1, 1, 10, 10, 10});
    t.run("INSERT INTO NVTX_EVENTS(start, end, eventType, text, globalTid, domainId) VALUES "
          "('soon', 5, 59, 'a', 1, 1), (5, 'later', 59, 'b', 1, 1), (1e300, 9e999, 59, 'c', 1, 1), (5, 6, 'x', x'00ff', 'y', 'z'), "
          "(5, 6, 59, x'00ff41', 'nobody', 1.5)");
    t.run("UPDATE RIDGE_WORK SET flops = 'many', bytesRead = 1e400, opKind = 99999, dtype = -5");
    t.table("RIDGE_CEILING");
    t.run("INSERT INTO RIDGE_CEILING VALUES ('given', 'compute', 'x', 'f32', NULL, NULL, 'big', 'fast', 'FLOP/s', 1, 1, 1, NULL), "
          "('given', 'memory', 'm', NULL, 'DRAM', 'read', -5, 1e308, 'B/s', NULL, NULL, NULL, NULL)");
    t.finish();
    const Analysis answer = analyzeOk(path("t.sqlite"));
    EXPECT_GE(gateOf(answer, "wrong_types")->count, 4);
    EXPECT_EQ(at(answer.attribution, kComputeUnknown), 10'000);
}

TEST_F(Hostile, MissingColumnsAndTablesAreLivedWithout) {
    auto db = Database::openForWriting(path("bare.sqlite"));
    ASSERT_TRUE(db->execute("CREATE TABLE NVTX_EVENTS(start, end, eventType); INSERT INTO NVTX_EVENTS VALUES (1, 9, 59), (2, 4, 59);"
                            "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL(start, end); INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 5);"
                            "CREATE TABLE RIDGE_WORK(x); CREATE TABLE RIDGE_RANK(rank); INSERT INTO RIDGE_RANK VALUES (5);"
                            "CREATE TABLE StringIds(value); CREATE TABLE OSRT_API(start); CREATE TABLE RIDGE_IO(osrtId)")
                    .ok());
    analyzeOk(path("bare.sqlite"));
}

TEST_F(Hostile, ViewsAreNotRun) {
    auto db = Database::openForWriting(path("view.sqlite"));
    ASSERT_TRUE(db->execute("CREATE VIEW NVTX_EVENTS AS WITH RECURSIVE c(start) AS (SELECT 1 UNION ALL SELECT start + 1 FROM c) "
                            "SELECT start, start + 1 AS end, 59 AS eventType FROM c")
                    .ok());
    EXPECT_NE(errorOf(path("view.sqlite")).find("no timeline"), std::string::npos);
}

TEST_F(Hostile, TruncatedAndDamagedFilesGiveAnErrorOrAFlaggedPart) {
    TraceBuilder t(path("t.sqlite"));
    for (int i = 0; i < 3000; ++i) t.work(kTid, i * 100, i * 100 + 90, "op " + std::to_string(i), {1, 1, 10, 10, 10});
    t.finish();
    const auto size = static_cast<std::int64_t>(fs::file_size(path("t.sqlite")));
    int partial = 0;
    for (std::int64_t part = 1; part < 16; ++part) {
        fs::copy_file(path("t.sqlite"), path("cut"), fs::copy_options::overwrite_existing);
        fs::resize_file(path("cut"), static_cast<std::uintmax_t>(size * part / 16));
        EXPECT_FALSE(errorOf(path("cut")).empty());

        fs::copy_file(path("t.sqlite"), path("hurt"), fs::copy_options::overwrite_existing);
        std::fstream file(path("hurt"), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(size * part / 16 / 4096 * 4096);
        file << std::string(4096, '\xff');
        file.close();
        const auto answer = analyzer::analyze({path("hurt")}, {});
        if (!answer.ok()) continue;
        checkPartition(*answer);
        const auto* gate = gateOf(*answer, "unreadable_tables");
        partial += gate->count > 0 && gate->severity == Severity::kError ? 1 : 0;
    }
    EXPECT_GT(partial, 5);
}

TEST_F(Hostile, NamesWithQuotesStayInsideTheirSql) {
    TraceBuilder t(path("t.sqlite"));
    t.ceiling("compute", "p", "f32", "", "", 0, 1e12, "FLOP/s");
    const std::string name = "x'; DROP TABLE NVTX_EVENTS; --";
    for (int s = 0; s < 5; ++s) {
        t.range(kTid, s * 10'000, s * 10'000 + 10'000, "step", 3, s);
        t.work(kTid, s * 10'000, s * 10'000 + 10'000, name, {1, 1, 9'000'000, 10, 10});
    }
    t.finish();
    const Analysis answer = analyzeOk(path("t.sqlite"));  // runs the SQL
    const auto* finding = findingOf(answer, "compute_bound");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->evidence[0].value, 50'000);
}

}  // namespace
}  // namespace ridge::test
