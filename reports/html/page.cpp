// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/html/html.h"
#include "reports/html/parts.h"

namespace ridge::reports {
namespace page {

void HtmlTable::add(const std::vector<std::string>& cells) {
    std::string row = "<tr>";
    for (std::size_t c = 0; c < m_columns.size(); ++c)
        row += fmt::format("<td data-l=\"{}\"{}><span>{}</span></td>", html(m_columns[c].title),
                           m_columns[c].numeric ? " class=\"n\"" : "", c < cells.size() ? cells[c] : "");
    m_rows.push_back(row + "</tr>\n");
}

std::string HtmlTable::render(std::size_t limit) const {
    std::string out = "<div class=\"scroll\"><table class=\"cards\"><thead><tr>";
    for (const Column& c : m_columns)
        out += fmt::format("<th{}>{}</th>", c.numeric ? " class=\"n\"" : "", html(c.title));
    out += "</tr></thead><tbody>\n";
    for (std::size_t i = 0; i < std::min(limit, m_rows.size()); ++i) out += m_rows[i];
    out += "</tbody></table></div>\n";
    if (m_rows.size() > limit)
        out += fmt::format("<p class=\"soft small\">{} more rows are in the JSON report.</p>\n", m_rows.size() - limit);
    return out;
}

std::string section(std::string_view id, std::string_view title, const std::string& body) {
    return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, title, body);
}

std::string absent(std::string_view why) { return fmt::format("<p class=\"absent\">{}</p>\n", html(why)); }

std::string chip(std::string_view text, std::string_view kind) {
    return fmt::format("<span class=\"chip {}\">{}</span>", kind, html(text));
}

std::string classMark(WallClass c) {
    return fmt::format("<span class=\"mark c{}\"></span>{}", static_cast<int>(c), html(label(c)));
}

}  // namespace page

std::string renderHtml(const analyzer::Analysis& analysis) {
    using namespace page;
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>Ridgepoint report</title>\n<style>\n";
    out += stylesheet() + "</style>\n</head>\n<body>\n<main>\n";
    out += headerSection(analysis);
    out += workloadsSection(analysis);
    out += attributionSection(analysis);
    out += findingsSection(analysis);
    out += rooflineSection(analysis);
    out += stepsSection(analysis);
    out += devicesSection(analysis);
    out += communicationSection(analysis);
    out += whatIfSection(analysis);
    out += resourcesSection(analysis);
    out += captureSection(analysis);
    out += environmentSection(analysis);
    return out + "</main>\n</body>\n</html>\n";
}

}  // namespace ridge::reports
