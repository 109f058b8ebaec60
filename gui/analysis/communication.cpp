// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Collectives, who came late to them, what they cost the compute beside them, and the clocks that say so.
#include <fmt/format.h>

#include <algorithm>

#include "gui/analysis/section.h"

namespace ridge::gui::sections {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostBars = 12;

Table collectives(const AnalysisPtr& a) {
    const auto& list = a->communication;
    Table t{"Collectives and transfers", "Hidden: busy time beside compute. Wait and transfer need the traces of all ranks.", {}, list.size()};
    const bool named = std::any_of(list.begin(), list.end(), [](const auto& c) { return !c.workload.empty(); });
    t.columns = {column("Collective", Unit::kText, a, list, [](const auto& c) { return c.name; }),
                 column("Bytes", Unit::kBytes, a, list, [](const auto& c) { return maybe(c.bytes); }),
                 column("Count", Unit::kCount, a, list, [](const auto& c) { return c.count; }),
                 column("Busy", Unit::kDuration, a, list, [](const auto& c) { return c.busyNs; }),
                 column("Hidden", Unit::kDuration, a, list, [](const auto& c) { return c.overlapNs; }),
                 column("Hidden share", Unit::kShare, a, list, [](const auto& c) { return c.busyNs > 0 ? Value(static_cast<double>(c.overlapNs) / static_cast<double>(c.busyNs)) : Value(); }),
                 column("Wait", Unit::kDuration, a, list, [](const auto& c) { return maybe(c.waitNs); }),
                 column("Transfer", Unit::kDuration, a, list, [](const auto& c) { return maybe(c.transferNs); }),
                 column("Alg. bandwidth", Unit::kByteRate, a, list, [](const auto& c) { return maybe(c.algbw); }),
                 column("Bus bandwidth", Unit::kByteRate, a, list, [](const auto& c) { return maybe(c.busbw); }),
                 column("Communicator", Unit::kText, a, list, [](const auto& c) { return c.communicator; })};
    if (named) t.columns.push_back(column("Workload", Unit::kText, a, list, [](const auto& c) { return c.workload; }));
    t.mark = [a](std::size_t r) {  // the colour of most of its bar
        const CommunicationOp& c = a->communication[r];
        if (!c.waitNs || !c.transferNs) return colourOf(WallClass::kCommUnsplit);
        return colourOf(*c.waitNs > *c.transferNs ? WallClass::kCommWait : WallClass::kCommTransfer);
    };
    t.target = [a](std::size_t r) { return std::optional(Target{0, 0, a->communication[r].name}); };
    return t;
}

Chart busyTimes(const Analysis& a) {
    Chart chart{ChartKind::kBars, "Busy time: wait, transfer, or both where they cannot be told apart"};
    std::vector<const CommunicationOp*> sorted;
    for (const CommunicationOp& c : a.communication) sorted.push_back(&c);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->busyNs > y->busyNs; });
    for (std::size_t i = 0; i < std::min(kMostBars, sorted.size()); ++i) {
        const CommunicationOp& c = *sorted[i];
        Bar bar{c.bytes ? fmt::format("{} · {}", c.name, formatted(*c.bytes, Unit::kBytes)) : c.name, {}};
        if (c.waitNs && c.transferNs) {
            bar.parts.push_back({colourOf(WallClass::kCommWait), static_cast<double>(*c.waitNs), "wait"});
            bar.parts.push_back({colourOf(WallClass::kCommTransfer), static_cast<double>(*c.transferNs), "transfer"});
            if (const Ns rest = c.busyNs - *c.waitNs - *c.transferNs; rest > 0) bar.parts.push_back({colourOf(WallClass::kCommUnsplit), static_cast<double>(rest), "not split"});
        } else {
            bar.parts.push_back({colourOf(WallClass::kCommUnsplit), static_cast<double>(c.busyNs), "not split"});
        }
        chart.bars.push_back(std::move(bar));
    }
    return chart;
}

struct Contended {
    const Contention* on;
    const ContendedKernel* kernel;
};

