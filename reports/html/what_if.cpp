// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What a step would take if ..., and what its time hangs on now.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/common/starved.h"
#include "reports/common/summary.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostWhatIfs = 16, kMostNames = 12, kMostLanes = 12, kMostSlack = 12;
constexpr double kLabelShare = 0.09;

std::string share(Ns part, Ns whole) {
    return whole > 0 ? formatShare(static_cast<double>(part) / static_cast<double>(whole)) : std::string("-");
}

std::string prediction(const Analysis& a, const WhatIf& w) {
    std::string title = "<b class=\"name\">" + html(elideMiddle(printable(changeText(w.change)), 60)) + "</b>";
    if (!w.workload.empty()) title += "<br><span class=\"soft small\">" + nameCell(w.workload) + "</span>";
    std::string note = w.stepNs <= 0        ? fmt::format("{} to {}", formatDuration(w.stepNsLow), formatDuration(w.stepNsHigh))
                       : w.stepNsLow <= 0 ? fmt::format("saves {} of the step or more; no roof bounds it", share(w.stepNs - w.stepNsHigh, w.stepNs))
                                          : fmt::format("saves {} to {} of the step", share(w.stepNs - w.stepNsHigh, w.stepNs), share(w.stepNs - w.stepNsLow, w.stepNs));
    if (w.error) note += fmt::format("; the replay is {:+.1f} % off what was measured", *w.error * 100);
    if (w.measuredNs && wasStarved(a, w)) note += " on a busy machine";
    if (!w.comparedWith.empty()) note += " in " + html(elideMiddle(printable(w.comparedWith), 60));
    std::vector<DurationBar> bars;
    for (const DurationBar& bar : {DurationBar{"now", "now", w.stepNs}, {"low", "replay", w.replayNs}, {"high", "closed form", w.boundNs}})
        if (bar.ns > 0) bars.push_back(bar);  // no step takes no time: 0 is an end that is not known
    if (w.measuredNs) bars.push_back({"measured", "measured", *w.measuredNs});
    return "<div class=\"barrow top\"><div>" + title + "</div><div>" + durationBars(bars) + "<div class=\"soft small name\">" + note + "</div></div></div>\n";
}

std::string kindMark(const std::string& kind) {
    return fmt::format("<span class=\"kind\"><span class=\"mark c{}\"></span>{}</span>", static_cast<int>(classOfPathKind(kind)), html(pathKindText(kind)));
}

std::string kindBar(const std::vector<PathShare>& kinds) {
    double total = 0;
    for (const PathShare& k : kinds) total += static_cast<double>(std::max<Ns>(0, k.ns));
    if (total <= 0) return {};
    std::string out = "<div class=\"bar\">";
    for (const PathShare& k : kinds) {
        if (k.ns <= 0) continue;
        const double part = static_cast<double>(k.ns) / total;
        out += fmt::format("<i class=\"c{}\" style=\"width:{:.3f}%\" title=\"{}: {} ({})\">{}</i>", static_cast<int>(classOfPathKind(k.kind)), part * 100,
                           html(pathKindText(k.kind)), formatDuration(k.ns), formatShare(part), part >= kLabelShare ? fmt::format("{:.0f} %", part * 100) : "");
    }
    return out + "</div>\n";
}

std::string kindLegend(const CriticalPath& path) {
    std::string out = "<ul class=\"legend\">\n";
    for (const PathShare& k : path.byKind)
        if (k.ns > 0)
            out += fmt::format("<li>{} <b>{}</b> <span class=\"soft\">{}, {} segment{}</span></li>\n", kindMark(k.kind), share(k.ns, path.coveredNs),
                               formatDuration(k.ns), k.count, k.count == 1 ? "" : "s");
    return out + "</ul>\n";
}

