// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The roofline's numbers: ops against the roofs, steps against three walls, the roofs themselves.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "gui/analysis/section.h"

namespace ridge::gui::sections {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

ColourId colourOfBound(const std::string& bound) {
    if (bound == "compute" || bound == "balanced") return colourOf(WallClass::kComputeBound);
    if (bound == "memory") return colourOf(WallClass::kMemoryWall);
    if (bound == "latency") return colourOf(WallClass::kLatencyBound);
    if (bound == "network") return colourOf(WallClass::kCommTransfer);
    return colourOf(WallClass::kComputeUnknown);
}

Table ops(const AnalysisPtr& a) {
    const auto& list = a->roofline;
    Table t{"Ops", "Enter finds the op in the timeline.", {}, list.size()};
    const bool named = std::any_of(list.begin(), list.end(), [](const auto& p) { return !p.workload.empty(); });
    t.columns = {column("Op", Unit::kText, a, list, [](const auto& p) { return p.op; }),
                 column("Time", Unit::kDuration, a, list, [](const auto& p) { return p.timeNs; }),
                 column("Count", Unit::kCount, a, list, [](const auto& p) { return p.count; }),
                 column("of its roof", Unit::kShare, a, list, [](const auto& p) { return maybe(p.attainment); }),
                 column("Bound", Unit::kText, a, list, [](const auto& p) { return p.bound; }),
                 column("Roof", Unit::kText, a, list, [](const auto& p) { return p.ceiling; }),
                 column("Achieved", Unit::kOf, a, list, [](const auto& p) { return maybe(p.achieved); }),
                 column("FLOP per byte", Unit::kNumber, a, list, [](const auto& p) { return maybe(p.intensity); }),
                 column("FLOP", Unit::kFlop, a, list, [](const auto& p) { return p.flops; }),
                 column("Bytes", Unit::kBytes, a, list, [](const auto& p) { return p.bytes; }),
                 column("Kind", Unit::kText, a, list, [](const auto& p) { return p.opKind; }),
                 column("Type", Unit::kText, a, list, [](const auto& p) { return p.dtype; }),
                 column("Work from", Unit::kText, a, list, [](const auto& p) { return p.source; }),
                 column("Bytes of", Unit::kText, a, list, [](const auto& p) { return p.level; }),
                 column("Blocks", Unit::kCount, a, list, [](const auto& p) { return p.blocks > 0 ? Value(p.blocks) : Value(); })};
    t.columns[6].of = [a](std::size_t r) { return std::string(a->roofline[r].flops > 0 ? "FLOP/s" : "B/s"); };
    if (named) t.columns.push_back(column("Workload", Unit::kText, a, list, [](const auto& p) { return p.workload; }));
    t.mark = [a](std::size_t r) { return colourOfBound(a->roofline[r].bound); };
    t.target = [a](std::size_t r) { return std::optional(Target{0, 0, a->roofline[r].op}); };
    return t;
}

Table walls(const AnalysisPtr& a) {
    const auto& list = a->ridgeline;
    const auto known = [](Ns ns) { return ns > 0 ? Value(ns) : Value(); };
    Table t{"Three walls", "What one step of one rank would take at the roof of compute, of memory and of the network alone; the longest is the wall that it must meet.", {}, list.size()};
    t.columns = {column("Step of", Unit::kText, a, list, [](const auto& p) { return p.workload.empty() ? std::string("the trace") : p.workload; }),
                 column("Wall", Unit::kText, a, list, [](const auto& p) { return p.bound; }),
                 column("At compute", Unit::kDuration, a, list, [known](const auto& p) { return known(p.computeNs); }),
                 column("At memory", Unit::kDuration, a, list, [known](const auto& p) { return known(p.memoryNs); }),
                 column("At network", Unit::kDuration, a, list, [known](const auto& p) { return known(p.networkNs); }),
                 column("The step", Unit::kDuration, a, list, [](const auto& p) { return p.stepNs; }),
                 column("FLOP per memory byte", Unit::kNumber, a, list, [](const auto& p) { return maybe(p.y); }),
                 column("Memory per network byte", Unit::kNumber, a, list, [](const auto& p) { return maybe(p.x); }),
                 column("FLOP", Unit::kFlop, a, list, [](const auto& p) { return p.flops; }),
                 column("Memory bytes", Unit::kBytes, a, list, [](const auto& p) { return p.memoryBytes; }),
                 column("Network bytes", Unit::kBytes, a, list, [](const auto& p) { return p.networkBytes; })};
    t.mark = [a](std::size_t r) { return colourOfBound(a->ridgeline[r].bound); };
    return t;
}

Table roofs(const AnalysisPtr& a) {
    const auto& list = a->ceilings;
    Table t{"Roofs", "", {}, list.size()};
    t.columns = {column("Roof", Unit::kText, a, list, [](const auto& c) { return c.name; }),
                 column("Value", Unit::kOf, a, list, [](const auto& c) { return c.value; }),
                 column("Unit", Unit::kText, a, list, [](const auto& c) { return c.unit; }),
                 column("Kind", Unit::kText, a, list, [](const auto& c) { return c.kind; }),
                 column("Type", Unit::kText, a, list, [](const auto& c) { return c.dtype; }),
                 column("Level", Unit::kText, a, list, [](const auto& c) { return c.level; }),
                 column("Access", Unit::kText, a, list, [](const auto& c) { return c.access; }),
                 column("Capacity", Unit::kBytes, a, list, [](const auto& c) { return maybe(c.capacityBytes); }),
                 column("Method", Unit::kText, a, list, [](const auto& c) { return c.method; })};
    t.columns[1].of = [a](std::size_t r) { return a->ceilings[r].unit; };
    return t;
}

}  // namespace

Section roofline(const AnalysisPtr& a) {
    Section s{"ops", "Ops and roofs", ""};
    if (a->roofline.empty() && a->ceilings.empty() && a->ridgeline.empty()) {
        s.absent = "No roofs and no ops with known work. ridge run leaves roofs beside its traces; of another machine ridge ceilings measures them. The work of an op comes from ranges with a work payload.";
        return s;
    }
    const bool met = std::any_of(a->ridgeline.begin(), a->ridgeline.end(), [](const auto& p) { return !p.bound.empty(); });
    if (met) {
        Chart chart{ChartKind::kBars, "One step at each wall alone"};
        for (const RidgelinePoint& p : a->ridgeline) {
            if (p.bound.empty()) continue;
            const std::string name = p.workload.empty() ? "" : p.workload + " · ";
            chart.bars.push_back({name + "the step", {{colourOf(WallClass::kComputeUnknown), static_cast<double>(p.stepNs), "the step"}}});
            if (p.computeNs > 0) chart.bars.push_back({name + "compute", {{colourOfBound("compute"), static_cast<double>(p.computeNs), "at the roof of compute"}}});
            if (p.memoryNs > 0) chart.bars.push_back({name + "memory", {{colourOfBound("memory"), static_cast<double>(p.memoryNs), "at the roof of memory"}}});
            if (p.networkNs > 0) chart.bars.push_back({name + "network", {{colourOfBound("network"), static_cast<double>(p.networkNs), "at the roof of the network"}}});
        }
        s.charts.push_back(std::move(chart));
    }
    if (!a->ridgeline.empty()) s.tables.push_back(walls(a));
    if (!a->roofline.empty()) s.tables.push_back(ops(a));
    if (!a->ceilings.empty()) s.tables.push_back(roofs(a));
    return s;
}

}  // namespace ridge::gui::sections
