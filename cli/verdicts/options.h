// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The options that every command with verdicts has (ab, compare on runs, run --baseline), where its reports go, and its exit
// code.

#include <string>
#include <vector>

#include "analyzer/regression/verdicts.h"
#include "base/result.h"
#include "cli/app/app.h"

namespace CLI {
class App;
class Option;
}

namespace ridge::cli {

struct VerdictOptions {
    std::string minEffect = "5%";
    double alpha = 0.01;
    std::string failOn = "regressed";
    // Files; "-": stdout. Empty: not wanted.
    std::string json, markdown, junit, html, openmetrics;
    bool jsonGiven = false;
};

// --min-effect, --alpha, --fail-on.
void addRuleOptions(CLI::App& command, VerdictOptions& options);
// --json [FILE], --markdown, --junit, --html, --openmetrics; returns --json, whose presence the callback has to note.
CLI::Option* addReportOptions(CLI::App& command, VerdictOptions& options);

// "5%", "5 %" or "0.05" as 0.05. Errors: not between 0.1 % and 100 %.
Result<double> parseShare(const std::string& text, const std::string& option);
Result<statistics::Rules> rulesOf(const VerdictOptions& options);

// Before anything is measured: no two outputs to one place, nothing that exists without --force.
// inputs: files and folders that are read, and must not be written over.
Status checkReports(const VerdictOptions& options, const std::vector<std::string>& inputs, bool force);
// Files first, then the one that stdout was asked for, or the table for people.
Status writeReports(const VerdictOptions& options, const analyzer::Verdicts& verdicts, const Globals& globals);

// 0, 1 regressed, 3 not comparable or (with --fail-on inconclusive) not decided, 4 a benchmark of the candidate failed.
int exitCodeOf(const analyzer::Verdicts& verdicts, const VerdictOptions& options);

}  // namespace ridge::cli
