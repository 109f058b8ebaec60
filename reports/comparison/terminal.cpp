// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/comparison/comparison.h"
#include "reports/comparison/parts.h"
#include "reports/terminal/table.h"

namespace ridge::reports {
namespace {

using namespace analyzer;    // NOLINT: this file is about nothing else
using namespace comparison;  // NOLINT: the same
using Align = Table::Align;

constexpr std::size_t kMostDifferences = 12;
constexpr std::size_t kMostLanes = 24;
constexpr std::size_t kDetailedLanes = 1;  // of the lanes of one workload

std::string heading(const std::string& title, const TerminalOptions& o) { return "\n" + painted(title, Paint::kBold, o.colour) + "\n"; }

std::string sideLines(const char* letter, const ComparisonSide& side, const TerminalOptions& o) {
    std::string out;
    for (const Source& s : side.sources) {
        const std::string source = printable(fmt::format("{} ({}, {})", s.path, s.kind, s.product));
        out += painted(letter, Paint::kBold, o.colour) + "  " + (o.width > 4 ? elideMiddle(source, o.width - 4) : source) + "\n";
    }
    return out;
}

Cell deltaCell(Ns delta) { return {signedDuration(delta), delta > 0 ? Paint::kBad : delta < 0 ? Paint::kGood : Paint::kNone}; }

std::string differences(const Comparison& c, const TerminalOptions& o) {
    Table table({{"recorded", Align::kLeft, 14}, {"A", Align::kLeft, 16}, {"B", Align::kLeft, 16}});
    std::size_t shown = 0, all = 0;
    for (const Difference& d : c.differences) {
        if (!d.counts) continue;
        ++all;
        if (++shown <= kMostDifferences) table.add({d.what, d.a.empty() ? "-" : d.a, d.b.empty() ? "-" : d.b});
    }
    if (all == 0) return heading("What else differs", o) + "  nothing that was recorded: clocks, limits, driver, libraries, environment\n";
    std::string out = heading("What else differs (look here before blaming an op)", o) + table.render(o.width, o.colour, 2);
    if (all > kMostDifferences) out += fmt::format("  and {} more; the JSON report has them\n", all - kMostDifferences);
    return out;
}

std::string classesTable(const LaneComparison& lane, const TerminalOptions& o) {
    Table table({{"class", Align::kLeft}, {"A", Align::kRight}, {"B", Align::kRight}, {"difference", Align::kRight}, {"of A's step", Align::kRight},
                 {"middle half in A", Align::kRight}, {"in B", Align::kRight}});
    const auto half = [](const Spread& s) { return fmt::format("{} to {}", formatDuration(s.q1), formatDuration(s.q3)); };
    for (const ClassDelta& c : lane.classes)
        table.add({label(c.wallClass), formatDuration(c.aNs), formatDuration(c.bNs), deltaCell(c.deltaNs), signedShare(c.deltaNs, lane.stepA.lengthNs()), half(c.a), half(c.b)});
    table.add({Cell("all", Paint::kBold), Cell(formatDuration(lane.stepA.lengthNs())), Cell(formatDuration(lane.stepB.lengthNs())), deltaCell(lane.deltaNs),
               Cell(signedShare(lane.deltaNs, lane.stepA.lengthNs())), Cell(half(lane.a)), Cell(half(lane.b))});
    return heading("Which class", o) + table.render(o.width, o.colour, 2);
}

std::string rowsTable(const LaneComparison& lane, const TerminalOptions& o) {
    Table table({{"op", Align::kLeft, 24}, {"class", Align::kLeft}, {"change", Align::kLeft}, {"n", Align::kRight}, {"A", Align::kRight}, {"B", Align::kRight},
                 {"difference", Align::kRight}});
    const TopRows top = topRows(lane, o.findings);
    for (const ComparisonRow* row : top.rows)
        table.add({rowName(*row), label(row->wallClass), row->change + (row->withinSpread ? " (in the spread)" : ""), countText(*row), formatDuration(row->a.ns),
                   formatDuration(row->b.ns), deltaCell(row->deltaNs)});
    if (top.others > 0)
        table.add({Cell(fmt::format("the other {} rows", top.others), Paint::kDim), "", "", "", formatDuration(top.othersA), formatDuration(top.othersB), deltaCell(top.othersDelta)});
    table.add({Cell("all", Paint::kBold), "", "", "", formatDuration(lane.stepA.lengthNs()), formatDuration(lane.stepB.lengthNs()), deltaCell(lane.deltaNs)});
    return heading("Which op", o) + table.render(o.width, o.colour, 2);
}

std::string lanesTable(const Comparison& c, const TerminalOptions& o) {
    if (c.lanes.size() < 2) return {};
    Table table({{"where", Align::kLeft, 20}, {"A", Align::kRight}, {"B", Align::kRight}, {"difference", Align::kRight}, {"of A", Align::kRight}, {"most of it in", Align::kLeft}});
    for (std::size_t i = 0; i < std::min(kMostLanes, c.lanes.size()); ++i) {
        const LaneComparison& l = c.lanes[i];
        const std::string most = l.classes.empty() || l.classes.front().deltaNs == 0
                                     ? "-" : fmt::format("{} {}", label(l.classes.front().wallClass), signedDuration(l.classes.front().deltaNs));
        table.add({laneTitle(c, l), formatDuration(l.stepA.lengthNs()), formatDuration(l.stepB.lengthNs()), deltaCell(l.deltaNs), signedShare(l.deltaNs, l.stepA.lengthNs()), most});
    }
    std::string out = heading("Workloads and ranks", o) + table.render(o.width, o.colour, 2);
    if (c.lanes.size() > kMostLanes) out += fmt::format("  and {} more; the JSON report has them\n", c.lanes.size() - kMostLanes);
    return out;
}

std::string laneDetails(const Comparison& c, const LaneComparison& lane, const TerminalOptions& o) {
    std::string out = heading(printable(laneTitle(c, lane)), o);
    out += wrapped(headline(lane), o.width, 2);
    out += wrapped("A: " + stepsText(lane.a, lane.stepA, lane.warmupA, lane.unmatchedA), o.width, 2);
    out += wrapped("B: " + stepsText(lane.b, lane.stepB, lane.warmupB, lane.unmatchedB), o.width, 2);
    out += wrapped(caution(lane), o.width, 2);
    return out + classesTable(lane, o) + rowsTable(lane, o);
}

}  // namespace

std::string renderTerminal(const Comparison& c, const TerminalOptions& o) {
    std::string out = sideLines("A", c.a, o) + sideLines("B", c.b, o);
    out += differences(c, o);
    if (c.refusal) return out;
    out += lanesTable(c, o);
    std::size_t shown = 0;
    for (const LaneComparison* lane : shownLanes(c))
        if (shown++ < kDetailedLanes) out += laneDetails(c, *lane, o);
    if (c.lanes.size() > kDetailedLanes) out += fmt::format("\n  of {} lanes the one that moved most is shown; --html, --markdown and --json have the others\n", c.lanes.size());
    const auto notes = noteLines(c);
    if (!notes.empty()) out += heading("Notes", o);
    for (const std::string& note : notes) out += wrapped(printable(note), o.width, 2);
    return out;
}

}  // namespace ridge::reports
