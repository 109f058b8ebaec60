// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/common/starved.h"

#include "analyzer/summary/own_cpu.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ridge::reports {
namespace {

constexpr std::size_t kMostNamed = 12;

}  // namespace

bool wasStarved(const analyzer::WorkloadSummary& workload) {
    return workload.steps > 0 && workload.verdict.wallClass != WallClass::kPreempted &&
           analyzer::starvedShare(workload).has_value();
}

bool wasStarved(const analyzer::Analysis& analysis, const analyzer::WhatIf& pair) {
    return std::any_of(analysis.workloads.begin(), analysis.workloads.end(), [&](const auto& w) {
        return (w.name == pair.workload || (!pair.comparedWith.empty() && w.name == pair.comparedWith)) && wasStarved(w);
    });
}

std::string starvedText(const analyzer::WorkloadSummary& workload) {
    return wasStarved(workload) ? fmt::format("on a CPU for only {} of its time",
                                              formatShare(*analyzer::starvedShare(workload)))
                                : std::string();
}

std::string starvedCount(const analyzer::Analysis& analysis) {
    const auto rows =
        std::count_if(analysis.workloads.begin(), analysis.workloads.end(), [](const auto& w) { return wasStarved(w); });
    return rows == 0
               ? std::string()
               : fmt::format("{} row{} measured on a busy machine", rows, rows == 1 ? "" : "s");
}

std::string starvedRows(const analyzer::Analysis& analysis) {
    std::string text = starvedCount(analysis), separator = ": ";
    std::size_t named = 0, left = 0;
    for (const auto& w : analysis.workloads) {
        if (!wasStarved(w)) continue;
        if (named++ >= kMostNamed) {
            ++left;
            continue;
        }
        text += fmt::format("{}{} {}", separator, w.name.empty() ? "the trace" : w.name,
                            starvedText(w));
        separator = ", ";
    }
    return left == 0 ? text : text + fmt::format(", and {} more", left);
}

}  // namespace ridge::reports
