// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The classic reports: worked out by hand on a file of ours, and against plain SQL on real exports.
#include <gtest/gtest.h>

#include <cmath>
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

StatsTable one(const std::string& path, const std::string& report) {
    auto tables = analyzer::runStats(path, {report});
    EXPECT_TRUE(tables.ok()) << (tables.ok() ? "" : tables.error().message);
    return tables.ok() && !tables->empty() ? tables->front() : StatsTable{};
}

const StatsCell& cell(const StatsTable& table, std::size_t row, const std::string& title) {
    for (std::size_t c = 0; c < table.columns.size(); ++c)
        if (table.columns[c].title == title) return table.rows.at(row).at(c);
    ADD_FAILURE() << "no column " << title;
    static const StatsCell none;
    return none;
}
std::int64_t integer(const StatsTable& table, std::size_t row, const std::string& title) { return std::get<std::int64_t>(cell(table, row, title)); }
double real(const StatsTable& table, std::size_t row, const std::string& title) { return std::get<double>(cell(table, row, title)); }
std::string text(const StatsTable& table, std::size_t row, const std::string& title) { return std::get<std::string>(cell(table, row, title)); }

class Stats : public ::testing::Test {
protected:
    void SetUp() override {
        auto folder = TempDir::create("ridge-analyzer-test");
        ASSERT_TRUE(folder.ok());
        m_folder.emplace(std::move(*folder));
        path = (m_folder->path() / "stats.sqlite").string();
        TraceBuilder t(path);
        t.range(kTid, 0, 1000, "step");
        t.range(kTid, 100, 400, "forward");
        t.range(kTid, 500, 900, "backward");
        t.call(kTid, 110, 120, "cudaLaunchKernel_v7000", 1);
        t.call(kTid, 130, 150, "cudaLaunchKernel_v7000", 2);
        t.call(kTid, 510, 515, "cudaMemcpyAsync_v3020", 3);
        t.kernel(100, 0, 115, 215, "a_gemm", 1);   // began before its call ended
        t.kernel(100, 0, 250, 550, "a_gemm", 2);   // 100 in the queue
        t.copy(100, 0, 600, 700, 3, 2'000'000, 1, 0, 2);
        t.kernel(100, 0, 800, 850, "b_norm", 99);  // no launch in the file
        for (int i = 0; i < 3; ++i) t.io(kTid, 10 * i, 10 * i + 4 + i, "read", 3, "/data/a", 10);
        t.table("ENUM_CUDA_MEMCPY_OPER");
        t.run(timeline::findTable("ENUM_CUDA_MEMCPY_OPER")->inserts);
        t.finish();
    }
    std::optional<TempDir> m_folder;
    std::string path;
};

TEST_F(Stats, KernelSummary) {
    const StatsTable table = one(path, "cuda_gpu_kern_sum");
    ASSERT_EQ(table.rows.size(), 2U);
    EXPECT_EQ(text(table, 0, "Name"), "a_gemm");
    EXPECT_EQ(integer(table, 0, "Total Time (ns)"), 400);
    EXPECT_EQ(integer(table, 0, "Instances"), 2);
    EXPECT_DOUBLE_EQ(real(table, 0, "Time (%)"), 88.9);
    EXPECT_DOUBLE_EQ(real(table, 0, "Avg (ns)"), 200);
    EXPECT_DOUBLE_EQ(real(table, 0, "Med (ns)"), 200);
    EXPECT_EQ(integer(table, 0, "Min (ns)"), 100);
    EXPECT_EQ(integer(table, 0, "Max (ns)"), 300);
    EXPECT_DOUBLE_EQ(real(table, 0, "StdDev (ns)"), 141.4);  // of the sample: sqrt(20000)
    EXPECT_DOUBLE_EQ(real(table, 1, "StdDev (ns)"), 0);
    EXPECT_EQ(one(path, "gpukernsum").rows, table.rows) << "the old name";
}

TEST_F(Stats, CopiesAreNamedByTheirDirection) {
    const StatsTable time = one(path, "cuda_gpu_mem_time_sum");
    ASSERT_EQ(time.rows.size(), 1U);
    EXPECT_EQ(text(time, 0, "Operation"), "[CUDA memcpy Host-to-Device]");
    EXPECT_DOUBLE_EQ(real(one(path, "cuda_gpu_mem_size_sum"), 0, "Total (MB)"), 2.0);
    const StatsTable trace = one(path, "cuda_gpu_trace");
    ASSERT_EQ(trace.rows.size(), 4U);
    EXPECT_DOUBLE_EQ(real(trace, 2, "Throughput (MB/s)"), 2e6 / 100 * 1e3);
}

TEST_F(Stats, LaunchQueueAndRun) {
    const StatsTable table = one(path, "cuda_kern_exec_trace");
    ASSERT_EQ(table.rows.size(), 2U);  // the third has no launch
    EXPECT_TRUE(std::holds_alternative<std::monostate>(cell(table, 0, "Queue Dur (ns)")));
    EXPECT_EQ(integer(table, 1, "Queue Dur (ns)"), 100);
    EXPECT_EQ(integer(table, 1, "Total Dur (ns)"), 420);
    EXPECT_EQ(integer(one(path, "cuda_kern_exec_sum"), 0, "QCount"), 1);
}

