// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The reports on files and on sampled call stacks: worked out by hand, and on real exports against plain SQL.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "analyzer/stats/stats.h"
#include "base/file.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

namespace fs = std::filesystem;
using analyzer::StatsCell;
using analyzer::StatsTable;

constexpr std::int64_t kTid = (1LL << 48) | (100LL << 24) | 100;
constexpr int kOpen = 1, kPread = 5, kPwrite = 6, kFsync = 9, kRead = 3, kMmap = 22, kUringRead = 25, kMmapStores = 31;

StatsTable one(const std::string& path, const std::string& report) {
    auto tables = analyzer::runStats(path, {report});
    EXPECT_TRUE(tables.ok()) << (tables.ok() ? "" : tables.error().message);
    return tables.ok() && !tables->empty() ? tables->front() : StatsTable{};
}

// The row whose text columns are these, as "title=value title=value" of the columns asked for.
std::string of(const StatsTable& table, const std::vector<std::string>& key, const std::vector<std::string>& titles) {
    for (const auto& row : table.rows) {
        std::vector<std::string> texts;
        for (std::size_t c = 0; c < row.size(); ++c)
            if (table.columns[c].text) texts.push_back(std::holds_alternative<std::string>(row[c]) ? std::get<std::string>(row[c]) : "null");
        if (texts != key) continue;
        std::string out;
        for (const std::string& title : titles)
            for (std::size_t c = 0; c < row.size(); ++c) {
                if (table.columns[c].title != title) continue;
                const StatsCell& cell = row[c];
                out += (out.empty() ? "" : " ") + title + "=";
                if (const auto* i = std::get_if<std::int64_t>(&cell)) out += std::to_string(*i);
                else if (const auto* d = std::get_if<double>(&cell)) out += fmt::format("{}", *d);
                else out += "?";
            }
        return out;
    }
    return "no such row";
}

class StatsFiles : public ::testing::Test {
protected:
    void SetUp() override {
        auto folder = TempDir::create("ridge-analyzer-test");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(*folder));
        m_path = (m_folder->path() / "t.sqlite").string();
    }
    // A call at an offset (-1: none); failed: with an errno.
    void call(TraceBuilder& t, std::int64_t start, std::int64_t ns, int op, const std::string& path, std::int64_t bytes, std::int64_t offset = -1, bool failed = false) {
        t.io(kTid, start, start + ns, "call", op, path, bytes);
        t.run("UPDATE RIDGE_IO SET offset = " + (offset < 0 ? std::string("NULL") : std::to_string(offset)) + (failed ? ", errorNumber = 5" : "") +
              " WHERE osrtId = (SELECT max(osrtId) FROM RIDGE_IO)");
    }
    std::optional<TempDir> m_folder;
    std::string m_path;
};