void addContention(const AnalysisPtr& a, Section& s) {
    if (a->contention.empty()) return;
    const auto& list = a->contention;
    Table t{"What the overlap costs", "The same kernels with communication beside them, against alone; a cost below 0 is chance.", {}, list.size()};
    t.columns = {column("Rank", Unit::kCount, a, list, [](const auto& c) { return c.rank; }),
                 column("Device", Unit::kCount, a, list, [](const auto& c) { return c.device; }),
                 column("Overlap", Unit::kDuration, a, list, [](const auto& c) { return c.overlapNs; }),
                 column("Its cost", Unit::kDuration, a, list, [](const auto& c) { return c.costNs; }),
                 column("at least", Unit::kDuration, a, list, [](const auto& c) { return c.costLowNs; }),
                 column("at most", Unit::kDuration, a, list, [](const auto& c) { return c.costHighNs; }),
                 column("Net hidden", Unit::kDuration, a, list, [](const auto& c) { return c.netHiddenNs; })};
    s.tables.push_back(std::move(t));
    auto kernels = std::make_shared<std::vector<Contended>>();
    for (const Contention& c : list)
        for (const ContendedKernel& k : c.kernels) kernels->push_back({&c, &k});
    Table k{"Kernels beside communication", "", {}, kernels->size()};
    const auto add = [&](const char* title, Unit unit, auto get) { k.columns.push_back({title, unit, [a, kernels, get](std::size_t r) -> Value { return get((*kernels)[r]); }}); };
    add("Kernel", Unit::kText, [](const Contended& x) -> Value { return x.kernel->name; });
    add("Rank", Unit::kCount, [](const Contended& x) -> Value { return x.on->rank; });
    add("Device", Unit::kCount, [](const Contended& x) -> Value { return x.on->device; });
    add("Alone", Unit::kCount, [](const Contended& x) -> Value { return x.kernel->alone; });
    add("Beside", Unit::kCount, [](const Contended& x) -> Value { return x.kernel->overlapped; });
    add("Median alone", Unit::kDuration, [](const Contended& x) -> Value { return x.kernel->medianAloneNs; });
    add("Median beside", Unit::kDuration, [](const Contended& x) -> Value { return x.kernel->medianOverlappedNs; });
    add("Cost", Unit::kDuration, [](const Contended& x) -> Value { return x.kernel->costNs; });
    k.target = [a, kernels](std::size_t r) { return std::optional(Target{0, 0, (*kernels)[r].kernel->name}); };
    if (!kernels->empty()) s.tables.push_back(std::move(k));
}

}  // namespace

Section communication(const AnalysisPtr& a) {
    Section s{"communication", "Communication", ""};
    if (a->unclaimedSkewNs > 0) s.facts.push_back({"delays blamed on nobody: too small for how well the clocks agree", a->unclaimedSkewNs, Unit::kDuration});
    if (a->communication.empty() && a->stragglers.empty() && a->contention.empty() && a->clocks.empty()) {
        s.absent = "No collective and no transfer between ranks is in the trace.";
        return s;
    }
    if (!a->communication.empty()) {
        s.charts.push_back(busyTimes(*a));
        s.tables.push_back(collectives(a));
    }
    if (!a->stragglers.empty()) {
        const auto& list = a->stragglers;
        Table t{"Who the others waited for", "", {}, list.size()};
        t.columns = {column("Late rank", Unit::kCount, a, list, [](const auto& x) { return x.rank; }),
                     column("Delay it caused", Unit::kDuration, a, list, [](const auto& x) { return x.blameNs; }),
                     column("Its excess time", Unit::kKind, a, list, [](const auto& x) { return x.excessClass; }),
                     column("Collective", Unit::kText, a, list, [](const auto& x) { return x.collective; }),
                     column("Workload", Unit::kText, a, list, [](const auto& x) { return x.workload; })};
        t.target = [a](std::size_t r) { return std::optional(Target{0, 0, a->stragglers[r].collective}); };
        s.tables.push_back(std::move(t));
    }
    addContention(a, s);
    if (!a->clocks.empty()) {
        const auto& list = a->clocks;
        Table t{"Clocks of the ranks, against the lowest one", "", {}, list.size()};
        t.columns = {column("Rank", Unit::kCount, a, list, [](const auto& c) { return c.rank; }),
                     column("Measured", Unit::kDuration, a, list, [](const auto& c) { return c.measuredNs; }),
                     column("Taken off", Unit::kDuration, a, list, [](const auto& c) { return c.offsetNs; }),
                     column("Residual", Unit::kDuration, a, list, [](const auto& c) { return c.residualNs; }),
                     column("Collectives", Unit::kCount, a, list, [](const auto& c) { return c.collectives; })};
        s.tables.push_back(std::move(t));
    }
    return s;
}

}  // namespace ridge::gui::sections
