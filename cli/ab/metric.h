// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What ridge ab takes from one run of a command: its time, numbers it printed, or the JSON of a benchmark.
//
//   time            wall time of the process
//   regex:R         the first group of R (or all of the match) in each line of its output, as a number; several: the median
//   gbench:NAME     real_time of Google Benchmark's JSON on stdout (NAME@FIELD: another field; *: every benchmark)
//   run:NAME        step time in the report of ridge run --json on stdout (NAME@METRIC: a metric of it; *: every workload)

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ridge::cli {

struct MetricSpec {
    enum class Kind { kTime, kRegex, kGoogleBenchmark, kRun };
    Kind kind = Kind::kTime;
    std::string text;   // pattern or name
    std::string field;  // after '@'
    bool higherIsBetter = false;
    std::string unit;   // of a regex; empty: 1
};
// Errors: kBadInput, with what is allowed.
Result<MetricSpec> parseMetric(const std::string& text);

struct Reading {
    std::string benchmark, metric, unit, direction;
    double value = 0;
    std::int64_t iterations = 0;
    [[nodiscard]] std::string key() const { return benchmark + "\n" + metric; }
};
// What one process gave. Errors: kMeasurement, why there is no number.
Result<std::vector<Reading>> readingsOf(const MetricSpec& spec, std::int64_t elapsedNs, std::string_view output, std::string_view messages);

}  // namespace ridge::cli
