// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A Comparison for machines (schemas/json/comparison-1.json) and for people. JSON has every row; the others show
// the largest and put what they leave out into one row, so that every table adds up to the difference.

#include <string>

#include <nlohmann/json.hpp>

#include "analyzer/compare/comparison.h"
#include "reports/terminal/terminal.h"

namespace ridge::reports {

inline constexpr int kComparisonSchemaVersion = 1;

nlohmann::ordered_json toJson(const analyzer::Comparison& comparison);
std::string renderJson(const analyzer::Comparison& comparison, int indent = 1);
// options.findings: how many rows are shown per lane.
std::string renderTerminal(const analyzer::Comparison& comparison, const TerminalOptions& options);
std::string renderMarkdown(const analyzer::Comparison& comparison);
std::string renderHtml(const analyzer::Comparison& comparison);
// JUnit XML: nothing in it fails, as two recordings decide nothing; what could not be compared is skipped.
std::string renderJunit(const analyzer::Comparison& comparison);

}  // namespace ridge::reports
