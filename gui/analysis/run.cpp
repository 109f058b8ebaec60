// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The run as a whole: workloads and verdicts, steps, devices, and how far its data can be trusted.
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

// A column per class that has any time, the largest first.
template <typename List, typename Get>
void addClassColumns(Table& table, const AnalysisPtr& a, const List& list, const ClassTimes& sums, Get classesOf) {
    for (const auto& share : reports::rankedClasses(sums)) {
        const auto c = static_cast<std::size_t>(share.wallClass);
        table.columns.push_back(column(reports::label(share.wallClass), Unit::kDuration, a, list, [classesOf, c](const auto& item) { return classesOf(item)[c]; }));
    }
}

struct Cell {  // of a list that is flattened first
    std::size_t owner;
    std::string name;
    Value value;
    std::string unit, extra;
};

Table cells(std::string title, const AnalysisPtr& a, std::shared_ptr<std::vector<Cell>> list, const char* name, const char* extra) {
    Table table{std::move(title), "", {}, list->size()};
    if (a->workloads.size() > 1)
        table.columns.push_back({"Workload", Unit::kText, [a, list](std::size_t r) -> Value { return a->workloads[(*list)[r].owner].name; }});
    table.columns.push_back({name, Unit::kText, [list](std::size_t r) -> Value { return (*list)[r].name; }});
    table.columns.push_back({"Value", Unit::kOf, [list](std::size_t r) { return (*list)[r].value; }, [list](std::size_t r) { return (*list)[r].unit; }});
    if (extra) table.columns.push_back({extra, Unit::kText, [list](std::size_t r) -> Value { return (*list)[r].extra; }});
    return table;
}

Table workloads(const AnalysisPtr& a) {
    const auto& list = a->workloads;
    Table t{"Workloads", "What each one is limited by, what that costs, and how it did.", {}, list.size()};
    t.columns = {column("Workload", Unit::kText, a, list, [](const auto& w) { return w.name; }),
                 column("Verdict", Unit::kClass, a, list, [](const auto& w) { return text(name(w.verdict.wallClass)); }),
                 column("Cause", Unit::kKind, a, list, [](const auto& w) { return text(name(w.verdict.cause)); }),
                 column("It costs", Unit::kShare, a, list, [](const auto& w) { return w.verdictShare; }),
                 column("Median step", Unit::kDuration, a, list, [](const auto& w) { return w.medianStepNs; }),
                 column("Steps", Unit::kCount, a, list, [](const auto& w) { return w.steps; }),
                 column("of its roof", Unit::kShare, a, list, [](const auto& w) { return maybe(w.roofShare); }),
                 column("Check", Unit::kText, a, list, [](const auto& w) { return w.check.empty() ? Value() : Value(w.check); }),
                 column("Detail of the check", Unit::kText, a, list, [](const auto& w) { return w.checkDetail; })};
    if (reports::hasAnswerKey(*a)) {
        t.columns.push_back(column("Expected", Unit::kClass, a, list, [](const auto& w) { return w.expected ? Value(text(name(w.expected->wallClass))) : Value(); }));
        t.columns.push_back(column("Expected cause", Unit::kKind, a, list, [](const auto& w) { return w.expected ? Value(text(name(w.expected->cause))) : Value(); }));
    }
    t.mark = [a](std::size_t r) { return colourOf(a->workloads[r].verdict.wallClass); };
    t.target = [a](std::size_t r) -> std::optional<Target> {
        Target target{INT64_MAX, INT64_MIN};
        for (const Step& s : a->steps)
            if (s.workload == a->workloads[r].name) target.start = std::min(target.start, s.startNs), target.end = std::max(target.end, s.endNs);
        return target.start < target.end ? std::optional(target) : std::nullopt;
    };
    ClassTimes sums{};
    for (const auto& w : list)
        for (std::size_t c = 0; c < kWallClassCount; ++c) sums[c] += w.classes[c];
    addClassColumns(t, a, list, sums, [](const WorkloadSummary& w) { return w.classes; });
    return t;
}

Table attribution(const AnalysisPtr& a) {
    auto ranked = std::make_shared<std::vector<reports::ClassShare>>(reports::rankedClasses(a->attribution));
    Table t{"Where the time of the steps went", "", {}, ranked->size()};
    t.columns = {{"Class", Unit::kClass, [ranked](std::size_t r) -> Value { return text(name((*ranked)[r].wallClass)); }},
                 {"Time", Unit::kDuration, [ranked](std::size_t r) -> Value { return (*ranked)[r].ns; }},
                 {"Share", Unit::kShare, [ranked](std::size_t r) -> Value { return (*ranked)[r].share; }},
                 {"Meaning", Unit::kText, [ranked](std::size_t r) -> Value { return text(reports::look((*ranked)[r].wallClass).meaning); }}};
    t.mark = [ranked](std::size_t r) { return colourOf((*ranked)[r].wallClass); };
    return t;
}

}  // namespace

