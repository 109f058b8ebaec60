// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/panels/attribution/attribution_panel.h"

#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/summary.h"

namespace ridge::gui {
namespace {

constexpr int kMargin = 12, kLine = 20, kBarHeight = 22, kPlotHeight = 96, kSpreadHeight = 44;
constexpr std::size_t kMostDots = 2000;
constexpr int kMostGroups = 64;

QString text(const std::string& s) { return QString::fromStdString(s); }

}  // namespace

Spread spreadOf(std::vector<Ns> durations) {
    if (durations.empty()) return {};
    std::sort(durations.begin(), durations.end());
    const std::size_t last = durations.size() - 1;
    return {durations.front(), durations[last / 4], durations[last / 2], durations[last - last / 4], durations.back(), durations.size()};
}

AttributionView::AttributionView(ViewController& view, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_view(view), m_theme(&theme) {
    setMouseTracking(true);
    setAccessibleName(tr("Where the time of each step went"));
    connect(&m_view, &ViewController::insightChanged, this, [this] {
        regroup();
        updateGeometry();
        setMinimumHeight(sizeHint().height());
        update();
    });
    connect(&m_view, &ViewController::viewChanged, this, qOverload<>(&QWidget::update));
    regroup();
}

void AttributionView::setTheme(const Theme& theme) {
    m_theme = &theme;
    update();
}

void AttributionView::regroup() {
    m_groups.clear();
    if (!m_view.insight()) return;
    const auto& steps = m_view.insight()->analysis.steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& s = steps[i];
        auto it = std::find_if(m_groups.begin(), m_groups.end(), [&](const Group& g) {
            return g.rank == s.rank && g.device == s.device && g.workload == s.workload;
        });
        if (it == m_groups.end()) {
            if (m_groups.size() >= kMostGroups) continue;
            it = m_groups.insert(it, Group{s.rank, s.device, s.workload, {}, {}, 0});
        }
        it->steps.push_back(i);
        it->longest = std::max(it->longest, s.endNs - s.startNs);
        for (std::size_t c = 0; c < kWallClassCount; ++c) it->classes[c] += s.classes[c];
    }
    for (Group& group : m_groups) {
        std::vector<Ns> durations;
        for (const std::size_t i : group.steps) durations.push_back(steps[i].endNs - steps[i].startNs);
        group.spread = spreadOf(std::move(durations));
    }
}

QSize AttributionView::sizeHint() const {
    const int groups = static_cast<int>(m_groups.size());
    return {420, 2 * kMargin + 4 * kLine + groups * (kLine + kBarHeight + kPlotHeight + kSpreadHeight + 2 * kLine + 3 * kMargin)};
}

void AttributionView::paintBar(QPainter& painter, QRect place, const analyzer::ClassTimes& classes, Ns whole, bool upright) {
    if (whole <= 0) return;
    double at = 0;
    const double size = upright ? place.height() : place.width();
    for (const auto& share : reports::rankedClasses(classes)) {
        const double part = size * static_cast<double>(share.ns) / static_cast<double>(whole);
        const QRectF piece = upright ? QRectF(place.left(), place.bottom() + 1 - at - part, place.width(), part)
                                     : QRectF(place.left() + at, place.top(), part, place.height());
        painter.fillRect(piece, wallColour(*m_theme, share.wallClass));
        const QString words = text(reports::label(share.wallClass)) + QLatin1Char(' ') + text(formatShare(share.share));
        if (!upright && part > painter.fontMetrics().horizontalAdvance(words) + 10) {
            painter.setPen(QColor(m_theme->sliceText[colourOf(share.wallClass)]));
            painter.drawText(piece, Qt::AlignCenter, words);
        }
        at += part;
    }
}

int AttributionView::paintLegend(QPainter& painter, int y) {
    analyzer::ClassTimes all = m_view.insight()->analysis.attribution;
    int x = kMargin;
    for (const auto& share : reports::rankedClasses(all)) {
        const QString words = text(reports::label(share.wallClass)) + QStringLiteral("  ") + text(formatDuration(share.ns)) + QStringLiteral("  ") + text(formatShare(share.share));
        const int wide = painter.fontMetrics().horizontalAdvance(words) + 34;
        if (x + wide > width() - kMargin && x > kMargin) {
            x = kMargin;
            y += kLine;
        }
        painter.fillRect(x, y + 4, 12, 12, wallColour(*m_theme, share.wallClass));
        painter.setPen(m_theme->line);
        painter.drawRect(x, y + 4, 12, 12);
        painter.setPen(m_theme->text);
        painter.drawText(QRect(x + 18, y, wide, kLine), Qt::AlignLeft | Qt::AlignVCenter, words);
        x += wide;
    }
    return y + kLine + kMargin / 2;
}

int AttributionView::paintGroup(QPainter& painter, const Group& group, int y) {
    const auto& analysis = m_view.insight()->analysis;
    QString title = tr("rank %1, device %2").arg(group.rank).arg(group.device);
    if (!group.workload.empty()) title = text(group.workload) + QStringLiteral(" · ") + title;
    title += group.steps.size() == 1 ? tr(" · 1 step") : tr(" · %L1 steps").arg(group.steps.size());
    painter.setPen(m_theme->text);
    painter.drawText(QRect(kMargin, y, width() - 2 * kMargin, kLine), Qt::AlignLeft | Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(title, Qt::ElideMiddle, width() - 2 * kMargin));
    y += kLine;
    paintBar(painter, QRect(kMargin, y, width() - 2 * kMargin, kBarHeight), group.classes, reports::sumOf(group.classes), false);
    y += kBarHeight + kMargin / 2;
    const int room = width() - 2 * kMargin;
    const auto n = static_cast<int>(group.steps.size());
    painter.fillRect(kMargin, y, room, kPlotHeight, m_theme->panel);
    // More steps than pixels: the slowest of those that share a column stands for them.
    const int columns = std::min(n, std::max(1, room / 2));
    for (int c = 0; c < columns; ++c) {
        const int from = static_cast<int>(std::int64_t{c} * n / columns), to = static_cast<int>(std::int64_t{c + 1} * n / columns);
        std::size_t slowest = group.steps[static_cast<std::size_t>(from)];
        for (int i = from; i < to; ++i) {
            const auto& step = analysis.steps[group.steps[static_cast<std::size_t>(i)]];
            const auto& best = analysis.steps[slowest];
            if (step.endNs - step.startNs > best.endNs - best.startNs) slowest = group.steps[static_cast<std::size_t>(i)];
        }
        const auto& step = analysis.steps[slowest];
        const int x0 = kMargin + static_cast<int>(std::int64_t{room} * c / columns), x1 = kMargin + static_cast<int>(std::int64_t{room} * (c + 1) / columns);
        const QRect full(x0, y, std::clamp(x1 - x0 - (x1 - x0 > 4 ? 1 : 0), 1, 40), kPlotHeight);
        const int high = std::max(1, static_cast<int>(static_cast<double>(kPlotHeight) * static_cast<double>(step.endNs - step.startNs) /
                                                      static_cast<double>(std::max<Ns>(1, group.longest))));
        paintBar(painter, QRect(full.left(), full.bottom() + 1 - high, full.width(), high), step.classes, step.endNs - step.startNs, true);
        m_bars.push_back({full, slowest});
        if (m_view.start() <= step.startNs && step.endNs <= m_view.end())
            painter.fillRect(full.left(), y + kPlotHeight + 2, full.width(), 3, m_theme->accent);
    }
    y += kPlotHeight + kMargin;
    if (group.steps.size() > 1) y = paintSpread(painter, group, y);
    return y + kMargin / 2;
}

// Dots from the shortest step to the longest, jittered by their number; beyond kMostDots every n-th.
int AttributionView::paintSpread(QPainter& painter, const Group& group, int y) {
    const auto& steps = m_view.insight()->analysis.steps;
    const Spread& s = group.spread;
    const double left = kMargin + 6, wide = width() - 2 * kMargin - 12, span = static_cast<double>(std::max<Ns>(1, s.most - s.least));
    const auto x = [&](Ns ns) { return left + static_cast<double>(ns - s.least) / span * wide; };
    painter.fillRect(kMargin, y, width() - 2 * kMargin, kSpreadHeight, m_theme->panel);
    painter.setRenderHint(QPainter::Antialiasing);
    const std::size_t every = (group.steps.size() + kMostDots - 1) / kMostDots;
    QColor fill = m_theme->accent;
    fill.setAlpha(150);
    painter.setPen(Qt::NoPen);
    painter.setBrush(fill);
    for (std::size_t i = 0; i < group.steps.size(); i += every) {
        const auto& step = steps[group.steps[i]];
        const QPointF centre(x(step.endNs - step.startNs), y + 8 + static_cast<double>(i * 7919 % 29));
        painter.drawEllipse(centre, 2.5, 2.5);
        m_dots.push_back({centre, group.steps[i]});
    }
    const double middle = y + kSpreadHeight / 2.0;
    painter.setPen(QPen(m_theme->text, 1.4));
    painter.setBrush(Qt::NoBrush);
    painter.drawLine(QPointF(x(s.least), middle), QPointF(x(s.lower), middle));
    painter.drawLine(QPointF(x(s.upper), middle), QPointF(x(s.most), middle));
    painter.drawRect(QRectF(x(s.lower), y + 5, std::max(1.0, x(s.upper) - x(s.lower)), kSpreadHeight - 10));
    painter.setPen(QPen(m_theme->text, 3));
    painter.drawLine(QPointF(x(s.median), y + 5), QPointF(x(s.median), y + kSpreadHeight - 5));
    painter.setRenderHint(QPainter::Antialiasing, false);
    y += kSpreadHeight;
    painter.setPen(m_theme->soft);
    QString words = tr("steps: %1 · quartiles %2, median %3, %4 · %5").arg(text(formatDuration(s.least)), text(formatDuration(s.lower)), text(formatDuration(s.median)),
                                                                   text(formatDuration(s.upper)), text(formatDuration(s.most)));
    if (every > 1) words += tr(" · every %1th is a dot").arg(every);
    painter.drawText(QRect(kMargin, y + 2, width() - 2 * kMargin, 2 * kLine), Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap, words);
    return y + 2 * kLine;
}

void AttributionView::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), m_theme->window);
    m_bars.clear();
    m_dots.clear();
    painter.setPen(m_theme->soft);
    const QRect words(kMargin, kMargin, width() - 2 * kMargin, 60);
    if (!m_view.insight()) {
        painter.drawText(words, Qt::AlignLeft | Qt::TextWordWrap, m_view.whyNoInsight());
        return;
    }
    if (m_groups.empty()) {
        painter.drawText(words, Qt::AlignLeft | Qt::TextWordWrap, tr("The analysis found nothing whose time it could split: no ranges, no kernels and no I/O."));
        return;
    }
    int y = paintLegend(painter, kMargin / 2);
    for (const Group& group : m_groups) y = paintGroup(painter, group, y);
}

