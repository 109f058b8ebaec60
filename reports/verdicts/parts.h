// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the renderings of verdicts for people have in common: numbers with their unit, and the sentences.

#include <optional>
#include <string>

#include "analyzer/regression/verdicts.h"

namespace ridge::reports::verdicts {

// "12.3 ms", "4.56 GB/s", "1.23e+04"; "-" for nothing.
std::string valueText(const std::optional<double>& value, const std::string& unit);
// "+5.2 %" of a ratio; "-".
std::string changeText(const std::optional<double>& ratio);
// "+4.1 to +6.3 %"; an open side is "...".
std::string intervalText(const analyzer::MetricVerdict& v);
// "benchmark metric", or the metric alone.
std::string nameOf(const analyzer::MetricVerdict& v);
// "1 regressed, 2 inconclusive, 3 unchanged of 6 metrics"
std::string summaryText(const analyzer::Verdicts& v);
// "baseline and candidate differ in cpu.model and 2 more: ..." ; empty when comparable.
std::string mismatchText(const analyzer::Verdicts& v);
// The reason, and for what was not decided how small an effect could have been found.
std::string reasonText(const analyzer::MetricVerdict& v);
std::string methodText(const analyzer::Verdicts& v);

}  // namespace ridge::reports::verdicts