TEST_F(StatsFiles, ByFileByClassBySizeByOffset) {
    {
        TraceBuilder t(m_path);
        call(t, 0, 5, kOpen, "/data/train.bin", 0);
        call(t, 10, 100, kPread, "/data/train.bin", 4096, 0);
        call(t, 200, 300, kPread, "/data/train.bin", 4096, 4096);          // at the end of the one before
        call(t, 600, 50, kPread, "/data/train.bin", 100, 1024);            // back
        call(t, 700, 10, kPread, "/data/train.bin", 0, 1 << 30, true);     // failed: time, but no size and no extent
        call(t, 800, 40, kRead, "/data/train.bin", 2000);                  // no offset known
        call(t, 900, 1000, kPwrite, "/ckpt/a.pt", 20'000'000, 0);
        call(t, 2000, 4000, kFsync, "/ckpt/a.pt", 0);
        t.table("RIDGE_FILE_CLASS");
        t.run("INSERT INTO RIDGE_FILE_CLASS SELECT fileAccessId, 'checkpoint' FROM OSRT_FILE_ACCESS_DESCRIPTORS WHERE filePath LIKE '/ckpt/%'");
        t.finish();
    }
    const std::vector<std::string> columns{"Total Time (ns)", "Calls", "Read Time (ns)", "Write Time (ns)", "Sync Time (ns)", "Meta Time (ns)", "Reads",
                                           "Read (MB)", "Avg Read (B)", "Written (MB)", "Syncs", "Opens", "Errors", "Extent (MB)", "Sequential (%)"};
    const std::string data =
        "Total Time (ns)=505 Calls=6 Read Time (ns)=500 Write Time (ns)=0 Sync Time (ns)=0 Meta Time (ns)=5 Reads=5 "
        "Read (MB)=0.01 Avg Read (B)=2058.4 Written (MB)=0 Syncs=0 Opens=1 Errors=1 Extent (MB)=? Sequential (%)=50";  // where the read without an offset lay, nobody knows
    const std::string checkpoint =
        "Total Time (ns)=5000 Calls=2 Read Time (ns)=0 Write Time (ns)=1000 Sync Time (ns)=4000 Meta Time (ns)=0 Reads=0 "
        "Read (MB)=0 Avg Read (B)=? Written (MB)=20 Syncs=1 Opens=0 Errors=0 Extent (MB)=20 Sequential (%)=?";
    const StatsTable files = one(m_path, "file_access_sum");
    ASSERT_EQ(files.rows.size(), 2U);
    EXPECT_EQ(of(files, {"null", "/data/train.bin"}, columns), data);
    EXPECT_EQ(of(files, {"checkpoint", "/ckpt/a.pt"}, columns), checkpoint);
    EXPECT_EQ(of(files, {"checkpoint", "/ckpt/a.pt"}, {"Time (%)"}), "Time (%)=90.8");
    const StatsTable classes = one(m_path, "file_class_sum");
    ASSERT_EQ(classes.rows.size(), 2U);
    EXPECT_EQ(of(classes, {"null"}, columns), data);
    EXPECT_EQ(of(classes, {"checkpoint"}, columns), checkpoint);

    const StatsTable sizes = one(m_path, "file_size_hist");
    ASSERT_EQ(sizes.rows.size(), 3U);
    EXPECT_EQ(of(sizes, {"read", "0-100", "null", "/data/train.bin"}, {"Calls", "Time (ns)"}), "Calls=1 Time (ns)=50");
    EXPECT_EQ(of(sizes, {"read", "1Ki-10Ki", "null", "/data/train.bin"}, {"Calls", "Time (ns)", "Total (MB)"}), "Calls=3 Time (ns)=440 Total (MB)=0.01");
    EXPECT_EQ(of(sizes, {"write", "10Mi-100Mi", "checkpoint", "/ckpt/a.pt"}, {"Calls", "Total (MB)"}), "Calls=1 Total (MB)=20");
    const StatsTable offsets = one(m_path, "file_offset_hist");
    ASSERT_EQ(offsets.rows.size(), 3U);
    EXPECT_EQ(of(offsets, {"read", "where it stood", "null", "/data/train.bin"}, {"Calls"}), "Calls=1");
    EXPECT_EQ(of(offsets, {"read", "0-1Mi", "null", "/data/train.bin"}, {"Calls"}), "Calls=3");
    EXPECT_EQ(of(offsets, {"write", "0-1Mi", "checkpoint", "/ckpt/a.pt"}, {"Calls"}), "Calls=1");
}

// What completes in a ring of io_uring is not seen: the calls are counted, and what they moved is no number, not 0.
TEST_F(StatsFiles, WhatNobodyKnowsIsNoNumber) {
    {
        TraceBuilder t(m_path);
        call(t, 0, 10, kUringRead, "/data/ring.bin", 0, 0);
        call(t, 20, 10, kUringRead, "/data/ring.bin", 0, 4096);
        call(t, 40, 10, kPwrite, "/data/ring.bin", 3000, 0);
        t.finish();
    }
    EXPECT_EQ(of(one(m_path, "file_access_sum"), {"null", "/data/ring.bin"}, {"Reads", "Read (MB)", "Avg Read (B)", "Writes", "Written (MB)", "Avg Write (B)", "Extent (MB)"}),
              "Reads=2 Read (MB)=? Avg Read (B)=? Writes=1 Written (MB)=0.003 Avg Write (B)=3000 Extent (MB)=?");
    const StatsTable sizes = one(m_path, "file_size_hist");
    EXPECT_EQ(of(sizes, {"read", "not known", "null", "/data/ring.bin"}, {"Calls", "Total (MB)"}), "Calls=2 Total (MB)=?");
    EXPECT_EQ(of(sizes, {"write", "1Ki-10Ki", "null", "/data/ring.bin"}, {"Calls", "Total (MB)"}), "Calls=1 Total (MB)=0.003");
    EXPECT_EQ(of(one(m_path, "file_offset_hist"), {"read", "0-1Mi", "null", "/data/ring.bin"}, {"Calls", "Total (MB)"}), "Calls=2 Total (MB)=?");
}

// What a program loads and stores through a mapping is no call: nothing known, not 0. What calls moved beside it stays.
TEST_F(StatsFiles, OfAMappedFileWhatWasMovedIsNoNumber) {
    {
        TraceBuilder t(m_path);
        call(t, 0, 10, kMmap, "/data/weights.bin", 0, 0);
        call(t, 20, 10, kMmapStores, "/data/table.bin", 0, 0);
        call(t, 40, 10, kMmapStores, "/data/both.bin", 0, 0);
        call(t, 60, 10, kPread, "/data/both.bin", 5000, 0);
        call(t, 80, 10, kMmap, "/data/refused.bin", 0, 0, true);
        t.run("UPDATE RIDGE_IO SET requested = 2000000 WHERE op IN (22, 31)");
        t.finish();
    }
    const StatsTable files = one(m_path, "file_access_sum");
    const std::vector<std::string> columns{"Read (MB)", "Written (MB)", "Mapped (MB)"};
    EXPECT_EQ(of(files, {"null", "/data/weights.bin"}, columns), "Read (MB)=? Written (MB)=0 Mapped (MB)=2");
    EXPECT_EQ(of(files, {"null", "/data/table.bin"}, columns), "Read (MB)=? Written (MB)=? Mapped (MB)=2");
    EXPECT_EQ(of(files, {"null", "/data/both.bin"}, columns), "Read (MB)=0.005 Written (MB)=? Mapped (MB)=2");
    EXPECT_EQ(of(files, {"null", "/data/refused.bin"}, columns), "Read (MB)=0 Written (MB)=0 Mapped (MB)=0");
    ASSERT_EQ(files.notes.size(), 1U);
    EXPECT_NE(files.notes.front().find("mappings"), std::string::npos);
}

