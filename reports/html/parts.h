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
    // At most `limit` rows; the rest is counted in a line below.
    [[nodiscard]] std::string render(std::size_t limit = 200) const;

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

// bars.cpp
std::string attributionSection(const Analysis& analysis);
std::string stepsSection(const Analysis& analysis);
// One stacked bar of the classes; empty when they are all zero.
std::string stackedBar(const ClassTimes& classes);

// roofline_plot.cpp
std::string rooflineSection(const Analysis& analysis);

// sections.cpp
std::string headerSection(const Analysis& analysis);
std::string workloadsSection(const Analysis& analysis);
std::string devicesSection(const Analysis& analysis);
std::string findingsSection(const Analysis& analysis);

// details.cpp
std::string communicationSection(const Analysis& analysis);
std::string whatIfSection(const Analysis& analysis);
std::string resourcesSection(const Analysis& analysis);
std::string captureSection(const Analysis& analysis);
std::string environmentSection(const Analysis& analysis);

}  // namespace ridge::reports::page
