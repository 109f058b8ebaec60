// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/json/run_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/reports/support.h"

namespace ridge::reports::test {
namespace {

RunReport sampleRun() {
    RunReport run;
    run.id = "2026-01-05T10-00-00Z";
    run.sessionId = "s1";
    run.startedAt = "2026-01-05T10:00:00Z";
    run.endedAt = "2026-01-05T10:01:00.25Z";
    run.toolVersion = "0.1.0";
    run.argv = {"ridge", "run"};
    run.keyFields = {{"os", "Linux"}, {"arch", "x86_64"}};
    RunBenchmark b{"gemm/f32", "ridge", "gemm/f32", {{"dtype", "f32"}}, "ok", "", {}};
    RunMetric m{"step_time", "ns", "lower", "wall", {}};
    for (int i = 1; i <= 10; ++i) m.samples.push_back({100.0 + i, i % 2, 0, i, 5, 1, true, "", {}});
    m.samples.push_back({std::numeric_limits<double>::infinity(), 0, 0, 11, 5, 1, true, "", {}});
    m.samples.push_back({5000.0, 0, 0, 12, 5, 1, false, "throttled", {}});
    b.metrics.push_back(m);
    run.benchmarks.push_back(b);
    run.warnings.push_back({"ceiling_drift", "fell by 7 %", ""});
    run.labels["anything"] = "goes";
    return run;
}

TEST(RunJson, satisfiesTheSchema) {
    EXPECT_EQ(schemaErrors(keep("run.json", renderJson(sampleRun())), "run-1.json"), "");
    RunReport empty;
    empty.startedAt = empty.endedAt = "2026-01-05T10:00:00Z";
    EXPECT_EQ(schemaErrors(keep("run-empty.json", renderJson(empty)), "run-1.json"), "");
}

TEST(RunJson, onlyLabelsMayHaveFieldsOfTheirOwn) {
    auto json = toJson(sampleRun());
    json["run"]["more"] = 1;
    EXPECT_NE(schemaErrors(keep("run-wrong.json", json.dump()), "run-1.json"), "");
}

TEST(RunJson, invalidSamplesStayButDoNotCount) {
    const auto metric = toJson(sampleRun())["benchmarks"][0]["metrics"][0];
    EXPECT_EQ(metric["samples"].size(), 12U);
    EXPECT_TRUE(metric["samples"][10]["value"].is_null());
    EXPECT_EQ(metric["samples"][10]["cause"], "not a number");
    EXPECT_EQ(metric["samples"][11]["value"], 5000.0);
    EXPECT_EQ(metric["stats"]["n"], 10);
    EXPECT_EQ(metric["stats"]["max"], 110.0);
}

TEST(RunJson, statisticsOfAKnownSample) {
    const SampleStats s = statsOf({4, 1, 3, 2});
    EXPECT_EQ(*s.median, 2.5);
    EXPECT_EQ(*s.mean, 2.5);
    EXPECT_NEAR(*s.stddev, std::sqrt(5.0 / 3.0), 1e-15);
    EXPECT_EQ(*s.mad, 1.0);
    EXPECT_NEAR(*s.p05, 1.15, 1e-15);
    EXPECT_FALSE(s.ciLow) << "four values cannot cover the median with 95 %";
    EXPECT_FALSE(statsOf({}).median);
    EXPECT_FALSE(statsOf({7}).stddev);
}

// Binomial(10, 1/2): P(X <= 1) = 11/1024, so the ranks 2 and 9 cover with 1 - 22/1024 = 0.978515625.
TEST(RunJson, intervalOfTheMedianHasItsExactCoverage) {
    const SampleStats s = statsOf({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    EXPECT_EQ(*s.ciLow, 2);
    EXPECT_EQ(*s.ciHigh, 9);
    EXPECT_NEAR(*s.ciLevel, 0.978515625, 1e-12);
    EXPECT_NEAR(*statsOf({1, 2, 3, 4, 5, 6}).ciLevel, 1 - 2.0 / 64, 1e-12);
}

TEST(RunJson, environmentKeyDependsOnEveryKeyFieldAndOnNothingElse) {
    const std::string key = environmentKey({{"a", "1"}, {"b", "2"}});
    EXPECT_EQ(key.size(), 64U);
    EXPECT_EQ(key, environmentKey({{"b", "2"}, {"a", "1"}}));
    EXPECT_NE(key, environmentKey({{"a", "1"}, {"b", "3"}}));
    EXPECT_NE(key, environmentKey({{"a", "1"}}));
}

}  // namespace
}  // namespace ridge::reports::test
