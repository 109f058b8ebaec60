// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A trace and the timeline file made of it are the same to the analyzer.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "analyzer/import/write_timeline.h"
#include "analyzer/timeline/load.h"
#include "json_trace.h"
#include "reports/json/report_json.h"

namespace ridge::test {
namespace {

namespace fs = std::filesystem;

// The whole answer as text, without where it came from.
std::string answerText(const std::vector<std::string>& paths) {
    auto answer = analyzer::analyze(paths, {});
    if (!answer.ok()) {
        ADD_FAILURE() << answer.error().message;
        return {};
    }
    answer->sources.clear();
    for (auto& finding : answer->findings) finding.sqlNote.clear();  // says on which of the two the query runs
    return reports::renderJson(*answer);
}

// First difference of two long texts, for a person.
std::string difference(const std::string& a, const std::string& b) {
    std::size_t i = 0;
    while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
    const std::size_t from = i < 300 ? 0 : i - 300;
    return "trace: ..." + a.substr(from, 500) + "\nfile:  ..." + b.substr(from, 500);
}

void expectSameAnswer(const std::vector<std::string>& traces, const fs::path& folder) {
    const std::string file = (folder / "imported.sqlite").string();
    const auto timeline = analyzer::load(traces);
    ASSERT_TRUE(timeline.ok()) << timeline.error().message;
    const Status written = analyzer::writeTimeline(*timeline, file);
    ASSERT_TRUE(written.ok()) << written.error().message;
    const std::string a = answerText(traces), b = answerText({file});
    EXPECT_TRUE(a == b) << difference(a, b);
    // The SQL of the traces' findings is for the file: it must run there and give the number.
    const auto answer = analyzer::analyze(traces, {});
    ASSERT_TRUE(answer.ok());
    checkFindings(*answer, file);
    auto db = Database::openForReading(file);
    ASSERT_TRUE(db.ok());
    auto check = db->prepare("PRAGMA integrity_check");
    ASSERT_TRUE(check.ok() && *check->step());
    EXPECT_EQ(check->text(0), "ok");
    // And the views for people: those that are there can be read.
    auto views = db->prepare("SELECT name FROM sqlite_master WHERE type = 'view'");
    ASSERT_TRUE(views.ok());
    int found = 0;
    while (*views->step()) {
        auto rows = db->prepare(fmt::format("SELECT count(*) FROM {}", views->text(0)));
        ASSERT_TRUE(rows.ok()) << rows.error().message;
        EXPECT_TRUE(rows->step().ok()) << views->text(0);
        ++found;
    }
    EXPECT_GT(found, 0);
}

// Every field of every row that has a type of its own.
void expectSameRows(const analyzer::Timeline& a, const analyzer::Timeline& b) {
    const auto text = [](const analyzer::Timeline& t, analyzer::NameId id) { return t.names.text(id); };
    ASSERT_EQ(a.gpu.size(), b.gpu.size());
    for (std::size_t i = 0; i < a.gpu.size(); ++i) {
        const auto &x = a.gpu[i], &y = b.gpu[i];
        const auto told = [&](const analyzer::Timeline& t, const analyzer::GpuRow& r) {
            return fmt::format("[{}, {}) stream {} correlation {} bytes {} rowid {} launch {} op {} blocks {} kind {} copy {} {} {} device {} process {} name {} collective {}",
                               r.start, r.end, r.stream, r.correlation, r.bytes, r.rowid, r.launch, r.op, r.blocks, static_cast<int>(r.kind),
                               r.copyKind, r.srcKind, r.dstKind, r.device, r.process, text(t, r.name), r.collective != analyzer::kNoIndex);
        };
        ASSERT_EQ(told(a, x), told(b, y));
        if (x.collective == analyzer::kNoIndex) continue;
        const auto& c = a.collectives[static_cast<std::size_t>(x.collective)];
        const auto& d = b.collectives[static_cast<std::size_t>(y.collective)];
        ASSERT_TRUE(text(a, c.name) == text(b, d.name) && text(a, c.group) == text(b, d.group) && text(a, c.dtype) == text(b, d.dtype) &&
                    c.bytesIn == d.bytesIn && c.bytesOut == d.bytesOut && c.groupSize == d.groupSize && c.sequence == d.sequence);
    }
    ASSERT_EQ(a.calls.size(), b.calls.size());
    for (std::size_t i = 0; i < a.calls.size(); ++i) {
        const auto &x = a.calls[i], &y = b.calls[i];
        ASSERT_TRUE(x.start == y.start && x.end == y.end && x.correlation == y.correlation && x.blocking == y.blocking &&
                    text(a, x.name) == text(b, y.name) &&
                    a.threads[static_cast<std::size_t>(x.thread)].globalTid == b.threads[static_cast<std::size_t>(y.thread)].globalTid);
    }
    ASSERT_EQ(a.ranges.size(), b.ranges.size());
    for (std::size_t i = 0; i < a.ranges.size(); ++i) {
        const auto &x = a.ranges[i], &y = b.ranges[i];
        ASSERT_TRUE(x.start == y.start && x.end == y.end && x.kind == y.kind && x.open == y.open && text(a, x.name) == text(b, y.name) &&
                    text(a, x.shapes) == text(b, y.shapes) &&
                    a.threads[static_cast<std::size_t>(x.thread)].globalTid == b.threads[static_cast<std::size_t>(y.thread)].globalTid)
            << i << " " << text(a, x.name) << " / " << text(b, y.name);
    }
    ASSERT_EQ(a.syncs.size(), b.syncs.size());
    for (std::size_t i = 0; i < a.syncs.size(); ++i) {
        const auto &x = a.syncs[i], &y = b.syncs[i];
        ASSERT_TRUE(x.start == y.start && x.end == y.end && x.stream == y.stream && x.eventRecord == y.eventRecord &&
                    x.waitedStream == y.waitedStream && x.kind == y.kind && x.launch == y.launch && x.device == y.device);
    }
    ASSERT_EQ(a.flows.size(), b.flows.size());
    for (std::size_t i = 0; i < a.flows.size(); ++i)
        ASSERT_TRUE(a.flows[i].fromTime == b.flows[i].fromTime && a.flows[i].toTime == b.flows[i].toTime &&
                    a.flows[i].fromThread == b.flows[i].fromThread && a.flows[i].toThread == b.flows[i].toThread);
    EXPECT_EQ(a.flushes, b.flushes);
    EXPECT_EQ(a.utcOfZero, b.utcOfZero);
    EXPECT_EQ(a.graphLaunches, b.graphLaunches);
    ASSERT_EQ(a.processes.size(), b.processes.size());
    for (std::size_t i = 0; i < a.processes.size(); ++i)
        ASSERT_TRUE(a.processes[i].globalPid == b.processes[i].globalPid && a.processes[i].rank == b.processes[i].rank &&
                    a.processes[i].worldSize == b.processes[i].worldSize && a.processes[i].rankKnown == b.processes[i].rankKnown);
    ASSERT_EQ(a.devices.size(), b.devices.size());
    for (std::size_t i = 0; i < a.devices.size(); ++i)
        ASSERT_TRUE(a.devices[i].id == b.devices[i].id && a.devices[i].name == b.devices[i].name && a.devices[i].machine == b.devices[i].machine);
    ASSERT_EQ(a.counters.size(), b.counters.size());
    for (std::size_t i = 0; i < a.counters.size(); ++i) EXPECT_EQ(a.counters[i].samples, b.counters[i].samples);
}

// A trace of many rows from a fixed seed: every category, ties, several threads and streams.
std::string randomTrace(std::uint64_t seed, int rank) {
    std::uint64_t state = seed;
    const auto below = [&](std::uint64_t n) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<int>((state >> 33) % n);
    };
    JsonTrace t(below(2) ? Convention::kAfterBase : Convention::kFractionalMicros);
    t.rank(rank, 2);
    for (int i = 0; i < 300; ++i) {
        const std::int64_t at = below(1'000'000);
        const int thread = 1 + below(3);
        t.op("op" + std::to_string(below(9)), 500, thread, at, below(30'000), R"({"Input Dims": [[2, 3]]})");
        t.call(below(5) ? "cudaLaunchKernel" : "cudaStreamSynchronize", 500, thread, at + below(50), below(8'000), i + 1);
        if (below(4) == 0)
            t.event("gpu_memcpy", "Memcpy DtoH (Device -> Pinned)", R"("pid": 0, "tid": 7)", at + below(20'000), below(9'000),
                    fmt::format(R"({{"device": 0, "stream": 7, "correlation": {}, "bytes": {}}})", i + 1, below(1 << 20)));
        else
            t.kernel(below(3) ? "gemm" : "ncclDevKernel", below(2), 7 + below(3), at + below(20'000), below(40'000), i + 1,
                     below(2) ? R"(, "Collective name": "allreduce", "In msg nelems": 7, "Out msg nelems": 7, "Group size": 2, "dtype": "Half", "Process Group Name": "pg")" : "");
        if (below(6) == 0)
            t.event("cuda_sync", "Stream Wait Event", R"("pid": 0, "tid": 8)", at, below(900),
                    fmt::format(R"({{"cuda_sync_kind": "Stream Wait Event", "wait_on_stream": {}, "wait_on_cuda_event_record_corr_id": {}, "stream": 8, "correlation": {}, "device": 0}})",
                                below(3), below(300), i + 1));
        if (below(9) == 0) t.annotation("note " + std::to_string(below(4)), 500, thread, at, below(90'000));
        if (below(9) == 0) t.event("python_function", "f.py(1): g", R"("pid": 0, "tid": 0)", at, below(90'000));
        if (below(40) == 0) t.event("overhead", "Buffer Flush", R"("pid": 500, "tid": 1)", at, below(9'000));
    }
    return t.text();
}

TEST(Imported, AnswersLikeTheTraceItCameFrom) {
    auto folder = TempDir::create("ridge-import-test");
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::vector<std::string> traces;
        for (int rank = 0; rank < (seed % 2 == 0 ? 2 : 1); ++rank) {
            traces.push_back((folder->path() / fmt::format("t{}_{}.json", seed, rank)).string());
            std::ofstream(traces.back()) << randomTrace(seed * 100 + static_cast<std::uint64_t>(rank), rank);
        }
        expectSameAnswer(traces, folder->path());
        const auto a = analyzer::load(traces), b = analyzer::load({(folder->path() / "imported.sqlite").string()});
        ASSERT_TRUE(a.ok() && b.ok());
        expectSameRows(*a, *b);
        // Once more through a file changes nothing either.
        const std::string again = (folder->path() / "again.sqlite").string();
        ASSERT_TRUE(analyzer::writeTimeline(*b, again).ok());
        const auto c = analyzer::load({again});
        ASSERT_TRUE(c.ok());
        expectSameRows(*b, *c);
    }
}

TEST(Imported, RealTracesAnswerLikeTheTraceTheyCameFrom) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "kineto")) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-import-test");
    for (const char* name : {"hta_cuda_event_sync", "hta_a100_alexnet_critical_path", "tracelens_mi300_sglang_decode_graph", "param_v100_dlrm_8rank_w3",
                             "tracelens_h100_qwen05b", "hta_cpu_only_rank34", "hta_triton_example", "hta_a100_ddp_nccl_args"}) {
        SCOPED_TRACE(name);
        expectSameAnswer({(root / "kineto" / (std::string(name) + ".json.gz")).string()}, folder->path());
    }
    std::vector<std::string> ranks;
    for (int rank = 0; rank < 8; ++rank) ranks.push_back((root / "kineto" / fmt::format("param_v100_dlrm_8rank_w{}.json.gz", rank)).string());
    expectSameAnswer(ranks, folder->path());
}

// A JSON trace has no tables: its SQL is for the file that is made of it, also where two ranks' devices are both number 0.
TEST(Imported, SqlOfFindingsOfATraceRunsOnTheFile) {
    auto folder = TempDir::create("ridge-import-test");
    const std::string file = (folder->path() / "t.sqlite").string();
    std::vector<std::string> traces;
    for (int rank = 0; rank < 2; ++rank) {
        JsonTrace t;
        t.rank(rank, 2);
        for (int i = 0; i < 6; ++i) {
            const std::int64_t at = i * 20'000'000;
            t.annotation("ProfilerStep#" + std::to_string(i), 500, 1, at, 20'000'000);
            t.call("cudaLaunchKernel", 500, 1, at + 100'000, 5'000, i + 1);
            t.kernel("saxpy", 0, 7, at + 110'000, 2'000'000 * (rank + 1), i + 1);
        }
        traces.push_back((folder->path() / fmt::format("t{}.json", rank)).string());
        std::ofstream(traces.back()) << t.text();
    }
    for (const auto& paths : {std::vector<std::string>{traces[0]}, traces}) {
        const auto timeline = analyzer::load(paths);
        ASSERT_TRUE(timeline.ok());
        ASSERT_TRUE(analyzer::writeTimeline(*timeline, file).ok());
        const auto answer = analyzer::analyze(paths, {});
        ASSERT_TRUE(answer.ok());
        std::size_t gaps = 0;
        for (const auto& f : answer->findings)
            if (f.rule == "gpu_gaps") {
                ++gaps;
                EXPECT_FALSE(f.sql.empty());
            }
        EXPECT_EQ(gaps, paths.size());
        checkFindings(*answer, file);
        fs::remove(file);
    }
}

// Eight ranks of one step: communication, waiting and stragglers do not depend on how the ranks are filed.
TEST(Imported, RanksInOneFileCommunicateAsInEight) {
    const fs::path root = RIDGE_TRACES_DIR;
    if (!fs::is_directory(root / "kineto")) GTEST_SKIP() << "no traces of other tools at " << root;
    auto folder = TempDir::create("ridge-import-test");
    std::vector<std::string> ranks;
    for (int rank = 0; rank < 8; ++rank) ranks.push_back((root / "kineto" / fmt::format("param_v100_dlrm_8rank_w{}.json.gz", rank)).string());
    const std::string file = (folder->path() / "ranks.sqlite").string();
    const auto timeline = analyzer::load(ranks);
    ASSERT_TRUE(timeline.ok());
    ASSERT_TRUE(analyzer::writeTimeline(*timeline, file).ok());
    const auto a = analyzer::analyze(ranks, {}), b = analyzer::analyze({file}, {});
    ASSERT_TRUE(a.ok() && b.ok());
    ASSERT_EQ(a->clocks.size(), 8U);
    ASSERT_EQ(b->clocks.size(), 8U);
    bool moved = false;
    for (std::size_t i = 0; i < 8; ++i) {
        EXPECT_EQ(a->clocks[i].offsetNs, b->clocks[i].offsetNs);
        EXPECT_EQ(a->clocks[i].residualNs, b->clocks[i].residualNs);
        moved = moved || b->clocks[i].offsetNs != 0;
    }
    EXPECT_TRUE(moved);
    ASSERT_EQ(a->communication.size(), b->communication.size());
    bool split = false;
    for (std::size_t i = 0; i < a->communication.size(); ++i) {
        EXPECT_EQ(a->communication[i].name, b->communication[i].name);
        EXPECT_EQ(a->communication[i].waitNs, b->communication[i].waitNs);
        EXPECT_EQ(a->communication[i].transferNs, b->communication[i].transferNs);
        EXPECT_EQ(a->communication[i].overlapNs, b->communication[i].overlapNs);
        split = split || b->communication[i].waitNs.value_or(0) > 0;
    }
    EXPECT_TRUE(split);
    ASSERT_FALSE(a->stragglers.empty());
    ASSERT_EQ(a->stragglers.size(), b->stragglers.size());
    for (std::size_t i = 0; i < a->stragglers.size(); ++i) {
        EXPECT_EQ(a->stragglers[i].rank, b->stragglers[i].rank);
        EXPECT_EQ(a->stragglers[i].blameNs, b->stragglers[i].blameNs);
    }
    EXPECT_EQ(a->stragglers.front().rank, 7);
    EXPECT_EQ(a->attribution, b->attribution);
}

TEST(Imported, WhatCouldNotBeTakenIsCountedInTheFile) {
    auto folder = TempDir::create("ridge-import-test");
    const std::string path = (folder->path() / "t.json").string(), file = (folder->path() / "t.sqlite").string();
    JsonTrace t;
    t.kernel("good", 0, 7, 0, 5'000, 1);
    t.raw(R"({"ph": "X", "cat": "kernel", "name": "negative", "pid": 0, "tid": 7, "ts": 1711964650000000, "dur": -5, "args": {}})");
    std::ofstream(path) << t.text().substr(0, t.text().size() - 3);
    const auto timeline = analyzer::load({path});
    ASSERT_TRUE(timeline.ok());
    ASSERT_TRUE(analyzer::writeTimeline(*timeline, file).ok());
    auto db = Database::openForReading(file);
    ASSERT_TRUE(db.ok());
    auto losses = db->prepare("SELECT count(*), sum(count) FROM RIDGE_LOSS");
    ASSERT_TRUE(losses.ok() && *losses->step());
    EXPECT_EQ(losses->integer(0), 2);
    EXPECT_EQ(losses->integer(1), 2);
    EXPECT_FALSE(fs::exists(file + ".part"));
    EXPECT_FALSE(analyzer::writeTimeline(*timeline, "/nonexistent/folder/t.sqlite").ok());
}

}  // namespace
}  // namespace ridge::test
