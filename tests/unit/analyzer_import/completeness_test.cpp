// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Files that do not hold what happened: their answer says so, and says nothing more than it can.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "analyzer/gate/gate.h"
#include "analyzer/import/write_timeline.h"
#include "analyzer/timeline/load.h"
#include "json_trace.h"
#include "reports/terminal/terminal.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

constexpr std::int64_t kLaunches = 200, kPeriod = 100'000;

class Completeness : public testing::Test {
protected:
    Completeness() : m_folder(TempDir::create("ridge-completeness-test")) {}
    [[nodiscard]] std::string path(const std::string& name) const { return (m_folder->path() / name).string(); }
    static Analysis analysisOf(const std::string& file) {
        auto answer = analyzer::analyze({file}, {});
        if (!answer.ok()) {
            ADD_FAILURE() << answer.error().message;
            return {};
        }
        checkPartition(*answer);
        return std::move(answer).value();
    }
    // 200 launches 100 us apart, each with a kernel of 50 us where `has` says so.
    std::string launches(const std::string& name, const std::function<bool(std::int64_t)>& has, const std::function<void(TraceBuilder&)>& more = {}) const {
        TraceBuilder b(path(name), false);
        const std::int64_t thread = TraceBuilder::tid(100, 1);
        b.table("CUPTI_ACTIVITY_KIND_KERNEL");
        for (std::int64_t i = 0; i < kLaunches; ++i) {
            b.range(thread, i * kPeriod, i * kPeriod + 90'000, "work");
            b.call(thread, i * kPeriod, i * kPeriod + 5'000, "cudaLaunchKernel_v7000", i + 1);
            if (has(i)) b.kernel(100, 0, i * kPeriod + 6'000, i * kPeriod + 56'000, "gemm", i + 1);
        }
        if (more) more(b);
        b.finish();
        return path(name);
    }
    std::string changed(const std::string& name, const std::string& sql) const {
        const std::string file = launches(name, [](std::int64_t) { return true; });
        auto db = Database::openForWriting(file);
        EXPECT_TRUE(db.ok() && db->execute(sql).ok());
        return file;
    }
    std::string imported(const std::string& trace) const {
        const auto timeline = analyzer::load({trace});
        EXPECT_TRUE(timeline.ok());
        const std::string file = trace + ".sqlite";
        EXPECT_TRUE(timeline.ok() && analyzer::writeTimeline(*timeline, file).ok());
        return file;
    }

private:
    Result<TempDir> m_folder;
};

std::int64_t countOf(const Analysis& answer, const std::string& check) {
    const auto* gate = gateOf(answer, check);
    return gate ? gate->count : -1;
}

bool noVerdict(const Analysis& answer) {
    if (!gateOf(answer, "no_verdict") || !answer.findings.empty() || answer.workloads.empty()) return false;
    for (const auto& w : answer.workloads)
        if (w.verdict.wallClass != WallClass::kUnknownCapture) return false;
    return true;
}

TEST_F(Completeness, AWholeTracePasses) {
    const Analysis answer = analysisOf(launches("whole", [](std::int64_t) { return true; }));
    EXPECT_EQ(countOf(answer, "launches_without_rows"), 0);
    EXPECT_EQ(gateOf(answer, "rows_left_out"), nullptr);
    EXPECT_EQ(gateOf(answer, "no_verdict"), nullptr);
    EXPECT_NE(reports::renderTerminal(answer, {}).find("nothing was lost"), std::string::npos);
}

TEST_F(Completeness, HalfOfTheKernelsIsAnError) {
    const Analysis answer = analysisOf(launches("half", [](std::int64_t i) { return i % 2 == 1; }));
    const auto* gate = gateOf(answer, "launches_without_rows");
    ASSERT_TRUE(gate);
    EXPECT_EQ(gate->count, kLaunches / 2);
    EXPECT_EQ(gate->severity, Severity::kError);
    EXPECT_NE(gate->detail.find("100 of 200 launches have no GPU row"), std::string::npos) << gate->detail;
    EXPECT_EQ(analyzer::captureConfidence(answer), Confidence::kLow);
    for (const char* rule : {"host_time", "gpu_gaps", "launch_bound", "low_utilisation"}) EXPECT_EQ(findingOf(answer, rule), nullptr) << rule;
    EXPECT_EQ(reports::renderTerminal(answer, {}).find("nothing was lost"), std::string::npos);
}

TEST_F(Completeness, AFewMissingKernelsPass) {
    EXPECT_EQ(countOf(analysisOf(launches("few", [](std::int64_t i) { return i % 20 != 0; })), "launches_without_rows"), 0) << "10 of 200";
    EXPECT_EQ(countOf(analysisOf(launches("more", [](std::int64_t i) { return i % 18 != 0; })), "launches_without_rows"), 12) << "12 of 200";
}

TEST_F(Completeness, TheBacklogAtTheEndIsNotMissingButAnIdleDeviceIs) {
    // The host ran ahead: all is launched in the time of half the kernels.
    TraceBuilder b(path("ahead"), false);
    const std::int64_t thread = TraceBuilder::tid(100, 1);
    for (std::int64_t i = 0; i < kLaunches; ++i) {
        b.call(thread, i * kPeriod, i * kPeriod + 5'000, "cudaLaunchKernel", i + 1);
        if (i < kLaunches / 2) b.kernel(100, 0, 6'000 + 2 * i * kPeriod, 6'000 + (2 * i + 2) * kPeriod, "gemm", i + 1);
    }
    b.finish();
    EXPECT_EQ(countOf(analysisOf(b.path()), "launches_without_rows"), 0);
    // Here the device is done with each at once, and rows end in the middle of the trace. The last row ends at 9.956 ms;
    // 1 ms of backlog forgives the launches at 10.0 ... 10.9 ms.
    EXPECT_EQ(countOf(analysisOf(launches("stops", [](std::int64_t i) { return i < kLaunches / 2; })), "launches_without_rows"), kLaunches / 2 - 10);
}

TEST_F(Completeness, LaunchesIntoACaptureHaveNoRows) {
    const auto capture = [](TraceBuilder& b) {
        const std::int64_t thread = TraceBuilder::tid(100, 1);
        b.call(thread, 49 * kPeriod + 10'000, 49 * kPeriod + 11'000, "cudaStreamBeginCapture_v10000", 1001);
        b.call(thread, 150 * kPeriod + 10'000, 150 * kPeriod + 11'000, "cudaStreamEndCapture_v10000", 1002);
    };
    const auto outside = [](std::int64_t i) { return i < 50 || i > 150; };
    EXPECT_EQ(countOf(analysisOf(launches("captured", outside, capture)), "launches_without_rows"), 0);
    EXPECT_EQ(countOf(analysisOf(launches("lost", outside)), "launches_without_rows"), 101);
}

TEST_F(Completeness, LaunchesAndNoKernelGiveNoVerdict) {
    const Analysis answer = analysisOf(launches("none", [](std::int64_t) { return false; }));
    EXPECT_TRUE(noVerdict(answer));
    EXPECT_NE(gateOf(answer, "no_verdict")->detail.find("200 kernels were launched and the trace holds none"), std::string::npos);
    JsonTrace t;
    for (int i = 0; i < 20; ++i) t.op("aten::mm", 1, 1, i * 100'000, 80'000).call("cudaLaunchKernel", 1, 1, i * 100'000 + 10'000, 5'000, i + 1);
    t.write(path("cpu.json"));
    EXPECT_TRUE(noVerdict(analysisOf(path("cpu.json"))));
    EXPECT_TRUE(noVerdict(analysisOf(imported(path("cpu.json")))));
}

TEST_F(Completeness, RowsLeftOutLowerTheConfidenceAndThenTakeTheVerdict) {
    const Analysis few = analysisOf(changed("few_negative", "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = start - 5 WHERE correlationId % 20 = 0"));
    EXPECT_EQ(countOf(few, "rows_left_out"), 10);
    EXPECT_EQ(analyzer::captureConfidence(few), Confidence::kLow);
    EXPECT_EQ(gateOf(few, "no_verdict"), nullptr);
    EXPECT_EQ(reports::renderTerminal(few, {}).find("nothing was lost"), std::string::npos);
    const Analysis one = analysisOf(changed("one_negative", "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = start - 5 WHERE correlationId = 7"));
    EXPECT_EQ(gateOf(one, "rows_left_out"), nullptr) << "half a percent";
    EXPECT_EQ(countOf(one, "negative_durations"), 1);
    EXPECT_EQ(reports::renderTerminal(one, {}).find("nothing was lost"), std::string::npos) << "one row was";
    for (const char* change : {"end = start - 5", "start = 'abc'", "start = start + 0.5"})
        EXPECT_TRUE(noVerdict(analysisOf(changed(fmt::format("many{}", std::string_view(change).size()), fmt::format("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET {} WHERE correlationId % 2 = 0", change))))) << change;
}

TEST_F(Completeness, KernelsWithoutLengthAreSaid) {
    const auto zero = [&](const char* name, const char* where) {
        return analysisOf(changed(name, fmt::format("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = start WHERE {}", where)));
    };
    const Analysis all = zero("all", "1"), most = zero("most", "correlationId > 50"), some = zero("some", "correlationId > 150");
    ASSERT_TRUE(gateOf(all, "zero_length_kernels") && gateOf(most, "zero_length_kernels"));
    EXPECT_EQ(gateOf(all, "zero_length_kernels")->severity, Severity::kError);
    EXPECT_EQ(gateOf(most, "zero_length_kernels")->severity, Severity::kWarning);
    EXPECT_EQ(gateOf(some, "zero_length_kernels"), nullptr);
    EXPECT_TRUE(noVerdict(all));
    EXPECT_FALSE(noVerdict(most));
}

// However few they are: of a GPU whose kernels take no time nobody knows whether it was idle.
TEST_F(Completeness, FewKernelsWithoutLengthAreNoIdleDevice) {
    for (const int kept : {1, 3, 10}) {
        const auto zero = [&](const char* name, const char* where) {
            return analysisOf(changed(
                fmt::format("{}{}", name, kept),
                fmt::format(
                    "DELETE FROM CUPTI_ACTIVITY_KIND_KERNEL WHERE correlationId > {0}; DELETE FROM "
                    "CUPTI_ACTIVITY_KIND_RUNTIME WHERE correlationId > {0}; UPDATE "
                    "CUPTI_ACTIVITY_KIND_KERNEL "
                    "SET end = start WHERE {1}",
                    kept, where)));
        };
        const Analysis none = zero("none", "1"), one = zero("one", "correlationId > 1");
        EXPECT_TRUE(noVerdict(none)) << kept;
        EXPECT_TRUE(none.findings.empty()) << kept;
        for (const auto& workload : none.workloads)
            EXPECT_EQ(workload.verdict.wallClass, WallClass::kUnknownCapture) << kept;
        EXPECT_FALSE(noVerdict(one)) << "one of " << kept << " has a length";
    }
}

TEST_F(Completeness, RowsOfWhichNoneTakesTimeAreSaid) {
    for (const bool kernels : {false, true}) {
        const Analysis answer = analysisOf(changed(fmt::format("zero{}", kernels), fmt::format("UPDATE NVTX_EVENTS SET start = 0, end = 0; UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET start = 0, end = 0; {}",
                                                                                       kernels ? "" : "DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL")));
        for (const char* check : {"zero_length_calls", "zero_length_ranges"}) {
            const auto* gate = gateOf(answer, check);
            ASSERT_TRUE(gate) << check;
            EXPECT_EQ(gate->severity, kernels ? Severity::kWarning : Severity::kError);
            EXPECT_GE(gate->count, kLaunches);
        }
        EXPECT_EQ(reports::renderTerminal(answer, {}).find("nothing was lost"), std::string::npos);
    }
}

// Text, or nothing, where a time is meant; and rows of the host that do not say whose they are.
TEST_F(Completeness, TextInPlaceOfATimeIsARowLeftOut) {
    JsonTrace t;
    for (int i = 0; i < 40; ++i) t.call("cudaLaunchKernel", 1, 1, i * 100'000, 5'000, i + 1).kernel("gemm", 0, 7, i * 100'000 + 6'000, 50'000, i + 1);
    for (int i = 0; i < 4; ++i) {
        t.raw(R"({"ph": "X", "cat": "kernel", "name": "text", "pid": 0, "tid": 7, "ts": "1711964650000000", "dur": 5})");
        t.raw(R"({"ph": "X", "cat": "kernel", "name": "null", "pid": 0, "tid": 7, "ts": 1711964650000000, "dur": null})");
        t.raw(R"({"ph": "X", "cat": "cuda_runtime", "name": "whose", "ts": 1711964650000000, "dur": 5})");
    }
    t.write(path("text.json"));
    for (const std::string& file : {path("text.json"), imported(path("text.json"))}) {
        const Analysis answer = analysisOf(file);
        EXPECT_EQ(countOf(answer, "rows_left_out"), 12) << file;
        EXPECT_EQ(reports::renderTerminal(answer, {}).find("nothing was lost"), std::string::npos) << file;
    }
    EXPECT_EQ(countOf(analysisOf(path("text.json")), "times_out_of_range"), 8);
    EXPECT_EQ(countOf(analysisOf(path("text.json")), "rows_without_thread"), 4);
    const Analysis sqlite = analysisOf(changed("text_times", "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = 'soon' WHERE correlationId % 20 = 0; "
                                                             "UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET end = 'later' WHERE correlationId % 20 = 0"));
    EXPECT_EQ(countOf(sqlite, "rows_left_out"), 20);
}

TEST_F(Completeness, RangesAloneSayNothingOfTheDevice) {
    TraceBuilder b(path("ranges"), false);
    for (std::int64_t i = 0; i < 20; ++i) b.range(TraceBuilder::tid(100, 1), i * kPeriod, i * kPeriod + 90'000, "work");
    b.finish();
    const Analysis answer = analysisOf(b.path());
    const auto* gate = gateOf(answer, "ranges_only");
    ASSERT_TRUE(gate);
    EXPECT_EQ(gate->detail, "no GPU or CUDA rows in this file; ranges only: what the device did cannot be told");
    EXPECT_EQ(analyzer::captureConfidence(answer), Confidence::kLow);
    EXPECT_EQ(findingOf(answer, "host_time"), nullptr);
    ASSERT_EQ(answer.workloads.size(), 1U);
    EXPECT_EQ(answer.workloads[0].verdict.wallClass, WallClass::kUnknownCapture);
    EXPECT_EQ(reports::renderTerminal(answer, {}).find("outside any op"), std::string::npos);
    // A recording of our own that nobody recorded a GPU in is of a program on the CPU.
    TraceBuilder own(path("own"));
    own.range(TraceBuilder::tid(100, 1), 0, 90'000, "work");
    own.finish();
    EXPECT_EQ(gateOf(analysisOf(own.path()), "ranges_only"), nullptr);
}

TEST_F(Completeness, ABrokenTraceWeighsAsMuchAfterItsImport) {
    JsonTrace t;
    for (int i = 0; i < 40; ++i) t.call("cudaLaunchKernel", 1, 1, i * 100'000, 5'000, i + 1).kernel("gemm", 0, 7, i * 100'000 + 6'000, 50'000, i + 1);
    const std::string text = t.text();
    std::ofstream(path("cut.json")) << text.substr(0, text.size() / 2);
    for (const std::string& file : {path("cut.json"), imported(path("cut.json"))}) {
        const Analysis answer = analysisOf(file);
        const auto* gate = gateOf(answer, "unreadable_tables");
        ASSERT_TRUE(gate) << file;
        EXPECT_EQ(gate->severity, Severity::kError) << file;
        EXPECT_EQ(gate->count, 1) << file;
        EXPECT_EQ(analyzer::captureConfidence(answer), Confidence::kLow) << file;
        EXPECT_EQ(reports::renderTerminal(answer, {}).find("nothing was lost"), std::string::npos) << file;
    }
}

}  // namespace
}  // namespace ridge::test
