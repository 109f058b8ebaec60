// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/common/roof_share.h"

#include "analyzer/roofline/roofs.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ridge::reports {

bool isAboveItsRoof(const analyzer::WorkloadSummary& workload) {
    return workload.roofShare && *workload.roofShare > analyzer::kUnreliable;
}

std::string roofShareText(const analyzer::WorkloadSummary& workload) {
    if (!workload.roofShare) return "-";
    return formatShare(*workload.roofShare) + (isAboveItsRoof(workload) ? fmt::format(" {}", kAboveRoofMark) : "");
}

std::string aboveRoofNote(const analyzer::Analysis& analysis) {
    const auto rows = std::count_if(analysis.workloads.begin(), analysis.workloads.end(), isAboveItsRoof);
    if (rows == 0) return {};
    return fmt::format("{} {} row{} above the roof: it was measured too low, or the work is counted wrong", kAboveRoofMark, rows, rows == 1 ? "" : "s");
}

}  // namespace ridge::reports
