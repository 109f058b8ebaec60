// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Every finding of every trace that there is: its SQL, run on the file, gives the number that the evidence states; where
// there is no SQL, words say why. Kineto traces run against what `ridge import kineto` writes of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "analyzer/import/write_timeline.h"
#include "analyzer/timeline/load.h"
#include "json_trace.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

namespace fs = std::filesystem;

struct Tally {
    std::map<std::string, int> withSql, without;
};

void expectSql(const Analysis& answer, const std::string& file, Tally& tally) {
    auto db = Database::openForReading(file);
    ASSERT_TRUE(db.ok());
    for (const auto& f : answer.findings) {
        SCOPED_TRACE(f.id + ": " + f.sql);
        ASSERT_FALSE(f.evidence.empty());
        if (f.sql.empty()) {
            EXPECT_TRUE(f.sqlNote.starts_with("no query")) << f.sqlNote;
            ++tally.without[f.rule];
            continue;
        }
        ++tally.withSql[f.rule];
        EXPECT_NE(f.evidence.front().value, 0) << "a number that proves nothing: " << f.evidence.front().name;
        auto statement = db->prepare(f.sql);
        ASSERT_TRUE(statement.ok()) << statement.error().message;
        auto row = statement->step();
        ASSERT_TRUE(row.ok() && *row);
        EXPECT_FALSE(statement->isNull(0));
        EXPECT_DOUBLE_EQ(statement->real(0), f.evidence.front().value) << f.evidence.front().name;
    }
}

// A Kineto trace, and the file that it is imported to.
void expectSqlOfKineto(const std::vector<std::string>& traces, const fs::path& folder, Tally& tally, const std::string& step = "") {
    const std::string file = (folder / "imported.sqlite").string();
    fs::remove(file);
    const auto timeline = analyzer::load(traces);
    ASSERT_TRUE(timeline.ok()) << timeline.error().message;
    ASSERT_TRUE(analyzer::writeTimeline(*timeline, file).ok());
    analyzer::AnalyzeOptions options;
    options.stepName = step;
    const auto ofTrace = analyzer::analyze(traces, options);
    ASSERT_TRUE(ofTrace.ok()) << ofTrace.error().message;
    for (const auto& f : ofTrace->findings) {
        if (f.sql.empty()) continue;
        EXPECT_NE(f.sqlNote.find("ridge import kineto"), std::string::npos) << f.id;
    }
    expectSql(*ofTrace, file, tally);
    const auto ofFile = analyzer::analyze({file}, options);
    ASSERT_TRUE(ofFile.ok());
    expectSql(*ofFile, file, tally);
}

TEST(FindingSql, GivesItsNumberOnEveryKinetoTraceOfOthers) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "kineto")) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-sql-test");
    Tally tally;
    std::vector<std::string> ranks;
    for (const auto& entry : fs::directory_iterator(root / "kineto")) {
        if (entry.path().extension() != ".gz") continue;
        SCOPED_TRACE(entry.path().string());
        expectSqlOfKineto({entry.path().string()}, folder->path(), tally);
        if (entry.path().filename().string().starts_with("param_v100")) ranks.push_back(entry.path().string());
    }
    std::sort(ranks.begin(), ranks.end());
    ASSERT_EQ(ranks.size(), 8U);
    expectSqlOfKineto(ranks, folder->path(), tally);
    expectSqlOfKineto({(root / "kineto/kineto_v100_resnet50_dataloader0.json.gz").string()}, folder->path(), tally, "Optimizer.step#SGD.step");
    for (const auto& [rule, count] : tally.withSql) std::printf("%-24s %3d with SQL, %d without\n", rule.c_str(), count, tally.without.contains(rule) ? tally.without.at(rule) : 0);
    EXPECT_GE(tally.withSql.size(), 8U);
    EXPECT_TRUE(tally.without.empty());
    EXPECT_TRUE(tally.withSql.contains("input_io") && tally.withSql.contains("exposed_communication") && tally.withSql.contains("wait_for_peers"));
}

TEST(FindingSql, GivesItsNumberOnEveryNsightExport) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "nsys")) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-sql-test");
    Tally tally;
    for (const auto& entry : fs::directory_iterator(root / "nsys")) {
        if (entry.path().extension() != ".gz") continue;
        SCOPED_TRACE(entry.path().string());
        const std::string file = (folder->path() / entry.path().stem()).string();
        ASSERT_EQ(std::system(fmt::format("gzip -dc '{}' > '{}'", entry.path().string(), file).c_str()), 0);
        const auto answer = analyzer::analyze({file}, {});
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        expectSql(*answer, file, tally);
    }
    EXPECT_GE(tally.withSql.size(), 4U);
}

