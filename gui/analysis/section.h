// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the analyzer says, as sections of facts, charts and tables: the text model of the viewer's analysis
// panel, without widgets. Every number of the report is a cell here, with its exact value beside the words that
// people read; a test walks the report and asks for each of them.
//
// Cells are made when they are asked for, so a table of a million steps costs nothing until it is shown. Times
// are ns, shares fractions of 1, as in analyzer/model/analysis.h; what could not be told is std::monostate.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "analyzer/model/analysis.h"
#include "gui/load/memory_owners.h"
#include "gui/model/colours.h"

namespace ridge::analyzer {
struct Comparison;
}

namespace ridge::gui {

using ComparisonPtr = std::shared_ptr<const analyzer::Comparison>;
using AnalysisPtr = std::shared_ptr<const analyzer::Analysis>;
using Value = std::variant<std::monostate, std::int64_t, double, std::string>;

enum class Unit : std::uint8_t {
    kText, kCount, kDuration, kMoment, kBytes, kShare, kNumber, kByteRate, kFlopRate, kFlop, kJoule, kClass, kKind, kOf,
};

// "-" for what is not known. kOf: of is the unit's name ("GFLOP/s", "J", "share", ...).
std::string formatted(const Value& value, Unit unit, std::string_view of = {});

struct Column {
    std::string title;
    Unit unit = Unit::kText;
    std::function<Value(std::size_t row)> value;
    std::function<std::string(std::size_t row)> of = {};  // unit of the row, for kOf
};

// Where a row leads: a place in time, or slices of a name.
struct Target {
    Ns start = 0, end = 0;
    std::string search = {};
};

struct Table {
    std::string title, hint;
    std::vector<Column> columns;
    std::size_t rows = 0;
    std::function<std::optional<Target>(std::size_t row)> target = {};
    std::function<ColourId(std::size_t row)> mark = {};  // square before the first cell
    std::function<int(std::size_t row)> worry = {};      // 0 none, 1 warning, 2 error
    std::int64_t omitted = 0;                            // rows that the analysis counted and did not keep
    bool walk = false;                                   // moving through the rows moves the timeline

    [[nodiscard]] std::string text(std::size_t row, std::size_t column) const;
};

struct Fact {
    std::string name;
    Value value;
    Unit unit = Unit::kText;
    std::string of = {};
};

struct BarPart {
    ColourId colour = kColourNone;
    double value = 0;
    std::string label;
};
struct Bar {
    std::string label;
    std::vector<BarPart> parts;
};
struct Piece {  // of a strip
    Ns start = 0, end = 0;
    ColourId colour = kColourNone;
    std::string label;
};
struct Prediction {
    std::string label, note;
    Ns now = 0, low = 0, high = 0;  // low 0: not known
    std::optional<Ns> measured;
};
struct Series {
    std::string name;
    ColourId colour = kColourNone;
    std::vector<std::pair<Ns, double>> samples;
};

enum class ChartKind : std::uint8_t { kStrip, kBars, kPredictions, kArea, kLines };

struct Chart {
    ChartKind kind = ChartKind::kBars;
    std::string title;
    Unit unit = Unit::kDuration;
    std::string of = {};
    bool share = false;             // bars: each is full width, parts are shares of it
    std::vector<Bar> bars = {};
    std::vector<Piece> pieces = {};
    std::vector<Prediction> predictions = {};
    std::vector<Series> series = {};  // kArea: stacked from the first up
};

struct Section {
    std::string id, title;
    std::string lead;      // one sentence, may be empty
    std::vector<Fact> facts = {};
    std::vector<Chart> charts = {};
    std::vector<Table> tables = {};
    std::string absent = {};  // why there is nothing, where there is nothing
};

// Ids and titles, in the order of sectionsOf(): known before any trace is open.
struct SectionName {
    const char* id;
    const char* title;
};
const std::vector<SectionName>& sectionNames();
using MemoryPtr = std::shared_ptr<const std::vector<DeviceMemory>>;
struct SectionInput {
    AnalysisPtr analysis;  // nullptr: no sections
    MemoryPtr memory = nullptr;              // who held device memory over time
    AnalysisPtr base = nullptr;              // of the trace that is compared with
    ComparisonPtr comparison = nullptr;      // base (A) and trace (B)
};
// Cheap: cells come later.
std::vector<Section> sectionsOf(const SectionInput& input);

// The parts of sectionsOf(); each is in the file named beside it.
namespace sections {
Section overview(const AnalysisPtr& a);       // run.cpp
Section steps(const AnalysisPtr& a);          // run.cpp
Section devices(const AnalysisPtr& a);        // run.cpp
Section quality(const AnalysisPtr& a);        // run.cpp
Section findings(const AnalysisPtr& a);       // findings.cpp
Section ranges(const AnalysisPtr& a);         // findings.cpp
Section criticalPath(const AnalysisPtr& a);   // path.cpp
Section whatIf(const AnalysisPtr& a);         // path.cpp
Section roofline(const AnalysisPtr& a);       // roofs.cpp
Section communication(const AnalysisPtr& a);  // communication.cpp
Section memory(const AnalysisPtr& a, const MemoryPtr& curves);  // memory.cpp
Section energy(const AnalysisPtr& a);         // energy.cpp
Section compare(const AnalysisPtr& trace, const AnalysisPtr& base, const ComparisonPtr& comparison);  // compare.cpp
}  // namespace sections

// A column of a member (or any callable) of the row's item; list must outlive the column through `keep`.
template <typename List, typename Get>
Column column(std::string title, Unit unit, const AnalysisPtr& keep, const List& list, Get get) {
    const List* items = &list;
    return {std::move(title), unit, [keep, items, get](std::size_t row) -> Value { return Value(get((*items)[row])); }};
}

inline Value maybe(const std::optional<std::int64_t>& v) { return v ? Value(*v) : Value(); }
inline Value maybe(const std::optional<double>& v) { return v ? Value(*v) : Value(); }

}  // namespace ridge::gui