TEST_F(Stats, RangesNestAndProject) {
    const StatsTable trace = one(path, "nvtx_pushpop_trace");
    ASSERT_EQ(trace.rows.size(), 3U);
    EXPECT_EQ(text(trace, 0, "Name"), "ridge:step");
    EXPECT_EQ(integer(trace, 0, "DurChild (ns)"), 700);
    EXPECT_EQ(integer(trace, 0, "NumChild"), 2);
    EXPECT_EQ(integer(trace, 1, "ParentId"), integer(trace, 0, "RangeId"));
    const StatsTable projected = one(path, "nvtx_gpu_proj_sum");
    ASSERT_EQ(projected.rows.size(), 3U);
    EXPECT_EQ(text(projected, 0, "Range"), "ridge:step");
    EXPECT_EQ(integer(projected, 0, "Total Proj Time (ns)"), 585);  // 115 to 700
    EXPECT_EQ(integer(projected, 0, "Total GPU Ops"), 3);
    EXPECT_EQ(text(projected, 1, "Range"), "ridge:forward");
    EXPECT_EQ(integer(projected, 1, "Total Proj Time (ns)"), 435);  // 115 to 550
    const StatsTable kernels = one(path, "nvtx_kern_sum");
    ASSERT_EQ(kernels.rows.size(), 2U);
    EXPECT_EQ(integer(kernels, 0, "Kern Inst"), 2);
    EXPECT_EQ(integer(kernels, 0, "NVTX Inst"), 1);
}

TEST_F(Stats, WhatIsNotThereIsSaid) {
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    TraceBuilder t((folder->path() / "nothing.sqlite").string());
    t.finish();
    const StatsTable table = one(t.path(), "cuda_gpu_kern_sum");
    EXPECT_TRUE(table.rows.empty());
    ASSERT_EQ(table.notes.size(), 1U);
    EXPECT_EQ(table.notes[0], "the file has no CUPTI_ACTIVITY_KIND_KERNEL");
    EXPECT_FALSE(analyzer::runStats(t.path(), {"no_such_report"}).ok());
    EXPECT_FALSE(analyzer::runStats((folder->path() / "absent.sqlite").string(), {"nvtx_sum"}).ok());
}

TEST_F(Stats, ImpossibleTimesAreLeftOutAndCounted) {
    {
        auto db = Database::openForWriting(path);
        ASSERT_TRUE(db.ok());
        ASSERT_TRUE(db->execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = start - 1 WHERE correlationId = 99").ok());
        ASSERT_TRUE(db->execute("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = 9223372036854775807 WHERE correlationId = 2").ok());
    }
    const StatsTable table = one(path, "cuda_gpu_kern_sum");
    ASSERT_EQ(table.rows.size(), 1U);
    EXPECT_EQ(integer(table, 0, "Total Time (ns)"), 100);
    ASSERT_EQ(table.notes.size(), 1U);
    EXPECT_NE(table.notes[0].find("2 rows with impossible times"), std::string::npos);
}

TEST(StatsOfExports, TotalsEqualPlainSql) {
    const fs::path root = fs::path(RIDGE_TRACES_DIR) / "nsys";
    if (!fs::is_directory(root)) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-analyzer-test");
    ASSERT_TRUE(folder.ok());
    int files = 0;
    for (const auto& entry : fs::directory_iterator(root)) {
        const std::string trace = (folder->path() / entry.path().stem()).string();
        ASSERT_EQ(std::system(("gzip -dc '" + entry.path().string() + "' > '" + trace + "'").c_str()), 0);
        auto db = Database::openForReading(trace);
        ASSERT_TRUE(db.ok());
        for (const auto& [report, table] : {std::pair{"cuda_gpu_kern_sum", "CUPTI_ACTIVITY_KIND_KERNEL"}, {"cuda_api_sum", "CUPTI_ACTIVITY_KIND_RUNTIME"},
                                            {"osrt_sum", "OSRT_API"}}) {
            const StatsTable answer = one(trace, report);
            if (!db->hasTable(table)) {
                EXPECT_TRUE(answer.rows.empty());
                continue;
            }
            std::int64_t total = 0, count = 0;
            for (std::size_t r = 0; r < answer.rows.size(); ++r) {
                total += integer(answer, r, "Total Time (ns)");
                count += std::get<std::int64_t>(answer.rows[r][2]);
            }
            auto sum = db->prepare(std::string("SELECT SUM(end - start), COUNT(*) FROM ") + table);
            ASSERT_TRUE(sum.ok() && *sum->step());
            EXPECT_EQ(total, sum->integer(0)) << trace << " " << report;
            EXPECT_EQ(count, sum->integer(1)) << trace << " " << report;
        }
        ++files;
    }
    EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace ridge::test
