// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// One self-contained page: the verdicts as a table, and per metric both samples as strips above their interval.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/common/escape.h"
#include "reports/html/parts.h"
#include "reports/verdicts/parts.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::reports {
namespace {

using statistics::Outcome;
using namespace verdicts;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostPlots = 120;
constexpr double kWidth = 1000, kLeft = 110, kRight = 24, kRow = 34, kDot = 4.2;

const char* chipOf(Outcome o) {
    switch (o) {
        case Outcome::kRegressed: return "bad";
        case Outcome::kImproved: return "good";
        case Outcome::kInconclusive: return "warn";
        case Outcome::kUnchanged: return "plain";
    }
    return "plain";
}

// Values to places on the page, with a little room at both ends.
struct Scale {
    double low = 0, high = 1;
    [[nodiscard]] double x(double value) const { return kLeft + (value - low) / (high - low) * (kWidth - kLeft - kRight); }
};
Scale scaleOf(double low, double high) {
    if (!(high > low)) {
        const double room = std::max(std::abs(low) * 0.01, 1e-12);
        return {low - room, high + room};
    }
    return {low - 0.06 * (high - low), high + 0.06 * (high - low)};
}

// Dots that would lie on each other are moved up and down by turns.
std::string dots(const std::vector<double>& values, const Scale& scale, double y, const char* fill) {
    std::string out;
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    double last = -1e9;
    int turn = 0;
    for (const double value : sorted) {
        const double x = scale.x(value);
        turn = x - last < 2 * kDot ? turn + 1 : 0;
        last = x;
        const double lift = turn == 0 ? 0 : (turn % 2 == 1 ? -1 : 1) * std::min(9.0, 3.2 * ((turn + 1) / 2));
        out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\" fill-opacity=\".65\"/>", x, y + lift, kDot, fill);
    }
    return out;
}

std::string strip(const char* label, const std::vector<double>& values, const std::optional<double>& middle, const Scale& scale, double y, const char* fill) {
    std::string out = fmt::format("<text x=\"0\" y=\"{:.1f}\">{}</text><line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" class=\"grid\"/>", y + 4, label, kLeft, kWidth - kRight, y, y);
    out += dots(values, scale, y, fill);
    if (middle) out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" style=\"stroke:var(--text);stroke-width:2\"/>", scale.x(*middle), y - 13, y + 13);
    return out;
}

// The change and its interval on an axis of their own, with the band that counts as unchanged.
std::string interval(const analyzer::MetricVerdict& v, double minEffect, double y) {
    const double low = v.ciLow ? 100 * (*v.ciLow - 1) : 0, high = v.ciHigh ? 100 * (*v.ciHigh - 1) : 0, edge = 100 * minEffect;
    const double change = 100 * (*v.ratio - 1);
    const Scale scale = scaleOf(std::min({-edge, low, change}), std::max({edge, high, change}));
    std::string out = fmt::format("<text x=\"0\" y=\"{:.1f}\">change</text><rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"20\" style=\"fill:var(--panel)\"/>", y + 4, scale.x(-edge),
                                  y - 10, scale.x(edge) - scale.x(-edge));
    out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" style=\"stroke:var(--soft);stroke-dasharray:3 3\"/>", scale.x(0), y - 14, y + 14);
    const double from = v.ciLow ? scale.x(low) : kLeft, to = v.ciHigh ? scale.x(high) : kWidth - kRight;
    out += fmt::format("<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" style=\"stroke:var(--link);stroke-width:5;stroke-linecap:round\"/>", from, to, y, y);
    out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5.5\" style=\"fill:var(--text)\"/>", scale.x(change), y);
    for (const double at : {-edge, 0.0, edge}) out += fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:+.3g} %</text>", scale.x(at), y + 28, at);
    return out;
}

