// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What is different from the base: verdicts of both, and the difference of two real steps, which adds up.
#include "analyzer/compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "gui/analysis/section.h"
#include "reports/common/classes.h"
#include "reports/common/summary.h"

namespace ridge::gui::sections {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

std::string text(std::string_view s) { return std::string(s); }

std::string laneName(const LaneComparison& lane) {
    std::string name = fmt::format("rank {} · {} {}", lane.rank, lane.gpu ? "GPU" : "CPU", lane.device);
    if (lane.workloadA.empty() && lane.workloadB.empty()) return name;
    return (lane.workloadA == lane.workloadB ? lane.workloadB : lane.workloadA + " → " + lane.workloadB) + " · " + name;
}

// Workloads of both sides: what they are limited by, and how long a step takes.
struct BothSides {
    const WorkloadSummary* base;
    const WorkloadSummary* trace;
};

Table verdicts(const AnalysisPtr& trace, const AnalysisPtr& base) {
    auto rows = std::make_shared<std::vector<BothSides>>();
    for (const WorkloadSummary& w : trace->workloads) {
        const auto it = std::find_if(base->workloads.begin(), base->workloads.end(), [&](const auto& other) { return other.name == w.name; });
        rows->push_back({it == base->workloads.end() ? nullptr : &*it, &w});
    }
    for (const WorkloadSummary& w : base->workloads)
        if (std::none_of(trace->workloads.begin(), trace->workloads.end(), [&](const auto& other) { return other.name == w.name; })) rows->push_back({&w, nullptr});
    Table t{"Verdicts of both", "Whether a difference is real is decided by repeated runs (ridge compare, ridge ab); here is where it lies.", {}, rows->size()};
    const auto add = [&](const char* title, Unit unit, auto get) { t.columns.push_back({title, unit, [trace, base, rows, get](std::size_t r) -> Value { return get((*rows)[r]); }}); };
    add("Workload", Unit::kText, [](const BothSides& s) -> Value { return s.trace ? s.trace->name : s.base->name; });
    add("Base", Unit::kClass, [](const BothSides& s) -> Value { return s.base ? Value(text(name(s.base->verdict.wallClass))) : Value(); });
    add("Trace", Unit::kClass, [](const BothSides& s) -> Value { return s.trace ? Value(text(name(s.trace->verdict.wallClass))) : Value(); });
    add("Base: median step", Unit::kDuration, [](const BothSides& s) -> Value { return s.base ? Value(s.base->medianStepNs) : Value(); });
    add("Trace: median step", Unit::kDuration, [](const BothSides& s) -> Value { return s.trace ? Value(s.trace->medianStepNs) : Value(); });
    add("Difference", Unit::kDuration, [](const BothSides& s) -> Value { return s.base && s.trace ? Value(s.trace->medianStepNs - s.base->medianStepNs) : Value(); });
    add("Trace / base", Unit::kNumber, [](const BothSides& s) -> Value {
        return s.base && s.trace && s.base->medianStepNs > 0 ? Value(static_cast<double>(s.trace->medianStepNs) / static_cast<double>(s.base->medianStepNs)) : Value();
    });
    t.mark = [trace, base, rows](std::size_t r) { return colourOf(((*rows)[r].trace ? (*rows)[r].trace : (*rows)[r].base)->verdict.wallClass); };
    return t;
}

Table lanes(const ComparisonPtr& c) {
    Table t{"The two steps that are compared", "The median ones of the matched steps; Enter goes to the trace's.", {}, c->lanes.size()};
    const auto add = [&](const char* title, Unit unit, auto get) { t.columns.push_back({title, unit, [c, get](std::size_t r) -> Value { return get(c->lanes[r]); }}); };
    add("Lane", Unit::kText, [](const LaneComparison& l) -> Value { return laneName(l); });
    add("Base: step", Unit::kCount, [](const LaneComparison& l) -> Value { return l.stepA.index; });
    add("takes", Unit::kDuration, [](const LaneComparison& l) -> Value { return l.stepA.lengthNs(); });
    add("Trace: step", Unit::kCount, [](const LaneComparison& l) -> Value { return l.stepB.index; });
    add("takes", Unit::kDuration, [](const LaneComparison& l) -> Value { return l.stepB.lengthNs(); });
    add("Difference", Unit::kDuration, [](const LaneComparison& l) -> Value { return l.deltaNs; });
    add("Base Q1", Unit::kDuration, [](const LaneComparison& l) -> Value { return l.a.q1; });
    add("Base Q3", Unit::kDuration, [](const LaneComparison& l) -> Value { return l.a.q3; });
    add("Trace Q1", Unit::kDuration, [](const LaneComparison& l) -> Value { return l.b.q1; });
    add("Trace Q3", Unit::kDuration, [](const LaneComparison& l) -> Value { return l.b.q3; });
    add("Matched steps", Unit::kCount, [](const LaneComparison& l) -> Value { return l.a.steps; });
    add("Warm-up left out, base", Unit::kCount, [](const LaneComparison& l) -> Value { return l.warmupA; });
    add("trace", Unit::kCount, [](const LaneComparison& l) -> Value { return l.warmupB; });
    add("Without a partner, base", Unit::kCount, [](const LaneComparison& l) -> Value { return l.unmatchedA; });
    add("trace", Unit::kCount, [](const LaneComparison& l) -> Value { return l.unmatchedB; });
    add("Device", Unit::kText, [](const LaneComparison& l) -> Value { return l.deviceName; });
    t.target = [c](std::size_t r) { return std::optional(Target{c->lanes[r].stepB.startNs, c->lanes[r].stepB.endNs}); };
    return t;
}

struct ClassRow {
    const LaneComparison* lane;
    const ClassDelta* delta;
};
struct DiffRow {
    const LaneComparison* lane;
    const ComparisonRow* row;
};

Table classes(const ComparisonPtr& c) {
    auto rows = std::make_shared<std::vector<ClassRow>>();
    for (const LaneComparison& lane : c->lanes)
        for (const ClassDelta& delta : lane.classes) rows->push_back({&lane, &delta});
    Table t{"By class: these add up to the difference of the steps", "", {}, rows->size()};
    const auto add = [&](const char* title, Unit unit, auto get) { t.columns.push_back({title, unit, [c, rows, get](std::size_t r) -> Value { return get((*rows)[r]); }}); };
    if (c->lanes.size() > 1) add("Lane", Unit::kText, [](const ClassRow& r) -> Value { return laneName(*r.lane); });
    add("Class", Unit::kClass, [](const ClassRow& r) -> Value { return text(name(r.delta->wallClass)); });
    add("Base", Unit::kDuration, [](const ClassRow& r) -> Value { return r.delta->aNs; });
    add("Trace", Unit::kDuration, [](const ClassRow& r) -> Value { return r.delta->bNs; });
    add("Difference", Unit::kDuration, [](const ClassRow& r) -> Value { return r.delta->deltaNs; });
    add("Base Q1", Unit::kDuration, [](const ClassRow& r) -> Value { return r.delta->a.q1; });
    add("Base Q3", Unit::kDuration, [](const ClassRow& r) -> Value { return r.delta->a.q3; });
    add("Trace Q1", Unit::kDuration, [](const ClassRow& r) -> Value { return r.delta->b.q1; });
    add("Trace Q3", Unit::kDuration, [](const ClassRow& r) -> Value { return r.delta->b.q3; });
    t.mark = [c, rows](std::size_t r) { return colourOf((*rows)[r].delta->wallClass); };
    return t;
}

Table rows(const ComparisonPtr& c) {
    auto list = std::make_shared<std::vector<DiffRow>>();
    for (const LaneComparison& lane : c->lanes)
        for (const ComparisonRow& row : lane.rows) list->push_back({&lane, &row});
    Table t{"By op and range: these add up too", "Slower + more often + both = difference, in every row. Enter finds the op in the timeline.", {}, list->size()};
    const auto add = [&](const char* title, Unit unit, auto get) { t.columns.push_back({title, unit, [c, list, get](std::size_t r) -> Value { return get((*list)[r]); }}); };
    const auto side = [](const RowSide& s) { return s.count > 0 || s.ns != 0; };
    add("What", Unit::kText, [](const DiffRow& r) -> Value { return r.row->shown().name; });
    add("Change", Unit::kText, [](const DiffRow& r) -> Value { return r.row->change; });
    add("Difference", Unit::kDuration, [](const DiffRow& r) -> Value { return r.row->deltaNs; });
    add("slower", Unit::kDuration, [](const DiffRow& r) -> Value { return r.row->slowerNs; });
    add("more often", Unit::kDuration, [](const DiffRow& r) -> Value { return r.row->oftenerNs; });
    add("both", Unit::kDuration, [](const DiffRow& r) -> Value { return r.row->bothNs; });
    add("Base", Unit::kDuration, [side](const DiffRow& r) -> Value { return side(r.row->a) ? Value(r.row->a.ns) : Value(); });
    add("Trace", Unit::kDuration, [side](const DiffRow& r) -> Value { return side(r.row->b) ? Value(r.row->b.ns) : Value(); });
    add("Base: count", Unit::kCount, [](const DiffRow& r) -> Value { return r.row->a.count; });
    add("Trace: count", Unit::kCount, [](const DiffRow& r) -> Value { return r.row->b.count; });
    add("Class", Unit::kClass, [](const DiffRow& r) -> Value { return text(name(r.row->wallClass)); });
    add("Within the spread", Unit::kText, [](const DiffRow& r) -> Value { return text(r.row->withinSpread ? "yes" : "no"); });
    add("Kind", Unit::kText, [](const DiffRow& r) -> Value { return text(kNodeKindNames[static_cast<std::size_t>(r.row->kind)]); });
    add("Match", Unit::kText, [](const DiffRow& r) -> Value { return text(kNodeMatchNames[static_cast<std::size_t>(r.row->match)]); });
    add("Inside", Unit::kText, [](const DiffRow& r) -> Value { return r.row->shown().path; });
    add("Shape", Unit::kText, [](const DiffRow& r) -> Value { return r.row->shown().shape; });
    add("Base: own time", Unit::kDuration, [](const DiffRow& r) -> Value { return r.row->a.ownNs; });
    add("Trace: own time", Unit::kDuration, [](const DiffRow& r) -> Value { return r.row->b.ownNs; });
    if (c->lanes.size() > 1) add("Lane", Unit::kText, [](const DiffRow& r) -> Value { return laneName(*r.lane); });
    t.mark = [c, list](std::size_t r) { return colourOf((*list)[r].row->wallClass); };
    t.target = [c, list](std::size_t r) -> std::optional<Target> {
        const std::string& name = (*list)[r].row->shown().name;
        return name.empty() ? std::nullopt : std::optional(Target{0, 0, name});
    };
    return t;
}

// The lead lane's step on both sides, in classes, to one scale.
Chart bothSteps(const LaneComparison& lane) {
    Chart chart{ChartKind::kBars, "The two steps of " + laneName(lane)};
    Bar base{fmt::format("base, step {}", lane.stepA.index), {}}, trace{fmt::format("trace, step {}", lane.stepB.index), {}};
    std::vector<const ClassDelta*> sorted;
    for (const ClassDelta& c : lane.classes) sorted.push_back(&c);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return std::max(a->aNs, a->bNs) > std::max(b->aNs, b->bNs); });
    for (const ClassDelta* c : sorted) {
        base.parts.push_back({colourOf(c->wallClass), static_cast<double>(c->aNs), reports::label(c->wallClass)});
        trace.parts.push_back({colourOf(c->wallClass), static_cast<double>(c->bNs), reports::label(c->wallClass)});
    }
    chart.bars = {std::move(base), std::move(trace)};
    return chart;
}

