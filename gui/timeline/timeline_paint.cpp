// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The overlay: everything that is painted over the layer in every frame.
#include <QElapsedTimer>
#include <QLocale>
#include <QLoggingCategory>
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "gui/timeline/time_axis.h"
#include "gui/timeline/timeline_widget.h"
#include "reports/common/classes.h"

Q_LOGGING_CATEGORY(frames, "ridge.frames", QtWarningMsg)

namespace ridge::gui {
namespace {

// A value of a counter: bytes with their prefix, counts with their digits in groups.
QString valueText(double value, const std::string& unit) {
    if (unit == "B" && value >= 0 && value < 1e18) return QString::fromStdString(formatBytes(static_cast<std::uint64_t>(value)));
    if (unit == "B/s" || unit == "W" || unit == "Hz") return QString::fromStdString(formatRate(value, unit));
    const bool whole = std::abs(value) < 1e15 && std::floor(value) == value;
    const QString number = whole ? QLocale(QLocale::English).toString(static_cast<qlonglong>(value)) : QString::number(value, 'g', 4);
    return unit.empty() || unit == "1" ? number : number + QLatin1Char(' ') + QString::fromStdString(unit);
}

constexpr std::size_t kMostTitles = 8'192;

}  // namespace

void TimelineWidget::paintEvent(QPaintEvent*) {
    QElapsedTimer clock;
    clock.start();
    if (m_layerStale) rebuildLayer();
    QPainter painter(this);
    // What the layer does not cover; the headers are painted over all that is on its left but the line below pinned rows.
    painter.fillRect(0, kTimeHeight + kStepHeight, lanesLeft(), rowsTop() - kTimeHeight - kStepHeight, m_theme->window);
    painter.fillRect(lanesLeft() + lanesWidth(), 0, width() - lanesLeft() - lanesWidth(), height(), m_theme->window);
    m_layer.setDevicePixelRatio(devicePixelRatioF());
    painter.drawImage(lanesLeft(), 0, m_layer);
    painter.setClipRect(lanesLeft(), kTimeHeight + kStepHeight, lanesWidth(), height());
    paintGroupBars(painter);
    if (m_text) paintLabels(painter);
    paintFinding(painter);
    paintFlows(painter);
    paintSelection(painter);
    painter.setClipping(false);
    paintHeaders(painter);
    paintRuler(painter);
    paintNotes(painter);
    paintHover(painter);
    if (frames().isDebugEnabled()) paintFrameTime(painter, static_cast<double>(clock.nsecsElapsed()) / 1e6);
}

void TimelineWidget::paintFrameTime(QPainter& painter, double ms) {
    const QString text = QStringLiteral("%1 ms · %2 runs").arg(ms, 0, 'f', 2).arg(m_runCount);
    qCDebug(frames).noquote() << text;
    painter.setPen(m_theme->warn);
    painter.drawText(QRect(0, height() - 20, width() - 30, 18), Qt::AlignRight, text);
}

void TimelineWidget::paintLabels(QPainter& painter) {
    const auto& texts = m_view.snapshot()->names->texts;
    QFont small = font();
    small.setPixelSize(11);
    painter.setFont(small);
    m_labels.begin(small, m_view.snapshot()->names.get());
    const double scale = static_cast<double>(m_layer.width()) / std::max(1, lanesWidth());
    const int lift = (kLaneHeight - 2 - painter.fontMetrics().height()) / 2;
    int left = kMostLabels;
    for (const LaneRuns& lane : m_runs) {
        const Lane* slices = lane.lane == kNoSlice ? nullptr : &m_view.snapshot()->lane(lane.lane);
        if (!slices) continue;
        for (const Run& run : lane.runs) {
            if (run.kind != RunKind::kExact) continue;
            const int x0 = static_cast<int>(run.x0 / scale), wide = static_cast<int>(run.x1 / scale) - x0;
            if (wide < kLabelPx) continue;
            if (--left < 0) return;
            const std::uint32_t name = slices->name(run.slice);
            const auto& matched = m_view.matchedNames();
            const bool dimmed = !matched.empty() && (name >= matched.size() || !matched[name]);
            painter.setPen(QColor(dimmed ? m_theme->soft.rgb() : m_theme->sliceText[run.colour]));
            m_labels.draw(painter, lanesLeft() + x0 + 4, lane.place.top() + lift, wide - 6, name, texts[name]);
        }
    }
}

void TimelineWidget::paintHeader(QPainter& painter, const Row& row) {
    const QRect place = placeOfRow(row);
    const bool group = row.kind == RowKind::kGroup;
    painter.fillRect(QRect(0, place.top(), lanesLeft() - (group ? 0 : 1), place.height()), group ? m_theme->header : m_theme->panel);
    if (!m_text) return;
    int x = 8 + row.indent * 12;
    if (row.collapsible) {
        QPainterPath arrow;
        const double y = place.top() + (group ? kGroupHeight : 16) / 2.0;
        row.collapsed ? arrow.addPolygon(QPolygonF{{x + 0.0, y - 4}, {x + 5.0, y}, {x + 0.0, y + 4}})
                      : arrow.addPolygon(QPolygonF{{x - 1.0, y - 3}, {x + 7.0, y - 3}, {x + 3.0, y + 3}});
        painter.setRenderHint(QPainter::Antialiasing);
        painter.fillPath(arrow, m_theme->soft);
        painter.setRenderHint(QPainter::Antialiasing, false);
    }
    x += group || row.collapsible ? 12 : 4;
    QFont text = font();
    text.setBold(group);
    painter.setFont(text);
    painter.setPen(group ? m_theme->text : m_theme->soft);
    int room = lanesLeft() - x - 8;
    if (row.kind == RowKind::kCounter) {
        const Counter& counter = *m_view.snapshot()->tracks[row.track].counter;
        painter.drawText(QRect(x, place.top() + 16, room, 16), Qt::AlignLeft | Qt::AlignVCenter,
                         QStringLiteral("max ") + valueText(static_cast<double>(counter.maximum()), counter.unit));
    }
    const int most = group ? lanesLeft() + lanesWidth() - x - 8 : room;
    drawTitle(painter, QRect(x, place.top(), most, group ? kGroupHeight : 16), row.title, most, group);
}

// To elide and lay out every title in every frame would cost a third of it.
void TimelineWidget::drawTitle(QPainter& painter, QRect place, const std::string& title, int room, bool bold) {
    std::string key = title;
    key.append({'\0', bold ? 'b' : 'n'}).append(std::to_string(room));
    auto it = m_titles.find(key);
    if (it == m_titles.end()) {
        if (m_titles.size() > kMostTitles) m_titles.clear();
        QStaticText text(painter.fontMetrics().elidedText(QString::fromStdString(title).simplified(), Qt::ElideMiddle, room));
        text.setTextFormat(Qt::PlainText);
        text.setPerformanceHint(QStaticText::AggressiveCaching);
        text.prepare(QTransform(), painter.font());
        it = m_titles.emplace(std::move(key), std::move(text)).first;
    }
    painter.drawStaticText(place.left(), place.top() + (place.height() - painter.fontMetrics().height()) / 2, it->second);
}

// Below the overlay: arrows and ranges cross the bars of groups.
void TimelineWidget::paintGroupBars(QPainter& painter) {
    for (const Row& row : m_rows.rows)
        if (row.kind == RowKind::kGroup && placeOfRow(row).bottom() >= rowsTop())
            painter.fillRect(placeOfRow(row).intersected(QRect(0, rowsTop(), width(), height())), m_theme->header);
    for (const Row& row : m_rows.pinned)
        if (row.kind == RowKind::kGroup) painter.fillRect(placeOfRow(row), m_theme->header);
}

void TimelineWidget::paintHeaders(QPainter& painter) {
    const int top = kTimeHeight + kStepHeight;
    painter.setPen(m_theme->line);
    painter.drawLine(lanesLeft() - 1, 0, lanesLeft() - 1, height());
    painter.setClipRect(0, rowsTop(), width(), height());
    painter.fillRect(0, rowsTop(), lanesLeft() - 1, height(), m_theme->panel);
    for (const Row& row : m_rows.rows) {
        const QRect place = placeOfRow(row);
        if (place.bottom() >= rowsTop() && place.top() <= height()) paintHeader(painter, row);
    }
    paintHiddenCount(painter);
    painter.setClipRect(0, top, width(), std::max(0, rowsTop() - top));
    for (const Row& row : m_rows.pinned) paintHeader(painter, row);
    painter.setClipping(false);
    if (!m_rows.pinned.empty()) painter.fillRect(0, rowsTop() - 3, width(), 2, m_theme->accent);
}

// Below the last row: what is not shown is counted.
void TimelineWidget::paintHiddenCount(QPainter& painter) {
    if (m_rows.hidden == 0 || !m_text) return;
    const int y = rowsTop() + m_rows.height - m_scroll->value();
    if (y > height()) return;
    painter.setFont(font());
    painter.setPen(m_theme->soft);
    painter.drawText(QRect(8, y + 2, lanesLeft() - 16, kHiddenHeight), Qt::AlignLeft | Qt::AlignVCenter,
                     tr("%1 hidden or filtered · Shift+H").arg(m_rows.hidden));
}

void TimelineWidget::paintRuler(QPainter& painter) {
    painter.fillRect(0, 0, width(), kTimeHeight, m_theme->header);
    painter.fillRect(0, kTimeHeight, width(), kStepHeight, m_theme->panel);
    const View time = timeView();
    painter.setFont(font());
    painter.setClipRect(lanesLeft(), 0, lanesWidth(), height());
    for (const TimeTick& tick : timeTicks(time, 110)) {
        const int x = lanesLeft() + static_cast<int>(time.x(tick.at));
        painter.setPen(m_theme->line);
        painter.drawLine(x, kTimeHeight - 6, x, kTimeHeight);
        const QString text = QString::fromStdString(tick.text);
        if (!m_text || x + 4 + painter.fontMetrics().horizontalAdvance(text) > lanesLeft() + lanesWidth()) continue;  // none that is cut
        painter.setPen(m_theme->soft);
        painter.drawText(QRect(x + 4, 0, 110, kTimeHeight - 2), Qt::AlignLeft | Qt::AlignVCenter, text);
    }
    paintSteps(painter, time);
    painter.setClipping(false);
    painter.setPen(m_theme->line);
    painter.drawLine(0, kTimeHeight + kStepHeight - 1, width(), kTimeHeight + kStepHeight - 1);
    if (!m_text) return;
    painter.setPen(m_theme->soft);
    painter.drawText(QRect(8, 0, kHeaderWidth - 16, kTimeHeight), Qt::AlignLeft | Qt::AlignVCenter,
                     tr("view %1").arg(QString::fromStdString(formatDuration(m_view.end() - m_view.start()))));
    painter.drawText(QRect(8, kTimeHeight, kHeaderWidth - 16, kStepHeight), Qt::AlignLeft | Qt::AlignVCenter, tr("steps"));
}

// Steps of the first device of the first rank; ranks step together.
void TimelineWidget::paintSteps(QPainter& painter, const View& time) {
    if (!m_view.insight() || m_view.insight()->analysis.steps.empty()) return;
    const auto& steps = m_view.insight()->analysis.steps;
    const auto& lead = steps.front();
    int drawnTo = -1;
    for (std::size_t i = 0, number = 0; i < steps.size(); ++i) {
        const auto& step = steps[i];
        if (step.rank != lead.rank || step.device != lead.device) continue;
        ++number;
        const double a = time.x(step.startNs), b = time.x(step.endNs);
        if (b < 0 || a > time.width) continue;
        const int x0 = std::max(0, static_cast<int>(a)), x1 = std::min(time.width, static_cast<int>(b));
        if (x1 <= drawnTo) continue;  // thinner than a pixel
        drawnTo = x1;
        const QRect place(lanesLeft() + x0, kTimeHeight + 2, std::max(1, x1 - x0 - 1), kStepHeight - 5);
        painter.fillRect(place, number % 2 == 0 ? m_theme->line : QColor(mix(m_theme->line.rgb(), m_theme->panel.rgb(), 0.55F)));
        if (m_text && place.width() > 34) {
            painter.setPen(m_theme->text);
            const QString text = place.width() > 130 ? tr("step %1 · %2").arg(step.index).arg(QString::fromStdString(formatDuration(step.endNs - step.startNs)))
                                                     : QString::number(step.index);
            painter.drawText(place.adjusted(4, 0, -2, 0), Qt::AlignLeft | Qt::AlignVCenter, painter.fontMetrics().elidedText(text, Qt::ElideRight, place.width() - 6));
        }
    }
}

void TimelineWidget::paintFinding(QPainter& painter) {
    const analyzer::Finding* finding = m_view.finding();
    if (!finding) return;
    const View time = timeView();
    QColor fill = wallColour(*m_theme, finding->wallClass);
    fill.setAlpha(34);
    int drawnTo = -1, left = kMostFlows;
    for (const auto& range : finding->where) {
        const double a = time.x(range.startNs), b = time.x(range.endNs);
        if (b < 0 || a > time.width) continue;
        const int x0 = std::max(0, static_cast<int>(a)), x1 = std::max(x0 + 1, std::min(time.width, static_cast<int>(std::ceil(b))));
        if (x1 <= drawnTo) continue;
        drawnTo = x1;
        if (--left < 0) break;
        painter.fillRect(lanesLeft() + x0, kTimeHeight + kStepHeight, x1 - x0, height(), fill);
    }
}

void TimelineWidget::paintFlows(QPainter& painter) {
    const SliceRef selected = m_view.selected();
    if (!selected.valid()) return;
    const Snapshot& snapshot = *m_view.snapshot();
    std::vector<const Flow*> flows = snapshot.flows->from(selected);
    const auto to = snapshot.flows->to(selected);
    flows.insert(flows.end(), to.begin(), to.end());
    if (flows.size() > kMostFlows) flows.resize(kMostFlows);
    painter.setRenderHint(QPainter::Antialiasing);
    for (const Flow* flow : flows) {
        const auto a = placeOf(flow->from), b = placeOf(flow->to);
        if (!a || !b) continue;
        const View time = timeView();
        const Lane& from = snapshot.lane(flow->from.lane);
        const Lane& into = snapshot.lane(flow->to.lane);
        const QPointF start(lanesLeft() + time.x(from.start(flow->from.slice)), a->y());
        const QPointF end(lanesLeft() + time.x(into.start(flow->to.slice)), b->y());
        QPainterPath path(start);
        const double bend = std::clamp(std::abs(end.x() - start.x()) / 2, 8.0, 160.0);
        path.cubicTo(start + QPointF(bend, 0), end - QPointF(bend, 0), end);
        painter.setPen(QPen(m_theme->window, 3.5));
        painter.drawPath(path);
        const QColor colour = flow->kind == FlowKind::kWait ? m_theme->warn : flow->kind == FlowKind::kHandOff ? m_theme->good : m_theme->accent;
        painter.setPen(QPen(colour, 1.7));
        painter.drawPath(path);
        QPainterPath head;
        head.addPolygon(QPolygonF{end, end + QPointF(-8, -4), end + QPointF(-8, 4)});
        painter.fillPath(head, colour);
    }
    painter.setRenderHint(QPainter::Antialiasing, false);
}

void TimelineWidget::paintSelection(QPainter& painter) {
    const View time = timeView();
    if (const SliceRef selected = m_view.selected(); selected.valid()) {
        if (const auto place = placeOf(selected)) {
            const Lane& lane = m_view.snapshot()->lane(selected.lane);
            const double x0 = std::max(-4.0, time.x(lane.start(selected.slice))), x1 = std::min<double>(time.width + 4, time.x(lane.end(selected.slice)));
            const QRectF frame(lanesLeft() + x0 - 1, place->y() - kLaneHeight / 2.0, std::max(4.0, x1 - x0 + 1), kLaneHeight);
            painter.setPen(QPen(m_theme->window, 4));
            painter.drawRect(frame);
            painter.setPen(QPen(m_theme->text, 2));
            painter.drawRect(frame);
        }
    }
    Ns a = m_view.state().rangeStart, b = m_view.state().rangeEnd;
    if (m_drag == Drag::kZoom) {
        a = std::min(m_dragStart, m_dragEnd);
        b = std::max(m_dragStart, m_dragEnd);
    }
    if (a == b) return;
    const int x0 = lanesLeft() + static_cast<int>(std::clamp(time.x(a), -2.0, time.width + 2.0));
    const int x1 = lanesLeft() + static_cast<int>(std::clamp(time.x(b), -2.0, time.width + 2.0));
    QColor shade = m_theme->accent;
    shade.setAlpha(38);
    painter.fillRect(x0, kTimeHeight + kStepHeight, x1 - x0, height(), shade);
    painter.setPen(m_theme->accent);
    painter.drawLine(x0, kTimeHeight, x0, height());
    painter.drawLine(x1, kTimeHeight, x1, height());
    if (!m_text) return;
    const QString text = QString::fromStdString(formatDuration(b - a));
    const int wide = painter.fontMetrics().horizontalAdvance(text) + 12;
    const int middle = std::clamp((x0 + x1 - wide) / 2, lanesLeft(), std::max(lanesLeft(), lanesLeft() + time.width - wide));
    const QRect box(middle, kTimeHeight + kStepHeight + 2, wide, 18);
    painter.fillRect(box, m_theme->accent);
    painter.setPen(m_theme->dark ? Qt::black : Qt::white);
    painter.drawText(box, Qt::AlignCenter, text);
}

void TimelineWidget::paintNotes(QPainter& painter) {
    const View time = timeView();
    for (const Note& note : m_view.state().notes) {
        const double x = time.x(note.start);
        if (time.x(note.end) < 0 || x > time.width) continue;
        const int at = lanesLeft() + static_cast<int>(std::max(0.0, x));
        painter.setPen(m_theme->warn);
        painter.drawLine(at, 0, at, height());
        if (note.end > note.start) {
            const int to = lanesLeft() + static_cast<int>(std::min<double>(time.width, time.x(note.end)));
            painter.fillRect(at, 0, std::max(1, to - at), 3, m_theme->warn);
        }
        if (!m_text) continue;
        const QString text = painter.fontMetrics().elidedText(QString::fromStdString(note.text), Qt::ElideRight, 180);
        const QRect box(at, kTimeHeight + kStepHeight, painter.fontMetrics().horizontalAdvance(text) + 10, 17);
        painter.fillRect(box, m_theme->warn);
        painter.setPen(m_theme->dark ? Qt::black : Qt::white);
        painter.drawText(box, Qt::AlignCenter, text);
    }
}

QString TimelineWidget::hoverText(QPoint position) const {
    const Hit at = hit(position);
    if (!at.row || at.header) return {};
    const Snapshot& snapshot = *m_view.snapshot();
    const View time = timeView();
    const double x = position.x() - lanesLeft();
    if (at.row->kind == RowKind::kCounter) {
        const Counter& counter = *snapshot.tracks[at.row->track].counter;
        const std::size_t i = counter.at(time.time(x));
        if (i >= counter.size()) return {};
        return QStringLiteral("%1  %2").arg(QString::fromStdString(at.row->title), valueText(static_cast<double>(counter.value(i)), counter.unit));
    }
    if (at.row->kind == RowKind::kStrip) {
        const Lane& lane = *m_view.insight()->strips[static_cast<std::size_t>(at.row->strip)].lane;
        const std::uint32_t slice = lane.sliceAt(time.time(x));
        if (slice == kNoSlice) return {};
        const auto c = static_cast<WallClass>(lane.name(slice));
        const auto meaning = reports::look(c).meaning;
        return QStringLiteral("%1  %2\n%3").arg(QString::fromStdString(reports::label(c)), QString::fromStdString(formatDuration(lane.duration(slice))),
                                                QString::fromUtf8(meaning.data(), static_cast<qsizetype>(meaning.size())));
    }
    const SliceRef slice = sliceAt(position);
    if (!slice.valid()) return {};
    const Lane& lane = snapshot.lane(slice.lane);
    QString text = QStringLiteral("%1\n%2 at %3").arg(QString::fromStdString(snapshot.nameOf(slice)).left(160),
                                                      QString::fromStdString(formatDuration(lane.duration(slice.slice))),
                                                      QString::fromStdString(formatDuration(lane.start(slice.slice))));
    const auto [first, last] = lane.touching(time.time(x), time.time(x + 1));
    if (last > first + 1) text += tr("\n%1 slices in this pixel, the longest is shown").arg(last - first);
    return text;
}

void TimelineWidget::paintHover(QPainter& painter) {
    if (m_mouse.x() < lanesLeft() || m_mouse.x() >= lanesLeft() + lanesWidth() || !m_text) return;
    painter.setPen(QPen(m_theme->soft, 1, Qt::DotLine));
    painter.drawLine(m_mouse.x(), kTimeHeight, m_mouse.x(), height());
    if (m_drag != Drag::kNone && m_drag != Drag::kPress) return;
    const QString text = hoverText(m_mouse);
    if (text.isEmpty()) return;
    painter.setFont(font());
    QRect box = painter.fontMetrics().boundingRect(QRect(0, 0, 420, 300), Qt::AlignLeft | Qt::TextWrapAnywhere, text).adjusted(0, 0, 16, 10);
    box.moveTopLeft(m_mouse + QPoint(14, 16));
    if (box.right() > width()) box.moveRight(m_mouse.x() - 10);
    if (box.bottom() > height()) box.moveBottom(m_mouse.y() - 8);
    painter.fillRect(box, m_theme->header);
    painter.setPen(m_theme->line);
    painter.drawRect(box);
    painter.setPen(m_theme->text);
    painter.drawText(box.adjusted(8, 5, -6, -4), Qt::AlignLeft | Qt::TextWrapAnywhere, text);
}

}  // namespace ridge::gui
