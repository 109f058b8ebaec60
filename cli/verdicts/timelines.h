// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The timelines of two runs compared: traces, or whole folders of ridge run, workload by workload.

#include <string>
#include <vector>

#include "analyzer/compare/comparison.h"
#include "base/result.h"

namespace ridge::cli {

// A folder of ridge run, with timelines in it.
bool hasTimelines(const std::string& folder);

// Roofs measured beside the runs, the better of all: one set for both sides, or an op would change its class because a
// roof was measured anew.
std::vector<analyzer::Ceiling> roofsBeside(const std::vector<std::string>& inputs);

// What one side gives: a profile per workload for folders, else one.
Result<std::vector<analyzer::RunProfile>> profilesOf(const std::vector<std::string>& inputs, const analyzer::AnalyzeOptions& options);

// The workload that a run is of; empty: it says none.
std::string workloadOf(const analyzer::RunProfile& run);

// The comparisons of the workloads of two folders as one.
analyzer::Comparison joinedComparison(const std::vector<analyzer::RunProfile>& a, const std::vector<analyzer::RunProfile>& b, const analyzer::CompareOptions& options);

}  // namespace ridge::cli
