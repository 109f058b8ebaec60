// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The roofline: log-log, measured roofs, ops as dots whose area is their time. Labels go where they hide
// no dot and no other label; an op without room for one is still in the table below the plot.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr double kWidth = 860, kHeight = 500, kLeft = 82, kRight = 20, kTop = 18, kBottom = 50;
constexpr double kCharWidth = 6.9, kLineHeight = 15;
constexpr std::size_t kMostLabels = 18, kMostDots = 300, kMostRoofs = 6;

struct Rect {
    double x0, y0, x1, y1;
    [[nodiscard]] bool meets(const Rect& o) const { return x0 < o.x1 && o.x0 < x1 && y0 < o.y1 && o.y0 < y1; }
    [[nodiscard]] bool inside(const Rect& o) const { return x0 >= o.x0 && x1 <= o.x1 && y0 >= o.y0 && y1 <= o.y1; }
};
constexpr Rect kPlot{kLeft, kTop, kWidth - kRight, kHeight - kBottom};

struct Axes {
    double xLow, xHigh, yLow, yHigh;  // log10 of FLOP/B and FLOP/s
    [[nodiscard]] double x(double intensity) const {
        return kPlot.x0 + (std::log10(intensity) - xLow) / (xHigh - xLow) * (kPlot.x1 - kPlot.x0);
    }
    [[nodiscard]] double y(double flops) const {
        return kPlot.y1 - (std::log10(flops) - yLow) / (yHigh - yLow) * (kPlot.y1 - kPlot.y0);
    }
};

struct Dot {
    const RooflinePoint* point;
    double x, y, radius;
};

// Rectangles already taken; a label is placed only where none of them is.
struct Placer {
    std::vector<Rect> taken, labels;
    // No leader line may run through a label.
    [[nodiscard]] bool crossesLabel(double x0, double y0, double x1, double y1) const {
        for (double t = 0; t <= 1; t += 0.05) {
            const double x = x0 + (x1 - x0) * t, y = y0 + (y1 - y0) * t;
            for (const Rect& r : labels)
                if (x > r.x0 && x < r.x1 && y > r.y0 && y < r.y1) return true;
        }
        return false;
    }
    bool place(const Rect& r) {
        if (!r.inside(kPlot)) return false;
        if (std::any_of(taken.begin(), taken.end(), [&](const Rect& t) { return t.meets(r); })) return false;
        taken.push_back(r);
        return true;
    }
};

bool drawable(const RooflinePoint& p) {
    return p.intensity && p.achieved && std::isfinite(*p.intensity) && std::isfinite(*p.achieved) && *p.intensity > 0 &&
           *p.achieved > 0 && p.flops > 0;
}

struct Roofs {
    std::vector<const Ceiling*> compute, memory;
};

// The best of each dtype and of each memory level: one line per roof that an op can hit.
Roofs chooseRoofs(const std::vector<Ceiling>& ceilings) {
    std::map<std::string, const Ceiling*> compute, memory;
    for (const Ceiling& c : ceilings) {
        if (!std::isfinite(c.value) || c.value <= 0) continue;
        auto* group = c.kind == "compute" && c.unit == "FLOP/s" ? &compute : c.kind == "memory" && c.unit == "B/s" ? &memory : nullptr;
        if (!group) continue;
        const Ceiling*& best = (*group)[group == &compute ? c.dtype : c.level];
        if (!best || c.value > best->value) best = &c;
    }
    Roofs roofs;
    for (const auto& [key, c] : compute) roofs.compute.push_back(c);
    for (const auto& [key, c] : memory) roofs.memory.push_back(c);
    for (auto* list : {&roofs.compute, &roofs.memory}) {
        std::stable_sort(list->begin(), list->end(), [](const auto* a, const auto* b) { return a->value > b->value; });
        if (list->size() > kMostRoofs) list->resize(kMostRoofs);
    }
    return roofs;
}