std::string plot(const analyzer::MetricVerdict& v, double minEffect, std::size_t number) {
    std::string out = fmt::format("<h3 id=\"m{}\">{} {}</h3>\n", number, html(printable(nameOf(v))), page::chip(name(v.outcome), chipOf(v.outcome)));
    out += fmt::format("<p class=\"soft small\">{} &#8594; {}, {} ({}); n {} + {}{}</p>\n", html(valueText(v.baseline, v.unit)), html(valueText(v.candidate, v.unit)), html(changeText(v.ratio)),
                       html(intervalText(v)), v.baselineValues.size(), v.candidateValues.size(), reasonText(v).empty() ? "" : "; " + html(printable(reasonText(v))));
    if (v.baselineValues.empty() || v.candidateValues.empty()) return out;
    std::vector<double> all = v.baselineValues;
    all.insert(all.end(), v.candidateValues.begin(), v.candidateValues.end());
    const auto [low, high] = std::minmax_element(all.begin(), all.end());
    const Scale scale = scaleOf(*low, *high);
    const double height = v.ratio ? 3 * kRow + 64 : 2 * kRow + 30;
    out += fmt::format("<div class=\"scroll\"><svg class=\"plot\" viewBox=\"0 0 {} {:.0f}\" role=\"img\" aria-label=\"samples and interval\">", kWidth, height);
    out += strip("baseline", v.baselineValues, v.baseline, scale, 20, "#0072b2") + strip("candidate", v.candidateValues, v.candidate, scale, 20 + kRow, "#d55e00");
    out += fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\">{}</text><text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", kLeft, 26 + 2 * kRow - 8, html(valueText(*low, v.unit)),
                       kWidth - kRight, 26 + 2 * kRow - 8, html(valueText(*high, v.unit)));
    if (v.ratio) out += interval(v, minEffect, 46 + 2 * kRow + 14);
    return out + "</svg></div>\n";
}

std::string list(const char* id, const char* title, const std::vector<std::string>& items) {
    if (items.empty()) return {};
    std::string body = "<ul>";
    for (const auto& item : items) body += "<li>" + html(printable(item)) + "</li>";
    return page::section(id, title, body + "</ul>");
}

}  // namespace

std::string renderHtml(const analyzer::Verdicts& v) {
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Ridgepoint verdicts</title>\n<style>\n";
    out += page::stylesheet() + "</style>\n</head>\n<body>\n<main>\n<header>\n";
    const std::string mismatch = mismatchText(v);
    out += "<h1>" + html(mismatch.empty() ? summaryText(v) : "No verdict") + "</h1>\n";
    out += fmt::format("<p>Baseline <code>{}</code>; candidate <code>{}</code></p>\n<p class=\"soft small\">{}</p>\n</header>\n", html(printable(v.labelA)), html(printable(v.labelB)), html(methodText(v)));
    if (!mismatch.empty()) out += page::absent(mismatch);
    if (!v.results.empty()) {
        page::HtmlTable table({{"Metric"}, {"Baseline", true}, {"Candidate", true}, {"Change", true}, {"99 % interval", true}, {"Verdict"}, {""}});
        for (const auto& r : v.results)
            table.add({page::nameCell(nameOf(r), 70), html(valueText(r.baseline, r.unit)), html(valueText(r.candidate, r.unit)), html(changeText(r.ratio)), html(intervalText(r)),
                       page::chip(name(r.outcome), chipOf(r.outcome)), "<span class=\"small\">" + html(printable(reasonText(r))) + "</span>"});
        out += page::section("verdicts", "Verdicts", table.render(400));
    }
    out += list("why", "Why", v.why) + list("failed", "Failed", v.failed) + list("missing", "Only in the baseline", v.missing) + list("added", "Only in the candidate", v.added);
    std::string plots;
    for (std::size_t i = 0; i < std::min(kMostPlots, v.results.size()); ++i) plots += plot(v.results[i], v.method.minEffect, i);
    if (v.results.size() > kMostPlots) plots += fmt::format("<p class=\"soft small\">{} more metrics are in the JSON report.</p>\n", v.results.size() - kMostPlots);
    if (!plots.empty()) out += page::section("samples", "Samples", "<p class=\"soft small\">A dot is one value, a bar the median. Grey: what counts as unchanged.</p>\n" + plots);
    out += list("notes", "Notes", v.notes);
    if (!v.reproduce.empty()) out += page::section("reproduce", "Again", "<pre>" + html(printable(v.reproduce)) + "</pre>");
    return out + "</main>\n</body>\n</html>\n";
}

}  // namespace ridge::reports
