// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// All findings as one table (the panel of its own shows one at a time), and time by range name.
#include <algorithm>

#include "base/text.h"
#include "gui/analysis/section.h"
#include "reports/common/summary.h"

namespace ridge::gui::sections {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

std::string text(std::string_view s) { return std::string(s); }

struct Place {
    const Finding* finding;
    const TimeRange* range;
};
struct Proof {
    const Finding* finding;
    const Evidence* evidence;
};

}  // namespace

Section findings(const AnalysisPtr& a) {
    Section s{"allfindings", "All findings", ""};
    if (a->findingsBelowFloor > 0) s.facts.push_back({"below half a percent of their step, not shown", a->findingsBelowFloor, Unit::kCount});
    const auto& list = a->findings;
    if (list.empty()) {
        s.absent = "No finding: no wall costs enough to be worth a word.";
        return s;
    }
    Table t{"Findings", "", {}, list.size()};
    t.columns = {column("Finding", Unit::kText, a, list, [](const auto& f) { return f.title; }),
                 column("Class", Unit::kClass, a, list, [](const auto& f) { return text(name(f.wallClass)); }),
                 column("Cause", Unit::kKind, a, list, [](const auto& f) { return text(name(f.cause)); }),
                 column("Cost per step", Unit::kDuration, a, list, [](const auto& f) { return f.costNs; }),
                 column("Share", Unit::kShare, a, list, [](const auto& f) { return f.share; }),
                 column("Saves at least", Unit::kDuration, a, list, [](const auto& f) { return f.savingLowNs; }),
                 column("at most", Unit::kDuration, a, list, [](const auto& f) { return f.savingHighNs; }),
                 column("Confidence", Unit::kText, a, list, [](const auto& f) { return text(name(f.confidence)); }),
                 column("Workload", Unit::kText, a, list, [](const auto& f) { return f.workload; }),
                 column("Rule", Unit::kText, a, list, [](const auto& f) { return f.rule; }),
                 column("Id", Unit::kText, a, list, [](const auto& f) { return f.id; }),
                 column("Places", Unit::kCount, a, list, [](const auto& f) { return static_cast<std::int64_t>(f.where.size()); })};
    t.mark = [a](std::size_t r) { return colourOf(a->findings[r].wallClass); };
    t.target = [a](std::size_t r) -> std::optional<Target> {
        const auto& where = a->findings[r].where;
        return where.empty() ? std::nullopt : std::optional(Target{where.front().startNs, where.front().endNs});
    };
    auto places = std::make_shared<std::vector<Place>>();
    auto proofs = std::make_shared<std::vector<Proof>>();
    for (const Finding& f : list) {
        for (const TimeRange& range : f.where) places->push_back({&f, &range});
        for (const Evidence& e : f.evidence) proofs->push_back({&f, &e});
    }
    Table p{"Evidence", "", {}, proofs->size()};
    p.columns = {{"Finding", Unit::kText, [a, proofs](std::size_t r) -> Value { return (*proofs)[r].finding->id; }},
                 {"Evidence", Unit::kText, [a, proofs](std::size_t r) -> Value { return (*proofs)[r].evidence->name; }},
                 {"Value", Unit::kOf, [a, proofs](std::size_t r) -> Value { return (*proofs)[r].evidence->value; },
                  [a, proofs](std::size_t r) { return (*proofs)[r].evidence->unit; }}};
    Table w{"Places", "Enter goes to the place.", {}, places->size()};
    w.columns = {{"Finding", Unit::kText, [a, places](std::size_t r) -> Value { return (*places)[r].finding->id; }},
                 {"Rank", Unit::kCount, [a, places](std::size_t r) -> Value { return (*places)[r].range->rank; }},
                 {"Device", Unit::kCount, [a, places](std::size_t r) -> Value { return (*places)[r].range->device; }},
                 {"Start", Unit::kMoment, [a, places](std::size_t r) -> Value { return (*places)[r].range->startNs; }},
                 {"End", Unit::kMoment, [a, places](std::size_t r) -> Value { return (*places)[r].range->endNs; }},
                 {"Duration", Unit::kDuration, [a, places](std::size_t r) -> Value { return (*places)[r].range->endNs - (*places)[r].range->startNs; }}};
    w.target = [a, places](std::size_t r) { return std::optional(Target{(*places)[r].range->startNs, (*places)[r].range->endNs}); };
    w.mark = [a, places](std::size_t r) { return colourOf((*places)[r].finding->wallClass); };
    w.walk = true;
    s.tables = {std::move(t), std::move(p), std::move(w)};
    return s;
}

Section ranges(const AnalysisPtr& a) {
    Section s{"ranges", "Time by range",
              "Parts of ranges that lie in the steps, summed over threads: sums may exceed the wall time. On the device: the work that was launched in the range."};
    if (a->ranges.empty()) {
        s.absent = "The trace names no range, or none of them lies in a step.";
        return s;
    }
    const auto& list = a->ranges;
    Table t{"", "", {}, list.size()};
    t.omitted = a->rangesOmitted;
    t.columns = {column("Range", Unit::kText, a, list, [](const auto& r) { return r.name; }),
                 column("Kind", Unit::kText, a, list, [](const auto& r) { return r.kind; }),
                 column("Count", Unit::kCount, a, list, [](const auto& r) { return r.count; }),
                 column("Total", Unit::kDuration, a, list, [](const auto& r) { return r.totalNs; }),
                 column("Self", Unit::kDuration, a, list, [](const auto& r) { return r.selfNs; }),
                 column("Mean", Unit::kDuration, a, list, [](const auto& r) { return r.count > 0 ? Value(r.totalNs / r.count) : Value(); }),
                 column("On the device", Unit::kDuration, a, list, [](const auto& r) { return r.deviceNs; }),
                 column("of its own", Unit::kDuration, a, list, [](const auto& r) { return r.deviceSelfNs; })};
    t.target = [a](std::size_t r) { return std::optional(Target{0, 0, a->ranges[r].name}); };
    s.tables.push_back(std::move(t));
    if (a->rangesOmitted > 0) s.facts.push_back({"names with less time, counted and not kept", a->rangesOmitted, Unit::kCount});
    return s;
}

}  // namespace ridge::gui::sections