Axes chooseAxes(const std::vector<const RooflinePoint*>& points, const Roofs& roofs) {
    double xl = 1e300, xh = 0, yl = 1e300, yh = 0;
    const auto include = [&](double x, double y) {
        xl = std::min(xl, x), xh = std::max(xh, x), yl = std::min(yl, y), yh = std::max(yh, y);
    };
    for (const auto* p : points) include(*p->intensity, *p->achieved);
    for (const auto* c : roofs.compute)
        for (const auto* m : roofs.memory) include(c->value / m->value, c->value);
    Axes axes{std::log10(xl) - 0.5, std::log10(xh) + 0.7, std::log10(yl) - 0.35, std::log10(yh) + 0.3};
    axes.xLow = std::max(axes.xLow, axes.xHigh - 9);  // nine decades are more than a screen can show
    axes.yLow = std::max(axes.yLow, axes.yHigh - 9);
    return axes;
}

std::string gridLine(bool vertical, double at, bool major) {
    return vertical ? fmt::format("<line class=\"grid{}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{}\" y2=\"{}\"/>", major ? "" : " minor", at, at, kPlot.y0, kPlot.y1)
                    : fmt::format("<line class=\"grid{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" x1=\"{}\" x2=\"{}\"/>", major ? "" : " minor", at, at, kPlot.x0, kPlot.x1);
}

std::string gridAndAxes(const Axes& axes) {
    std::string out;
    const auto decades = [&](double low, double high, bool vertical) {
        for (int d = static_cast<int>(std::floor(low)); d <= static_cast<int>(std::ceil(high)); ++d) {
            for (const int k : {1, 2, 5}) {
                const double value = k * std::pow(10.0, d), log = std::log10(value);
                if (log < low || log > high) continue;
                const double at = vertical ? axes.x(value) : axes.y(value);
                out += gridLine(vertical, at, k == 1);
                if (k != 1 && high - low > 3.5) continue;
                const std::string name = vertical ? (value < 1000 && value >= 0.001 ? fmt::format("{:g}", value) : fmt::format("1e{}", d))
                                                  : formatRate(value, "FLOP/s");
                out += vertical ? fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", at, kPlot.y1 + 17, name)
                                : fmt::format("<text class=\"axis\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", kPlot.x0 - 6, at + 4, name);
            }
        }
        out += "\n";
    };
    decades(axes.xLow, axes.xHigh, true);
    decades(axes.yLow, axes.yHigh, false);
    return out + fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">arithmetic intensity (FLOP per byte)</text>\n",
                             (kPlot.x0 + kPlot.x1) / 2, kHeight - 10);
}

Rect textBox(double x, double y, double width, char anchor) {
    const double x0 = anchor == 's' ? x : anchor == 'e' ? x - width : x - width / 2;
    return {x0 - 2, y - kLineHeight + 3, x0 + width + 2, y + 4};
}

