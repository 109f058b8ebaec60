// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The share of its roof that a workload reached, as tables say it. Above 1.05 (analyzer/roofline/roofs.h) the roof was
// measured too low, as on a busy machine, or the work is counted wrong: it is told, and marked.

#include "analyzer/model/analysis.h"

#include <string>
#include <string_view>

namespace ridge::reports {

inline constexpr std::string_view kAboveRoofMark = "?";

bool isAboveItsRoof(const analyzer::WorkloadSummary& workload);
// "78.7 %", "124.5 % ?", "-" where no roof is known.
std::string roofShareText(const analyzer::WorkloadSummary& workload);
// What the mark means; empty where no row has it.
std::string aboveRoofNote(const analyzer::Analysis& analysis);

}  // namespace ridge::reports