Table differences(const ComparisonPtr& c) {
    const auto& list = c->differences;
    Table t{"Recorded, and not equal", "To be read before a kernel is blamed.", {}, list.size()};
    const auto add = [&](const char* title, auto get) { t.columns.push_back({title, Unit::kText, [c, get](std::size_t r) -> Value { return get(c->differences[r]); }}); };
    add("What", [](const Difference& d) -> Value { return d.what; });
    add("Base", [](const Difference& d) -> Value { return d.a; });
    add("Trace", [](const Difference& d) -> Value { return d.b; });
    add("Kind", [](const Difference& d) -> Value { return d.group; });
    add("Counts", [](const Difference& d) -> Value { return text(d.counts ? "yes" : "changes from run to run by itself"); });
    t.worry = [c](std::size_t r) { return c->differences[r].counts ? 1 : 0; };
    return t;
}

}  // namespace

Section compare(const AnalysisPtr& trace, const AnalysisPtr& base, const ComparisonPtr& c) {
    Section s{"compare", "Comparison", ""};
    if (!base || !c) {
        s.absent = "No trace is open to compare with: ridge-view TRACE BASE, or File, Compare with….";
        return s;
    }
    if (c->refusal) s.facts.push_back({"cannot be compared", c->refusal->reason, Unit::kText});
    if (!c->lanes.empty()) {
        const LaneComparison& lead = c->lanes[std::min(c->lead, c->lanes.size() - 1)];
        s.facts.push_back({"step " + std::to_string(lead.stepA.index) + " of the base", lead.stepA.lengthNs(), Unit::kDuration});
        s.facts.push_back({"step " + std::to_string(lead.stepB.index) + " of the trace", lead.stepB.lengthNs(), Unit::kDuration});
        s.facts.push_back({"difference", lead.deltaNs, Unit::kDuration});
        if (lead.stepA.lengthNs() > 0) s.facts.push_back({"trace / base", static_cast<double>(lead.stepB.lengthNs()) / static_cast<double>(lead.stepA.lengthNs()), Unit::kNumber});
        if (lead.matchedByPlace) s.facts.push_back({"steps matched", std::string("by place: their numbers have too little in common"), Unit::kText});
        s.charts.push_back(bothSteps(lead));
    }
    for (const std::string& note : c->notes) s.lead += (s.lead.empty() ? "" : " ") + note + ".";
    for (const std::string& name : c->onlyA) s.facts.push_back({"only in the base", name, Unit::kText});
    for (const std::string& name : c->onlyB) s.facts.push_back({"only in the trace", name, Unit::kText});
    if (!c->lanes.empty()) s.tables = {classes(c), rows(c), lanes(c)};
    if (!trace->workloads.empty() || !base->workloads.empty()) s.tables.push_back(verdicts(trace, base));
    if (!c->differences.empty()) s.tables.push_back(differences(c));
    return s;
}

}  // namespace ridge::gui::sections