std::string textAt(double x, double y, char anchor, const std::string& text) {
    const char* word = anchor == 's' ? "start" : anchor == 'e' ? "end" : "middle";
    return fmt::format("<text class=\"halo\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, word, html(text));
}

std::string roofName(const Ceiling& c) {
    const std::string what = c.kind == "compute" ? (c.dtype.empty() ? c.name : c.dtype) : (c.level.empty() ? c.name : c.level);
    const std::string access = c.kind == "memory" && !c.access.empty() ? " " + c.access : "";
    return fmt::format("{}{} {}", elide(printable(what), 18), elide(printable(access), 10), formatRate(c.value, c.unit));
}

struct Segment {
    double x0, y0, x1, y1;
    const Ceiling* ceiling;
};

// Small squares along a line of the plot, `away` beside it (above is positive).
std::vector<Rect> beads(const Segment& s, double from, double length, double away, double half) {
    const double whole = std::hypot(s.x1 - s.x0, s.y1 - s.y0), ux = (s.x1 - s.x0) / whole, uy = (s.y1 - s.y0) / whole;
    std::vector<Rect> out;
    for (double d = from; d <= from + length; d += half) {
        const double x = s.x0 + ux * d + uy * away, y = s.y0 + uy * d - ux * away;
        out.push_back({x - half, y - half, x + half, y + half});
    }
    return out;
}

// The label lies along its roof, above or below it, where nothing else is.
std::string roofLabel(const Segment& s, Placer& placer) {
    const std::string text = roofName(*s.ceiling);
    const double width = static_cast<double>(displayWidth(text)) * kCharWidth;
    const double length = std::hypot(s.x1 - s.x0, s.y1 - s.y0);
    const bool level = s.y0 == s.y1;
    for (double at = 8; at + width + 6 < length; at += 18) {
        const double from = level ? length - width - at : at;  // level roofs are read from their right end
        for (const double away : {10.5, -10.5}) {
            const auto squares = beads(s, from, width, away, 5);
            const bool taken = std::any_of(squares.begin(), squares.end(), [&](const Rect& r) {
                return !r.inside(kPlot) || std::any_of(placer.taken.begin(), placer.taken.end(), [&](const Rect& t) { return t.meets(r); });
            });
            if (taken) continue;
            placer.taken.insert(placer.taken.end(), squares.begin(), squares.end());
            const double whole = length, ux = (s.x1 - s.x0) / whole, uy = (s.y1 - s.y0) / whole, lift = away > 0 ? 6 : -15;
            const double x = s.x0 + ux * from + uy * lift, y = s.y0 + uy * from - ux * lift;
            return fmt::format("<text class=\"halo\" transform=\"translate({:.1f} {:.1f}) rotate({:.2f})\">{}</text>\n", x, y,
                               std::atan2(uy, ux) * 180 / 3.14159265358979, html(text));
        }
    }
    return {};
}

std::optional<Segment> memorySegment(const Ceiling& c, const Axes& axes, double peak) {
    const double from = std::max(std::pow(10.0, axes.xLow), std::pow(10.0, axes.yLow) / c.value);
    const double to = std::min(std::pow(10.0, axes.xHigh), (peak > 0 ? peak : std::pow(10.0, axes.yHigh)) / c.value);
    if (to <= from * 1.01) return std::nullopt;
    return Segment{axes.x(from), axes.y(from * c.value), axes.x(to), axes.y(to * c.value), &c};
}

std::optional<Segment> computeSegment(const Ceiling& c, const Axes& axes, double bandwidth) {
    const double from = std::max(std::pow(10.0, axes.xLow), bandwidth > 0 ? c.value / bandwidth : 0), y = axes.y(c.value);
    if (y < kPlot.y0 || y > kPlot.y1 || axes.x(from) >= kPlot.x1 - 1) return std::nullopt;
    return Segment{axes.x(from), y, kPlot.x1, y, &c};
}

std::string roofLines(const Roofs& roofs, const Axes& axes, Placer& placer) {
    const double peak = roofs.compute.empty() ? 0 : roofs.compute.front()->value;
    const double bandwidth = roofs.memory.empty() ? 0 : roofs.memory.front()->value;
    std::vector<Segment> segments;
    for (const Ceiling* c : roofs.compute)
        if (const auto s = computeSegment(*c, axes, bandwidth)) segments.push_back(*s);
    for (const Ceiling* c : roofs.memory)
        if (const auto s = memorySegment(*c, axes, peak)) segments.push_back(*s);
    std::string out;
    for (const Segment& s : segments) {
        out += fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"><title>{}</title></line>\n",
                           s.ceiling->kind == "compute" ? "roof" : "memroof", s.x0, s.y0, s.x1, s.y1, html(roofName(*s.ceiling)));
        const auto line = beads(s, 0, std::hypot(s.x1 - s.x0, s.y1 - s.y0), 0, 1.5);
        placer.taken.insert(placer.taken.end(), line.begin(), line.end());
    }
    for (const Segment& s : segments) out += roofLabel(s, placer);
    return out;
}

struct BoundLook {
    std::string_view bound;
    WallClass colour;
    std::string_view meaning;
};
constexpr std::array kBounds{
    BoundLook{"compute", WallClass::kComputeBound, "limited by arithmetic"},
    BoundLook{"memory", WallClass::kMemoryWall, "limited by memory"},
    BoundLook{"balanced", WallClass::kLaunch, "both limits within 10 %"},
    BoundLook{"latency", WallClass::kLatencyBound, "far from both roofs"},
    BoundLook{"unreliable", WallClass::kUnlinked, "above its roof: a wrong count, size or roof"},
    BoundLook{"unknown", WallClass::kComputeUnknown, "no roof to hold it against"}};

