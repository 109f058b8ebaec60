// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/analysis/chart_view.h"

#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace ridge::gui {
namespace {

constexpr int kMargin = 10, kLine = 20, kBar = 18, kBarRow = 24, kStrip = 30, kPlot = 150, kValueWidth = 84;

QString text(const std::string& s) { return QString::fromStdString(s); }
QString duration(Ns ns) { return text(formatDuration(ns)); }

double sumOf(const Bar& bar) {
    double sum = 0;
    for (const BarPart& part : bar.parts) sum += std::max(0.0, part.value);
    return sum;
}

}  // namespace

ChartView::ChartView(Chart chart, const Theme& theme, QWidget* parent) : QWidget(parent), m_chart(std::move(chart)), m_theme(&theme) {
    setMouseTracking(true);
    setAccessibleName(text(m_chart.title));
    QFont small = font();
    small.setPixelSize(12);
    setFont(small);
    setFixedHeight(heightNeeded());
}

void ChartView::setTheme(const Theme& theme) {
    m_theme = &theme;
    update();
}

void ChartView::setMarked(Ns start, Ns end) {
    if (m_chart.kind != ChartKind::kStrip || (start == m_markStart && end == m_markEnd)) return;
    m_markStart = start;
    m_markEnd = end;
    update();
}

QString ChartView::value(double v) const { return text(formatted(v, m_chart.unit, m_chart.of)); }

std::vector<ChartView::Key> ChartView::keys() const {
    std::vector<Key> keys;
    const auto add = [&](const std::string& label, ColourId colour) {
        const QString words = text(label);
        if (std::none_of(keys.begin(), keys.end(), [&](const Key& k) { return k.label == words; })) keys.push_back({words, colour});
    };
    for (const Bar& bar : m_chart.bars)
        for (const BarPart& part : bar.parts)
            if (part.value > 0) add(part.label, part.colour);
    for (const Piece& piece : m_chart.pieces) add(piece.label.substr(0, piece.label.find(" · ")), piece.colour);
    for (const Series& series : m_chart.series) add(series.name, series.colour);
    return keys;
}

// With nullptr: only measures. Returns the y below it.
int ChartView::paintLegend(QPainter* painter, int y) const {
    int x = kMargin;
    const auto all = keys();
    for (const Key& key : all) {
        const QString words = fontMetrics().elidedText(key.label, Qt::ElideMiddle, std::max(60, width() / 2));
        const int wide = fontMetrics().horizontalAdvance(words) + 32;
        if (x + wide > width() - kMargin && x > kMargin) {
            x = kMargin;
            y += kLine;
        }
        if (painter) {
            painter->fillRect(x, y + 4, 12, 12, colour(key.colour));
            painter->setPen(m_theme->text);
            painter->drawText(QRect(x + 17, y, wide, kLine), Qt::AlignLeft | Qt::AlignVCenter, words);
        }
        x += wide;
    }
    return all.empty() ? y : y + kLine;
}

int ChartView::legendHeight() const { return paintLegend(nullptr, 0); }

int ChartView::heightNeeded() const {
    const int head = m_chart.title.empty() ? kMargin / 2 : kLine + 4;
    switch (m_chart.kind) {
        case ChartKind::kStrip: return head + kStrip + kLine + legendHeight() + kMargin;
        case ChartKind::kBars: return head + static_cast<int>(m_chart.bars.size()) * kBarRow + legendHeight() + kMargin;
        case ChartKind::kPredictions: return head + static_cast<int>(m_chart.predictions.size()) * (kBarRow + 4) + kLine + kMargin;
        default: return head + kPlot + kLine + legendHeight() + kMargin;
    }
}

void ChartView::resizeEvent(QResizeEvent*) {
    if (const int needed = heightNeeded(); needed != height()) setFixedHeight(needed);
}

int ChartView::labelWidth() const {
    int widest = 0;
    for (const Bar& bar : m_chart.bars) widest = std::max(widest, fontMetrics().horizontalAdvance(text(bar.label)));
    for (const Prediction& p : m_chart.predictions) widest = std::max(widest, fontMetrics().horizontalAdvance(text(p.note.empty() ? p.label : p.label + " · " + p.note)));
    return std::min(widest, width() / 3) + (widest > 0 ? 10 : 0);
}

double ChartView::longest() const {
    double most = 0;
    for (const Bar& bar : m_chart.bars) most = std::max(most, sumOf(bar));
    for (const Prediction& p : m_chart.predictions) most = std::max({most, static_cast<double>(p.now), static_cast<double>(p.high), static_cast<double>(p.measured.value_or(0))});
    return most;
}