std::string laneBars(const CriticalPath& path) {
    std::string out;
    if (path.lanes.size() < 2) return fmt::format("<div class=\"barrow one\">{}</div>\n", kindBar(path.byKind));
    std::vector<const PathLane*> lanes;
    for (const PathLane& lane : path.lanes) lanes.push_back(&lane);
    std::stable_sort(lanes.begin(), lanes.end(), [](const auto* a, const auto* b) { return a->totalNs > b->totalNs; });
    out += fmt::format("<div class=\"barrow\"><div><b>all</b></div>{}</div>\n", kindBar(path.byKind));
    for (std::size_t i = 0; i < std::min(kMostLanes, lanes.size()); ++i) {
        const PathLane& lane = *lanes[i];
        const std::string title = (lane.workload.empty() ? "" : nameCell(lane.workload) + " ") +
                                  fmt::format("<span class=\"soft small\">rank {}, device {}, {} step{}, {}</span>", lane.rank, lane.device, lane.steps,
                                              lane.steps == 1 ? "" : "s", formatDuration(lane.totalNs));
        out += "<div class=\"barrow\"><div class=\"name\">" + title + "</div>" + kindBar(lane.byKind) + "</div>\n";
    }
    if (lanes.size() > kMostLanes) out += fmt::format("<p class=\"soft small\">and {} more in the JSON report.</p>\n", lanes.size() - kMostLanes);
    return out;
}

std::string nameTable(const CriticalPath& path) {
    if (path.byName.empty()) return {};
    HtmlTable table({{"On the path"}, {"Kind"}, {"Time", true}, {"Share", true}, {"Segments", true}});
    for (const PathShare& n : path.byName)
        table.add({n.name.empty() ? "<span class=\"soft\">(no name)</span>" : nameCell(n.name), kindMark(n.kind), formatDuration(n.ns), share(n.ns, path.coveredNs), std::to_string(n.count)});
    return table.render(kMostNames, path.namesOmitted);
}

std::string slackTable(const CriticalPath& path) {
    if (path.slack.empty()) return {};
    HtmlTable table({{"On no path"}, {"Kind"}, {"Rows", true}, {"Busy", true}, {"Least slack", true}, {"Median slack", true}});
    for (const PathSlack& s : path.slack)
        table.add({nameCell(s.name), kindMark(s.kind), std::to_string(s.count), formatDuration(s.busyNs), formatDuration(s.leastSlackNs), formatDuration(s.medianSlackNs)});
    return "<details><summary>What could end later without any step ending later</summary>\n" + table.render(kMostSlack, path.slackOmitted) + "</details>\n";
}

std::string pathHead(const CriticalPath& path) {
    std::string out = fmt::format("What every step's time hangs on, from its start to its end: {} of {} step{}", formatDuration(path.coveredNs), path.steps,
                                  path.steps == 1 ? "" : "s");
    if (path.stepsLeftOut > 0) out += fmt::format(" ({} more were too many for the graph)", path.stepsLeftOut);
    out += fmt::format(". The JSON report has the {} segments of one step, {} long", path.segments.size(), formatDuration(path.totalNs));
    if (!path.workload.empty()) out += ", of " + elideMiddle(printable(path.workload), 60);
    return "<p class=\"soft name\">" + html(out) + ".</p>\n";
}

}  // namespace

std::string whatIfSection(const Analysis& a) {
    if (a.whatIf.empty()) return section("whatif", "What if", absent(ofSummaries(a) ? "Summaries of ranks hold no order of the work, so that no change can be played: analyze one rank." : "No change was predicted: nothing that the rules know would shorten a step."));
    std::string body =
        "<p class=\"soft\">Median steps. Replay: what the order of the work allows. Closed form: the step less the class of time. Either may be the "
        "shorter; the truth is expected between them, or further where hidden work still takes processor time: what it saves says both ends.</p>\n";
    const auto ranked = rankedWhatIf(a);
    for (std::size_t i = 0; i < std::min(kMostWhatIfs, ranked.size()); ++i) body += prediction(a, *ranked[i]);
    if (ranked.size() > kMostWhatIfs) body += fmt::format("<p class=\"soft small\">and {} more in the JSON report.</p>\n", ranked.size() - kMostWhatIfs);
    return section("whatif", "What if", body);
}

std::string criticalPathSection(const Analysis& a) {
    if (!a.criticalPath || (a.criticalPath->byKind.empty() && a.criticalPath->segments.empty()))
        return section("path", "Critical path", absent("The critical path was not computed for this trace."));
    const CriticalPath& path = *a.criticalPath;
    const std::string second = secondChainText(path);
    return section("path", "Critical path", pathHead(path) + kindLegend(path) + laneBars(path) + (second.empty() ? "" : "<p>Note: " + html(second) + ".</p>\n") +
                                                nameTable(path) + slackTable(path));
}

}  // namespace ridge::reports::page
