// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Steps by the repetition of kernels, and what the gate says of captures.
#include <gtest/gtest.h>

#include "analyzer/steps/periodicity.h"
#include "analyzer/timeline/load.h"
#include "json_trace.h"
#include "trace_builder.h"

namespace ridge::test {
namespace {

using analyzer::findPeriod;

// layers x (1 2 3), then 4 5: a step of 3 * layers + 2 kernels, with a wait before the first.
void addStep(std::vector<std::uint32_t>& names, std::vector<Ns>& gaps, int layers) {
    for (int l = 0; l < layers; ++l)
        for (const std::uint32_t name : {1U, 2U, 3U}) {
            names.push_back(name);
            gaps.push_back(l == 0 && name == 1 ? 900 : 10);
        }
    for (const std::uint32_t name : {4U, 5U}) {
        names.push_back(name);
        gaps.push_back(name == 4 ? 20 : 10);
    }
}

TEST(Periodicity, TheStepIsFoundAndNotTheLayer) {
    std::vector<std::uint32_t> names;
    std::vector<Ns> gaps;
    for (int s = 0; s < 10; ++s) addStep(names, gaps, 12);
    const auto period = findPeriod(names, gaps);
    ASSERT_TRUE(period.has_value());
    EXPECT_EQ(period->kernels, 38U);
    ASSERT_GE(period->starts.size(), 9U);
    for (std::size_t i = 1; i < period->starts.size(); ++i) EXPECT_EQ(period->starts[i] - period->starts[i - 1], 38U);
}

TEST(Periodicity, AnExtraKernelNowAndThenDoesNotLoseTheStep) {
    std::vector<std::uint32_t> names;
    std::vector<Ns> gaps;
    for (int s = 0; s < 12; ++s) {
        addStep(names, gaps, 20);
        if (s == 5) {
            names.push_back(99);
            gaps.push_back(5);
        }
    }
    const auto period = findPeriod(names, gaps);
    ASSERT_TRUE(period.has_value());
    EXPECT_EQ(period->kernels, 62U);
    EXPECT_GE(period->starts.size(), 11U);
}

TEST(Periodicity, WhatDoesNotRepeatHasNoSteps) {
    std::vector<std::uint32_t> names, same(500, 7);
    std::vector<Ns> gaps(500, 10);
    std::uint64_t state = 3;
    for (int i = 0; i < 500; ++i) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        names.push_back(static_cast<std::uint32_t>((state >> 33) % 20));
    }
    EXPECT_FALSE(findPeriod(names, gaps).has_value());
    EXPECT_FALSE(findPeriod(same, gaps).has_value());
    EXPECT_FALSE(findPeriod({}, {}).has_value());
    EXPECT_FALSE(findPeriod({1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}, std::vector<Ns>(12, 1)).has_value());  // too few to believe
}

TEST(Periodicity, StepsTileTheDevice) {
    JsonTrace t;
    int correlation = 0;
    for (int s = 0; s < 8; ++s)
        for (int k = 0; k < 10; ++k) {
            const std::int64_t at = s * 1'000'000 + k * 50'000;
            t.call("cudaLaunchKernel", 1, 1, at, 5'000, ++correlation);
            t.kernel("kernel" + std::to_string(k), 0, 7, at + 10'000, 40'000, correlation);
        }
    auto folder = TempDir::create("ridge-import-test");
    const std::string path = (folder->path() / "t.json").string();
    t.write(path);
    const Analysis answer = analyzeText(path);
    EXPECT_EQ(answer.stepSource, "kernel periodicity");
    ASSERT_EQ(answer.steps.size(), 8U);
    EXPECT_EQ(answer.steps[0].endNs - answer.steps[0].startNs, 490'000);
    for (std::size_t i = 1; i < 8; ++i) {
        EXPECT_EQ(answer.steps[i].startNs, answer.steps[i - 1].endNs);
        EXPECT_EQ(answer.steps[i].endNs - answer.steps[i].startNs, 1'000'000);
    }
    EXPECT_EQ(gateOf(answer, "steps_by_periodicity")->count, 8);
}

struct Capture : testing::Test {
    Result<TempDir> folder = TempDir::create("ridge-import-test");
    [[nodiscard]] std::string file(const char* name) const { return (folder->path() / name).string(); }
};

TEST_F(Capture, AnExportWithoutStringsOrColumnsIsToldOf) {
    TraceBuilder t(file("t.sqlite"), false);
    const std::int64_t tid = TraceBuilder::tid(1, 1);
    for (int i = 0; i < 20; ++i) {
        t.call(tid, i * 10'000, i * 10'000 + 1'000, "cudaLaunchKernel_v7000", i + 1);
        t.kernel(1, 0, i * 10'000 + 3'000, i * 10'000 + 8'000, "k", i + 1);
    }
    t.run("DROP TABLE StringIds; ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME COLUMN correlationId TO linkId");
    t.finish();
    const auto answer = analyzer::analyze({file("t.sqlite")}, {});
    ASSERT_TRUE(answer.ok());
    const auto* columns = gateOf(*answer, "missing_columns");
    ASSERT_NE(columns, nullptr);
    EXPECT_EQ(columns->count, 2);
    EXPECT_EQ(columns->severity, Severity::kError);
    EXPECT_NE(columns->detail.find("correlationId"), std::string::npos);
    EXPECT_EQ(gateOf(*answer, "schema_version")->severity, Severity::kWarning);  // it says none
    EXPECT_EQ(findingOf(*answer, "launch_bound"), nullptr);
    for (const auto& finding : answer->findings) EXPECT_EQ(finding.confidence, Confidence::kLow);
}

TEST_F(Capture, VersionsBeyondWhatIsKnownAreToldOf) {
    for (const auto& [version, warned] : {std::pair{"2.8.1", 1}, std::pair{"2.9.0", 0}, std::pair{"3.25.7", 0}, std::pair{"3.26.0", 1}, std::pair{"4.0.0", 1}, std::pair{"x", 1}}) {
        const std::string path = file((std::string(version) + ".sqlite").c_str());
        TraceBuilder t(path, false);
        t.table("META_DATA_EXPORT");
        t.run("INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_SCHEMA_VERSION', '" + std::string(version) + "')");
        t.kernel(1, 0, 0, 1'000, "k", 1);
        t.finish();
        const auto answer = analyzer::analyze({path}, {});
        ASSERT_TRUE(answer.ok());
        EXPECT_EQ(gateOf(*answer, "schema_version")->count, warned) << version;
    }
}

TEST_F(Capture, LostRecordsShortReplaysAndRowsOutsideAreCounted) {
    TraceBuilder t(file("t.sqlite"), false);
    const std::int64_t tid = TraceBuilder::tid(1, 1);
    for (int r = 0; r < 6; ++r) {
        t.call(tid, r * 100'000, r * 100'000 + 2'000, "cudaGraphLaunch_v10000", r + 1);
        for (int k = 0; k < (r == 3 ? 2 : 4); ++k) t.kernel(1, 0, r * 100'000 + 5'000 + k * 10'000, r * 100'000 + 13'000 + k * 10'000, "k" + std::to_string(k), r + 1);
    }
    t.kernel(1, 0, 90'000'000, 90'001'000, "late", 77);
    t.table("ANALYSIS_DETAILS");
    t.run("INSERT INTO ANALYSIS_DETAILS VALUES (0, 700000, 0, 700000)");
    t.table("DIAGNOSTIC_EVENT");
    t.run("INSERT INTO DIAGNOSTIC_EVENT VALUES (0, 1, 1, 2, 'Not all CUDA events might have been collected.', NULL), (0, 1, 1, 1, 'Number of dropped events: 0', NULL)");
    t.finish();
    const auto answer = analyzer::analyze({file("t.sqlite")}, {});
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(gateOf(*answer, "short_graph_replays")->count, 1);
    EXPECT_EQ(gateOf(*answer, "rows_outside_capture")->count, 1);
    EXPECT_EQ(gateOf(*answer, "collector_lost_records")->count, 1);
    EXPECT_EQ(gateOf(*answer, "mostly_unlinked")->count, 0);
}

TEST_F(Capture, OpenRangesEndWithTheirProcess) {
    TraceBuilder t(file("t.sqlite"));
    const std::int64_t tid = TraceBuilder::tid(1, 1);
    t.range(tid, 0, 1'000, "step", 3);
    t.range(tid, 2'000, -1, "killed in here");
    t.range(TraceBuilder::tid(2, 2), 3'000, -1, "of a process without an end");
    t.range(TraceBuilder::tid(2, 2), 50'000, 90'000, "last");
    t.table("RIDGE_PROCESS");
    t.run(fmt::format("INSERT INTO RIDGE_PROCESS VALUES ({}, 0, 7000, 'ended', 137)", TraceBuilder::gpid(1)));
    t.finish();
    const auto timeline = analyzer::load({file("t.sqlite")});
    ASSERT_TRUE(timeline.ok());
    for (const auto& range : timeline->ranges) {
        const std::string& name = timeline->names.text(range.name);
        if (name == "killed in here") {
            EXPECT_EQ(range.end, 7'000);
        }
        if (name == "of a process without an end") {
            EXPECT_EQ(range.end, 90'000);
        }
    }
}

TEST_F(Capture, OpsOfFrameworksInNvtxAreOps) {
    TraceBuilder t(file("t.sqlite"), false);
    const std::int64_t tid = TraceBuilder::tid(1, 1);
    t.range(tid, 0, 9'000, "aten::mm, seq = 4, op_id = 7, sizes = [[2, 3], [3, 4]], input_op_ids = [(5,0)]");
    t.range(tid, 10'000, 19'000, "aten::mm, op_id = 8");
    t.range(tid, 20'000, 29'000, "my step, number 3");
    t.call(tid, 1'000, 2'000, "cudaLaunchKernel_v7000", 1);
    t.kernel(1, 0, 3'000, 5'000, "k", 1);
    t.finish();
    const auto timeline = analyzer::load({file("t.sqlite")});
    ASSERT_TRUE(timeline.ok());
    ASSERT_EQ(timeline->ranges.size(), 3U);
    EXPECT_EQ(timeline->names.text(timeline->ranges[0].name), "aten::mm");
    EXPECT_EQ(timeline->ranges[0].name, timeline->ranges[1].name);
    EXPECT_EQ(timeline->names.text(timeline->ranges[0].shapes), "[[2, 3], [3, 4]]");
    EXPECT_EQ(timeline->ranges[2].kind, analyzer::RangeKind::kAnnotation);
    EXPECT_EQ(timeline->gpu[0].op, 0);
}

}  // namespace
}  // namespace ridge::test