const BoundLook& lookOf(const std::string& bound) {
    const auto at = std::find_if(kBounds.begin(), kBounds.end(), [&](const BoundLook& b) { return b.bound == bound; });
    return at == kBounds.end() ? kBounds.back() : *at;
}

std::string dotSvg(const Dot& d) {
    const RooflinePoint& p = *d.point;
    const std::string attainment = p.attainment ? fmt::format(", {} of its roof", formatShare(*p.attainment)) : "";
    return fmt::format("<circle class=\"dot c{}{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"><title>{} {}: {}, {:.3g} FLOP/B, {}{}</title></circle>\n",
                       static_cast<int>(lookOf(p.bound).colour), p.bound == "unreliable" ? " dashed" : "", d.x, d.y, d.radius,
                       html(p.workload), html(p.op), formatRate(*p.achieved, "FLOP/s"), *p.intensity, formatDuration(p.timeNs), attainment);
}

std::string dotLabel(const Dot& d, const std::string& text, Placer& placer) {
    const double width = static_cast<double>(displayWidth(text)) * kCharWidth;
    for (const double away : {4.0, 14.0, 28.0, 46.0, 66.0}) {
        const double r = d.radius + away, s = r * 0.75;
        for (const auto& [dx, dy, anchor] : {std::tuple{r, 4.0, 's'}, std::tuple{-r, 4.0, 'e'}, std::tuple{0.0, -r - 2, 'm'}, std::tuple{0.0, r + 11, 'm'},
                                             std::tuple{s, -s, 's'}, std::tuple{s, s + 8, 's'}, std::tuple{-s, -s, 'e'}, std::tuple{-s, s + 8, 'e'}}) {
            const double x = d.x + dx, y = d.y + dy;
            const double endY = y - (anchor == 'm' && dy > 0 ? 11 : 4);
            if (away > 10 && placer.crossesLabel(d.x, d.y, x, endY)) continue;
            if (!placer.place(textBox(x, y, width, anchor))) continue;
            placer.labels.push_back(placer.taken.back());
            const std::string leader = away < 10 ? "" : fmt::format("<line class=\"leader\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", d.x, d.y, x, endY);
            return leader + textAt(x, y, anchor, text);
        }
    }
    return {};
}

std::string plot(const std::vector<const RooflinePoint*>& points, const Roofs& roofs, bool nameWorkloads) {
    const Axes axes = chooseAxes(points, roofs);
    const double longest = static_cast<double>(std::max<Ns>(1, points.front()->timeNs));
    std::vector<Dot> dots;
    Placer placer;
    for (const RooflinePoint* p : points) {
        const double area = std::max(0.0, static_cast<double>(p->timeNs)) / longest;
        Dot d{p, axes.x(*p->intensity), axes.y(*p->achieved), std::max(3.0, 15 * std::sqrt(area))};
        if (d.x < kPlot.x0 || d.x > kPlot.x1 || d.y < kPlot.y0 || d.y > kPlot.y1) continue;
        placer.taken.push_back({d.x - d.radius, d.y - d.radius, d.x + d.radius, d.y + d.radius});
        dots.push_back(d);
    }
    std::string out = fmt::format("<div class=\"scroll\"><svg class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"roofline\">\n", kWidth, kHeight);
    out += gridAndAxes(axes) + roofLines(roofs, axes, placer);
    for (const Dot& d : dots) out += dotSvg(d);
    for (std::size_t i = 0; i < std::min(kMostLabels, dots.size()); ++i) {
        const RooflinePoint& p = *dots[i].point;
        const std::string text = nameWorkloads && !p.workload.empty() ? elideMiddle(printable(p.workload), 22) + ": " + elideMiddle(printable(p.op), 16)
                                                                      : elideMiddle(printable(p.op), 30);
        out += dotLabel(dots[i], text, placer);
    }
    return out + "</svg></div>\n";
}

