// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/roofline/roofline_panel.h"

#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace ridge::gui {
namespace {

QString text(const std::string& s) { return QString::fromStdString(s); }

WallClass classOf(const std::string& bound) {
    if (bound == "compute" || bound == "balanced") return WallClass::kComputeBound;
    if (bound == "memory") return WallClass::kMemoryWall;
    if (bound == "latency") return WallClass::kLatencyBound;
    return WallClass::kComputeUnknown;
}

QString rate(double flops) { return text(formatRate(flops, "FLOP/s")); }

}  // namespace

RooflinePanel::RooflinePanel(ViewController& view, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_view(view), m_theme(&theme), m_kind(new QComboBox(this)) {
    m_kind->addItem(tr("Ops: memory"));
    m_kind->addItem(tr("Steps: three walls"));
    m_kind->setAccessibleName(tr("What the roofline shows"));
    connect(m_kind, &QComboBox::activated, this, [this](int index) {
        ViewState next = m_view.state();
        next.roofWalls = index == 1;
        next.roofZoom = {};
        m_view.apply(std::move(next));
    });
    setMouseTracking(true);
    setMinimumSize(260, 200);
    setAccessibleName(tr("Roofline"));
    connect(&m_view, &ViewController::insightChanged, this, &RooflinePanel::refresh);
    connect(&m_view, &ViewController::viewChanged, this, &RooflinePanel::refresh);
    connect(&m_view, &ViewController::selectionChanged, this, qOverload<>(&QWidget::update));
    refresh();
}

void RooflinePanel::setTheme(const Theme& theme) {
    m_theme = &theme;
    update();
}

void RooflinePanel::refresh() {
    m_kind->setCurrentIndex(walls() ? 1 : 0);
    const auto& zoom = m_view.state().roofZoom;
    m_axes = walls() ? everyWall() : everything();
    if (zoom[0] != zoom[1]) m_axes = {zoom[0], zoom[1], zoom[2], zoom[3]};
    place();
    update();
}

RooflinePanel::Best RooflinePanel::best() const {
    Best best;
    if (!m_view.insight()) return best;
    // The analysis says how long the work takes at its roof: the roof that it used is their ratio.
    Ns longest[3] = {0, 0, 0};
    const auto take = [](double work, Ns ns, Ns& most, double& roof) {
        if (ns <= most || work <= 0) return;
        most = ns;
        roof = work / static_cast<double>(ns) * 1e9;
    };
    for (const auto& p : m_view.insight()->analysis.ridgeline) {
        take(p.flops, p.computeNs, longest[0], best.flops);
        take(p.memoryBytes, p.memoryNs, longest[1], best.memory);
        take(p.networkBytes, p.networkNs, longest[2], best.network);
    }
    for (const auto& roof : m_view.insight()->analysis.ceilings)  // where no step used it
        if (roof.kind == "network" && roof.unit == "B/s" && longest[2] == 0) best.network = std::max(best.network, roof.value);
    return best;
}

RooflinePanel::Axes RooflinePanel::everything() {
    Axes axes;
    m_absent = 0;
    if (m_view.insight()) {
        double x0 = 1e9, x1 = -1e9, y0 = 1e9, y1 = -1e9;
        const auto take = [&](double x, double y) {
            x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
        };
        const auto& analysis = m_view.insight()->analysis;
        for (const auto& p : analysis.roofline) {
            if (p.intensity && p.achieved && *p.intensity > 0 && *p.achieved > 0 && p.flops > 0) take(std::log10(*p.intensity), std::log10(*p.achieved));
            else ++m_absent;
        }
        double peak = 0, bandwidth = 0;
        for (const auto& roof : analysis.ceilings) {
            if (roof.kind == "compute") peak = std::max(peak, roof.value);
            if (roof.kind == "memory") bandwidth = std::max(bandwidth, roof.value);
        }
        if (peak > 0) y1 = std::max(y1, std::log10(peak));
        if (peak > 0 && bandwidth > 0) take(std::log10(peak / bandwidth), std::log10(peak));
        if (x1 >= x0 && y1 >= y0 && y0 < 1e8) axes = {std::floor(x0 - 0.4), std::ceil(x1 + 0.6), std::floor(y0 - 0.3), std::ceil(y1 + 0.2)};
    }
    return axes;
}

QRectF RooflinePanel::plot() const { return QRectF(rect()).adjusted(92, 14 + (m_text ? m_kind->height() : 0), -16, -60); }

void RooflinePanel::setTextShown(bool shown) {
    m_text = shown;
    m_kind->setVisible(shown);
    place();
    update();
}

QPointF RooflinePanel::at(double intensity, double flops) const {
    const QRectF area = plot();
    return {area.left() + (std::log10(intensity) - m_axes.x0) / (m_axes.x1 - m_axes.x0) * area.width(),
            area.bottom() - (std::log10(flops) - m_axes.y0) / (m_axes.y1 - m_axes.y0) * area.height()};
}

void RooflinePanel::place() {
    m_dots.clear();
    if (!m_view.insight()) return;
    if (walls()) return placeWalls();
    const auto& points = m_view.insight()->analysis.roofline;
    Ns most = 1;
    for (const auto& p : points) most = std::max(most, p.timeNs);
    for (std::size_t i = 0; i < points.size(); ++i) {
        const auto& p = points[i];
        if (!p.intensity || !p.achieved || *p.intensity <= 0 || *p.achieved <= 0 || p.flops <= 0) continue;
        const double share = static_cast<double>(p.timeNs) / static_cast<double>(most);
        m_dots.push_back({at(*p.intensity, *p.achieved), 4 + 14 * std::sqrt(share), i});
    }
    // Small ones last, on top.
    std::sort(m_dots.begin(), m_dots.end(), [](const Dot& a, const Dot& b) { return a.radius > b.radius; });
}

void RooflinePanel::resizeEvent(QResizeEvent*) {
    m_kind->move(width() - m_kind->sizeHint().width() - 8, 4);
    m_kind->resize(m_kind->sizeHint());
    place();
}

void RooflinePanel::paintGrid(QPainter& painter) {
    const QRectF area = plot();
    for (int e = static_cast<int>(std::ceil(m_axes.x0)); e <= m_axes.x1; ++e) {
        const double x = at(std::pow(10.0, e), 1).x();
        painter.setPen(m_theme->line);
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
        painter.setPen(m_theme->soft);
        if (m_text) painter.drawText(QRectF(x - 40, area.bottom() + 7, 80, 16), Qt::AlignHCenter, QString::number(std::pow(10.0, e), 'g', 6));
    }
    for (int e = static_cast<int>(std::ceil(m_axes.y0)); e <= m_axes.y1; ++e) {
        const double y = at(1, std::pow(10.0, e)).y();
        painter.setPen(m_theme->line);
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
        painter.setPen(m_theme->soft);
        if (m_text) painter.drawText(QRectF(0, y - 8, area.left() - 6, 16), Qt::AlignRight | Qt::AlignVCenter,
                         walls() ? QString::number(std::pow(10.0, e), 'g', 6) : rate(std::pow(10.0, e)).replace(QStringLiteral(".00"), QString()));
    }
    if (!m_text) return;
    painter.drawText(QRectF(area.left(), area.bottom() + 23, area.width(), 18), Qt::AlignHCenter,
                     walls() ? tr("bytes of memory per byte of the network") : tr("arithmetic intensity, FLOP per byte"));
    if (walls()) painter.drawText(QRectF(8, 8, width() / 2.0, 18), Qt::AlignLeft, tr("FLOP per byte of memory"));
}

void RooflinePanel::paintRoofs(QPainter& painter) {
    const QRectF area = plot();
    painter.setClipRect(area);
    const auto& roofs = m_view.insight()->analysis.ceilings;
    double peak = 0;
    for (const auto& roof : roofs)
        if (roof.kind == "compute") peak = std::max(peak, roof.value);
    double widest = 0;
    for (const auto& roof : roofs)
        if (roof.kind == "memory") widest = std::max(widest, roof.value);
    // Of roofs that would be written over each other the first is named; the analysis lists the best first.
    std::vector<double> taken;  // y of flat roofs
    std::vector<double> takenSlope;  // x at the foot of sloping ones
    struct Label {
        QPointF where;
        QString words;
        double angle;
        QColor colour;
    };
    std::vector<Label> labels;  // over all lines
    const auto label = [&](QPointF where, const QString& words, double angle) {
        if (!m_text) return;
        auto& list = angle == 0 ? taken : takenSlope;
        const double key = angle == 0 ? where.y() : where.x() + where.y() / std::tan(-angle * M_PI / 180);
        const double least = angle == 0 ? 14 : 15 / std::abs(std::sin(angle * M_PI / 180));
        for (const double other : list)
            if (std::abs(other - key) < least) return;
        list.push_back(key);
        labels.push_back({where, words, angle, painter.pen().color()});
    };
    painter.setRenderHint(QPainter::Antialiasing);
    for (const auto& roof : roofs) {
        if (!(roof.value > 0)) continue;
        const QString words = QStringLiteral("%1 %2").arg(text(roof.name), text(formatRate(roof.value, roof.unit)));
        if (roof.kind == "compute") {
            painter.setPen(QPen(m_theme->text, 1.6));
            const double from = widest > 0 ? roof.value / widest : std::pow(10.0, m_axes.x0);
            painter.drawLine(at(from, roof.value), QPointF(area.right(), at(1, roof.value).y()));
            label(QPointF(area.right() - painter.fontMetrics().horizontalAdvance(words) - 4, at(1, roof.value).y()), words, 0);
        } else if (roof.kind == "memory") {
            const double end = peak > 0 ? peak / roof.value : std::pow(10.0, m_axes.x1);
            const QPointF a = at(std::pow(10.0, m_axes.x0), roof.value * std::pow(10.0, m_axes.x0)), b = at(end, roof.value * end);
            painter.setPen(QPen(m_theme->soft, 1.4));
            painter.drawLine(a, b);
            const double angle = -std::atan2(a.y() - b.y(), b.x() - a.x()) * 180 / M_PI;
            // Where the line enters the plot.
            const double enter = std::max(std::pow(10.0, m_axes.x0), std::pow(10.0, m_axes.y0) / roof.value) * 1.9;
            label(at(enter, roof.value * enter), words, angle);
        }
    }
    QColor behind = m_theme->window;
    behind.setAlpha(215);
    for (const Label& l : labels) {
        painter.save();
        painter.translate(l.where);
        painter.rotate(l.angle);
        const QRectF box(-2, -painter.fontMetrics().height() - 1, painter.fontMetrics().horizontalAdvance(l.words) + 4, painter.fontMetrics().height());
        painter.fillRect(box, behind);
        painter.setPen(l.colour);
        painter.drawText(QPointF(0, -4), l.words);
        painter.restore();
    }
    painter.setClipping(false);
}

void RooflinePanel::paintDots(QPainter& painter) {
    painter.setClipRect(plot());
    painter.setRenderHint(QPainter::Antialiasing);
    const auto& points = m_view.insight()->analysis.roofline;
    std::string selected;
    if (m_view.selected().valid()) selected = m_view.snapshot()->nameOf(m_view.selected());
    std::vector<QRectF> taken;
    for (const Dot& dot : m_dots) {
        const auto& p = points[dot.point];
        QColor fill = wallColour(*m_theme, classOf(p.bound));
        fill.setAlpha(215);
        painter.setBrush(fill);
        painter.setPen(QPen(m_theme->window, 1.2));
        painter.drawEllipse(dot.centre, dot.radius, dot.radius);
        if (p.op == selected) {
            painter.setBrush(Qt::NoBrush);
            painter.setPen(QPen(m_theme->text, 2.5));
            painter.drawEllipse(dot.centre, dot.radius + 4, dot.radius + 4);
        }
    }
    painter.setPen(m_theme->text);
    for (const Dot& dot : m_dots) {
        if (!m_text) break;
        const QString words = text(points[dot.point].op).left(40);
        QRectF box(dot.centre.x() + dot.radius + 3, dot.centre.y() - 8, painter.fontMetrics().horizontalAdvance(words) + 4, 16);
        if (box.right() > plot().right()) box.moveRight(dot.centre.x() - dot.radius - 3);  // beside the dot, on the side that has room
        if (box.left() < plot().left()) continue;
        // Not across another dot: neither could be read.
        if (std::any_of(m_dots.begin(), m_dots.end(), [&](const Dot& other) {
                const double r = 0.8 * other.radius;
                return &other != &dot && box.intersects(QRectF(other.centre.x() - r, other.centre.y() - r, 2 * r, 2 * r));
            }))
            continue;
        if (taken.size() >= 40 || std::any_of(taken.begin(), taken.end(), [&](const QRectF& other) { return other.intersects(box); })) continue;
        taken.push_back(box);
        painter.drawText(box, Qt::AlignLeft | Qt::AlignVCenter, words);
    }
    painter.setClipping(false);
}

void RooflinePanel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), m_theme->window);
    QFont small = font();
    small.setPixelSize(11);
    painter.setFont(small);
    const QRect words = rect().adjusted(14, m_kind->geometry().bottom() + 8, -14, -14);  // below the box
    painter.setPen(m_theme->soft);
    if (!m_view.insight()) {
        painter.drawText(words, Qt::AlignLeft | Qt::TextWordWrap, m_view.whyNoInsight());
        return;
    }
    if (walls()) return paintWalls(painter);
    if (m_dots.empty() && m_view.insight()->analysis.ceilings.empty()) {
        painter.drawText(words, Qt::AlignLeft | Qt::TextWordWrap,
                         tr("No roofs and no ops with known work. ridge run leaves roofs beside its traces; of another machine ridge ceilings measures "
                            "them. The work of an op comes from ranges with a work payload."));
        return;
    }
    paintGrid(painter);
    paintRoofs(painter);
    paintDots(painter);
    painter.setPen(m_theme->soft);
    if (!m_text) return;
    if (m_view.insight()->analysis.ceilings.empty())
        painter.drawText(plot().toRect().adjusted(12, 8, -12, -8), Qt::AlignHCenter | Qt::AlignTop | Qt::TextWordWrap,
                         tr("No roofs are known. ridge ceilings measures them, \u2060-\u2060-\u2060ceilings FILE brings them."));
    if (m_dots.empty())
        painter.drawText(plot().toRect().adjusted(12, 8, -12, -8), Qt::AlignHCenter | Qt::AlignTop | Qt::TextWordWrap, tr("No op of this trace says how much work it does."));
    else if (m_absent > 0)
        painter.drawText(QRectF(8, height() - 17, width() - 16, 16), Qt::AlignLeft, tr("%1 ops have no FLOP or no bytes and are not drawn").arg(m_absent));
    if (m_dragging) {
        QColor shade = m_theme->accent;
        shade.setAlpha(40);
        painter.fillRect(QRect(m_pressed, m_mouse).normalized(), shade);
    }
}

