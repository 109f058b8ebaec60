// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The run report (schemas/json/run-1.json): samples of every metric with what is needed to compare them
// with another run. `ridge run` fills it; compare and track read it.
//
// Statistics are computed here from the valid samples only: median of sorted values (mean of the two
// middle ones), sample standard deviation (n - 1), MAD without a factor, percentiles by linear
// interpolation (type 7), and the order-statistic confidence interval of the median, whose level is the
// exact binomial coverage of the ranks chosen. What cannot be computed is null.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "analyzer/model/run.h"
#include "analyzer/regression/read_run.h"

namespace ridge::reports {

inline constexpr int kRunSchemaVersion = 1;

using analyzer::RunBenchmark;
using analyzer::RunMetric;
using analyzer::RunReport;
using analyzer::RunSample;
using analyzer::RunWarning;

struct SampleStats {
    std::int64_t n = 0;
    std::optional<double> median, mean, stddev, mad, min, max, p05, p95, cv, ciLow, ciHigh, ciLevel;
};
SampleStats statsOf(std::vector<double> values);

using analyzer::environmentKey;

nlohmann::ordered_json toJson(const RunReport& run);
std::string renderJson(const RunReport& run, int indent = 1);

}  // namespace ridge::reports
