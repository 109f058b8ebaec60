// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A run in the formats of other tools. Each value there is the median of the valid samples; metrics without one are left out.
//
//   Google Benchmark's JSON (1.7.1 fields): compare.py reads every sample as a repetition; github-action-benchmark matches
//     the first row of a name, and gets its one row per name with oneRowPerName
//   customSmallerIsBetter, customBiggerIsBetter: for github-action-benchmark, one file per direction
//   CSV: long form, a line per sample, invalid ones too
//   OpenMetrics: gauges without times, for a node exporter's textfile collector or a scrape

#include <string>

#include "analyzer/model/run.h"

namespace ridge::reports {

std::string renderRunCsv(const analyzer::RunReport& run);
std::string renderGoogleBenchmark(const analyzer::RunReport& run, bool oneRowPerName);
// Direction "lower" or "higher"; the other metrics are left out.
std::string renderCustom(const analyzer::RunReport& run, const std::string& direction);
std::string renderOpenMetrics(const analyzer::RunReport& run);
// A label's value: backslash, quote and line break escaped.
std::string openMetricsLabel(const std::string& text);

}  // namespace ridge::reports
