// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Google Benchmark's JSON of either age, and files that are no runs.
#include "analyzer/regression/read_run.h"

#include <gtest/gtest.h>

namespace ridge::analyzer::test {
namespace {

constexpr const char* kGoogle = R"({"context": {"date": "2026-01-05T10:00:00+01:00", "host_name": "h", "num_cpus": 2, "mhz_per_cpu": 2000, "cpu_scaling_enabled": false, "library_build_type": "release"},
"benchmarks": [
 {"name": "BM/8", "run_name": "BM/8", "run_type": "iteration", "repetitions": 2, "repetition_index": 0, "threads": 1, "iterations": 5, "real_time": 2, "cpu_time": 1.5, "time_unit": "us", "bytes_per_second": 1e9, "loss": 0.5},
 {"name": "BM/8", "run_name": "BM/8", "run_type": "iteration", "repetitions": 2, "repetition_index": 1, "threads": 1, "iterations": 5, "real_time": 3, "cpu_time": 1.5, "time_unit": "us", "bytes_per_second": 1e9, "loss": 0.5},
 {"name": "BM/8_mean", "run_name": "BM/8", "run_type": "aggregate", "aggregate_name": "mean", "iterations": 2, "real_time": 2.5, "cpu_time": 1.5, "time_unit": "us"},
 {"name": "old", "run_name": "old", "run_type": "iteration", "error_occurred": true, "error_message": "no luck", "iterations": 0, "real_time": 0, "cpu_time": 0, "time_unit": "ns"},
 {"name": "new", "run_name": "new", "run_type": "iteration", "skipped": true, "skip_message": "not today"}]})";

TEST(GoogleBenchmark, rowsCountersAndErrors) {
    const auto run = parseRun(kGoogle, "dir/x.json");
    ASSERT_TRUE(run.ok()) << run.error().message;
    ASSERT_EQ(run->benchmarks.size(), 3U);
    const RunBenchmark& b = run->benchmarks[0];
    ASSERT_EQ(b.metrics.size(), 4U);
    EXPECT_EQ(b.metrics[0].name, "real_time");
    EXPECT_EQ(b.metrics[0].samples.size(), 2U) << "aggregates are no samples";
    EXPECT_EQ(*b.metrics[0].samples[1].value, 3000);
    EXPECT_EQ(b.metrics[2].direction, "higher");
    EXPECT_EQ(b.metrics[2].unit, "B/s");
    EXPECT_EQ(b.metrics[3].direction, "none") << "whether more of an unknown counter is better cannot be told";
    EXPECT_EQ(run->benchmarks[1].reason, "no luck");
    EXPECT_EQ(run->benchmarks[2].status, "error");
    EXPECT_EQ(run->environmentKey.size(), 64U);
    EXPECT_EQ(run->keyFields.at("gbench.num_cpus"), "2");
    EXPECT_EQ(kindOf(kGoogle), RunKind::kGoogleBenchmark);
}

TEST(ReadRun, whatIsNoRunIsOneLine) {
    for (const char* text : {"", "[1]", "nonsense", "{}", R"({"run": 1})", R"({"schema_version": 1, "run": {}, "benchmarks": []})", R"({"schema_version": 2, "run": {}})",
                             R"({"context": 5, "benchmarks": 7})", R"({"context": {}, "benchmarks": [5]})"}) {
        const auto run = parseRun(text, "x.json");
        ASSERT_FALSE(run.ok()) << text;
        EXPECT_TRUE(run.error().message.starts_with("x.json: ")) << run.error().message;
        EXPECT_EQ(run.error().message.find('\n'), std::string::npos);
    }
}

TEST(ReadRun, keyDependsOnKeyFieldsAlone) {
    EXPECT_EQ(environmentKey({{"a", "1"}, {"b", "2"}}), environmentKey({{"b", "2"}, {"a", "1"}}));
    EXPECT_NE(environmentKey({{"a", "1"}}), environmentKey({{"a", "2"}}));
}

}  // namespace
}  // namespace ridge::analyzer::test