void ChartView::paintStrip(QPainter& painter, int y) {
    const Ns first = m_chart.pieces.front().start, last = std::max(m_chart.pieces.back().end, first + 1);
    const double scale = (width() - 2.0 * kMargin) / static_cast<double>(last - first);
    const auto x = [&](Ns t) { return kMargin + static_cast<double>(t - first) * scale; };
    double drawn = -1;
    for (const Piece& piece : m_chart.pieces) {
        const QRectF place(x(piece.start), y, std::max(1.0, static_cast<double>(piece.end - piece.start) * scale), kStrip);
        if (place.right() < drawn + 0.5) continue;  // hidden behind its neighbours
        drawn = place.right();
        painter.fillRect(place, colour(piece.colour));
        if (place.width() > 3) painter.fillRect(QRectF(place.right() - 1, y, 1, kStrip), m_theme->window);
        const QString words = text(piece.label);
        if (place.width() > 50) {
            painter.setPen(QColor(m_theme->sliceText[piece.colour]));
            const qsizetype name = words.indexOf(QStringLiteral(" · "));  // the colour says the kind
            painter.drawText(place.adjusted(4, 0, -4, 0), Qt::AlignLeft | Qt::AlignVCenter,
                             fontMetrics().elidedText(name < 0 ? words : words.mid(name + 3), Qt::ElideRight, static_cast<int>(place.width()) - 8));
        }
        m_hits.push_back({place, words + QLatin1Char('\n') + duration(piece.end - piece.start) + tr(" from ") + duration(piece.start), Target{piece.start, piece.end}});
    }
    if (m_markEnd > m_markStart && m_markEnd > first && m_markStart < last) {
        painter.setPen(QPen(m_theme->text, 2));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(QRectF(x(std::max(first, m_markStart)), y - 2, std::max(3.0, x(std::min(last, m_markEnd)) - x(std::max(first, m_markStart))), kStrip + 4));
    }
    painter.setPen(m_theme->soft);
    const QRect axis(kMargin, y + kStrip + 2, width() - 2 * kMargin, kLine);
    painter.drawText(axis, Qt::AlignLeft, duration(first));
    painter.drawText(axis, Qt::AlignHCenter, duration(last - first));
    painter.drawText(axis, Qt::AlignRight, duration(last));
    paintLegend(&painter, y + kStrip + kLine + 2);
}

void ChartView::paintBars(QPainter& painter, int y) {
    const int label = labelWidth(), left = kMargin + label, wide = width() - left - kMargin - kValueWidth;
    const double most = longest();
    for (const Bar& bar : m_chart.bars) {
        const double sum = sumOf(bar), scale = m_chart.share ? (sum > 0 ? wide / sum : 0) : (most > 0 ? wide / most : 0);
        painter.setPen(m_theme->text);
        painter.drawText(QRect(kMargin, y, label - 8, kBarRow), Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(text(bar.label), Qt::ElideMiddle, label - 8));
        double x = left;
        for (const BarPart& part : bar.parts) {
            if (!(part.value > 0)) continue;
            const QRectF place(x, y + (kBarRow - kBar) / 2.0, part.value * scale, kBar);
            x += place.width();
            painter.fillRect(place, colour(part.colour));
            const bool single = part.value >= sum;  // a share of all says nothing
            const QString share = single ? QString() : text(formatShare(part.value / sum)), words = single ? text(part.label) : text(part.label) + QLatin1Char(' ') + share;
            painter.setPen(QColor(m_theme->sliceText[part.colour]));
            for (const QString& shorter : {words, share})
                if (fontMetrics().horizontalAdvance(shorter) + 8 < place.width()) {
                    painter.drawText(place, Qt::AlignCenter, shorter);
                    break;
                }
            m_hits.push_back({place, text(part.label) + QLatin1Char('\n') + value(part.value) + QStringLiteral("  ") + share, std::nullopt});
        }
        painter.setPen(m_theme->soft);
        painter.drawText(QRectF(m_chart.share ? left + wide + 6.0 : x + 6, y, kValueWidth, kBarRow), Qt::AlignLeft | Qt::AlignVCenter, value(sum));
        y += kBarRow;
    }
    paintLegend(&painter, y + 2);
}