Section overview(const AnalysisPtr& a) {
    Section s{"overview", "Overview", ""};
    s.facts.push_back({"schema_version of the report", std::int64_t{1}, Unit::kCount});
    s.facts.push_back({"steps found by", a->stepSource, Unit::kText});
    s.facts.push_back({"steps", static_cast<std::int64_t>(a->steps.size()), Unit::kCount});
    if (!a->attribution.empty() && reports::sumOf(a->attribution) > 0) {
        Chart chart{ChartKind::kBars, "All steps"};
        chart.share = true;
        Bar bar;
        for (const auto& c : reports::rankedClasses(a->attribution)) bar.parts.push_back({colourOf(c.wallClass), static_cast<double>(c.ns), reports::label(c.wallClass)});
        chart.bars.push_back(std::move(bar));
        s.charts.push_back(std::move(chart));
        s.tables.push_back(attribution(a));
    }
    if (a->workloads.empty()) return s;
    s.tables.insert(s.tables.begin(), workloads(a));
    auto metrics = std::make_shared<std::vector<Cell>>(), params = std::make_shared<std::vector<Cell>>(), samples = std::make_shared<std::vector<Cell>>();
    for (std::size_t w = 0; w < a->workloads.size(); ++w) {
        for (const auto& m : a->workloads[w].metrics) metrics->push_back({w, m.name, maybe(m.value), m.unit, m.direction});
        for (const auto& [key, value] : a->workloads[w].params) params->push_back({w, key, value, "", ""});
        for (std::size_t i = 0; i < a->workloads[w].samples.size(); ++i) samples->push_back({w, std::to_string(i + 1), a->workloads[w].samples[i], "ns", ""});
    }
    if (!metrics->empty()) s.tables.push_back(cells("Results of the workloads", a, metrics, "Metric", "Better"));
    if (!params->empty()) s.tables.push_back(cells("Parameters", a, params, "Parameter", nullptr));
    if (!samples->empty()) s.tables.push_back(cells("Step times", a, samples, "Sample", nullptr));
    return s;
}

Section steps(const AnalysisPtr& a) {
    Section s{"steps", "Steps", "Each step's window and the exact partition of its time. Enter goes to the step."};
    if (a->steps.empty()) {
        s.absent = "The trace has no steps.";
        return s;
    }
    const auto& list = a->steps;
    Table t{"", "", {}, list.size()};
    const bool named = std::any_of(list.begin(), list.end(), [](const Step& x) { return !x.workload.empty(); });
    t.columns = {column("Step", Unit::kCount, a, list, [](const auto& x) { return x.index; }),
                 column("Rank", Unit::kCount, a, list, [](const auto& x) { return x.rank; }),
                 column("Device", Unit::kCount, a, list, [](const auto& x) { return x.device; }),
                 column("Start", Unit::kMoment, a, list, [](const auto& x) { return x.startNs; }),
                 column("End", Unit::kMoment, a, list, [](const auto& x) { return x.endNs; }),
                 column("Duration", Unit::kDuration, a, list, [](const auto& x) { return x.endNs - x.startNs; })};
    if (named) t.columns.insert(t.columns.begin(), column("Workload", Unit::kText, a, list, [](const auto& x) { return x.workload; }));
    addClassColumns(t, a, list, a->attribution, [](const Step& x) { return x.classes; });
    t.target = [a](std::size_t r) { return std::optional(Target{a->steps[r].startNs, a->steps[r].endNs}); };
    t.walk = true;
    s.tables.push_back(std::move(t));
    return s;
}

