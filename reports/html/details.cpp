// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

std::string durationOr(const std::optional<Ns>& ns) { return ns ? formatDuration(*ns) : "<span class=\"soft\">-</span>"; }
std::string rateOr(const std::optional<double>& v) { return v ? formatRate(*v, "B/s") : "<span class=\"soft\">-</span>"; }
std::string bytesOr(const std::optional<std::int64_t>& v) {
    return v && *v >= 0 ? formatBytes(static_cast<std::uint64_t>(*v)) : "<span class=\"soft\">not known</span>";
}

std::string stragglers(const Analysis& a) {
    if (a.stragglers.empty()) return {};
    HtmlTable table({{"Late rank"}, {"Workload"}, {"Collective"}, {"Delay it caused", true}, {"Its excess time"}});
    for (const Straggler& s : a.stragglers)
        table.add({fmt::format("rank {}", s.rank), html(s.workload), html(s.collective), formatDuration(s.blameNs),
                   html(s.excessClass)});
    return "<h3>Who the others waited for</h3>\n" + table.render(50);
}

// Time of the critical path by kind: the path itself may have thousands of segments.
std::string criticalPath(const Analysis& a) {
    if (!a.criticalPath) return absent("The critical path was not computed for this trace.");
    std::map<std::string, Ns> byKind;
    for (const PathSegment& s : a.criticalPath->segments) byKind[s.kind] += s.endNs - s.startNs;
    std::vector<std::pair<std::string, Ns>> sorted(byKind.begin(), byKind.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& x, const auto& y) { return x.second > y.second; });
    HtmlTable table({{"On the critical path"}, {"Time", true}, {"Share", true}});
    for (const auto& [kind, ns] : sorted)
        table.add({html(kind), formatDuration(ns),
                   a.criticalPath->totalNs > 0
                       ? formatShare(static_cast<double>(ns) / static_cast<double>(a.criticalPath->totalNs))
                       : "-"});
    return fmt::format("<p class=\"soft\">{} segments, {} in all.</p>\n", a.criticalPath->segments.size(),
                       formatDuration(a.criticalPath->totalNs)) + table.render(30);
}

std::string rssCurve(const MemorySummary& m) {
    if (m.rss.size() < 2) return {};
    double highest = 0;
    for (const auto& [t, bytes] : m.rss)
        if (std::isfinite(bytes)) highest = std::max(highest, bytes);
    const double start = static_cast<double>(m.rss.front().first);
    const double span = static_cast<double>(m.rss.back().first) - start;
    if (highest <= 0 || span <= 0) return {};
    std::string points;
    for (const auto& [t, bytes] : m.rss) {
        if (!std::isfinite(bytes)) continue;
        points += fmt::format("{:.2f},{:.2f} ", (static_cast<double>(t) - start) / span * 1000, 96 - bytes / highest * 90);
    }
    return fmt::format("<svg class=\"spark\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"resident memory over time\">"
                       "<polyline points=\"{}\" fill=\"none\" stroke=\"var(--c0)\" stroke-width=\"2\" vector-effect=\"non-scaling-stroke\"/></svg>\n"
                       "<p class=\"soft small\">Resident memory over {}; the top of the curve is {}.</p>\n",
                       points, formatDuration(static_cast<Ns>(span)), formatBytes(static_cast<std::uint64_t>(highest)));
}

const char* chipKind(Severity s) { return s == Severity::kError ? "bad" : s == Severity::kWarning ? "warn" : "good"; }

std::string environmentGroup(const Analysis& a, std::string_view fieldClass, std::string_view title) {
    std::string rows;
    for (const EnvironmentField& f : a.environment)
        if (f.fieldClass == fieldClass) rows += "<dt>" + html(f.name) + "</dt><dd>" + html(f.value) + "</dd>\n";
    if (rows.empty()) return {};
    return fmt::format("<details{}><summary>{}</summary><dl class=\"small\">\n{}</dl></details>\n",
                       fieldClass == "key" ? " open" : "", title, rows);
}

}  // namespace

