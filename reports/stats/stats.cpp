// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/stats/stats.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "reports/common/escape.h"
#include "reports/terminal/table.h"

namespace ridge::reports {
namespace {

using analyzer::StatsCell;
using analyzer::StatsTable;
using Json = nlohmann::ordered_json;

constexpr std::size_t kWidestName = 80;  // on a terminal

// 1234567.5 -> "1,234,567.5": columns of nanoseconds are read by their groups of three.
std::string grouped(const std::string& digits) {
    const std::size_t point = digits.find('.');
    const std::size_t end = point == std::string::npos ? digits.size() : point;
    const std::size_t first = !digits.empty() && digits[0] == '-' ? 1 : 0;
    std::string out = digits.substr(0, first);
    for (std::size_t at = first; at < end; ++at) {
        if (at > first && (end - at) % 3 == 0) out += ',';
        out += digits[at];
    }
    return out + digits.substr(end);
}

std::string shown(const StatsCell& cell, const analyzer::StatsColumn& column) {
    if (const auto* text = std::get_if<std::string>(&cell)) return *text;
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) return grouped(std::to_string(*integer));
    if (const auto* real = std::get_if<double>(&cell)) return grouped(fmt::format("{:.{}f}", *real, column.title.ends_with("(MB)") ? 3 : 1));
    return "-";
}

std::string csvText(const std::string& raw) {
    std::string text;
    if (!raw.empty() && std::string_view("=+-@\t\r").find(raw[0]) != std::string_view::npos) text += '\'';
    text += raw;
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string csvCell(const StatsCell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) return csvText(*text);
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) return std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&cell)) return fmt::format("{}", *real);
    return {};
}

Json jsonCell(const StatsCell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) return *text;
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) return *integer;
    if (const auto* real = std::get_if<double>(&cell)) return *real;
    return nullptr;
}

}  // namespace

std::string renderStats(const std::vector<StatsTable>& tables, const TerminalOptions& options, std::size_t limit) {
    std::string out;
    for (const StatsTable& table : tables) {
        out += (out.empty() ? "" : "\n") + painted(fmt::format("{} ({})", table.title, table.report), Paint::kBold, options.colour) + "\n";
        const std::size_t rows = limit == 0 ? table.rows.size() : std::min(limit, table.rows.size());
        if (!table.rows.empty()) {
            std::vector<Table::Column> columns;
            for (const auto& column : table.columns)
                columns.push_back({column.title, column.text ? Table::Align::kLeft : Table::Align::kRight});
            Table text(columns);
            for (std::size_t r = 0; r < rows; ++r) {
                std::vector<Cell> cells;
                for (std::size_t c = 0; c < table.rows[r].size(); ++c) {
                    const std::string value = shown(table.rows[r][c], table.columns[c]);
                    cells.emplace_back(options.width > 0 ? elideMiddle(printable(value), kWidestName) : value);
                }
                text.add(std::move(cells));
            }
            out += text.render(0, options.colour, 2);  // as wide as it is: a cut number or name says nothing
        } else {
            out += "  no rows\n";
        }
        if (rows < table.rows.size()) out += fmt::format("  and {} more; --limit 0 prints all\n", table.rows.size() - rows);
        for (const auto& note : table.notes) out += wrapped("note: " + printable(note), options.width, 2);
    }
    return out;
}

std::string renderStatsCsv(const std::vector<StatsTable>& tables) {
    std::string out;
    for (const StatsTable& table : tables) {
        if (!out.empty()) out += "\n";
        for (std::size_t c = 0; c < table.columns.size(); ++c) out += (c ? "," : "") + csvText(table.columns[c].title);
        out += "\n";
        for (const auto& row : table.rows) {
            for (std::size_t c = 0; c < row.size(); ++c) out += (c ? "," : "") + csvCell(row[c]);
            out += "\n";
        }
    }
    return out;
}

std::string renderStatsJson(const std::vector<StatsTable>& tables) {
    Json out = Json::array();
    for (const StatsTable& table : tables) {
        Json rows = Json::array();
        for (const auto& row : table.rows) {
            Json entry = Json::object();
            for (std::size_t c = 0; c < row.size(); ++c) entry[table.columns[c].title] = jsonCell(row[c]);
            rows.push_back(std::move(entry));
        }
        out.push_back({{"report", table.report}, {"title", table.title}, {"rows", std::move(rows)}, {"notes", table.notes}});
    }
    return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ridge::reports
