// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/verdicts/why.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/common/classes.h"
#include "reports/comparison/parts.h"

namespace ridge::reports {
namespace {

using namespace comparison;  // NOLINT: the sentences are those of the comparison

constexpr std::size_t kMostClasses = 4, kMostOps = 3;

}  // namespace

std::vector<std::string> whyLines(const analyzer::Comparison& c, const std::vector<std::string>& benchmarks) {
    std::vector<std::string> lines;
    for (const analyzer::LaneComparison* lane : shownLanes(c)) {
        if (std::find(benchmarks.begin(), benchmarks.end(), lane->workloadB) == benchmarks.end()) continue;
        std::string line = fmt::format("{}: {}", laneTitle(c, *lane), headline(*lane));
        std::string classes;
        analyzer::Ns shown = 0;
        for (std::size_t i = 0; i < std::min(kMostClasses, lane->classes.size()); ++i) {
            classes += fmt::format("{}{} {}", i ? ", " : "", label(lane->classes[i].wallClass), signedDuration(lane->classes[i].deltaNs));
            shown += lane->classes[i].deltaNs;
        }
        if (lane->classes.size() > kMostClasses) classes += fmt::format(", the other {} {}", lane->classes.size() - kMostClasses, signedDuration(lane->deltaNs - shown));
        if (!classes.empty()) line += "; by class " + classes;
        const TopRows top = topRows(*lane, kMostOps);
        std::string ops;
        for (const analyzer::ComparisonRow* row : top.rows) ops += fmt::format("{}{} [{}] {} {}", ops.empty() ? "" : ", ", rowName(*row), label(row->wallClass), row->change, signedDuration(row->deltaNs));
        if (top.others > 0) ops += fmt::format(", the other {} {}", top.others, signedDuration(top.othersDelta));
        if (!ops.empty()) line += "; by op " + ops;
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace ridge::reports
