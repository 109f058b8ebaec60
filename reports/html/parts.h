// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The pieces of the HTML page; used by html/ alone. Each returns finished markup.

#include <string>
#include <string_view>
#include <vector>

#include "reports/common/summary.h"

namespace ridge::reports::page {

// style.cpp
std::string stylesheet();

// A table that becomes a list of cards on a narrow screen. Cells are finished markup.
class HtmlTable {
public:
    struct Column {
        std::string title;
        bool numeric = false;
    };
    explicit HtmlTable(std::vector<Column> columns) : m_columns(std::move(columns)) {}
    void add(const std::vector<std::string>& cells);
    // At most `limit` rows; the rest, and the rows that never came here, are counted in a line below.
    [[nodiscard]] std::string render(std::size_t limit = 200, std::int64_t omitted = 0) const;

private:
    std::vector<Column> m_columns;
    std::vector<std::string> m_rows;
};

std::string section(std::string_view id, std::string_view title, const std::string& body);
// A sentence in place of content that is not there.
std::string absent(std::string_view why);
std::string chip(std::string_view text, std::string_view kind);  // kind: good, warn, bad, plain
// Coloured square and name of a class.
std::string classMark(WallClass c);

// A name of any length in a cell: its middle is left out beyond `columns`, the whole is in the tooltip.
std::string nameCell(std::string_view name, std::size_t columns = 60);
// A bar per row, all to one scale (the longest is full), with the duration behind it. kind: now, low, high,
// measured; it is said in words too.
struct DurationBar {
    std::string_view kind, text;
    Ns ns = 0;
};
std::string durationBars(const std::vector<DurationBar>& bars);
// Time over values as a curve from 0 to its highest value; empty when there is nothing to draw.
std::string sparkline(const std::vector<std::pair<Ns, double>>& samples, std::string_view label);

// bars.cpp
std::string attributionSection(const Analysis& analysis);
std::string stepsSection(const Analysis& analysis);
// One stacked bar of the classes; empty when they are all zero.
std::string stackedBar(const ClassTimes& classes);

// roofline_plot.cpp
std::string rooflineSection(const Analysis& analysis);

// ridgeline.cpp: the steps against three walls; empty when no step is known to meet one.
std::string ridgelinePart(const Analysis& analysis);

// sections.cpp
// With links to the sections that `body` has.
std::string headerSection(const Analysis& analysis, std::string_view body);
std::string workloadsSection(const Analysis& analysis);
std::string devicesSection(const Analysis& analysis);
std::string findingsSection(const Analysis& analysis);

// what_if.cpp
std::string whatIfSection(const Analysis& analysis);
std::string criticalPathSection(const Analysis& analysis);

// communication.cpp
std::string communicationSection(const Analysis& analysis);

// resources.cpp
std::string resourcesSection(const Analysis& analysis);

// details.cpp
std::string rangesSection(const Analysis& analysis);  // empty when the trace names no range
std::string captureSection(const Analysis& analysis);
std::string environmentSection(const Analysis& analysis);

}  // namespace ridge::reports::page
