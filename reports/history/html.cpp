// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <algorithm>
#include <fmt/format.h>

#include "reports/common/escape.h"
#include "reports/history/history.h"
#include "reports/html/parts.h"
#include "reports/verdicts/parts.h"

namespace ridge::reports {
namespace {

constexpr double kWidth = 1000, kHeight = 190, kLeft = 90, kRight = 20, kTop = 14, kBottom = 34;
constexpr std::size_t kMostPlots = 200;

std::string plot(const PlottedSeries& p) {
    std::string out = fmt::format("<h3>{}</h3>\n", html(printable(p.series.name())));
    if (p.points.empty()) return out + page::absent("it has no points");
    const auto [low, high] = std::minmax_element(p.points.begin(), p.points.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    const double room = std::max(high->value - low->value, std::abs(high->value) * 1e-3 + 1e-300), from = low->value - 0.08 * room, to = high->value + 0.08 * room;
    const auto x = [&](std::size_t i) { return kLeft + (p.points.size() > 1 ? static_cast<double>(i) / static_cast<double>(p.points.size() - 1) : 0.5) * (kWidth - kLeft - kRight); };
    const auto y = [&](double value) { return kTop + (to - value) / (to - from) * (kHeight - kTop - kBottom); };
    out += fmt::format("<p class=\"soft small\">{} points, {} to {}; newest {}; environment {}</p>\n", p.points.size(), html(verdicts::valueText(low->value, p.series.unit)),
                       html(verdicts::valueText(high->value, p.series.unit)), html(verdicts::valueText(p.points.back().value, p.series.unit)), html(p.series.environmentKey.substr(0, 12)));
    out += fmt::format("<div class=\"scroll\"><svg class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"history\">", kWidth, kHeight);
    for (const double value : {low->value, high->value})
        out += fmt::format("<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text class=\"axis\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>", kLeft, kWidth - kRight, y(value),
                           kLeft - 8, y(value) + 4, html(verdicts::valueText(value, p.series.unit)));
    for (const auto& c : p.changes) {
        const auto at = std::find_if(p.points.begin(), p.points.end(), [&](const auto& point) { return point.run == c.run; });
        if (at == p.points.end()) continue;
        const double place = x(static_cast<std::size_t>(at - p.points.begin()));
        const std::string said = fmt::format("{} {}{}", c.id, c.ratio ? verdicts::changeText(c.ratio) : std::string("level"), c.accepted() ? ", accepted by " + c.acceptedBy : ", open");
        out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" style=\"stroke:var(--{3});stroke-width:2;stroke-dasharray:{4}\"/><text x=\"{5:.1f}\" y=\"{6}\" text-anchor=\"{7}\" class=\"halo\">{8}</text>",
                           place, kTop, kHeight - kBottom, c.worse ? "bad" : "good", c.accepted() ? "4 4" : "none", place + (place > kWidth / 2 ? -6 : 6), kTop + 10, place > kWidth / 2 ? "end" : "start",
                           html(printable(said)));
    }
    std::string line, marks;
    for (std::size_t i = 0; i < p.points.size(); ++i) {
        line += fmt::format("{}{:.1f},{:.1f}", i ? " " : "", x(i), y(p.points[i].value));
        if (p.points.size() <= 200) marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\" style=\"fill:var(--link)\"/>", x(i), y(p.points[i].value));
    }
    out += fmt::format("<polyline points=\"{}\" style=\"fill:none;stroke:var(--link);stroke-width:1.4\"/>{}", line, marks);
    out += fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\">{}</text><text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text></svg></div>\n", kLeft, kHeight - 10,
                       analyzer::timeText(p.points.front().at), kWidth - kRight, kHeight - 10, analyzer::timeText(p.points.back().at));
    return out;
}

}  // namespace

std::string renderHtml(const std::vector<PlottedSeries>& plots, const std::string& title) {
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Ridgepoint history</title>\n<style>\n";
    out += page::stylesheet() + "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>" + html(printable(title)) + "</h1>\n<p class=\"soft small\">A point is the median of one session. Upright lines are change points; dashed ones were accepted.</p></header>\n";
    for (std::size_t i = 0; i < std::min(plots.size(), kMostPlots); ++i) out += plot(plots[i]);
    if (plots.size() > kMostPlots) out += fmt::format("<p class=\"soft small\">{} more series; choose with --filter.</p>\n", plots.size() - kMostPlots);
    return out + "</main>\n</body>\n</html>\n";
}

}  // namespace ridge::reports
