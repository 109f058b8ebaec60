// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Puts the answer's steps and their classes into the timeline itself (RIDGE_STEP, RIDGE_ATTRIBUTION, view
// v_attribution), so that SQL can ask where the time went. An earlier answer is replaced, in one transaction.
//
// Only files of ours are written; an export of another tool is refused (kBadInput) and stays as it is.

#include <string>
#include <vector>

#include "analyzer/model/analysis.h"
#include "base/result.h"

namespace ridge::analyzer {

Status storeAttribution(const std::string& tracePath, const Analysis& analysis);

// A workload's own results, as RIDGE_BENCHMARK: the analyzer reads them from there, and the SQL of a finding that rests
// on them finds them. Those of the same workload are replaced. For files of ours alone.
Status storeResults(const std::string& tracePath, const std::string& workload, const std::vector<WorkloadMetric>& metrics);

}  // namespace ridge::analyzer
