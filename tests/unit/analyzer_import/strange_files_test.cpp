// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Files that say something strange: it is counted and said, and never becomes a number.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "analyzer/import/write_timeline.h"
#include "analyzer/timeline/load.h"
#include "json_trace.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

namespace fs = std::filesystem;
using analyzer::Timeline;

class StrangeFiles : public testing::Test {
protected:
    StrangeFiles() : m_folder(TempDir::create("ridge-strange-test")) {}
    [[nodiscard]] std::string path(const std::string& name) const { return (m_folder->path() / name).string(); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name), std::ios::binary) << text;
        return path(name);
    }
    static Analysis analysisOf(const std::vector<std::string>& paths) {
        auto answer = analyzer::analyze(paths, {});
        if (!answer.ok()) {
            ADD_FAILURE() << answer.error().message;
            return {};
        }
        checkPartition(*answer);
        return std::move(answer).value();
    }

private:
    Result<TempDir> m_folder;
};

// A trace with kernels as nsys exports it; the change is made to the finished tables.
std::string nsysTrace(const std::string& path, const std::string& change) {
    TraceBuilder b(path, false);
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    for (std::int64_t i = 0; i < 8; ++i) {
        b.range(thread, i * 1'000'000, i * 1'000'000 + 900'000, "work");
        b.call(thread, i * 1'000'000, i * 1'000'000 + 5'000, "cudaLaunchKernel", i + 1);
        b.kernel(100, 0, i * 1'000'000 + 6'000, i * 1'000'000 + 600'000, "gemm", i + 1);
    }
    b.finish();
    auto db = Database::openForWriting(path);
    EXPECT_TRUE(db.ok());
    const Status done = db->execute(change);
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
    return path;
}

TEST_F(StrangeFiles, KernelsWithoutStartOrEndGiveNoVerdict) {
    for (const std::string column : {"start", "end"}) {
        SCOPED_TRACE(column);
        const std::string trace = nsysTrace(path("no_" + column), fmt::format("CREATE TABLE k AS SELECT * FROM CUPTI_ACTIVITY_KIND_KERNEL; DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL; "
                                                                              "ALTER TABLE k DROP COLUMN {}; ALTER TABLE k RENAME TO CUPTI_ACTIVITY_KIND_KERNEL", column));
        const Analysis answer = analysisOf({trace});
        const auto* gate = gateOf(answer, "no_verdict");
        ASSERT_TRUE(gate);
        EXPECT_EQ(gate->severity, Severity::kError);
        EXPECT_EQ(gate->count, 8);
        EXPECT_TRUE(answer.findings.empty());
        for (const auto& workload : answer.workloads) {
            EXPECT_EQ(workload.verdict.wallClass, WallClass::kUnknownCapture);
            EXPECT_EQ(workload.verdict.cause, Cause::kNone);
        }
        EXPECT_EQ(gateOf(answer, "times_out_of_range")->count, 0) << "no time is impossible: there is none";
    }
}

TEST_F(StrangeFiles, AViewIsNamedAndNotTakenForATable) {
    const std::string trace = nsysTrace(path("view"), "ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME TO real; CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS SELECT * FROM real");
    const Analysis answer = analysisOf({trace});
    const auto* views = gateOf(answer, "views_not_read");
    ASSERT_TRUE(views);
    EXPECT_NE(views->detail.find("CUPTI_ACTIVITY_KIND_KERNEL is a view"), std::string::npos);
    EXPECT_TRUE(gateOf(answer, "no_verdict"));
    EXPECT_TRUE(answer.findings.empty());
}

TEST_F(StrangeFiles, AKernelOfNoGpuIsCountedAndNotOfGpuZero) {
    const std::string trace = nsysTrace(path("null"), "CREATE TABLE k AS SELECT * FROM CUPTI_ACTIVITY_KIND_KERNEL; DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL; ALTER TABLE k RENAME TO "
                                                      "CUPTI_ACTIVITY_KIND_KERNEL; UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET deviceId = NULL WHERE correlationId <= 3");
    const Analysis answer = analysisOf({trace});
    ASSERT_EQ(answer.devices.size(), 1U);
    EXPECT_EQ(answer.devices[0].kernels, 5);
    const auto* gate = gateOf(answer, "rows_without_device");
    ASSERT_TRUE(gate);
    EXPECT_EQ(gate->count, 3);
}

TEST_F(StrangeFiles, ImpossibleBytesAreFlaggedAndNotAdded) {
    TraceBuilder b(path("bytes"));
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    const std::vector<std::int64_t> sizes{1'000'000, -5, std::int64_t{1} << 62, 2'000'000'000'000};  // the last in 0.1 ms: 20 PB/s
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const auto t = static_cast<std::int64_t>(i) * 1'000'000;
        b.call(thread, t, t + 5'000, "cudaMemcpyAsync", t + 1);
        b.copy(100, 0, t + 6'000, t + 106'000, t + 1, sizes[i], 1, 1, 2);
    }
    b.finish();
    const auto timeline = analyzer::load({b.path()});
    ASSERT_TRUE(timeline.ok());
    std::int64_t sum = 0;
    for (const auto& row : timeline->gpu) sum += row.bytes;
    EXPECT_EQ(sum, 1'000'000);
    EXPECT_EQ(gateOf(analysisOf({b.path()}), "impossible_bytes")->count, 3);
}

JsonTrace oneRank(int seed) {
    JsonTrace t;
    for (int i = 0; i < 6; ++i) {
        t.call("cudaLaunchKernel", 500, 1, i * 1'000'000 + 1'000, 5'000, i + 1);
        t.kernel("gemm", 0, 7, i * 1'000'000 + 10'000, 500'000 + seed * 1'000, i + 1);
    }
    return t;
}

TEST_F(StrangeFiles, ATraceWithoutRankBesideOneWithIsNumberedAndSaid) {
    const std::string first = write("a.json", oneRank(1).rank(0, 2).text()), second = write("b.json", oneRank(2).text());
    const Analysis answer = analysisOf({first, second});
    ASSERT_EQ(answer.ranks.size(), 2U);
    EXPECT_EQ(answer.ranks[0].rank, 0);
    EXPECT_EQ(answer.ranks[1].rank, 1);
    const auto* gate = gateOf(answer, "ranks_numbered");
    ASSERT_TRUE(gate);
    EXPECT_EQ(gate->severity, Severity::kWarning);
    EXPECT_EQ(gate->count, 1);
    const auto twice = analyzer::analyze({first, write("c.json", oneRank(3).rank(0, 2).text())}, {});
    ASSERT_FALSE(twice.ok());
    EXPECT_NE(twice.error().message.find("both of rank 0"), std::string::npos);
}

TEST_F(StrangeFiles, TracesThatCannotBeOfOneRunAreSaidToBe) {
    JsonTrace late;
    for (int i = 0; i < 6; ++i) {
        late.call("cudaLaunchKernel", 500, 1, 90'000'000'000 + i * 1'000'000, 5'000, i + 1);
        late.kernel("gemm", 0, 7, 90'000'000'000 + i * 1'000'000 + 10'000, 500'000, i + 1);
    }
    const Analysis answer = analysisOf({write("a.json", oneRank(1).rank(0, 2).text()), write("b.json", late.rank(1, 4).text())});
    const auto* gate = gateOf(answer, "one_run");
    ASSERT_TRUE(gate);
    EXPECT_EQ(gate->count, 2) << gate->detail;
    EXPECT_NE(gate->detail.find("before another begins"), std::string::npos);
    EXPECT_NE(gate->detail.find("2 and 4"), std::string::npos);
    const Analysis same = analysisOf({write("c.json", oneRank(1).rank(0, 2).text()), write("d.json", oneRank(2).rank(1, 2).text())});
    EXPECT_FALSE(gateOf(same, "one_run"));
}

TEST_F(StrangeFiles, TracesOfTwoToolsAreOneRunOnlyWhereTheySayTheirRanks) {
    const std::string kineto = write("a.json", oneRank(1).rank(0, 2).text()), nsys = nsysTrace(path("b.sqlite"), "SELECT 1");
    for (const std::vector<std::string>& files : {std::vector{kineto, nsys}, std::vector{nsys, kineto}}) {
        const auto answer = analyzer::analyze(files, {});
        ASSERT_FALSE(answer.ok());
        EXPECT_EQ(answer.error().code, ErrorCode::kBadInput);
        EXPECT_NE(answer.error().message.find("are of different tools, and not all say which rank"), std::string::npos) << answer.error().message;
    }
    TraceBuilder ours(path("c.sqlite"));
    ours.rank(100, 1, 2);
    ours.range(TraceBuilder::tid(100, 1), 0, 5'000'000, "step", 3, 0);
    ours.work(TraceBuilder::tid(100, 1), 0, 4'000'000, "gemm", {1, 1, 1000, 1000, 1000, 0, 0, 0});
    ours.finish();
    const Analysis answer = analysisOf({kineto, path("c.sqlite")});
    ASSERT_TRUE(gateOf(answer, "one_run"));
    EXPECT_NE(gateOf(answer, "one_run")->detail.find("of different tools"), std::string::npos);
}

TEST_F(StrangeFiles, WhatIsOfNoKindIsToldTheKindsThatAreRead) {
    const auto answer = analyzer::analyze({write("utf16.json", std::string("\xff\xfe{\0\"\0t\0", 8))}, {});
    ASSERT_FALSE(answer.ok());
    EXPECT_NE(answer.error().message.find("a timeline of ridge record, an SQLite export of nsys, or a PyTorch profiler trace"), std::string::npos) << answer.error().message;
}

// A framework's own ranges around a collective on the CPU, on a thread of its own; ops are no compute without a payload.
TEST_F(StrangeFiles, CollectivesOfGlooAreCommunication) {
    JsonTrace t;
    for (int i = 0; i < 8; ++i) {
        t.annotation("ProfilerStep#" + std::to_string(i), 1, 1, i * 1'000'000, 1'000'000);
        t.op("aten::mm", 1, 1, i * 1'000'000, 300'000).op("c10d::allreduce_", 1, 1, i * 1'000'000 + 300'000, 10'000);
        t.annotation("gloo:all_reduce", 1, 2, i * 1'000'000 + 310'000, 600'000);
    }
    const Analysis answer = analysisOf({write("gloo.json", t.text())});
    EXPECT_EQ(at(answer.attribution, WallClass::kCommUnsplit), 8 * 600'000);
    EXPECT_EQ(at(answer.attribution, WallClass::kHost), 8 * 310'000);
    ASSERT_EQ(answer.communication.size(), 1U);
    EXPECT_EQ(answer.communication[0].name, "gloo:all_reduce");
    EXPECT_EQ(answer.communication[0].count, 8);
    EXPECT_EQ(answer.communication[0].busyNs, 8 * 600'000);
    ASSERT_EQ(answer.workloads.size(), 1U);
    EXPECT_EQ(answer.workloads[0].verdict.cause, Cause::kCommunication);
    const auto* exposed = findingOf(answer, "exposed_communication");
    ASSERT_TRUE(exposed);
    EXPECT_EQ(exposed->evidence.front().name, "communication_range_ns");
    EXPECT_EQ(exposed->evidence.front().value, 8 * 600'000);
    const auto timeline = analyzer::load({path("gloo.json")});
    ASSERT_TRUE(timeline.ok() && analyzer::writeTimeline(*timeline, path("gloo.sqlite")).ok());
    checkFindings(answer, path("gloo.sqlite"));
}

// The annotation has the number that the process has outside of its container.
TEST_F(StrangeFiles, AnnotationsUnderAnotherPidAreOfTheSameProcess) {
    JsonTrace t = oneRank(0);
    for (int i = 0; i < 5; ++i) t.annotation("ProfilerStep#" + std::to_string(i), 99, 99, i * 1'000'000, 1'000'000);
    const Analysis answer = analysisOf({write("pids.json", t.text())});
    EXPECT_EQ(answer.ranks.size(), 1U);
    EXPECT_EQ(answer.devices.size(), 1U);
    EXPECT_EQ(answer.stepSource, "ProfilerStep");
    EXPECT_EQ(answer.steps.size(), 5U);
}

TEST_F(StrangeFiles, TheTritonExampleIsOneRank) {
    const fs::path trace = fs::path(RIDGE_TRACES_DIR) / "kineto/hta_triton_example.json.gz";
    if (!fs::exists(trace)) GTEST_SKIP() << "no traces of other tools at " << RIDGE_TRACES_DIR;
    const Analysis answer = analysisOf({trace.string()});
    EXPECT_EQ(answer.ranks.size(), 1U);
    ASSERT_EQ(answer.devices.size(), 1U);
    EXPECT_EQ(answer.devices[0].spanNs, 1'760);
}

TEST_F(StrangeFiles, BeginsAndEndsBecomeRanges) {
    JsonTrace t = oneRank(0);
    const auto half = [&](const char* phase, const char* name, int tid, int us) {
        t.raw(fmt::format(R"({{"ph": "{}", "cat": "user_annotation", "name": "{}", "pid": 500, "tid": {}, "ts": {}}})", phase, name, tid, 1711964650000000 + us));
    };
    half("B", "outer", 1, 100);
    half("B", "inner", 1, 200);
    half("B", "other thread", 2, 250);
    half("E", "inner", 1, 300);
    half("E", "outer", 1, 900);
    half("E", "nobody", 3, 950);
    const auto timeline = analyzer::load({write("halves.json", t.text())});
    ASSERT_TRUE(timeline.ok());
    std::map<std::string, std::pair<Ns, bool>> found;
    for (const auto& range : timeline->ranges) found[timeline->names.text(range.name)] = {range.end - range.start, range.open};
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found["outer"], std::pair(Ns{800'000}, false));
    EXPECT_EQ(found["inner"], std::pair(Ns{100'000}, false));
    EXPECT_TRUE(found["other thread"].second);
    const Analysis answer = analysisOf({path("halves.json")});
    const auto* gate = gateOf(answer, "unpaired_events");
    ASSERT_TRUE(gate);
    EXPECT_EQ(gate->count, 2);
    ASSERT_EQ(answer.losses.size(), 1U);
    EXPECT_EQ(answer.losses[0].count, 1);
}

TEST_F(StrangeFiles, UnknownCategoriesAreCountedByName) {
    JsonTrace t = oneRank(0);
    for (int i = 0; i < 7; ++i) t.event("quantum_op", "q", R"("pid": 500, "tid": 1)", i * 1'000, 500);
    t.event("<b>new</b>", "q", R"("pid": 500, "tid": 1)", 0, 500);
    const Analysis answer = analysisOf({write("unknown.json", t.text())});
    const auto* gate = gateOf(answer, "unknown_categories");
    ASSERT_TRUE(gate);
    EXPECT_EQ(gate->count, 8);
    EXPECT_NE(gate->detail.find("quantum_op (7)"), std::string::npos) << gate->detail;
    ASSERT_EQ(answer.losses.size(), 1U);
    EXPECT_EQ(answer.losses[0].count, 8);
}

TEST_F(StrangeFiles, ABadRankOrBaseTimeIsSaid) {
    for (const char* info : {R"({"rank": -3, "world_size": 2})", R"({"rank": "zero"})", R"([1])", R"({"rank": 5, "world_size": 2})", R"({"rank": 0, "world_size": -2})"}) {
        SCOPED_TRACE(info);
        JsonTrace t = oneRank(0);
        t.member(fmt::format(R"("distributedInfo": {})", info));
        EXPECT_TRUE(gateOf(analysisOf({write("rank.json", t.text())}), "distributed_info"));
    }
    JsonTrace t = oneRank(0);
    t.member(R"("baseTimeNanoseconds": "yesterday")");
    EXPECT_TRUE(gateOf(analysisOf({write("base.json", t.text())}), "base_time"));
    EXPECT_FALSE(gateOf(analysisOf({write("good.json", oneRank(0).rank(0, 1).text())}), "distributed_info"));
}

TEST_F(StrangeFiles, WhatFollowsTheEndIsSaid) {
    const std::string text = oneRank(0).text();
    const auto trailing = [&](const std::string& file) { return gateOf(analysisOf({file}), "trailing_bytes"); };
    EXPECT_FALSE(trailing(write("whole.json", text + " \n\t\n")));
    EXPECT_TRUE(trailing(write("tail.json", text + "\n{\"more\": 1}")));
    EXPECT_TRUE(trailing(write("long_tail.json", text + std::string(1'000'000, ' ') + "x")));
    EXPECT_TRUE(trailing(write("list.json", "[{\"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"a\", \"pid\": 1, \"tid\": 1, \"ts\": 1, \"dur\": 2}] x")));
    ASSERT_EQ(std::system(fmt::format("gzip -c '{}' > '{}'", path("whole.json"), path("whole.json.gz")).c_str()), 0);
    const auto packed = readFile(path("whole.json.gz"));
    ASSERT_TRUE(packed.ok());
    EXPECT_FALSE(trailing(path("whole.json.gz")));
    EXPECT_FALSE(trailing(write("padded.json.gz", *packed + std::string(500, '\0'))));
    EXPECT_TRUE(trailing(write("garbage.json.gz", *packed + "garbage behind it")));
}

}  // namespace
}  // namespace ridge::test