void ChartView::paintPredictions(QPainter& painter, int y) {
    const int label = labelWidth(), left = kMargin + label, wide = width() - left - kMargin - 3 * kValueWidth;
    const double most = longest(), scale = most > 0 ? wide / most : 0;
    for (const Prediction& p : m_chart.predictions) {
        const auto x = [&](Ns t) { return left + static_cast<double>(t) * scale; };
        const QRectF row(kMargin, y, width() - 2 * kMargin, kBarRow + 4);
        painter.setPen(m_theme->text);
        painter.drawText(QRectF(kMargin, y, label - 8, row.height()), Qt::AlignLeft | Qt::AlignVCenter,
                         fontMetrics().elidedText(text(p.note.empty() ? p.label : p.label + " · " + p.note), Qt::ElideMiddle, label - 8));
        const double middle = y + row.height() / 2;
        painter.fillRect(QRectF(left, middle - 5, static_cast<double>(p.now) * scale, 10), m_theme->line);
        if (p.high > 0) painter.fillRect(QRectF(x(p.low), middle - 5, std::max(2.0, x(p.high) - x(p.low)), 10), m_theme->accent);
        painter.fillRect(QRectF(x(p.now) - 1, middle - 9, 2, 18), m_theme->text);
        if (p.measured) {
            painter.setBrush(m_theme->good);
            painter.setPen(m_theme->window);
            const double at = x(*p.measured);
            painter.drawPolygon(QPolygonF({{at, middle - 7}, {at + 6, middle}, {at, middle + 7}, {at - 6, middle}}));
        }
        QString words = p.low > 0 ? tr("%1 to %2").arg(duration(p.low), duration(p.high)) : tr("at most %1").arg(duration(p.high));
        if (p.measured) words += tr(" · measured %1").arg(duration(*p.measured));
        painter.setPen(m_theme->text);
        const QRectF place(left + wide + 10.0, y, 3.0 * kValueWidth, row.height());
        painter.drawText(place, Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(words, Qt::ElideRight, static_cast<int>(place.width())));
        m_hits.push_back({row, tr("%1\nnow %2\nshortest %3\nlongest %4").arg(text(p.label), duration(p.now), p.low > 0 ? duration(p.low) : tr("not known"), duration(p.high)) +
                                   (p.measured ? tr("\nmeasured %1").arg(duration(*p.measured)) : QString()), std::nullopt});
        y += static_cast<int>(row.height());
    }
    painter.setPen(m_theme->soft);
    painter.drawText(QRect(kMargin, y + 2, width() - 2 * kMargin, kLine), Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(tr("grey: now   blue: what is predicted   diamond: measured where a variant has the change"), Qt::ElideRight, width() - 2 * kMargin));
}

QRectF ChartView::plot() const {
    const int head = m_chart.title.empty() ? kMargin / 2 : kLine + 4;
    return QRectF(kMargin + kValueWidth, head, std::max(10, width() - 2 * kMargin - kValueWidth), kPlot);
}

void ChartView::paintSeries(QPainter& painter, int) {
    const QRectF area = plot();
    Ns first = INT64_MAX, last = INT64_MIN;
    double most = 0;
    const bool stacked = m_chart.kind == ChartKind::kArea;
    std::vector<double> base;
    for (const Series& s : m_chart.series) {
        if (s.samples.empty()) continue;
        first = std::min(first, s.samples.front().first);
        last = std::max(last, s.samples.back().first);
        base.resize(std::max(base.size(), s.samples.size()), 0);
        for (std::size_t i = 0; i < s.samples.size(); ++i) {
            const double v = std::isfinite(s.samples[i].second) ? std::max(0.0, s.samples[i].second) : 0;
            base[i] = stacked ? base[i] + v : v;
            most = std::max(most, base[i]);
        }
    }
    if (last <= first || most <= 0) return;
    const auto x = [&](Ns t) { return area.left() + static_cast<double>(t - first) / static_cast<double>(last - first) * area.width(); };
    const auto y = [&](double v) { return area.bottom() - v / (most * 1.05) * area.height(); };
    painter.setPen(m_theme->line);
    for (int i = 0; i <= 4; ++i) painter.drawLine(QPointF(area.left(), y(most * i / 4)), QPointF(area.right(), y(most * i / 4)));
    painter.setPen(m_theme->soft);
    for (int i = 0; i <= 4; ++i) painter.drawText(QRectF(0, y(most * i / 4) - 8, area.left() - 6, 16), Qt::AlignRight | Qt::AlignVCenter, value(most * i / 4));
    painter.drawText(QRectF(area.left(), area.bottom() + 2, area.width(), kLine), Qt::AlignLeft, duration(first));
    painter.drawText(QRectF(area.left(), area.bottom() + 2, area.width(), kLine), Qt::AlignRight, duration(last));
    painter.setRenderHint(QPainter::Antialiasing);
    std::fill(base.begin(), base.end(), 0);
    for (const Series& s : m_chart.series) {
        if (s.samples.empty()) continue;
        QPolygonF top, bottom;  // a value holds until the next sample
        for (std::size_t i = 0; i < s.samples.size(); ++i) {
            const double v = std::isfinite(s.samples[i].second) ? std::max(0.0, s.samples[i].second) : 0;
            const double upper = stacked ? base[i] + v : v;
            if (i > 0) {
                top << QPointF(x(s.samples[i].first), top.back().y());
                bottom << QPointF(x(s.samples[i].first), bottom.back().y());
            }
            top << QPointF(x(s.samples[i].first), y(upper));
            bottom << QPointF(x(s.samples[i].first), y(base[i]));
            if (stacked) base[i] = upper;
        }
        if (stacked) {
            std::reverse(bottom.begin(), bottom.end());
            painter.setPen(Qt::NoPen);
            painter.setBrush(colour(s.colour));
            painter.drawPolygon(top + bottom);
        } else {
            painter.setPen(QPen(colour(s.colour), 2));
            painter.drawPolyline(top);
        }
    }
    painter.setRenderHint(QPainter::Antialiasing, false);
    paintLegend(&painter, static_cast<int>(area.bottom()) + kLine + 4);
}

