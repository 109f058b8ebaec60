// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Real traces of eight ranks, summarised one by one and merged, against their analysis in one go.
#include <algorithm>
#include <filesystem>

#include "tests/unit/analyzer/check.h"
#include "tests/unit/summary/runs.h"

namespace ridge::test {
namespace {

TEST(MergedTraces, EightRanksSayTheSameAsInOneGo) {
    const std::filesystem::path folder = std::filesystem::path(RIDGE_TRACES_DIR) / "kineto";
    std::vector<std::string> paths;
    for (int r = 0; r < 8; ++r) paths.push_back((folder / ("param_v100_dlrm_8rank_w" + std::to_string(r) + ".json.gz")).string());
    if (!std::filesystem::exists(paths.front())) GTEST_SKIP() << "no folder of other tools' traces at " << folder;
    const auto whole = analyze(paths, {});
    ASSERT_TRUE(whole.ok());
    Summary all;
    std::reverse(paths.begin(), paths.end());
    for (const std::string& path : paths) {
        auto one = summarize({path}, {});
        ASSERT_TRUE(one.ok()) << one.error().message;
        auto again = summaryFromJson(summaryToJson(*one));
        ASSERT_TRUE(again.ok()) << again.error().message;
        ASSERT_TRUE(mergeInto(all, std::move(*again)).ok());
    }
    const auto report = toAnalysis(all);
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->attribution, whole->attribution);
    ASSERT_FALSE(report->stragglers.empty());
    ASSERT_EQ(report->stragglers.size(), whole->stragglers.size());
    EXPECT_EQ(report->stragglers[0].rank, whole->stragglers[0].rank);
    EXPECT_EQ(report->stragglers[0].rank, 7);
    EXPECT_EQ(report->stragglers[0].blameNs, whole->stragglers[0].blameNs);
    // The step is that of the lowest rank, as in the report of all together, and the high end of what the last rank costs too.
    EXPECT_EQ(report->workloads.at(0).medianStepNs, whole->workloads.at(0).medianStepNs);
    const auto savingOf = [](const Analysis& a) {
        for (const auto& f : a.findings)
            if (f.rule == "wait_for_peers") return f.savingHighNs;
        return Ns{-1};
    };
    EXPECT_GT(savingOf(*report), 0);
    EXPECT_EQ(savingOf(*report), savingOf(*whole));
    ASSERT_EQ(report->devices.size(), whole->devices.size());
    for (std::size_t i = 0; i < report->clocks.size(); ++i) EXPECT_EQ(report->clocks[i].offsetNs, whole->clocks[i].offsetNs);
}

}  // namespace
}  // namespace ridge::test
