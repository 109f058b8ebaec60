// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Verdicts between runs, for machines and for people: one model (analyzer/regression/verdicts.h), many readers.

#include <string>

#include <nlohmann/json.hpp>

#include "analyzer/regression/verdicts.h"
#include "reports/terminal/terminal.h"

namespace ridge::reports {

inline constexpr int kVerdictsSchemaVersion = 1;

nlohmann::ordered_json toJson(const analyzer::Verdicts& verdicts);  // schemas/json/verdicts-1.json
std::string renderJson(const analyzer::Verdicts& verdicts, int indent = 1);
std::string renderTerminal(const analyzer::Verdicts& verdicts, const TerminalOptions& options);
std::string renderMarkdown(const analyzer::Verdicts& verdicts);
// failInconclusive: what was not decided fails instead of being skipped.
std::string renderJunit(const analyzer::Verdicts& verdicts, bool failInconclusive);
// Gauges as in reports/run/formats.h: the same file suits a node exporter's textfile collector.
std::string renderOpenMetrics(const analyzer::Verdicts& verdicts);
// One page: per metric both samples as strips, the interval, the verdict.
std::string renderHtml(const analyzer::Verdicts& verdicts);

}  // namespace ridge::reports
