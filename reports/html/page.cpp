// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
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

std::string HtmlTable::render(std::size_t limit, std::int64_t omitted) const {
    std::string out = "<div class=\"scroll\"><table class=\"cards\"><thead><tr>";
    for (const Column& c : m_columns)
        out += fmt::format("<th{}>{}</th>", c.numeric ? " class=\"n\"" : "", html(c.title));
    out += "</tr></thead><tbody>\n";
    for (std::size_t i = 0; i < std::min(limit, m_rows.size()); ++i) out += m_rows[i];
    out += "</tbody></table></div>\n";
    const std::size_t hidden = m_rows.size() - std::min(limit, m_rows.size());
    if (hidden > 0) out += fmt::format("<p class=\"soft small\">and {} more in the JSON report.</p>\n", hidden);
    if (omitted > 0) out += fmt::format("<p class=\"soft small\">{} names with less time were counted and not kept.</p>\n", omitted);
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

std::string nameCell(std::string_view name, std::size_t columns) {
    const std::string whole = printable(name), shown = elideMiddle(whole, columns);
    if (shown == whole) return fmt::format("<span class=\"name\">{}</span>", html(whole));
    return fmt::format("<span class=\"name\" title=\"{}\">{}</span>", html(elideMiddle(whole, 600)), html(shown));
}

std::string durationBars(const std::vector<DurationBar>& bars) {
    Ns longest = 1;
    for (const DurationBar& b : bars) longest = std::max(longest, b.ns);
    std::string out = "<div class=\"dbars\">";
    for (const DurationBar& b : bars)
        out += fmt::format("<span>{}</span><div class=\"dtrack\"><i class=\"d-{}\" style=\"width:{:.2f}%\"></i></div><b>{}</b>\n", html(b.text),
                           b.kind, 100.0 * static_cast<double>(std::max<Ns>(0, b.ns)) / static_cast<double>(longest), formatDuration(b.ns));
    return out + "</div>\n";
}

std::string sparkline(const std::vector<std::pair<Ns, double>>& samples, std::string_view label) {
    double highest = 0;
    for (const auto& [t, value] : samples)
        if (std::isfinite(value)) highest = std::max(highest, value);
    if (samples.size() < 2 || highest <= 0) return {};
    const double start = static_cast<double>(samples.front().first), span = static_cast<double>(samples.back().first) - start;
    if (span <= 0) return {};
    std::string points;
    for (const auto& [t, value] : samples)
        if (std::isfinite(value)) points += fmt::format("{:.2f},{:.2f} ", (static_cast<double>(t) - start) / span * 1000, 96 - std::max(0.0, value) / highest * 90);
    return fmt::format("<svg class=\"spark\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">"
                       "<polyline points=\"{}\" fill=\"none\" stroke=\"var(--c0)\" stroke-width=\"2\" vector-effect=\"non-scaling-stroke\"/></svg>\n",
                       html(label), points);
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
    const std::string body = workloadsSection(analysis) + attributionSection(analysis) + findingsSection(analysis) +
                             whatIfSection(analysis) + criticalPathSection(analysis) + rooflineSection(analysis) +
                             stepsSection(analysis) + rangesSection(analysis) + devicesSection(analysis) +
                             communicationSection(analysis) + resourcesSection(analysis) + captureSection(analysis) +
                             environmentSection(analysis);
    out += headerSection(analysis, body) + body;
    return out + "</main>\n</body>\n</html>\n";
}

}  // namespace ridge::reports
