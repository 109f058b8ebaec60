// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What is said about the metrics of a candidate against a baseline: one model for blocks, stored runs and
// every report. Ratios are candidate / baseline in the metric's own sense (0.95 of a rate is worse); what
// is worse stands in the outcome. Absent numbers could not be computed, and reason says why.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/statistics/decision.h"

namespace ridge::analyzer {

struct MetricVerdict {
    std::string benchmark, metric, unit, direction;
    statistics::Outcome outcome = statistics::Outcome::kInconclusive;
    std::optional<double> baseline, candidate;  // medians, in the unit
    std::optional<double> ratio, ciLow, ciHigh, p, pAdjusted, mde;
    double ciLevel = statistics::kReportLevel;
    bool tested = false;     // p and ratio come from a test
    bool confirmed = false;  // on fresh data
    std::string reason;
    std::vector<double> baselineValues, candidateValues;  // what was tested, in the unit
};

struct EnvironmentMismatch {
    std::string field, baseline, candidate;
    std::string fieldClass;  // "key", "recorded", "subject"
    bool allowed = false;
};

struct JudgedRun {
    std::string id, session, path, environmentKey, gitSha;
};

struct Method {
    std::string name;        // "block_rank", "mann_whitney_sessions"
    std::string correction;  // "screen_and_confirm", "benjamini_hochberg"
    double alpha = 0.01, minEffect = 0.05, floor = 0.03;
    std::optional<std::uint64_t> seed;
    std::size_t blocks = 0, confirmBlocks = 0;
};

struct Verdicts {
    std::string title;                // "ab", "compare", "run --baseline"
    std::string labelA, labelB;       // commands or paths
    std::vector<JudgedRun> baseline, candidate;
    std::vector<EnvironmentMismatch> mismatches;
    Method method;
    std::vector<MetricVerdict> results;        // regressed first, then improved, inconclusive, unchanged; within by size
    std::vector<std::string> missing, added;   // "benchmark metric": only the baseline has it, only the candidate has it
    std::vector<std::string> failed;           // benchmarks that failed in the candidate, with the reason
    std::vector<std::string> notes;
    std::string reproduce;                     // the command line
    bool interrupted = false;
    std::vector<std::string> why;              // what moved, from the timelines; a line each, most important first
    [[nodiscard]] bool comparable() const;     // no mismatch of a key field that was not allowed
    [[nodiscard]] std::size_t count(statistics::Outcome outcome) const;
    // The worst of the results: regressed, else inconclusive, else improved, else unchanged. Without results: inconclusive.
    [[nodiscard]] statistics::Outcome overall() const;
};

// In the order that Verdicts::results promises.
void sortResults(std::vector<MetricVerdict>& results);

// "at most 1 % of jobs in which nothing changed are accused"
std::string falseAlarmBound(const Method& method);

}  // namespace ridge::analyzer
