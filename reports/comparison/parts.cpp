// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/comparison/parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/escape.h"

namespace ridge::reports::comparison {

using namespace analyzer;  // NOLINT: this file is about nothing else

std::string signedDuration(Ns ns) {
    if (ns == 0) return "0 ns";
    return (ns > 0 ? "+" : "-") + formatDuration(ns > 0 ? ns : -ns);
}

std::string signedShare(Ns delta, Ns base) {
    if (base <= 0) return "-";
    return fmt::format("{:+.1f} %", 100.0 * static_cast<double>(delta) / static_cast<double>(base));
}

std::string headline(const LaneComparison& lane) {
    const std::string from = formatDuration(lane.stepA.lengthNs()), to = formatDuration(lane.stepB.lengthNs());
    if (lane.deltaNs == 0) return fmt::format("The median step of B takes exactly as long as that of A: {}", from);
    return fmt::format("The median step of B takes {} {} than that of A ({}): {} -> {}", formatDuration(std::abs(lane.deltaNs)),
                       lane.deltaNs > 0 ? "longer" : "less", signedShare(lane.deltaNs, lane.stepA.lengthNs()), from, to);
}

std::string caution(const LaneComparison& lane) {
    std::string said;
    if (lane.a.steps < 2 || lane.b.steps < 2) said = "One step a side says nothing about chance.";
    else if (lane.a.q1 <= lane.b.q3 && lane.b.q1 <= lane.a.q3) said = "The middle halves of the two sides' steps overlap: steps of one run differ by as much.";
    else said = "The middle halves of the two sides' steps do not overlap.";
    return said + " " + kExplains;
}

std::string stepsText(const Spread& spread, const ComparedStep& step, std::int64_t warmup, std::int64_t unmatched) {
    std::string text = fmt::format("{} step{}, median {}, middle half {} to {}; step {} stands for {}", spread.steps, spread.steps == 1 ? "" : "s",
                                   formatDuration(spread.median), formatDuration(spread.q1), formatDuration(spread.q3), step.index,
                                   spread.steps == 1 ? "it" : "them");
    if (warmup > 0) text += fmt::format("; the first {} left out as warm-up", warmup == 1 ? "is" : fmt::format("{} are", warmup));
    if (unmatched > 0) text += fmt::format("; {} without a partner", unmatched);
    return text;
}

std::string laneTitle(const Comparison& comparison, const LaneComparison& lane) {
    std::string title = lane.workloadA;
    if (lane.workloadB != lane.workloadA) title += " -> " + lane.workloadB;
    const auto add = [&](const std::string& part) { title += (title.empty() ? "" : ", ") + part; };
    const bool ranks = std::any_of(comparison.lanes.begin(), comparison.lanes.end(), [&](const LaneComparison& l) { return l.rank != comparison.lanes.front().rank; });
    if (ranks || lane.rank != 0) add(fmt::format("rank {}", lane.rank));
    add(lane.gpu ? fmt::format("GPU {}", lane.device) : std::string("CPU"));
    if (!lane.deviceName.empty()) title += " (" + lane.deviceName + ")";
    return title;
}

namespace {

constexpr std::size_t kLongestShape = 40, kLongestName = 60;

// The last two ranges around it and the name; JSON has all of the path and the shape.
std::string sideName(const RowSide& side) {
    std::string path = side.path;
    const std::size_t last = path.rfind(" / ");
    if (const std::size_t cut = last == std::string::npos || last == 0 ? last : path.rfind(" / ", last - 1); cut != std::string::npos && last != std::string::npos)
        path = "... " + path.substr(cut + 1);
    const std::string own = elideMiddle(printable(side.name), kLongestName);
    std::string name = path.empty() ? own : elideMiddle(printable(path), kLongestName) + " / " + own;
    if (!side.shape.empty()) name += " [" + elide(printable(side.shape), kLongestShape) + "]";
    return name.empty() ? "(no name)" : name;
}

}  // namespace

std::string rowName(const ComparisonRow& row) {
    const bool two = row.match == NodeMatch::kRenamed || row.match == NodeMatch::kReshaped || row.match == NodeMatch::kMoved;
    if (!two) return sideName(row.shown());
    RowSide to = row.b;  // of the second name only what is new
    if (to.path == row.a.path) to.path.clear();
    if (to.shape == row.a.shape) to.shape.clear();
    return sideName(row.a) + " -> " + sideName(to);
}

std::string partsText(const ComparisonRow& row) {
    std::string text;
    const auto add = [&](const char* what, Ns ns) {
        if (ns != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", what, signedDuration(ns));
    };
    add(row.slowerNs >= 0 ? "slower" : "faster", row.slowerNs);
    add(row.oftenerNs >= 0 ? "more often" : "less often", row.oftenerNs);
    add("both", row.bothNs);
    return text.empty() ? "-" : text;
}

std::string countText(const ComparisonRow& row) {
    return row.a.count == row.b.count ? std::to_string(row.a.count) : fmt::format("{} -> {}", row.a.count, row.b.count);
}

TopRows topRows(const LaneComparison& lane, std::size_t most) {
    TopRows top;
    for (const ComparisonRow& row : lane.rows) {
        if (top.rows.size() < most && row.deltaNs != 0) {
            top.rows.push_back(&row);
            continue;
        }
        ++top.others;
        top.othersA += row.a.ns;
        top.othersB += row.b.ns;
        top.othersDelta += row.deltaNs;
    }
    return top;
}

std::vector<const LaneComparison*> shownLanes(const Comparison& comparison) {
    std::vector<const LaneComparison*> lanes;
    if (comparison.lead < comparison.lanes.size()) lanes.push_back(&comparison.lanes[comparison.lead]);
    for (std::size_t i = 0; i < comparison.lanes.size(); ++i)
        if (i != comparison.lead) lanes.push_back(&comparison.lanes[i]);
    return lanes;
}

std::vector<std::string> noteLines(const Comparison& comparison) {
    std::vector<std::string> lines = comparison.notes;
    for (const auto& [letter, side] : {std::pair("A", &comparison.a), std::pair("B", &comparison.b)})
        for (std::size_t i = 0; i < side->gate.size(); ++i) {
            const GateCheck& g = side->gate[i];
            const auto same = [&](const GateCheck& other) { return other.check == g.check; };
            if (std::any_of(side->gate.begin(), side->gate.begin() + static_cast<std::ptrdiff_t>(i), same)) continue;
            const auto all = std::count_if(side->gate.begin(), side->gate.end(), same);
            lines.push_back(fmt::format("capture of {}: {}{}: {}", letter, g.check, all > 1 ? fmt::format(" in {} timelines, of the first", all) : fmt::format(" ({})", g.count), g.detail));
        }
    return lines;
}

}  // namespace ridge::reports::comparison
