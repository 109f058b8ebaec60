// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A table of plain cells: what one classic report (ridge stats) says of a trace. Titles carry their units
// as nsys stats prints them ("Total Time (ns)"); nothing is rounded here.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace ridge::analyzer {

using StatsCell = std::variant<std::monostate, std::string, std::int64_t, double>;  // monostate: not known

struct StatsColumn {
    std::string title;
    bool text = false;  // names; everything else is a number
};

struct StatsTable {
    std::string report, title;
    std::vector<StatsColumn> columns;
    std::vector<std::vector<StatsCell>> rows;
    std::vector<std::string> notes;  // what could not be read; why there are no rows
};

}  // namespace ridge::analyzer
