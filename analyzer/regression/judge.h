// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Runs in, verdicts out: puts the samples into the form that statistics/decision.h judges.
//
// Stored runs: the unit is the session (median of its processes' medians, valid samples only); Mann-Whitney, Benjamini-
// Hochberg, floor; fewer than 5 sessions on a side: at most inconclusive. Runs of one machine's ranks that share a session
// count once. Blocks: what ridge ab measured, one value per fresh process.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/model/run.h"
#include "analyzer/regression/verdicts.h"
#include "analyzer/statistics/decision.h"

namespace ridge::analyzer {

struct JudgeOptions {
    statistics::Rules rules;
    std::vector<std::string> allowedMismatches;  // key fields that may differ ("*": all)
};

struct StoredRun {
    RunReport run;
    std::string path;
};
Verdicts judgeStored(const std::vector<StoredRun>& baseline, const std::vector<StoredRun>& candidate, const JudgeOptions& options);

// Whether so many sessions can accuse one of so many metrics at all, and if not, how many could; empty: they can. It is the
// least that the exact test takes; what noise takes on top is in ../statistics/RATES.md.
std::string whatCannotBeDecided(std::size_t baseline, std::size_t candidate, std::size_t metrics, double alpha);
// Metrics of these benchmarks with a direction and a value: what a candidate with the same ones is judged by.
std::size_t judgedMetrics(const std::vector<StoredRun>& runs, const std::vector<std::string>& benchmarks);

// A metric of one job: per block two values of A and two of B, in its unit.
struct BlockedMetric {
    std::string benchmark, metric, unit, direction;
    struct Values {
        std::array<double, 2> a{}, b{};
    };
    std::vector<Values> blocks;
};
// Which metrics want fresh blocks.
std::vector<std::size_t> flagged(const std::vector<BlockedMetric>& metrics, const statistics::Rules& rules);

struct BlockedJob {
    std::vector<BlockedMetric> screen;
    // Where the screen was to be confirmed: fresh blocks per flagged index; those of the others are empty.
    std::optional<std::vector<BlockedMetric>> confirm;
    bool identical = false;  // both sides are known to be the same code
};
std::vector<MetricVerdict> judgeBlocks(const BlockedJob& job, const statistics::Rules& rules);

// Key fields first, then recorded ones; volatile ones are never a mismatch.
std::vector<EnvironmentMismatch> mismatchesOf(const RunReport& baseline, const RunReport& candidate, const std::vector<std::string>& allowed);

}  // namespace ridge::analyzer
