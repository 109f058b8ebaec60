// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A node's acceptance for people, for machines (schemas/json/health-1.json) and for monitors.
//
// A monitor's plugin says one line, "RIDGE <STATE> - words | 'label'=97%;;90:", and exits with 0 OK, 2 CRITICAL or
// 3 UNKNOWN; WARNING is not used. The performance data are the share of the reference that was reached, and the least
// that is fit.

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/regression/acceptance.h"
#include "reports/terminal/terminal.h"

namespace ridge::reports {

struct HealthReport {
    analyzer::Acceptance acceptance;
    std::string host, startedAt, endedAt, environmentKey, toolVersion;
    double seconds = 0, budget = 0;
    std::vector<std::string> references;  // paths
};

// "fit", "slow", "failed" (something that ran gave an error), "unknown".
std::string_view verdictOf(const HealthReport& report);
// One sentence: what is slow, or why nothing can be said.
std::string summaryText(const HealthReport& report);

std::string renderJson(const HealthReport& report);
std::string renderTerminal(const HealthReport& report, const TerminalOptions& options);
std::string renderNagios(const HealthReport& report);
// The line of a plugin that came to no result.
std::string nagiosUnknown(const std::string& why);

}  // namespace ridge::reports