const AttributionView::Bar* AttributionView::barAt(QPoint position) const {
    for (const Bar& bar : m_bars)
        if (bar.place.contains(position)) return &bar;
    return nullptr;
}

std::optional<std::size_t> AttributionView::stepAt(QPoint position) const {
    if (const Bar* bar = barAt(position)) return bar->step;
    for (const Dot& dot : m_dots)
        if ((dot.centre - position).manhattanLength() <= 4) return dot.step;
    return std::nullopt;
}

void AttributionView::mousePressEvent(QMouseEvent* event) {
    if (const auto at = stepAt(event->pos())) {
        const auto& step = m_view.insight()->analysis.steps[*at];
        m_view.setRange(step.startNs, step.endNs);
    }
}

void AttributionView::mouseMoveEvent(QMouseEvent* event) {
    const auto at = stepAt(event->pos());
    if (!at) {
        QToolTip::hideText();
        return;
    }
    const auto& step = m_view.insight()->analysis.steps[*at];
    QString words = tr("step %1 · %2").arg(step.index).arg(text(formatDuration(step.endNs - step.startNs)));
    for (const auto& share : reports::rankedClasses(step.classes))
        words += QStringLiteral("\n%1  %2  %3").arg(text(reports::label(share.wallClass)), text(formatDuration(share.ns)), text(formatShare(share.share)));
    QToolTip::showText(event->globalPosition().toPoint(), words, this);
}

AttributionPanel::AttributionPanel(ViewController& view, const Theme& theme, QWidget* parent)
    : QScrollArea(parent), m_content(new AttributionView(view, theme, this)) {
    setWidget(m_content);
    setWidgetResizable(true);
    setFrameShape(QFrame::NoFrame);
}

}  // namespace ridge::gui