std::string communicationSection(const Analysis& a) {
    if (a.communication.empty())
        return section("communication", "Communication", absent("No collective and no transfer between ranks is in the trace."));
    HtmlTable table({{"Collective"}, {"Message", true}, {"Count", true}, {"Busy", true}, {"Hidden", true}, {"Wait", true},
                     {"Transfer", true}, {"Alg. bandwidth", true}, {"Bus bandwidth", true}});
    for (const CommunicationOp& c : a.communication) {
        const std::string hidden = c.busyNs > 0 ? formatShare(static_cast<double>(c.overlapNs) / static_cast<double>(c.busyNs)) : "-";
        std::string title = fmt::format("<span class=\"name\">{}</span>", html(c.name));
        if (!c.workload.empty()) title += "<br><span class=\"soft small name\">" + html(c.workload) + "</span>";
        if (!c.communicator.empty()) title += " <span class=\"soft small\">comm " + html(c.communicator) + "</span>";
        table.add({title, bytesOr(c.bytes), std::to_string(c.count), formatDuration(c.busyNs), hidden, durationOr(c.waitNs),
                   durationOr(c.transferNs), rateOr(c.algbw), rateOr(c.busbw)});
    }
    return section("communication", "Communication",
                   "<p class=\"soft\">Hidden: part of the busy time that overlaps compute. Wait and transfer need the traces of all ranks.</p>\n" +
                       table.render(100) + stragglers(a));
}

std::string whatIfSection(const Analysis& a) {
    std::string body;
    if (a.whatIf.empty()) {
        body = absent("No change was predicted: nothing that the rules know would shorten a step.");
    } else {
        HtmlTable table({{"Change"}, {"Workload"}, {"Predicted step", true}, {"Measured", true}});
        for (const WhatIf& w : a.whatIf)
            table.add({html(w.change), "<span class=\"name\">" + html(w.workload) + "</span>",
                       fmt::format("{} to {}", formatDuration(w.stepNsLow), formatDuration(w.stepNsHigh)), durationOr(w.measuredNs)});
        body = table.render(100);
    }
    return section("whatif", "What if", body + "<h3>Critical path</h3>\n" + criticalPath(a));
}

std::string resourcesSection(const Analysis& a) {
    std::string body;
    if (a.memory.peakRssBytes || a.memory.deviceBytesPeak) {
        body += "<dl>";
        if (a.memory.peakRssBytes) body += "<dt>peak resident memory</dt><dd>" + bytesOr(a.memory.peakRssBytes) + "</dd>";
        if (a.memory.deviceBytesPeak) body += "<dt>peak device memory</dt><dd>" + bytesOr(a.memory.deviceBytesPeak) + "</dd>";
        body += "</dl>\n";
    } else {
        body += absent("Memory was not sampled in this trace.");
    }
    body += rssCurve(a.memory);
    if (a.energy.joules) {
        body += fmt::format("<dl><dt>energy</dt><dd>{} ({})</dd>", formatValue(*a.energy.joules, "J"), html(a.energy.source));
        if (a.energy.joulesPerStep) body += "<dt>per step</dt><dd>" + formatValue(*a.energy.joulesPerStep, "J") + "</dd>";
        body += "</dl>\n";
    } else {
        body += absent("Energy was not sampled: it needs NVML on a GPU, or readable RAPL counters on the CPU.");
    }
    return section("resources", "Memory and energy", body);
}

std::string captureSection(const Analysis& a) {
    std::string body;
    if (a.gate.empty()) {
        body = absent("No check of the capture was made.");
    } else {
        HtmlTable table({{"Check"}, {"State"}, {"Count", true}, {"Detail"}});
        std::vector<const GateCheck*> sorted;
        for (const GateCheck& g : a.gate) sorted.push_back(&g);
        std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->severity > y->severity; });
        for (const GateCheck* g : sorted)
            table.add({html(g->check), chip(g->severity == Severity::kInfo ? "passed" : name(g->severity), chipKind(g->severity)),
                       std::to_string(g->count), html(g->detail)});
        body = table.render();
    }
    body += "<h3>Losses</h3>\n";
    if (a.losses.empty()) return section("capture", "Capture", body + absent("Nothing was lost: no source dropped or truncated a record."));
    HtmlTable losses({{"Source"}, {"Records lost", true}});
    for (const Loss& l : a.losses) losses.add({html(l.source), std::to_string(l.count)});
    return section("capture", "Capture", body + losses.render());
}

std::string environmentSection(const Analysis& a) {
    if (a.environment.empty())
        return section("environment", "Environment", absent("The trace says nothing about the machine it was taken on."));
    std::string body = environmentGroup(a, "key", "Decides whether runs may be compared") +
                       environmentGroup(a, "recorded", "Recorded") + environmentGroup(a, "volatile", "Changes from run to run");
    if (!a.ranks.empty()) {
        body += "<p class=\"small soft\">";
        for (std::size_t i = 0; i < std::min<std::size_t>(64, a.ranks.size()); ++i)
            body += fmt::format("{}rank {} on {}", i ? ", " : "", a.ranks[i].rank, html(a.ranks[i].host));
        body += "</p>\n";
    }
    return section("environment", "Environment", body);
}

}  // namespace ridge::reports::page
