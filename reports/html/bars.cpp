// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

constexpr std::size_t kMostBars = 120;
constexpr std::size_t kMostStrips = 40;
constexpr std::size_t kMostColumns = 160;
constexpr double kLabelShare = 0.09;  // narrower segments have no room for their number

std::string groupTitle(const StepGroup& g, const Analysis& a) {
    std::string title = g.workload.empty() ? "all steps" : html(elideMiddle(printable(g.workload), 60));
    if (a.ranks.size() > 1 || g.rank != 0) title += fmt::format(" <span class=\"soft\">rank {}</span>", g.rank);
    if (a.devices.size() > 1 && g.device != 0) title += fmt::format(" <span class=\"soft\">device {}</span>", g.device);
    return title;
}

std::string legend(const ClassTimes& classes) {
    std::string out = "<ul class=\"legend\">\n";
    for (const ClassShare& c : rankedClasses(classes))
        out += fmt::format("<li>{} <b>{}</b> <span class=\"soft\">{}</span></li>\n", classMark(c.wallClass),
                           formatShare(c.share), html(look(c.wallClass).meaning));
    return out + "</ul>\n";
}

// Columns of the strip: single steps, or means of consecutive ones when there are too many to draw.
struct Column {
    double totalNs = 0;
    std::array<double, kWallClassCount> classes{};
    std::int64_t firstIndex = 0, lastIndex = 0;
};

std::vector<Column> columnsOf(const StepGroup& g, std::size_t perColumn) {
    std::vector<Column> columns;
    for (std::size_t i = 0; i < g.steps.size(); i += perColumn) {
        const std::size_t end = std::min(i + perColumn, g.steps.size());
        Column column;
        column.firstIndex = g.steps[i]->index;
        column.lastIndex = g.steps[end - 1]->index;
        const double n = static_cast<double>(end - i);
        for (std::size_t k = i; k < end; ++k) {
            column.totalNs += static_cast<double>(g.steps[k]->endNs - g.steps[k]->startNs) / n;
            for (std::size_t c = 0; c < kWallClassCount; ++c)
                column.classes[c] += static_cast<double>(g.steps[k]->classes[c]) / n;
        }
        columns.push_back(column);
    }
    return columns;
}

std::string stripSvg(const std::vector<Column>& columns, double tallest) {
    constexpr double kHeight = 100, kWidth = 10;
    std::string out = fmt::format(
        "<svg class=\"strip\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" style=\"max-width:{}px\" role=\"img\" "
        "aria-label=\"time of each step by class\">\n",
        columns.size() * 10, kHeight, std::max<std::size_t>(120, columns.size() * 28));
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const Column& column = columns[i];
        const std::string which = column.firstIndex == column.lastIndex
                                      ? fmt::format("step {}", column.firstIndex)
                                      : fmt::format("steps {} to {}, mean", column.firstIndex, column.lastIndex);
        out += fmt::format("<g><title>{}: {}</title>", which, formatDuration(static_cast<Ns>(column.totalNs)));
        double y = kHeight;
        for (std::size_t c = 0; c < kWallClassCount; ++c) {
            const double h = tallest > 0 ? std::max(0.0, column.classes[c]) / tallest * (kHeight - 4) : 0;
            if (h < 0.05) continue;
            y -= h;
            out += fmt::format("<rect class=\"c{}\" x=\"{:.1f}\" y=\"{:.2f}\" width=\"{:.1f}\" height=\"{:.2f}\"/>", c,
                               static_cast<double>(i) * kWidth + 0.6, y, kWidth - 1.2, h);
        }
        out += "</g>\n";
    }
    return out + "</svg>\n";
}

std::string strip(const StepGroup& g, const Analysis& a) {
    const std::size_t perColumn = (g.steps.size() + kMostColumns - 1) / kMostColumns;
    const auto columns = columnsOf(g, perColumn);
    double tallest = 0;
    for (const Column& c : columns) tallest = std::max(tallest, c.totalNs);
    const std::string note = perColumn > 1 ? fmt::format(", one column is the mean of {} steps", perColumn) : "";
    return fmt::format(
        "<div class=\"stripbox\"><div>{} <span class=\"soft small\">{} step{}, median {}, tallest column {}{}</span></div>\n"
        "{}</div>\n",
        groupTitle(g, a), g.steps.size(), g.steps.size() == 1 ? "" : "s", formatDuration(g.medianNs),
        formatDuration(static_cast<Ns>(tallest)), note, stripSvg(columns, tallest));
}

std::string noSteps() {
    return absent("No steps were found in the trace, so its time cannot be divided by step. Name a range that "
                  "repeats with --step NAME.");
}

}  // namespace

std::string stackedBar(const ClassTimes& classes) {
    const double total = static_cast<double>(sumOf(classes));
    if (total <= 0) return {};
    std::string out = "<div class=\"bar\">";
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        if (classes[c] <= 0) continue;
        const double share = static_cast<double>(classes[c]) / total;
        out += fmt::format("<i class=\"c{}\" style=\"width:{:.3f}%\" title=\"{}: {} ({})\">{}</i>", c, share * 100,
                           label(static_cast<WallClass>(c)), formatDuration(classes[c]), formatShare(share),
                           share >= kLabelShare ? fmt::format("{:.0f} %", share * 100) : "");
    }
    return out + "</div>\n";
}

std::string attributionSection(const Analysis& a) {
    if (a.steps.empty()) return section("attribution", "Where the time went", noSteps());
    std::string body = fmt::format(
        "<p class=\"soft\">Every nanosecond of every step belongs to exactly one class. {} steps, found by: {}.</p>\n",
        a.steps.size(), html(a.stepSource));
    body += legend(a.attribution);
    const auto groups = groupSteps(a);
    if (groups.size() > 1)
        body += fmt::format("<div class=\"barrow\"><div><b>all steps</b></div>{}</div>\n", stackedBar(a.attribution));
    for (std::size_t i = 0; i < std::min(kMostBars, groups.size()); ++i) {
        const std::string bar = stackedBar(groups[i].classes);
        body += fmt::format("<div class=\"barrow\"><div class=\"name\">{} <span class=\"soft small\">{}</span></div>{}</div>\n",
                            groupTitle(groups[i], a), formatDuration(groups[i].medianNs),
                            bar.empty() ? "<div class=\"soft\">no time in its steps</div>" : bar);
    }
    if (groups.size() > kMostBars)
        body += fmt::format("<p class=\"soft\">{} more are in the JSON report.</p>\n", groups.size() - kMostBars);
    return section("attribution", "Where the time went", body);
}

std::string stepsSection(const Analysis& a) {
    if (a.steps.empty()) return section("steps", "Step times", noSteps());
    std::string body = "<p class=\"soft\">One column per step, in the order they ran, coloured by class.</p>\n";
    const auto groups = groupSteps(a);
    for (std::size_t i = 0; i < std::min(kMostStrips, groups.size()); ++i) body += strip(groups[i], a);
    if (groups.size() > kMostStrips)
        body += fmt::format("<p class=\"soft\">{} more are in the JSON report.</p>\n", groups.size() - kMostStrips);
    return section("steps", "Step times", body);
}

}  // namespace ridge::reports::page