void ChartView::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), m_theme->window);
    m_hits.clear();
    int y = kMargin / 2;
    if (!m_chart.title.empty()) {
        painter.setPen(m_theme->soft);
        painter.drawText(QRect(kMargin, 2, width() - 2 * kMargin, kLine), Qt::AlignLeft | Qt::AlignVCenter, fontMetrics().elidedText(text(m_chart.title), Qt::ElideRight, width() - 2 * kMargin));
        y = kLine + 4;
    }
    switch (m_chart.kind) {
        case ChartKind::kStrip: return m_chart.pieces.empty() ? void() : paintStrip(painter, y);
        case ChartKind::kBars: return paintBars(painter, y);
        case ChartKind::kPredictions: return paintPredictions(painter, y);
        default: return paintSeries(painter, y);
    }
}

QString ChartView::textAt(QPointF place) const {
    for (const Hit& hit : m_hits)
        if (hit.place.contains(place)) return hit.text;
    const QRectF area = plot();
    if (m_chart.series.empty() || !area.contains(place)) return {};
    Ns first = INT64_MAX, last = INT64_MIN;
    for (const Series& s : m_chart.series)
        if (!s.samples.empty()) first = std::min(first, s.samples.front().first), last = std::max(last, s.samples.back().first);
    if (last <= first) return {};
    const Ns t = first + static_cast<Ns>((place.x() - area.left()) / area.width() * static_cast<double>(last - first));
    QString words = tr("at %1").arg(duration(t));
    double sum = 0;
    for (const Series& s : m_chart.series) {
        auto it = std::upper_bound(s.samples.begin(), s.samples.end(), t, [](Ns at, const auto& sample) { return at < sample.first; });
        if (it == s.samples.begin()) continue;
        --it;
        sum += it->second;
        words += QLatin1Char('\n') + text(s.name) + QStringLiteral("  ") + value(it->second);
    }
    if (m_chart.kind == ChartKind::kArea) words += tr("\ntogether  %1").arg(value(sum));
    return words;
}

std::optional<Target> ChartView::targetAt(QPointF place) const {
    for (const Hit& hit : m_hits)
        if (hit.place.contains(place)) return hit.target;
    const QRectF area = plot();
    if (m_chart.series.empty() || !area.contains(place)) return std::nullopt;
    Ns first = INT64_MAX, last = INT64_MIN;
    for (const Series& s : m_chart.series)
        if (!s.samples.empty()) first = std::min(first, s.samples.front().first), last = std::max(last, s.samples.back().first);
    if (last <= first) return std::nullopt;
    const Ns t = first + static_cast<Ns>((place.x() - area.left()) / area.width() * static_cast<double>(last - first));
    return Target{t, t};
}

void ChartView::mouseMoveEvent(QMouseEvent* event) {
    const QString words = textAt(event->position());
    if (words.isEmpty()) QToolTip::hideText();
    else QToolTip::showText(event->globalPosition().toPoint(), words, this);
    setCursor(targetAt(event->position()) ? Qt::PointingHandCursor : Qt::ArrowCursor);
}

void ChartView::mousePressEvent(QMouseEvent* event) {
    if (const auto target = targetAt(event->position())) Q_EMIT chosen(*target);
}

}  // namespace ridge::gui
