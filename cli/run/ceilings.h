// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Measuring this machine's roofs through ridge-workloads, and what before and after a run say together.

#include <string>
#include <vector>

#include "analyzer/model/analysis.h"
#include "base/result.h"

namespace ridge::cli {

// Runs `ridge-workloads --ceilings=path`; the file is written by it. Errors: it failed or took far longer
// than the budget, or longer than limitSeconds where that is not 0.
Result<std::vector<analyzer::Ceiling>> measureCeilings(const std::string& workloadsProgram, const std::string& path, double budgetSeconds,
                                                       const std::string& backend = "cpu", double limitSeconds = 0);

// The better of the two for each roof (larger; smaller where the unit is time).
std::vector<analyzer::Ceiling> betterOf(const std::vector<analyzer::Ceiling>& before, const std::vector<analyzer::Ceiling>& after);

// How far the roofs that bind an op moved during the run (with no op: compute and DRAM): a warning where any
// moved by more than the limit, because every "% of roof" is then uncertain by as much.
inline constexpr double kDriftLimit = 0.10;
analyzer::GateCheck driftCheck(const std::vector<analyzer::Ceiling>& before, const std::vector<analyzer::Ceiling>& after,
                               const std::vector<analyzer::RooflinePoint>& points);

}  // namespace ridge::cli
