// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The classic reports (analyzer/model/stats_table.h) as a table for a terminal, as CSV and as JSON.
//
// CSV: RFC 4180, one header line, an unknown cell is empty; a name that a spreadsheet would take for a
// formula gets a ' before it. JSON: [{"report", "title", "rows": [{column: value}], "notes"}]; numbers stay
// numbers, an unknown cell is null.

#include <string>
#include <vector>

#include "analyzer/model/stats_table.h"
#include "reports/terminal/terminal.h"

namespace ridge::reports {

// limit: rows of each table; 0: all. What is left out is said in the last line.
std::string renderStats(const std::vector<analyzer::StatsTable>& tables, const TerminalOptions& options, std::size_t limit);
std::string renderStatsCsv(const std::vector<analyzer::StatsTable>& tables);
std::string renderStatsJson(const std::vector<analyzer::StatsTable>& tables);

}  // namespace ridge::reports
