// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The plot with the network as its axis: which of three walls a step meets first.
#include <QPainter>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "gui/roofline/roofline_panel.h"

namespace ridge::gui {
namespace {

QString text(const std::string& s) { return QString::fromStdString(s); }

WallClass classOf(const std::string& bound) {
    return bound == "compute" ? WallClass::kComputeBound : bound == "memory" ? WallClass::kMemoryWall : WallClass::kCommTransfer;
}

}  // namespace

RooflinePanel::Axes RooflinePanel::everyWall() const {
    Axes axes{-1, 5, -2, 3};
    if (!m_view.insight()) return axes;
    double x0 = 1e9, x1 = -1e9, y0 = 1e9, y1 = -1e9;
    for (const auto& p : m_view.insight()->analysis.ridgeline) {
        if (!p.y || *p.y <= 0) continue;
        y0 = std::min(y0, std::log10(*p.y)), y1 = std::max(y1, std::log10(*p.y));
        if (p.x && *p.x > 0) x0 = std::min(x0, std::log10(*p.x)), x1 = std::max(x1, std::log10(*p.x));
    }
    const Best roofs = best();
    if (roofs.flops > 0 && roofs.memory > 0) y0 = std::min(y0, std::log10(roofs.flops / roofs.memory)), y1 = std::max(y1, std::log10(roofs.flops / roofs.memory));
    if (roofs.memory > 0 && roofs.network > 0) x0 = std::min(x0, std::log10(roofs.memory / roofs.network)), x1 = std::max(x1, std::log10(roofs.memory / roofs.network));
    if (x1 >= x0) axes.x0 = std::floor(x0 - 0.7), axes.x1 = std::ceil(x1 + 0.7);
    if (y1 >= y0) axes.y0 = std::floor(y0 - 0.7), axes.y1 = std::ceil(y1 + 0.7);
    return axes;
}

// A step without network traffic stands at the right edge: it is infinitely far from that wall.
void RooflinePanel::placeWalls() {
    const auto& points = m_view.insight()->analysis.ridgeline;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const auto& p = points[i];
        if (!p.y || *p.y <= 0) continue;
        QPointF where = at(p.x && *p.x > 0 ? *p.x : 1, *p.y);
        if (!p.x || *p.x <= 0) where.setX(plot().right() - 9);
        m_dots.push_back({where, 7, i});
    }
}

void RooflinePanel::paintWalls(QPainter& painter) {
    const auto& analysis = m_view.insight()->analysis;
    const Best roofs = best();
    if (m_dots.empty()) {
        painter.drawText(rect().adjusted(14, 14 + m_kind->height(), -14, -14), Qt::AlignLeft | Qt::TextWordWrap,
                         tr("No step of this trace says both its FLOP and its bytes of memory, so none can be placed here. The walls that are known are under Analysis, Ops and roofs."));
        return;
    }
    const QRectF area = plot();
    // Tinted by the wall that a step there would meet first.
    const auto boundAt = [&](double lx, double ly) {
        const double x = std::pow(10.0, lx), y = std::pow(10.0, ly);  // one byte of memory: y FLOP, 1 / x bytes of network
        const double compute = roofs.flops > 0 ? y / roofs.flops : 0, memory = roofs.memory > 0 ? 1 / roofs.memory : 0, network = roofs.network > 0 ? 1 / x / roofs.network : 0;
        return compute >= memory && compute >= network ? WallClass::kComputeBound : memory >= network ? WallClass::kMemoryWall : WallClass::kCommTransfer;
    };
    if (roofs.flops > 0 || roofs.memory > 0 || roofs.network > 0) {
        constexpr double kCell = 4;
        for (double px = area.left(); px < area.right(); px += kCell)
            for (double py = area.top(); py < area.bottom(); py += kCell) {
                const double lx = m_axes.x0 + (px + kCell / 2 - area.left()) / area.width() * (m_axes.x1 - m_axes.x0);
                const double ly = m_axes.y0 + (area.bottom() - py - kCell / 2) / area.height() * (m_axes.y1 - m_axes.y0);
                QColor tint = wallColour(*m_theme, boundAt(lx, ly));
                tint.setAlpha(m_theme->dark ? 58 : 40);
                painter.fillRect(QRectF(px, py, std::min(kCell, area.right() - px), std::min(kCell, area.bottom() - py)), tint);
            }
    }
    paintGrid(painter);
    painter.setPen(m_theme->text);
    const auto name = [&](double fx, double fy, const QString& words) {
        const double lx = m_axes.x0 + fx * (m_axes.x1 - m_axes.x0), ly = m_axes.y0 + fy * (m_axes.y1 - m_axes.y0);
        const WallClass c = boundAt(lx, ly);
        const QString wall = c == WallClass::kComputeBound ? tr("compute wall") : c == WallClass::kMemoryWall ? tr("memory wall") : tr("network wall");
        if (wall != words || !m_text) return;
        painter.drawText(QRectF(area.left() + fx * area.width() - 70, area.bottom() - fy * area.height() - 9, 140, 18), Qt::AlignCenter, words);
    };
    name(0.8, 0.94, tr("compute wall"));
    name(0.8, 0.06, tr("memory wall"));
    name(0.14, 0.06, tr("network wall"));
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setClipRect(area);
    std::vector<QRectF> taken;
    for (const Dot& dot : m_dots) {
        const auto& p = analysis.ridgeline[dot.point];
        painter.setBrush(p.bound.empty() ? m_theme->soft : wallColour(*m_theme, classOf(p.bound)));
        painter.setPen(QPen(m_theme->text, 1.4));
        painter.drawEllipse(dot.centre, dot.radius, dot.radius);
        if (!m_text) continue;
        const QString words = p.workload.empty() ? tr("the step") : text(p.workload);
        const double wide = painter.fontMetrics().horizontalAdvance(words) + 4;
        const bool right = dot.centre.x() + dot.radius + 4 + wide < area.right();
        const QRectF box(right ? dot.centre.x() + dot.radius + 4 : dot.centre.x() - dot.radius - 4 - wide, dot.centre.y() - 8, wide, 16);
        if (std::any_of(taken.begin(), taken.end(), [&](const QRectF& other) { return other.intersects(box); })) continue;
        taken.push_back(box);
        painter.setPen(m_theme->text);
        painter.drawText(box, Qt::AlignLeft | Qt::AlignVCenter, words);
    }
    painter.setClipping(false);
    painter.setPen(m_theme->soft);
    const auto absent = std::count_if(m_dots.begin(), m_dots.end(), [&](const Dot& dot) { return !analysis.ridgeline[dot.point].x; });
    QString note;
    if (absent > 0) note = tr("at the right edge: no network traffic");
    if (roofs.network <= 0) note += (note.isEmpty() ? QString() : QStringLiteral(" · ")) + tr("no roof of the network is known");
    if (m_text) painter.drawText(QRectF(8, height() - 17, width() - 16, 16), Qt::AlignLeft, note);
    if (m_dragging) {
        QColor shade = m_theme->accent;
        shade.setAlpha(40);
        painter.fillRect(QRect(m_pressed, m_mouse).normalized(), shade);
    }
}

}  // namespace ridge::gui