const RooflinePanel::Dot* RooflinePanel::dotAt(QPointF position) const {
    for (auto it = m_dots.rbegin(); it != m_dots.rend(); ++it) {
        const QPointF d = it->centre - position;
        if (std::hypot(d.x(), d.y()) <= it->radius + 2) return &*it;
    }
    return nullptr;
}

void RooflinePanel::mousePressEvent(QMouseEvent* event) { m_pressed = m_mouse = event->pos(); }

void RooflinePanel::mouseMoveEvent(QMouseEvent* event) {
    m_mouse = event->pos();
    if (event->buttons().testFlag(Qt::LeftButton)) {
        m_dragging = m_dragging || (m_mouse - m_pressed).manhattanLength() > 6;
        update();
        return;
    }
    const Dot* dot = dotAt(event->position());
    if (!dot) {
        QToolTip::hideText();
        return;
    }
    QToolTip::showText(event->globalPosition().toPoint(), describe(*dot), this);
}

QString RooflinePanel::describe(const Dot& dot) const {
    if (walls()) {
        const auto& p = m_view.insight()->analysis.ridgeline[dot.point];
        const auto time = [&](Ns ns) { return ns > 0 ? text(formatDuration(ns)) : tr("not known"); };
        return tr("%1\nmeets the %2 wall first\nat compute %3\nat memory %4\nat the network %5\nthe step %6")
            .arg(p.workload.empty() ? tr("the trace") : text(p.workload), text(p.bound), time(p.computeNs), time(p.memoryNs), time(p.networkNs), time(p.stepNs));
    }
    const auto& p = m_view.insight()->analysis.roofline[dot.point];
    QString words = tr("%1\n%2 × in %3\n%4 at %5 FLOP/B").arg(text(p.op)).arg(p.count).arg(text(formatDuration(p.timeNs)), rate(*p.achieved)).arg(*p.intensity, 0, 'g', 4);
    if (p.attainment) words += tr("\n%1 of %2 (%3)").arg(text(formatShare(*p.attainment)), text(p.ceiling), text(p.bound));
    words += tr("\nwork: %1").arg(text(p.source));
    return words;
}

void RooflinePanel::mouseReleaseEvent(QMouseEvent* event) {
    if (m_dragging) {
        m_dragging = false;
        const QRectF area = plot(), box = QRectF(QRect(m_pressed, event->pos()).normalized()).intersected(area);
        if (box.width() > 8 && box.height() > 8) {
            const Axes a = m_axes;
            const auto x = [&](double px) { return a.x0 + (px - area.left()) / area.width() * (a.x1 - a.x0); };
            const auto y = [&](double px) { return a.y0 + (area.bottom() - px) / area.height() * (a.y1 - a.y0); };
            ViewState next = m_view.state();
            next.roofZoom = {x(box.left()), x(box.right()), y(box.bottom()), y(box.top())};
            m_view.apply(std::move(next));
        }
        update();
        return;
    }
    if (const Dot* dot = dotAt(event->position()); dot && !walls()) {
        m_view.setSearch(m_view.insight()->analysis.roofline[dot->point].op);
        m_view.findNext(true);
    }
}

void RooflinePanel::mouseDoubleClickEvent(QMouseEvent*) {
    ViewState next = m_view.state();
    next.roofZoom = {};
    m_view.apply(std::move(next));
}

}  // namespace ridge::gui
