// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The roofline with a third wall, the network: how long a step would take at each wall alone.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostDrawn = 8;

std::string number(const std::optional<double>& value) { return value && *value > 0 ? formatValue(*value, "") : "<span class=\"soft\">-</span>"; }
std::string wall(Ns ns) { return ns > 0 ? formatDuration(ns) : "<span class=\"soft\">-</span>"; }

WallClass classOf(const std::string& bound) {
    return bound == "compute" ? WallClass::kComputeBound : bound == "memory" ? WallClass::kMemoryWall : WallClass::kCommTransfer;
}

}  // namespace

std::string ridgelinePart(const Analysis& a) {
    std::vector<const RidgelinePoint*> points;
    for (const RidgelinePoint& p : a.ridgeline)
        if (!p.bound.empty()) points.push_back(&p);
    if (points.empty()) return {};
    std::stable_sort(points.begin(), points.end(), [](const auto* x, const auto* y) { return x->stepNs > y->stepNs; });
    std::string body = "<h3>Three walls</h3>\n<p class=\"soft\">What one step of one rank would take at the roof of compute, of memory and of the network alone; the longest is "
                       "the wall that it must meet.</p>\n";
    for (std::size_t i = 0; i < std::min(kMostDrawn, points.size()); ++i) {
        const RidgelinePoint& p = *points[i];
        std::vector<DurationBar> bars{{"now", "the step", p.stepNs}};
        if (p.computeNs > 0) bars.push_back({"compute", "compute", p.computeNs});
        if (p.memoryNs > 0) bars.push_back({"memory", "memory", p.memoryNs});
        if (p.networkNs > 0) bars.push_back({"network", "network", p.networkNs});
        body += "<div class=\"barrow top\"><div>" + (p.workload.empty() ? "the trace" : nameCell(p.workload)) + "<br><span class=\"small soft\">meets the " +
                html(p.bound) + " wall first</span></div>" + durationBars(bars) + "</div>\n";
    }
    HtmlTable table({{"Step of"}, {"Wall"}, {"FLOP per byte", true}, {"Reuse", true}, {"Compute", true}, {"Memory", true}, {"Network", true}, {"Step", true}});
    for (const RidgelinePoint* p : points)
        table.add({p->workload.empty() ? "the trace" : nameCell(p->workload),
                   fmt::format("<span class=\"kind\"><span class=\"mark c{}\"></span>{}</span>", static_cast<int>(classOf(p->bound)), html(p->bound)), number(p->y), number(p->x), wall(p->computeNs), wall(p->memoryNs),
                   wall(p->networkNs), formatDuration(p->stepNs)});
    return body + table.render(60) +
           "<p class=\"soft small\">FLOP per byte: of memory. Reuse: bytes of memory per byte of the network. Compute, memory, network: the time at that roof.</p>\n";
}

}  // namespace ridge::reports::page