std::string dotLegend(const std::vector<const RooflinePoint*>& points) {
    std::string out = "<ul class=\"legend\">\n";
    for (const BoundLook& b : kBounds)
        if (std::any_of(points.begin(), points.end(), [&](const auto* p) { return lookOf(p->bound).bound == b.bound; }))
            out += fmt::format("<li><span class=\"mark c{}\"></span>{} <span class=\"soft\">{}</span></li>\n", static_cast<int>(b.colour), b.bound, b.meaning);
    return out + "<li class=\"soft\">area of a dot: its time</li>\n</ul>\n";
}

std::string opTable(std::vector<const RooflinePoint*> points) {
    HtmlTable table({{"Op"}, {"Time", true}, {"Count", true}, {"FLOP per byte", true}, {"Achieved", true}, {"% of roof", true}, {"Bound"}, {"Roof"}, {"Source"}});
    for (const RooflinePoint* p : points) {
        std::string title = "<span class=\"name\">" + html(p->op) + "</span>";
        if (!p->workload.empty()) title += "<br><span class=\"soft small name\">" + html(p->workload) + "</span>";
        table.add({title, formatDuration(p->timeNs), std::to_string(p->count), p->intensity ? fmt::format("{:.3g}", *p->intensity) : "-",
                   p->achieved ? formatRate(*p->achieved, p->flops > 0 ? "FLOP/s" : "B/s") : "-", p->attainment ? formatShare(*p->attainment) : "-",
                   fmt::format("<span class=\"mark c{}\"></span>{}", static_cast<int>(lookOf(p->bound).colour), html(p->bound)), html(p->ceiling), html(p->level.empty() ? p->source : p->source + ", " + p->level)});
    }
    return table.render(60);
}

std::string ceilingTable(const std::vector<Ceiling>& ceilings) {
    if (ceilings.empty()) return {};
    HtmlTable table({{"Roof"}, {"Kind"}, {"Type or level"}, {"Access"}, {"Value", true}, {"Method"}});
    for (const Ceiling& c : ceilings)
        table.add({html(c.name), html(c.kind), html(c.kind == "compute" ? c.dtype : c.level), html(c.access), html(formatValue(c.value, c.unit)), html(c.method)});
    return fmt::format("<details><summary>The {} roofs</summary>\n{}</details>\n", ceilings.size(), table.render());
}

}  // namespace

std::string rooflineSection(const Analysis& a) {
    if (a.roofline.empty())
        return section("roofline", "Roofline", absent("No op says how many FLOP or bytes it needs (a work payload, a known shape or measured counters), so none can be held against a roof.") + ridgelinePart(a) + ceilingTable(a.ceilings));
    std::vector<const RooflinePoint*> all, drawn;
    for (const RooflinePoint& p : a.roofline) all.push_back(&p);
    std::stable_sort(all.begin(), all.end(), [](const auto* x, const auto* y) { return x->timeNs > y->timeNs; });
    bool severalWorkloads = false;
    for (const auto* p : all) {
        if (drawable(*p) && drawn.size() < kMostDots) drawn.push_back(p);
        severalWorkloads |= p->workload != all.front()->workload;
    }
    const Roofs roofs = chooseRoofs(a.ceilings);
    std::string body;
    if (roofs.compute.empty() && roofs.memory.empty())
        body += absent("No measured roofs were given: ridge ceilings -o ceilings.json measures them, --ceilings reads them.");
    if (drawn.empty())
        body += absent("No op does arithmetic, so there is nothing to draw; the table has their bandwidths.");
    else
        body += dotLegend(drawn) + plot(drawn, roofs, severalWorkloads);
    if (drawn.size() < all.size() && !drawn.empty())
        body += fmt::format("<p class=\"soft small\">Ops without FLOP, in the table only: {}.</p>\n", all.size() - drawn.size());
    return section("roofline", "Roofline", body + opTable(all) + ridgelinePart(a) + ceilingTable(a.ceilings));
}

}  // namespace ridge::reports::page
