// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Where the energy went.
#include <algorithm>

#include "gui/analysis/section.h"
#include "reports/common/classes.h"

namespace ridge::gui::sections {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

struct Joules {
    const WorkloadEnergy* energy;
    std::size_t wallClass;
};

}  // namespace

Section energy(const AnalysisPtr& a) {
    Section s{"energy", "Energy", ""};
    const EnergySummary& e = a->energy;
    if (!e.joules && e.workloads.empty()) {
        s.absent = "Energy was not sampled: it needs NVML on a GPU, or readable RAPL counters on the CPU.";
        return s;
    }
    s.facts = {{"of the session", maybe(e.joules), Unit::kJoule}, {"per step", maybe(e.joulesPerStep), Unit::kJoule}, {"measured by", e.source, Unit::kText}};
    const auto& list = e.workloads;
    Table t{"Workloads", "Covered: the part of the steps during which power was sampled.", {}, list.size()};
    t.columns = {column("Steps of", Unit::kText, a, list, [](const auto& w) { return w.workload.empty() ? std::string("the trace") : w.workload; }),
                 column("Energy", Unit::kJoule, a, list, [](const auto& w) { return w.joules; }),
                 column("Per step", Unit::kJoule, a, list, [](const auto& w) { return w.joulesPerStep; }),
                 column("Per token", Unit::kJoule, a, list, [](const auto& w) { return maybe(w.joulesPerToken); }),
                 column("Steps", Unit::kCount, a, list, [](const auto& w) { return w.steps; }),
                 column("Covered", Unit::kShare, a, list, [](const auto& w) { return w.coverage; })};
    if (!list.empty()) s.tables.push_back(std::move(t));
    Chart chart{ChartKind::kBars, "Energy of the steps by class", Unit::kJoule};
    auto parts = std::make_shared<std::vector<Joules>>();
    for (const WorkloadEnergy& w : list) {
        if (!w.classesKnown) continue;
        Bar bar{w.workload, {}};
        for (std::size_t c = 0; c < kWallClassCount; ++c) {
            if (w.classes[c] == 0) continue;
            parts->push_back({&w, c});
            bar.parts.push_back({colourOf(static_cast<WallClass>(c)), w.classes[c], reports::label(static_cast<WallClass>(c))});
        }
        std::stable_sort(bar.parts.begin(), bar.parts.end(), [](const BarPart& x, const BarPart& y) { return x.value > y.value; });
        chart.bars.push_back(std::move(bar));
    }
    if (parts->empty()) return s;
    s.charts.push_back(std::move(chart));
    Table c{"By class", "", {}, parts->size()};
    c.columns = {{"Steps of", Unit::kText, [a, parts](std::size_t r) -> Value { return (*parts)[r].energy->workload; }},
                 {"Class", Unit::kClass, [a, parts](std::size_t r) -> Value { return std::string(kWallClassNames[(*parts)[r].wallClass]); }},
                 {"Energy", Unit::kJoule, [a, parts](std::size_t r) -> Value { return (*parts)[r].energy->classes[(*parts)[r].wallClass]; }}};
    c.mark = [a, parts](std::size_t r) { return colourOf(static_cast<WallClass>((*parts)[r].wallClass)); };
    s.tables.push_back(std::move(c));
    return s;
}

}  // namespace ridge::gui::sections
