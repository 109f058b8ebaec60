// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A history for people and machines: what its newest run shows, and its lines.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "analyzer/history/check.h"
#include "reports/terminal/terminal.h"

namespace ridge::reports {

nlohmann::ordered_json toJson(const analyzer::HistoryCheck& check);
std::string renderTerminal(const analyzer::HistoryCheck& check, const TerminalOptions& options);
std::string renderMarkdown(const analyzer::HistoryCheck& check);
// A case per finding; regressions and drift fail, suspects are skipped with their text.
std::string renderJunit(const analyzer::HistoryCheck& check);

struct PlottedSeries {
    analyzer::Series series;
    std::vector<analyzer::HistoryPoint> points;
    std::vector<analyzer::ChangePoint> changes;
};
// A line per series with its change points; one page.
std::string renderHtml(const std::vector<PlottedSeries>& plots, const std::string& title);
// One line of block characters, from the lowest to the highest value.
std::string sparkline(const std::vector<analyzer::HistoryPoint>& points, std::size_t width);
// run_id,session_id,started_at,environment_key,git_sha,branch,tag,benchmark,metric,unit,direction,samples,value
std::string renderCsv(const std::vector<analyzer::History::Row>& rows);
Result<std::vector<analyzer::History::Row>> parseHistoryCsv(const std::string& text, const std::string& path);

}  // namespace ridge::reports
