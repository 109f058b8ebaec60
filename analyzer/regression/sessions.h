// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// From samples to what is tested: ln costs, medians of processes, medians of sessions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/model/run.h"

namespace ridge::analyzer {

struct StoredRun;

// ln(value), or -ln(value) where higher is better: positive shifts are worse. Nothing for what is not positive and finite.
std::optional<double> costOf(double value, const std::string& direction);
// Back from there.
double valueOf(double cost, const std::string& direction);

std::vector<double> validValues(const RunMetric& metric);
// The median of the processes' medians. Nothing without a valid sample.
std::optional<double> sessionValue(const std::vector<const RunMetric*>& metricOfSession);
// One value per session that has the metric, in the order in which sessions first occur.
std::vector<double> sessionMedians(const std::vector<StoredRun>& runs, const std::string& benchmark, const std::string& metric);

// A run of several passes that count as sessions says how many under this label; a sample's block is its pass.
inline constexpr std::string_view kSessionsLabel = "sessions";
// The passes as runs of their own; a run without the label is one.
std::vector<StoredRun> sessionsWithin(const StoredRun& run);
std::vector<StoredRun> everySession(const std::vector<StoredRun>& runs);

}  // namespace ridge::analyzer
