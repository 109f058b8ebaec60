// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// An analysis that nobody waits for any more ends between its stages.
#include <gtest/gtest.h>

#include <atomic>

#include "analyzer/analyze.h"
#include "analyzer/compare/profile.h"
#include "base/file.h"
#include "gui/app/analyze_run.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace ridge::gui {
namespace {

class Cancel : public testing::Test {
protected:
    Cancel() {
        ridge::test::TraceBuilder b(path);
        const auto tid = ridge::test::TraceBuilder::tid(100, 100);
        for (int i = 0; i < 6; ++i) {
            const analyzer::Ns t = i * 1'000'000;
            b.range(tid, t, t + 900'000, "step", 3, i);
            b.work(tid, t + 100'000, t + 500'000, "mm", {1, 1, 100'000'000, 1'000'000, 1'000'000, 0, 0, 0});
        }
        b.finish();
    }
    TempDir folder = std::move(TempDir::create("ridge-cancel")).value();
    std::string path = (folder.path() / "t.sqlite").string();
    std::atomic<bool> stop{false};
};

TEST_F(Cancel, BeforeItBegins) {
    stop = true;
    analyzer::AnalyzeOptions options;
    options.stop = &stop;
    EXPECT_FALSE(analyzer::analyze({path}, options).ok());
    EXPECT_FALSE(analyzer::profileRun({path}, options, nullptr).ok());
}

// The partition is handed out in the middle: what comes after it, the hand-out of everything, is not reached.
TEST_F(Cancel, InTheMiddle) {
    analyzer::AnalyzeOptions options;
    options.stop = &stop;
    int partitions = 0, ends = 0;
    options.onPartition = [&](std::int64_t, std::int64_t, bool, const analyzer::Segments&) {
        ++partitions;
        stop = true;
    };
    options.onContext = [&](const analyzer::Context&, const analyzer::Analysis&) { ++ends; };
    const auto answer = analyzer::analyze({path}, options);
    EXPECT_FALSE(answer.ok());
    EXPECT_EQ(partitions, 1);
    EXPECT_EQ(ends, 0);
    stop = false;
    options.onPartition = nullptr;
    EXPECT_TRUE(analyzer::analyze({path}, options).ok());
    EXPECT_EQ(ends, 1);
}

TEST_F(Cancel, OfBothSidesOfAComparison) {
    AnalysisWish wish{path, path, {}, {}, {}, {}, nullptr, nullptr, &stop};
    EXPECT_NE(analyzeRun(wish).insight, nullptr);
    stop = true;
    const AnalysisAnswer answer = analyzeRun(wish);
    EXPECT_EQ(answer.insight, nullptr);
    EXPECT_FALSE(answer.problem.empty());
}

}  // namespace
}  // namespace ridge::gui
