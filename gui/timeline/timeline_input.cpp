// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The mouse: hover, click, drag a range, zoom by drag, pan, wheel. Keys are actions of the main window.
#include <QContextMenuEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollBar>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

#include "gui/timeline/timeline_widget.h"

namespace ridge::gui {
namespace {

constexpr int kDragPx = 4;
constexpr int kSnapPx = 6;

}  // namespace

// The edge of a slice near the mouse, so that a measured range starts and ends where slices do.
Ns TimelineWidget::snapped(double x) const {
    const View time = timeView();
    const Ns t = time.time(x);
    const SliceRef slice = sliceAt(QPoint(static_cast<int>(x) + lanesLeft(), m_mouse.y()));
    if (!slice.valid()) return t;
    const Lane& lane = m_view.snapshot()->lane(slice.lane);
    for (const Ns edge : {lane.start(slice.slice), lane.end(slice.slice)})
        if (std::abs(time.x(edge) - x) <= kSnapPx) return edge;
    return t;
}

std::vector<std::string> TimelineWidget::tracksBetween(int y0, int y1) const {
    std::vector<std::string> keys;
    if (std::min(y0, y1) < kTimeHeight + kStepHeight) return keys;  // from the ruler: all
    for (const auto* list : {&m_rows.pinned, &m_rows.rows})
        for (const Row& row : *list) {
            const QRect place = placeOfRow(row);
            if (row.kind == RowKind::kLanes && place.bottom() >= std::min(y0, y1) && place.top() <= std::max(y0, y1))
                keys.push_back(m_view.snapshot()->tracks[row.track].key);
        }
    return keys;
}

void TimelineWidget::mousePressEvent(QMouseEvent* event) {
    setFocus(Qt::MouseFocusReason);
    m_pressed = m_mouse = event->pos();
    ++m_gesture;
    const Hit at = hit(event->pos());
    if (event->button() == Qt::LeftButton && at.row && at.header) {
        const Track& track = m_view.snapshot()->tracks[at.row->track];
        if (at.row->collapsible) m_view.toggleCollapsed(track.key, at.row->collapsed);
        return;
    }
    m_dragStart = m_dragEnd = snapped(event->pos().x() - lanesLeft());
    m_panStart = m_view.start();
    m_panEnd = m_view.end();
    const bool alt = event->modifiers().testFlag(Qt::AltModifier);
    if (event->button() == Qt::MiddleButton || (event->button() == Qt::LeftButton && alt)) m_drag = Drag::kZoom;
    else if (event->button() == Qt::LeftButton && event->modifiers().testFlag(Qt::ShiftModifier)) m_drag = Drag::kPan;
    else if (event->button() == Qt::LeftButton) m_drag = Drag::kPress;
}

void TimelineWidget::mouseMoveEvent(QMouseEvent* event) {
    m_mouse = event->pos();
    const double x = std::clamp<double>(event->pos().x() - lanesLeft(), 0, lanesWidth());
    if (m_drag == Drag::kPress && std::abs(event->pos().x() - m_pressed.x()) >= kDragPx) m_drag = Drag::kRange;
    if (m_drag == Drag::kRange) {
        m_dragEnd = snapped(x);
        m_view.selectRange(m_dragStart, m_dragEnd, tracksBetween(m_pressed.y(), event->pos().y()));
    } else if (m_drag == Drag::kZoom) {
        m_dragEnd = timeView().time(x);
    } else if (m_drag == Drag::kPan) {
        const Ns delta = static_cast<Ns>((m_pressed.x() - event->pos().x()) * timeView().nsPerPx);
        m_view.setRange(m_panStart + delta, m_panEnd + delta, m_gesture);
    }
    Q_EMIT hovered(hoverText(event->pos()));
    update();
}

void TimelineWidget::mouseReleaseEvent(QMouseEvent* event) {
    const Drag drag = m_drag;
    m_drag = Drag::kNone;
    if (drag == Drag::kPress) {
        const SliceRef slice = sliceAt(event->pos());
        if (slice.valid()) m_view.select(slice);
        else m_view.clearSelection();
    } else if (drag == Drag::kZoom && m_dragStart != m_dragEnd) {
        m_view.setRange(std::min(m_dragStart, m_dragEnd), std::max(m_dragStart, m_dragEnd));
    }
    update();
}

void TimelineWidget::mouseDoubleClickEvent(QMouseEvent* event) {
    m_drag = Drag::kNone;
    const SliceRef slice = sliceAt(event->pos());
    if (!slice.valid()) return;
    m_view.select(slice);
    m_view.fitSelection();
}

void TimelineWidget::wheelEvent(QWheelEvent* event) {
    const QPoint delta = event->angleDelta();
    const double notches = (delta.y() != 0 ? delta.y() : delta.x()) / 120.0;
    const auto modifiers = event->modifiers();
    // Notches in one go are one step of the undo.
    constexpr std::uint64_t kZoomTag = 1, kPanTag = 2;
    if (modifiers.testFlag(Qt::ControlModifier)) {
        const double x = std::clamp<double>(event->position().x() - lanesLeft(), 0, lanesWidth());
        m_view.zoom(std::pow(0.8, notches), timeView().time(x), kZoomTag);
    } else if (modifiers.testFlag(Qt::ShiftModifier) || delta.y() == 0) {
        m_view.pan(-0.1 * notches, kPanTag);
    } else {
        m_scroll->setValue(m_scroll->value() - static_cast<int>(notches * 3 * kLaneHeight));
    }
    event->accept();
}

void TimelineWidget::leaveEvent(QEvent*) {
    m_mouse = {-1, -1};
    Q_EMIT hovered({});
    update();
}

void TimelineWidget::contextMenuEvent(QContextMenuEvent* event) {
    const Hit at = hit(event->pos());
    QMenu menu(this);
    if (at.row) {
        const std::string key = m_view.snapshot()->tracks[at.row->track].key;
        const auto& pinned = m_view.state().pinned;
        const bool isPinned = std::find(pinned.begin(), pinned.end(), key) != pinned.end();
        menu.addAction(isPinned ? tr("Unpin row") : tr("Pin row on top"), [this, key] { m_view.togglePin(key); });
        menu.addAction(tr("Hide row"), [this, key] { m_view.hide(key); });
        const auto siblings = siblingsOf(*m_view.snapshot(), m_view.state(), at.row->track);
        menu.addAction(tr("Move row up"), [this, key, siblings] { m_view.move(key, true, siblings); });
        menu.addAction(tr("Move row down"), [this, key, siblings] { m_view.move(key, false, siblings); });
        menu.addSeparator();
    }
    menu.addAction(tr("Show hidden rows"), [this] { m_view.unhideAll(); });
    const Ns t = timeView().time(event->pos().x() - lanesLeft());
    if (event->pos().x() >= lanesLeft()) {
        menu.addAction(tr("Add note here…"), [this, t] { Q_EMIT noteAsked(t, t); });
        if (const auto note = m_view.noteAt(t, static_cast<Ns>(kSnapPx * timeView().nsPerPx)))
            menu.addAction(tr("Remove note \"%1\"").arg(QString::fromStdString(m_view.state().notes[*note].text).left(40)),
                           [this, note] { m_view.removeNote(*note); });
    }
    menu.exec(event->globalPos());
}

}  // namespace ridge::gui