TEST_F(StatsFiles, WithoutFilesItSaysSo) {
    TraceBuilder(m_path).finish();
    for (const char* report : {"file_access_sum", "file_class_sum", "file_size_hist", "file_offset_hist"})
        EXPECT_EQ(one(m_path, report).notes, std::vector<std::string>{"the file has no RIDGE_IO"});
    EXPECT_EQ(one(m_path, "cpu_samples_sum").notes, std::vector<std::string>{"the file has no SAMPLING_CALLCHAINS"});
}

TEST_F(StatsFiles, SelfAndTotalOfSampledFunctions) {
    {
        TraceBuilder t(m_path);
        t.table("COMPOSITE_EVENTS");
        t.table("SAMPLING_CALLCHAINS");
        const std::int64_t main = t.string("main"), work = t.string("work"), recurse = t.string("recurse"), program = t.string("/bin/program"), one = t.string("0x1"),
                           two = t.string("0x2");
        // Three samples of two threads; the second has a function twice, the third two addresses without a name.
        const std::vector<std::vector<std::int64_t>> stacks{{work, main}, {recurse, recurse, main}, {one, two, main}};
        for (std::size_t i = 0; i < stacks.size(); ++i) {
            t.run(fmt::format("INSERT INTO COMPOSITE_EVENTS VALUES ({}, {}, 0, 1, {}, 1)", i + 1, i * 10, kTid + (i == 0 ? 0 : 1)));
            for (std::size_t depth = 0; depth < stacks[i].size(); ++depth)
                t.run(fmt::format("INSERT INTO SAMPLING_CALLCHAINS VALUES ({}, {}, {}, 0, 0, {}, 0, 0, 1, {})", i + 1, stacks[i][depth], program,
                                  stacks[i][depth] == one || stacks[i][depth] == two, depth));
        }
        t.finish();
    }
    const StatsTable table = one(m_path, "cpu_samples_sum");
    ASSERT_EQ(table.rows.size(), 4U);
    const std::vector<std::string> columns{"Self (%)", "Total (%)", "Self Samples", "Total Samples", "Threads"};
    EXPECT_EQ(of(table, {"main", "/bin/program"}, columns), "Self (%)=0 Total (%)=100 Self Samples=0 Total Samples=3 Threads=2");
    EXPECT_EQ(of(table, {"work", "/bin/program"}, columns), "Self (%)=33.3 Total (%)=33.3 Self Samples=1 Total Samples=1 Threads=1");
    EXPECT_EQ(of(table, {"recurse", "/bin/program"}, columns), "Self (%)=33.3 Total (%)=33.3 Self Samples=1 Total Samples=1 Threads=1");
    EXPECT_EQ(of(table, {"[no symbol]", "/bin/program"}, columns), "Self (%)=33.3 Total (%)=33.3 Self Samples=1 Total Samples=1 Threads=1");
}

TEST(StatsOfSampledExports, SelfSamplesEqualPlainSql) {
    const fs::path root = fs::path(RIDGE_TRACES_DIR) / "nsys";
    if (!fs::is_directory(root)) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    int sampled = 0;
    for (const auto& entry : fs::directory_iterator(root)) {
        const std::string trace = (folder->path() / entry.path().stem()).string();
        ASSERT_EQ(std::system(("gzip -dc '" + entry.path().string() + "' > '" + trace + "'").c_str()), 0);
        auto db = Database::openForReading(trace);
        ASSERT_TRUE(db.ok());
        if (!db->hasTable("SAMPLING_CALLCHAINS")) continue;
        std::int64_t self = 0;
        for (const auto& row : one(trace, "cpu_samples_sum").rows) self += std::get<std::int64_t>(row[2]);
        auto sum = db->prepare("SELECT COUNT(*) FROM SAMPLING_CALLCHAINS WHERE stackDepth = 0");
        ASSERT_TRUE(sum.ok() && *sum->step());
        EXPECT_EQ(self, sum->integer(0)) << trace;
        sampled += self > 0;
    }
    EXPECT_GT(sampled, 0);
}

}  // namespace
}  // namespace ridge::test
