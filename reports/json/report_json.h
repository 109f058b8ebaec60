// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The Analysis as schemas/json/report-1.json: the one report that machines read.
//
// Times are integer nanoseconds, shares fractions of 1. What could not be told, NaN and infinity are
// null. Order is that of the analysis and of the closed enums, so equal analyses give equal bytes.
// Strings of any bytes become valid UTF-8.

#include <string>

#include <nlohmann/json.hpp>

#include "analyzer/model/analysis.h"

namespace ridge::reports {

inline constexpr int kReportSchemaVersion = 1;

nlohmann::ordered_json toJson(const analyzer::Analysis& analysis);

// indent < 0: one line. Ends with a newline.
std::string renderJson(const analyzer::Analysis& analysis, int indent = 1);

}  // namespace ridge::reports