// A random program with everything that a rule may look at.
void play(TraceBuilder& b, std::uint64_t seed, bool ours) {
    std::mt19937_64 random(seed);
    const auto pick = [&](std::int64_t n) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n)); };
    const bool framed = ours && pick(3) > 0, gpu = pick(4) > 0, loader = pick(2) == 0, files = ours && pick(2) == 0;
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    std::int64_t t = 0, correlation = 1;
    for (std::int64_t s = 0; s < 14; ++s) {
        const std::int64_t begin = t;
        if (loader) b.range(thread, t, t + 300'000 + pick(2'000'000), "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__");
        if (files) b.io(thread, t, t + 200'000 + pick(1'000'000), "read", 3, "/data/part'quoted.bin", 1 << 20);
        t += 2'500'000;
        if (ours && pick(2) == 0) b.work(thread, t, t + 900'000, "gemm", {1, 1, 1000, 1000, 1000, 0, 0, 0});
        if (ours && pick(2) == 0) b.work(thread, t + 1'000'000, t + 1'700'000, "all_reduce", {8, 1, 0, 0, 0, 1000, 5, s});
        t += 2'000'000;
        for (int k = 0; gpu && k < 6; ++k) {
            const std::int64_t launch = t;
            b.call(thread, launch, launch + 6'000, "cudaLaunchKernel_v7000", correlation);
            const std::int64_t start = launch + 8'000 + pick(30'000);
            b.kernel(100, 0, start, start + 20'000 + pick(200'000), k == 5 ? "ncclDevKernel_AllReduce_Sum_f32" : k == 4 ? "sgemm_128x64_nn" : "work'kernel", correlation++);
            t = launch + 10'000 + pick(600'000);
        }
        if (gpu) {
            b.call(thread, t, t + 10'000, pick(2) ? "cudaMemcpyAsync_v3020" : "cudaMemcpy_v3020", correlation);
            b.copy(100, 0, t + 20'000, t + 320'000, correlation++, 1 << 16, 1, 0, 2);
            b.call(thread, t + 330'000, t + 900'000, "cudaDeviceSynchronize_v3020", correlation++);
            t += 1'000'000;
        }
        if (s % 5 == 4) {
            b.range(thread, t, t + 12'000'000, "save_checkpoint, op_id = 7");
            t += 12'000'000;
        }
        if (ours && pick(4) == 0) b.preemption(t, t + 400'000);
        t += 500'000;
        if (framed) b.range(thread, begin, t, "step", 3, s);
        else b.range(thread, begin, t, pick(2) ? "train step 3" : fmt::format("train step {}", s));
    }
}

TEST(FindingSql, GivesItsNumberOnRandomProgramsOfOursAndOfNsys) {
    auto folder = TempDir::create("ridge-sql-test");
    Tally tally;
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
        for (const bool ours : {true, false}) {
            SCOPED_TRACE(fmt::format("seed {} {}", seed, ours ? "ours" : "nsys"));
            TraceBuilder b((folder->path() / fmt::format("{}-{}.sqlite", seed, ours)).string(), ours);
            play(b, seed, ours);
            b.finish();
            for (const char* step : {"", "train step"}) {
                analyzer::AnalyzeOptions options;
                options.stepName = step;
                const auto answer = analyzer::analyze({b.path()}, options);
                if (!answer.ok() && *step) continue;  // framed: no range of that name
                ASSERT_TRUE(answer.ok()) << answer.error().message;
                checkPartition(*answer);
                expectSql(*answer, b.path(), tally);
            }
            fs::remove(b.path());
        }
    for (const auto& [rule, count] : tally.withSql) std::printf("%-24s %3d\n", rule.c_str(), count);
    EXPECT_GE(tally.withSql.size(), 12U);
    EXPECT_TRUE(tally.without.empty());
    for (const char* rule : {"input_io", "checkpoint_stall", "slow_steps", "exposed_communication", "host_time"}) EXPECT_TRUE(tally.withSql.contains(rule)) << rule;
}

// Two ranks of a Kineto run whose last rank is always late: names of kernels are all that tells of communication.
TEST(FindingSql, CommunicationOfKinetoRanksIsAQueryOnNames) {
    auto folder = TempDir::create("ridge-sql-test");
    std::vector<std::string> traces;
    for (int rank = 0; rank < 2; ++rank) {
        JsonTrace t;
        t.rank(rank, 2);
        for (int i = 0; i < 8; ++i) {
            const std::int64_t at = i * 20'000'000;
            t.annotation("ProfilerStep#" + std::to_string(i), 500, 1, at, 20'000'000);
            t.call("cudaLaunchKernel", 500, 1, at + 100'000, 5'000, 2 * i + 1);
            t.kernel("it's a gemm", 0, 7, at + 110'000, 4'000'000 * (rank + 1), 2 * i + 1);
            t.call("cudaLaunchKernel", 500, 1, at + 120'000, 5'000, 2 * i + 2);
            const std::int64_t start = at + 200'000 + 4'000'000 * (rank + 1);
            t.kernel("ncclDevKernel_AllReduce_Sum_f32_RING_LL", 0, 20, start, at + 15'000'000 - start, 2 * i + 2);
        }
        traces.push_back((folder->path() / fmt::format("t{}.json", rank)).string());
        t.write(traces.back());
    }
    Tally tally;
    expectSqlOfKineto(traces, folder->path(), tally);
    EXPECT_TRUE(tally.withSql.contains("wait_for_peers"));
    EXPECT_TRUE(tally.withSql.contains("exposed_communication"));
    EXPECT_TRUE(tally.without.empty());
}

// Names that no query can hold, and several files: words instead of a wrong query.
TEST(FindingSql, WhatSqlCannotSayIsSaidInWords) {
    auto folder = TempDir::create("ridge-sql-test");
    std::vector<std::string> paths;
    for (int rank = 0; rank < 2; ++rank) {
        TraceBuilder b((folder->path() / fmt::format("{}.sqlite", rank)).string());
        b.rank(100 + rank, rank, 2);
        const std::int64_t thread = TraceBuilder::tid(100 + rank, 1);
        for (std::int64_t s = 0; s < 6; ++s) {
            b.range(thread, s * 10'000'000, (s + 1) * 10'000'000, "step", 3, s);
            b.io(thread, s * 10'000'000, s * 10'000'000 + 6'000'000, "read", 3, "/data/x", 1 << 20);
        }
        b.finish();
        paths.push_back(b.path());
    }
    const auto answer = analyzer::analyze(paths, {});
    ASSERT_TRUE(answer.ok());
    const auto* input = findingOf(*answer, "input_io");
    ASSERT_TRUE(input);
    EXPECT_TRUE(input->sql.empty());
    EXPECT_NE(input->sqlNote.find("several files"), std::string::npos);
}

}  // namespace
}  // namespace ridge::test
