// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A plain table for a terminal: widths in terminal columns, cut to the width given, colour optional.

#include <cstddef>
#include <string>
#include <vector>

namespace ridge::reports {

enum class Paint { kNone, kBold, kDim, kGood, kWarn, kBad };

// Escape sequences around the text, or the text alone.
std::string painted(const std::string& text, Paint paint, bool colour);
std::string painted256(const std::string& text, int colourNumber, bool colour);

struct Cell {
    Cell(std::string t, Paint p = Paint::kNone) : text(std::move(t)), paint(p) {}  // NOLINT: by design
    Cell(const char* t) : text(t) {}                                               // NOLINT: by design
    std::string text;  // as it came; made printable by the table
    Paint paint = Paint::kNone;
};

class Table {
public:
    enum class Align { kLeft, kRight };
    struct Column {
        std::string title;
        Align align = Align::kLeft;
        std::size_t least = 0;  // cut down to this many columns when the terminal is narrow; 0: never
        bool cutEnd = false;    // cut at the end instead of in the middle
    };

    explicit Table(std::vector<Column> columns) : m_columns(std::move(columns)) {}
    // Missing cells are empty, surplus ones are dropped.
    void add(std::vector<Cell> row);
    [[nodiscard]] bool empty() const { return m_rows.empty(); }
    // width 0: as wide as it needs.
    [[nodiscard]] std::string render(std::size_t width, bool colour, std::size_t indent = 0) const;

private:
    [[nodiscard]] std::vector<std::size_t> widths(std::size_t available) const;
    std::vector<Column> m_columns;
    std::vector<std::vector<Cell>> m_rows;
};

// Words broken at spaces to lines of at most `width` columns (0: 120), each after `indent` spaces.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent);

}  // namespace ridge::reports
