// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/comparison/comparison.h"
#include "reports/comparison/parts.h"

namespace ridge::reports {
namespace {

using namespace analyzer;    // NOLINT: this file is about nothing else
using namespace comparison;  // NOLINT: the same

constexpr std::size_t kMostRows = 20, kMostLanes = 8, kMostDifferences = 40;

std::string cell(std::string_view text) { return text.empty() ? "-" : markdown(elideMiddle(printable(text), 120)); }

std::string differences(const Comparison& c) {
    std::string rows;
    std::size_t shown = 0, all = 0;
    for (const Difference& d : c.differences) {
        if (!d.counts) continue;
        ++all;
        if (++shown <= kMostDifferences) rows += fmt::format("| {} | {} | {} | {} |\n", cell(d.what), cell(d.group), cell(d.a), cell(d.b));
    }
    if (all == 0) return "\n## What else differs\n\nNothing that was recorded.\n";
    std::string out = "\n## What else differs\n\nTo be looked at before an op is blamed.\n\n| Recorded | Kind | A | B |\n|---|---|---|---|\n" + rows;
    if (all > kMostDifferences) out += fmt::format("\n{} more rows are in the JSON report.\n", all - kMostDifferences);
    return out;
}

std::string laneSection(const Comparison& c, const LaneComparison& lane) {
    std::string out = fmt::format("\n## {}\n\n**{}**\n\n", markdown(laneTitle(c, lane)), markdown(headline(lane)));
    out += fmt::format("- A: {}\n- B: {}\n\n{}\n", markdown(stepsText(lane.a, lane.stepA, lane.warmupA, lane.unmatchedA)),
                       markdown(stepsText(lane.b, lane.stepB, lane.warmupB, lane.unmatchedB)), caution(lane));
    out += "\n| Class | A | B | Difference | Of A's step |\n|---|---:|---:|---:|---:|\n";
    for (const ClassDelta& d : lane.classes)
        out += fmt::format("| {} | {} | {} | {} | {} |\n", label(d.wallClass), formatDuration(d.aNs), formatDuration(d.bNs), signedDuration(d.deltaNs),
                           signedShare(d.deltaNs, lane.stepA.lengthNs()));
    out += fmt::format("| **all** | {} | {} | {} | {} |\n", formatDuration(lane.stepA.lengthNs()), formatDuration(lane.stepB.lengthNs()), signedDuration(lane.deltaNs),
                       signedShare(lane.deltaNs, lane.stepA.lengthNs()));
    out += "\n| Op | Class | Change | n | A | B | Difference | Of which |\n|---|---|---|---:|---:|---:|---:|---|\n";
    const TopRows top = topRows(lane, kMostRows);
    for (const ComparisonRow* r : top.rows)
        out += fmt::format("| {} | {} | {}{} | {} | {} | {} | {} | {} |\n", cell(rowName(*r)), label(r->wallClass), cell(r->change), r->withinSpread ? " (in the spread)" : "",
                           countText(*r), formatDuration(r->a.ns), formatDuration(r->b.ns), signedDuration(r->deltaNs), partsText(*r));
    if (top.others > 0)
        out += fmt::format("| the other {} rows | | | | {} | {} | {} | |\n", top.others, formatDuration(top.othersA), formatDuration(top.othersB), signedDuration(top.othersDelta));
    return out + fmt::format("| **all** | | | | {} | {} | {} | |\n", formatDuration(lane.stepA.lengthNs()), formatDuration(lane.stepB.lengthNs()), signedDuration(lane.deltaNs));
}

std::string sources(const char* letter, const ComparisonSide& side) {
    std::string out;
    for (const Source& s : side.sources) out += fmt::format("- {}: {} ({}, {})\n", letter, cell(s.path), cell(s.kind), cell(s.product));
    return out;
}

}  // namespace

std::string renderMarkdown(const Comparison& c) {
    std::string out = "# Ridgepoint comparison\n\n" + sources("A", c.a) + sources("B", c.b);
    if (c.refusal) return out + fmt::format("\n**Not compared:** {}\n", markdown(c.refusal->reason)) + differences(c);
    out += differences(c);
    std::size_t shown = 0;
    for (const LaneComparison* lane : shownLanes(c)) {
        if (++shown > kMostLanes) break;
        out += laneSection(c, *lane);
    }
    if (c.lanes.size() > kMostLanes) out += fmt::format("\n{} more lanes are in the JSON report.\n", c.lanes.size() - kMostLanes);
    std::string notes;
    for (const std::string& note : noteLines(c)) notes += "- " + markdown(note) + "\n";
    return notes.empty() ? out : out + "\n## Notes\n\n" + notes;
}

}  // namespace ridge::reports