Section devices(const AnalysisPtr& a) {
    Section s{"devices", "Devices", "Unions over the whole trace; overlap is communication while computing."};
    if (a->devices.empty() && a->ranks.empty()) s.absent = "The trace names no device and no rank.";
    const auto& list = a->devices;
    Table t{"Devices", "", {}, list.size()};
    const auto ns = [&](const char* title, Ns Device::*member) { t.columns.push_back(column(title, Unit::kDuration, a, list, [member](const Device& d) { return d.*member; })); };
    const auto count = [&](const char* title, std::int64_t Device::*member) { t.columns.push_back(column(title, Unit::kCount, a, list, [member](const Device& d) { return d.*member; })); };
    t.columns.push_back(column("Name", Unit::kText, a, list, [](const auto& d) { return d.name; }));
    t.columns.push_back(column("Kind", Unit::kText, a, list, [](const auto& d) { return d.kind; }));
    count("Rank", &Device::rank);
    count("Device", &Device::id);
    ns("Span", &Device::spanNs), ns("Busy", &Device::busyNs), ns("Idle", &Device::idleNs), ns("Compute", &Device::computeNs);
    ns("Communication", &Device::commNs), ns("Copies", &Device::copyNs), ns("Overlap", &Device::overlapNs);
    ns("Exposed communication", &Device::exposedCommNs), ns("Exposed copies", &Device::exposedCopyNs);
    count("Kernels", &Device::kernels), count("Copies", &Device::copies), count("Unlinked", &Device::unlinked);
    if (!list.empty()) {
        Chart chart{ChartKind::kBars, "Busy and idle"};
        for (const Device& d : list) {
            const Ns rest = std::max<Ns>(0, d.busyNs - d.computeNs - d.exposedCommNs - d.exposedCopyNs);
            chart.bars.push_back({fmt::format("rank {} · {} {}", d.rank, d.kind, d.id),
                                  {{colourOf(WallClass::kComputeBound), static_cast<double>(d.computeNs), "compute"},
                                   {colourOf(WallClass::kCommTransfer), static_cast<double>(d.exposedCommNs), "exposed communication"},
                                   {colourOf(WallClass::kCopy), static_cast<double>(d.exposedCopyNs), "exposed copies"},
                                   {colourOf(WallClass::kComputeUnknown), static_cast<double>(rest), "other"},
                                   {colourOf(WallClass::kIdle), static_cast<double>(d.idleNs), "idle"}}});
        }
        s.charts.push_back(std::move(chart));
        s.tables.push_back(std::move(t));
    }
    if (!a->ranks.empty()) {
        Table r{"Ranks", "", {}, a->ranks.size()};
        r.columns = {column("Rank", Unit::kCount, a, a->ranks, [](const auto& x) { return x.rank; }),
                     column("Host", Unit::kText, a, a->ranks, [](const auto& x) { return x.host; }),
                     column("Processes", Unit::kText, a, a->ranks, [](const auto& x) { return fmt::format("{}", fmt::join(x.pids, ", ")); })};
        s.tables.push_back(std::move(r));
    }
    return s;
}

Section quality(const AnalysisPtr& a) {
    Section s{"quality", "Data quality", "What was checked before any number was believed, what was lost, and where it was taken."};
    if (!a->gate.empty()) {
        Table t{"Checks of the capture", "", {}, a->gate.size()};
        t.columns = {column("Check", Unit::kText, a, a->gate, [](const auto& g) { return g.check; }),
                     column("State", Unit::kText, a, a->gate, [](const auto& g) { return text(name(g.severity)); }),
                     column("Count", Unit::kCount, a, a->gate, [](const auto& g) { return g.count; }),
                     column("Detail", Unit::kText, a, a->gate, [](const auto& g) { return g.detail; })};
        t.worry = [a](std::size_t r) { return a->gate[r].severity == Severity::kError ? 2 : a->gate[r].severity == Severity::kWarning ? 1 : 0; };
        s.tables.push_back(std::move(t));
    }
    Table lost{"Losses", a->losses.empty() ? "Nothing was lost: no source dropped or truncated a record." : "", {}, a->losses.size()};
    lost.columns = {column("Source", Unit::kText, a, a->losses, [](const auto& l) { return l.source; }),
                    column("Records lost", Unit::kCount, a, a->losses, [](const auto& l) { return l.count; })};
    lost.worry = [a](std::size_t r) { return a->losses[r].count > 0 ? 2 : 0; };
    s.tables.push_back(std::move(lost));
    Table files{"Files", "", {}, a->sources.size()};
    files.columns = {column("Path", Unit::kText, a, a->sources, [](const auto& x) { return x.path; }),
                     column("Kind", Unit::kText, a, a->sources, [](const auto& x) { return x.kind; }),
                     column("Schema", Unit::kText, a, a->sources, [](const auto& x) { return x.schema; }),
                     column("Written by", Unit::kText, a, a->sources, [](const auto& x) { return x.product; })};
    s.tables.push_back(std::move(files));
    if (!a->environment.empty()) {
        Table t{"Environment", "Key fields decide whether runs may be compared.", {}, a->environment.size()};
        t.columns = {column("Field", Unit::kText, a, a->environment, [](const auto& e) { return e.name; }),
                     column("Value", Unit::kText, a, a->environment, [](const auto& e) { return e.value; }),
                     column("Kind", Unit::kText, a, a->environment, [](const auto& e) { return e.fieldClass; })};
        s.tables.push_back(std::move(t));
    }
    return s;
}

}  // namespace ridge::gui::sections
