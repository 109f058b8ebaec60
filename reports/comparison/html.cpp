// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/comparison/comparison.h"
#include "reports/comparison/parts.h"
#include "reports/html/parts.h"

namespace ridge::reports {
namespace {

using namespace analyzer;    // NOLINT: this file is about nothing else
using namespace comparison;  // NOLINT: the same
using page::HtmlTable;

constexpr std::size_t kMostRows = 60, kMostLanes = 16, kMostDifferences = 100;

std::string deltaCell(Ns delta) {
    const char* kind = delta > 0 ? "bad" : delta < 0 ? "good" : "plain";
    return page::chip(signedDuration(delta), kind);
}

ClassTimes classesOf(const LaneComparison& lane, bool ofB) {
    ClassTimes times{};
    for (const ClassDelta& d : lane.classes) times[static_cast<std::size_t>(d.wallClass)] = ofB ? d.bNs : d.aNs;
    return times;
}

// Both steps to one scale: the shorter bar is as much shorter as the step.
std::string twoBars(const LaneComparison& lane) {
    const Ns a = lane.stepA.lengthNs(), b = lane.stepB.lengthNs(), longest = std::max<Ns>(1, std::max(a, b));
    std::string out;
    for (const auto& [letter, length, ofB] : {std::tuple("A", a, false), std::tuple("B", b, true)})
        out += fmt::format("<div class=\"barrow\"><div><b>{}</b> <span class=\"soft small\">{}</span></div><div style=\"width:{:.2f}%\">{}</div></div>\n", letter,
                           formatDuration(length), 100.0 * static_cast<double>(length) / static_cast<double>(longest), page::stackedBar(classesOf(lane, ofB)));
    return out;
}

std::string classesTable(const LaneComparison& lane) {
    HtmlTable table({{"Class"}, {"A", true}, {"B", true}, {"Difference", true}, {"Of A's step", true}, {"Middle half in A", true}, {"In B", true}});
    const auto half = [](const Spread& s) { return fmt::format("{} to {}", formatDuration(s.q1), formatDuration(s.q3)); };
    for (const ClassDelta& d : lane.classes)
        table.add({page::classMark(d.wallClass), formatDuration(d.aNs), formatDuration(d.bNs), deltaCell(d.deltaNs), signedShare(d.deltaNs, lane.stepA.lengthNs()), half(d.a), half(d.b)});
    table.add({"<b>all</b>", formatDuration(lane.stepA.lengthNs()), formatDuration(lane.stepB.lengthNs()), deltaCell(lane.deltaNs),
               signedShare(lane.deltaNs, lane.stepA.lengthNs()), half(lane.a), half(lane.b)});
    return table.render();
}

std::string rowsTable(const LaneComparison& lane) {
    HtmlTable table({{"Op"}, {"Class"}, {"Change"}, {"n", true}, {"A", true}, {"B", true}, {"Difference", true}, {"Of which"}});
    const TopRows top = topRows(lane, kMostRows);
    for (const ComparisonRow* r : top.rows)
        table.add({page::nameCell(rowName(*r), 90), page::classMark(r->wallClass),
                   html(r->change) + (r->withinSpread ? " <span class=\"soft small\">in the spread</span>" : ""), html(countText(*r)), formatDuration(r->a.ns),
                   formatDuration(r->b.ns), deltaCell(r->deltaNs), "<span class=\"small\">" + html(partsText(*r)) + "</span>"});
    if (top.others > 0)
        table.add({fmt::format("<span class=\"soft\">the other {} rows</span>", top.others), "", "", "", formatDuration(top.othersA), formatDuration(top.othersB), deltaCell(top.othersDelta), ""});
    table.add({"<b>all</b>", "", "", "", formatDuration(lane.stepA.lengthNs()), formatDuration(lane.stepB.lengthNs()), deltaCell(lane.deltaNs), ""});
    return table.render();
}

std::string laneSection(const Comparison& c, const LaneComparison& lane, std::size_t number) {
    std::string body = fmt::format("<p><b>{}</b></p>\n", html(headline(lane)));
    body += fmt::format("<p class=\"small\">A: {}<br>B: {}</p>\n<p class=\"soft small\">{}</p>\n", html(stepsText(lane.a, lane.stepA, lane.warmupA, lane.unmatchedA)),
                        html(stepsText(lane.b, lane.stepB, lane.warmupB, lane.unmatchedB)), html(caution(lane)));
    body += twoBars(lane) + "<h3>Which class</h3>\n" + classesTable(lane) + "<h3>Which op</h3>\n" + rowsTable(lane);
    return page::section(fmt::format("lane{}", number), html(laneTitle(c, lane)), body);
}

std::string differencesSection(const Comparison& c) {
    HtmlTable table({{"Recorded"}, {"Kind"}, {"A"}, {"B"}});
    std::size_t all = 0;
    for (const Difference& d : c.differences) {
        if (!d.counts) continue;
        ++all;
        table.add({page::nameCell(d.what), html(d.group), d.a.empty() ? "-" : page::nameCell(d.a, 80), d.b.empty() ? "-" : page::nameCell(d.b, 80)});
    }
    if (all == 0) return page::section("differences", "What else differs", page::absent("Nothing that was recorded: clocks, limits, driver, libraries, environment."));
    return page::section("differences", "What else differs", "<p class=\"soft\">To be looked at before an op is blamed.</p>\n" + table.render(kMostDifferences));
}

std::string sources(const char* letter, const ComparisonSide& side) {
    std::string out;
    for (const Source& s : side.sources)
        out += fmt::format("<p class=\"small\"><b>{}</b> {} <span class=\"soft\">{}, {}</span></p>\n", letter, page::nameCell(s.path, 100), html(s.kind), html(s.product));
    return out;
}

std::string notesSection(const Comparison& c) {
    std::string items;
    for (const std::string& note : noteLines(c)) items += "<li>" + html(note) + "</li>\n";
    return items.empty() ? std::string() : page::section("notes", "Notes", "<ul>\n" + items + "</ul>\n");
}

std::string title(const Comparison& c) {
    if (c.refusal) return "Not compared";
    return headline(c.lanes[c.lead]);
}

}  // namespace

std::string renderHtml(const Comparison& c) {
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>Ridgepoint comparison</title>\n<style>\n";
    out += page::stylesheet() + "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>" + html(title(c)) + "</h1>\n" + sources("A", c.a) + sources("B", c.b) + "</header>\n";
    if (c.refusal) out += page::absent(c.refusal->reason);
    out += differencesSection(c);
    std::size_t shown = 0;
    for (const LaneComparison* lane : shownLanes(c))
        if (++shown <= kMostLanes) out += laneSection(c, *lane, shown);
    if (c.lanes.size() > kMostLanes) out += fmt::format("<p class=\"soft small\">{} more lanes are in the JSON report.</p>\n", c.lanes.size() - kMostLanes);
    return out + notesSection(c) + "</main>\n</body>\n</html>\n";
}

}  // namespace ridge::reports
