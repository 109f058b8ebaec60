// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/terminal/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "reports/common/escape.h"

namespace ridge::reports {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 8;

std::string trimmedRight(std::string line) {
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

}  // namespace

std::string painted(const std::string& text, Paint paint, bool colour) {
    if (!colour || paint == Paint::kNone || text.empty()) return text;
    const char* code = paint == Paint::kBold   ? "1"
                       : paint == Paint::kDim  ? "2"
                       : paint == Paint::kGood ? "32"
                       : paint == Paint::kWarn ? "33"
                                               : "31";
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string painted256(const std::string& text, int colourNumber, bool colour) {
    return colour ? fmt::format("\x1b[38;5;{}m{}\x1b[0m", colourNumber, text) : text;
}

void Table::add(std::vector<Cell> row) {
    row.resize(m_columns.size(), Cell(""));
    for (Cell& cell : row) cell.text = printable(cell.text);
    m_rows.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(std::size_t available) const {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < m_columns.size(); ++c) {
        std::size_t widest = displayWidth(m_columns[c].title);
        for (const auto& row : m_rows) widest = std::max(widest, displayWidth(row[c].text));
        widths.push_back(widest);
    }
    if (available == 0) return widths;
    const std::size_t gaps = kGap * (m_columns.size() - 1);
    // Takes from the widest column that may shrink, one terminal column at a time; when all are at the
    // least that they ask for, further, down to what still shows something.
    for (const bool beyond : {false, true}) {
        while (std::accumulate(widths.begin(), widths.end(), gaps) > available) {
            std::size_t victim = m_columns.size();
            for (std::size_t c = 0; c < m_columns.size(); ++c) {
                const std::size_t least = m_columns[c].least;
                if (least == 0 || widths[c] <= (beyond ? kNarrowest : least)) continue;
                if (victim == m_columns.size() || widths[c] > widths[victim]) victim = c;
            }
            if (victim == m_columns.size()) break;
            --widths[victim];
        }
    }
    return widths;
}

std::string Table::render(std::size_t width, bool colour, std::size_t indent) const {
    const std::vector<std::size_t> w = widths(width > indent ? width - indent : width);
    const std::string margin(indent, ' ');
    std::string out;
    const auto line = [&](auto cellAt) {
        std::string text = margin;
        for (std::size_t c = 0; c < m_columns.size(); ++c) {
            const Cell cell = cellAt(c);
            const bool right = m_columns[c].align == Align::kRight;
            const std::string shown = m_columns[c].cutEnd ? elide(cell.text, w[c]) : elideMiddle(cell.text, w[c]);
            const std::string pad(w[c] - std::min(w[c], displayWidth(shown)), ' ');
            const std::string styled = painted(shown, cell.paint, colour);
            text += (c ? std::string(kGap, ' ') : "") + (right ? pad + styled : styled + pad);
        }
        out += trimmedRight(std::move(text)) + "\n";
    };
    line([&](std::size_t c) { return Cell(m_columns[c].title, Paint::kDim); });
    for (const auto& row : m_rows) line([&](std::size_t c) { return row[c]; });
    return out;
}

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
    constexpr std::size_t kReadable = 120;
    if (width == 0) width = kReadable;
    const std::string margin(indent, ' ');
    std::string out, line;
    std::size_t used = 0;
    for (const std::string_view word : split(text, ' ')) {
        if (word.empty()) continue;
        const std::size_t length = displayWidth(word);
        if (used > 0 && indent + used + 1 + length > width) {
            out += margin + line + "\n";
            line.clear();
            used = 0;
        }
        if (used > 0) {
            line += ' ';
            ++used;
        }
        line += word;
        used += length;
    }
    if (used > 0) out += margin + line + "\n";
    return out;
}

}  // namespace ridge::reports
