// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What a step's time hangs on, and what it would take if something changed.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "gui/analysis/section.h"
#include "reports/common/summary.h"

namespace ridge::gui::sections {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostLanes = 16;

ColourId colourOfKind(const std::string& kind) { return colourOf(reports::classOfPathKind(kind)); }

Bar kindBar(std::string label, const std::vector<PathShare>& kinds) {
    Bar bar{std::move(label), {}};
    for (const PathShare& k : kinds)
        if (k.ns > 0) bar.parts.push_back({colourOfKind(k.kind), static_cast<double>(k.ns), reports::pathKindText(k.kind)});
    return bar;
}

Table shares(std::string title, const AnalysisPtr& a, const std::vector<PathShare>& list, Ns whole, bool named) {
    Table t{std::move(title), "", {}, list.size()};
    if (named) t.columns.push_back(column("On the path", Unit::kText, a, list, [](const auto& s) { return s.name; }));
    t.columns.push_back(column("Kind", Unit::kKind, a, list, [](const auto& s) { return s.kind; }));
    t.columns.push_back(column("Time", Unit::kDuration, a, list, [](const auto& s) { return s.ns; }));
    t.columns.push_back(column("Share", Unit::kShare, a, list, [whole](const auto& s) { return whole > 0 ? Value(static_cast<double>(s.ns) / static_cast<double>(whole)) : Value(); }));
    t.columns.push_back(column("Segments", Unit::kCount, a, list, [](const auto& s) { return s.count; }));
    const auto* items = &list;
    t.mark = [a, items](std::size_t r) { return colourOfKind((*items)[r].kind); };
    if (named) t.target = [a, items](std::size_t r) { return std::optional(Target{0, 0, (*items)[r].name}); };
    return t;
}

Table segments(const AnalysisPtr& a) {
    const auto& list = a->criticalPath->segments;
    Table t{fmt::format("Segments of step {}, one after the other", a->criticalPath->stepIndex), "Enter, or moving through the rows, goes to the place; Ctrl+] and Ctrl+[ walk from anywhere.", {}, list.size()};
    t.columns = {column("Segment", Unit::kText, a, list, [](const auto& s) { return s.name.empty() ? std::string("(between ranges)") : s.name; }),
                 column("Kind", Unit::kKind, a, list, [](const auto& s) { return s.kind; }),
                 column("Start", Unit::kMoment, a, list, [](const auto& s) { return s.startNs; }),
                 column("End", Unit::kMoment, a, list, [](const auto& s) { return s.endNs; }),
                 column("Duration", Unit::kDuration, a, list, [](const auto& s) { return s.endNs - s.startNs; })};
    t.mark = [a](std::size_t r) { return colourOfKind(a->criticalPath->segments[r].kind); };
    t.target = [a](std::size_t r) { return std::optional(Target{a->criticalPath->segments[r].startNs, a->criticalPath->segments[r].endNs}); };
    t.walk = true;
    return t;
}

Table slack(const AnalysisPtr& a) {
    const auto& list = a->criticalPath->slack;
    Table t{"On no path", "What could end later without any step ending later.", {}, list.size()};
    t.columns = {column("Name", Unit::kText, a, list, [](const auto& s) { return s.name; }),
                 column("Kind", Unit::kKind, a, list, [](const auto& s) { return s.kind; }),
                 column("Rows", Unit::kCount, a, list, [](const auto& s) { return s.count; }),
                 column("Busy", Unit::kDuration, a, list, [](const auto& s) { return s.busyNs; }),
                 column("Least slack", Unit::kDuration, a, list, [](const auto& s) { return s.leastSlackNs; }),
                 column("Median slack", Unit::kDuration, a, list, [](const auto& s) { return s.medianSlackNs; })};
    t.mark = [a](std::size_t r) { return colourOfKind(a->criticalPath->slack[r].kind); };
    t.target = [a](std::size_t r) { return std::optional(Target{0, 0, a->criticalPath->slack[r].name}); };
    return t;
}

struct LaneShare {
    const PathLane* lane;
    const PathShare* share;
};

void addLanes(const AnalysisPtr& a, Section& s) {
    const auto& list = a->criticalPath->lanes;
    Table t{"Ranks and devices", "", {}, list.size()};
    t.columns = {column("Rank", Unit::kCount, a, list, [](const auto& l) { return l.rank; }),
                 column("Device", Unit::kCount, a, list, [](const auto& l) { return l.device; }),
                 column("Workload", Unit::kText, a, list, [](const auto& l) { return l.workload; }),
                 column("Steps", Unit::kCount, a, list, [](const auto& l) { return l.steps; }),
                 column("Time", Unit::kDuration, a, list, [](const auto& l) { return l.totalNs; })};
    auto parts = std::make_shared<std::vector<LaneShare>>();
    for (const PathLane& lane : list)
        for (const PathShare& share : lane.byKind) parts->push_back({&lane, &share});
    Table p{"Their kinds", "", {}, parts->size()};
    p.columns = {{"Rank", Unit::kCount, [a, parts](std::size_t r) -> Value { return (*parts)[r].lane->rank; }},
                 {"Device", Unit::kCount, [a, parts](std::size_t r) -> Value { return (*parts)[r].lane->device; }},
                 {"Workload", Unit::kText, [a, parts](std::size_t r) -> Value { return (*parts)[r].lane->workload; }},
                 {"Kind", Unit::kKind, [a, parts](std::size_t r) -> Value { return (*parts)[r].share->kind; }},
                 {"Time", Unit::kDuration, [a, parts](std::size_t r) -> Value { return (*parts)[r].share->ns; }},
                 {"Segments", Unit::kCount, [a, parts](std::size_t r) -> Value { return (*parts)[r].share->count; }}};
    p.mark = [a, parts](std::size_t r) { return colourOfKind((*parts)[r].share->kind); };
    if (!list.empty()) s.tables.push_back(std::move(t)), s.tables.push_back(std::move(p));
}

}  // namespace

