// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// A node against references, at the edges of the rule; and how its acceptance is said.
#include "analyzer/regression/acceptance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/health/health.h"
#include "tests/unit/regression/runs.h"

namespace ridge::analyzer::test {
namespace {

RunMetric metric(const std::string& direction, double value) {
    RunMetric m{direction == "lower" ? "time" : "rate", direction == "lower" ? "s" : "B/s", direction, "wall", {}};
    RunSample s;
    s.value = value;
    m.samples.push_back(s);
    return m;
}

RunReport node(double seconds, double rate) {
    RunReport r;
    r.keyFields = {{"cpu.model", "x"}};
    r.benchmarks.push_back({"work", "t", "work", {}, "ok", "", {metric("lower", seconds)}});
    r.benchmarks.push_back({"roof", "t", "roof", {}, "ok", "", {metric("higher", rate)}});
    return r;
}

std::vector<StoredRun> stored(std::vector<RunReport> runs) {
    std::vector<StoredRun> out;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        runs[i].id = runs[i].sessionId = "r" + std::to_string(i);
        out.push_back({runs[i], "r" + std::to_string(i) + ".json"});
    }
    return out;
}

Acceptance judged(const RunReport& here, const std::vector<StoredRun>& all, AcceptanceOptions options = {}) {
    Acceptance a;
    judgeNode(here, referencesFor(here, all, options, a), options, a);
    return a;
}

TEST(Acceptance, oneReferenceAndItsTolerance) {
    const auto reference = stored({node(1, 100)});
    EXPECT_EQ(judged(node(1.099, 100 / 1.099), reference).overall(), Fitness::kFit);
    const Acceptance slow = judged(node(1.101, 100), reference);
    EXPECT_EQ(slow.overall(), Fitness::kSlow);
    EXPECT_EQ(slow.checks.front().benchmark, "work") << "slow ones first";
    EXPECT_NEAR(*slow.checks.front().slower, 0.101, 1e-9);
    EXPECT_NEAR(*slow.checks.front().limit, 0.10, 1e-9);
    EXPECT_EQ(judged(node(1, 90), reference).checks.front().benchmark, "roof") << "of a rate, less is slow";
    EXPECT_EQ(judged(node(0.5, 300), reference).overall(), Fitness::kFit) << "faster is fit";
    EXPECT_EQ(judged(node(1.2, 100), reference, {0.25, {}}).overall(), Fitness::kFit);
}

TEST(Acceptance, aFleetSaysItselfHowMuchItsNodesDiffer) {
    // Median 1.00, MAD of the ln 0.01005: the limit is exp(5 x 1.4826 x that), 7.73 %.
    const auto fleet = stored({node(0.98, 100), node(0.99, 100), node(1.00, 100), node(1.01, 100), node(1.02, 100)});
    const Acceptance at = judged(node(1.07, 100), fleet);
    EXPECT_EQ(at.overall(), Fitness::kFit);
    EXPECT_EQ(judged(node(1.08, 100), fleet).overall(), Fitness::kSlow);
    for (const auto& check : at.checks) EXPECT_NEAR(*check.limit, check.benchmark == "work" ? 0.0773 : 0.03, 1e-4) << "without any spread, 3 %";
    EXPECT_EQ(judged(node(1, 100 / 1.029), fleet).overall(), Fitness::kFit);
    EXPECT_EQ(judged(node(1, 100 / 1.031), fleet).overall(), Fitness::kSlow);
    const auto four = std::vector<StoredRun>(fleet.begin(), fleet.begin() + 4);
    EXPECT_EQ(judged(node(1.08, 100), four).overall(), Fitness::kFit) << "four are no fleet; the tolerance holds";
}

TEST(Acceptance, otherKindsArePutAside) {
    RunReport foreign = node(0.1, 1000);
    foreign.keyFields = {{"cpu.model", "y"}, {"os", "z"}};
    RunReport near = node(0.1, 1000);
    near.keyFields = {{"cpu.model", "y"}};
    Acceptance a;
    EXPECT_TRUE(referencesFor(node(1, 100), stored({foreign, near}), {}, a).empty());
    EXPECT_EQ(a.otherKinds, 2U);
    ASSERT_EQ(a.mismatches.size(), 1U) << "of the nearest one";
    EXPECT_EQ(a.mismatches[0].field, "cpu.model");
    EXPECT_EQ(a.mismatches[0].baseline, "y");
    EXPECT_EQ(a.overall(), Fitness::kUnknown);
    const Acceptance mixed = judged(node(1, 100), stored({foreign, node(1, 100)}));
    EXPECT_EQ(mixed.overall(), Fitness::kFit);
    EXPECT_EQ(mixed.references, 1U);
    EXPECT_EQ(mixed.notes.size(), 1U);
    EXPECT_EQ(judged(node(1, 100), stored({near}), {0.1, {"cpu.model"}}).overall(), Fitness::kSlow) << "allowed, it counts";
}

TEST(Acceptance, whatWasNotMeasuredOrFailedIsSaid) {
    RunReport half = node(1, 100);
    half.benchmarks.pop_back();
    const Acceptance missing = judged(half, stored({node(1, 100)}));
    EXPECT_EQ(missing.overall(), Fitness::kUnknown);
    EXPECT_EQ(missing.checks.front().reason, "it was not measured");
    const Acceptance unknown = judged(node(1, 100), stored({half}));
    EXPECT_EQ(unknown.checks.front().reason, "no reference has it");
    RunReport broken = half;
    broken.benchmarks.push_back({"roof", "t", "roof", {}, "error", "numbers are wrong", {}});
    reports::HealthReport report;
    report.acceptance = judged(broken, stored({half}));
    ASSERT_EQ(report.acceptance.failed.size(), 1U);
    EXPECT_EQ(reports::verdictOf(report), "failed");
    EXPECT_NE(reports::renderNagios(report).find("RIDGE CRITICAL - a workload failed: roof: numbers are wrong"), std::string::npos);
    EXPECT_EQ(judged(node(-1, 100), stored({node(1, 100)})).overall(), Fitness::kUnknown) << "a time of less than nothing is none";
}

TEST(Acceptance, oneLineForAMonitor) {
    RunReport hostile = node(1.5, 100);
    hostile.benchmarks[0].id = "a'b=c|d\ne";
    reports::HealthReport report;
    report.acceptance = judged(hostile, stored({hostile}));
    EXPECT_EQ(reports::renderNagios(report), "RIDGE OK - 2 checks, all as 1 reference of this kind | 'a_b_c_d\u240ae'=100.0%;;90.9: 'roof'=100.0%;;90.9:\n");
    hostile.benchmarks[0].metrics[0].samples[0].value = 3;
    report.acceptance = judged(hostile, stored({node(1, 100), hostile}));
    report.references = {"x"};
    const std::string line = reports::renderNagios(report);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    EXPECT_EQ(std::count(line.begin(), line.end(), '|'), 1);
    EXPECT_EQ(reports::nagiosUnknown("no | file\n"), "RIDGE UNKNOWN - no _ file\u240a\n");
    const auto json = nlohmann::json::parse(reports::renderJson(report));
    EXPECT_EQ(json.at("verdict"), "unknown");
    EXPECT_EQ(json.at("checks").size(), 3U);
}

}  // namespace
}  // namespace ridge::analyzer::test