Section criticalPath(const AnalysisPtr& a) {
    Section s{"path", "Critical path", ""};
    if (!a->criticalPath) {
        s.absent = "The critical path was not computed for this trace.";
        return s;
    }
    const CriticalPath& path = *a->criticalPath;
    s.facts = {{"time of all steps on paths", path.coveredNs, Unit::kDuration}, {"steps", path.steps, Unit::kCount}};
    if (path.stepsLeftOut > 0) s.facts.push_back({"steps too many for the graph", path.stepsLeftOut, Unit::kCount});
    s.facts.push_back({"the step below", path.stepIndex, Unit::kCount});
    s.facts.push_back({"of rank", path.rank, Unit::kCount});
    s.facts.push_back({"device", path.device, Unit::kCount});
    if (!path.workload.empty()) s.facts.push_back({"of", path.workload, Unit::kText});
    s.facts.push_back({"its length", path.totalNs, Unit::kDuration});
    if (!path.second.empty()) {
        s.lead = reports::secondChainText(path);
        s.facts.push_back({"second chain, on the " + path.second, path.secondNs, Unit::kDuration});
    }
    if (path.slackOmitted > 0) s.facts.push_back({"names on no path, not kept", path.slackOmitted, Unit::kCount});
    if (path.namesOmitted > 0) s.facts.push_back({"names with less time, not kept", path.namesOmitted, Unit::kCount});
    Chart strip{ChartKind::kStrip, fmt::format("The path of step {}: click a piece to go there", path.stepIndex)};
    for (const PathSegment& p : path.segments) strip.pieces.push_back({p.startNs, p.endNs, colourOfKind(p.kind), reports::pathKindText(p.kind) + (p.name.empty() ? "" : " · " + p.name)});
    if (!strip.pieces.empty()) s.charts.push_back(std::move(strip));
    Chart kinds{ChartKind::kBars, "All steps by kind"};
    kinds.share = true;
    kinds.bars.push_back(kindBar(path.lanes.size() > 1 ? "all" : "", path.byKind));
    for (std::size_t l = 0; path.lanes.size() > 1 && l < std::min(kMostLanes, path.lanes.size()); ++l)
        kinds.bars.push_back(kindBar(fmt::format("rank {} · device {}", path.lanes[l].rank, path.lanes[l].device), path.lanes[l].byKind));
    s.charts.push_back(std::move(kinds));
    s.tables = {segments(a), shares("By kind", a, path.byKind, path.coveredNs, false), shares("By name", a, path.byName, path.coveredNs, true)};
    s.tables.back().omitted = path.namesOmitted;
    if (!path.slack.empty()) {
        s.tables.push_back(slack(a));
        s.tables.back().omitted = path.slackOmitted;
    }
    addLanes(a, s);
    return s;
}

Section whatIf(const AnalysisPtr& a) {
    Section s{"whatif", "What if",
              "The median step if something changed. Replay: what the order of the work allows. Closed form: what the class of time could give by itself. The truth is expected between them, or up to High where hidden work still takes processor time."};
    if (a->whatIf.empty()) {
        s.lead.clear();
        s.absent = "No change was predicted: nothing that the rules know would shorten a step.";
        return s;
    }
    auto ranked = std::make_shared<std::vector<const WhatIf*>>(reports::rankedWhatIf(*a));
    Chart chart{ChartKind::kPredictions, "Median step now, and as it is predicted"};
    for (const WhatIf* w : *ranked)
        chart.predictions.push_back({reports::changeText(w->change), w->workload, w->stepNs, w->stepNsLow, w->stepNsHigh, w->measuredNs});
    s.charts.push_back(std::move(chart));
    Table t{"", "", {}, ranked->size()};
    const auto add = [&](const char* title, Unit unit, auto get) { t.columns.push_back({title, unit, [a, ranked, get](std::size_t r) -> Value { return get(*(*ranked)[r]); }}); };
    add("Change", Unit::kText, [](const WhatIf& w) -> Value { return reports::changeText(w.change); });
    add("Workload", Unit::kText, [](const WhatIf& w) -> Value { return w.workload; });
    add("Step now", Unit::kDuration, [](const WhatIf& w) -> Value { return w.stepNs; });
    add("Low", Unit::kDuration, [](const WhatIf& w) -> Value { return w.stepNsLow; });
    add("High", Unit::kDuration, [](const WhatIf& w) -> Value { return w.stepNsHigh; });
    add("Replay", Unit::kDuration, [](const WhatIf& w) -> Value { return w.replayNs; });
    add("Closed form", Unit::kDuration, [](const WhatIf& w) -> Value { return w.boundNs; });
    add("Saves at least", Unit::kShare, [](const WhatIf& w) -> Value { return w.stepNs > 0 ? Value(1 - static_cast<double>(w.stepNsHigh) / static_cast<double>(w.stepNs)) : Value(); });
    add("Measured", Unit::kDuration, [](const WhatIf& w) -> Value { return maybe(w.measuredNs); });
    add("Replay is off by", Unit::kShare, [](const WhatIf& w) -> Value { return maybe(w.error); });
    add("Measured in", Unit::kText, [](const WhatIf& w) -> Value { return w.comparedWith; });
    s.tables.push_back(std::move(t));
    return s;
}

}  // namespace ridge::gui::sections
