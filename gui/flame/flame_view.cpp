// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "gui/flame/flame_panel.h"

namespace ridge::gui {
namespace {

constexpr int kRow = 20;

bool isOwnKey(int key) {
    return key == Qt::Key_Left || key == Qt::Key_Right || key == Qt::Key_Up || key == Qt::Key_Down || key == Qt::Key_Return || key == Qt::Key_Enter || key == Qt::Key_Space;
}

}  // namespace

FlameView::FlameView(ViewController& view, const Theme& theme, QWidget* parent) : QWidget(parent), m_view(view), m_theme(&theme) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_OpaquePaintEvent);
    setAccessibleName(tr("Flame graph of the selection"));
    connect(&m_view, &ViewController::searchChanged, this, qOverload<>(&QWidget::update));
}

void FlameView::setTheme(const Theme& theme) {
    m_theme = &theme;
    update();
}

void FlameView::setTree(FlamePtr tree) {
    m_tree = std::move(tree);
    m_current = kNoFrame;
    layoutBoxes();
}

std::uint32_t FlameView::zoomed() const { return m_tree->find(m_view.state().flamePath); }

void FlameView::layoutBoxes() {
    m_boxes = layoutFlame(*m_tree, zoomed(), width(), m_tree->energy);
    std::uint32_t deepest = 0;
    for (const FlameBox& box : m_boxes) deepest = std::max(deepest, box.row);
    setMinimumHeight(static_cast<int>(deepest + 1) * kRow);
    if (m_current != kNoFrame && m_current >= m_tree->frames.size()) m_current = kNoFrame;
    update();
}

void FlameView::resizeEvent(QResizeEvent*) { layoutBoxes(); }

QRectF FlameView::placeOf(const FlameBox& box) const { return {box.x0, static_cast<double>(box.row) * kRow, std::max(1.0F, box.x1 - box.x0), kRow}; }

const FlameBox* FlameView::boxAt(QPoint place) const {
    const auto it = std::find_if(m_boxes.begin(), m_boxes.end(), [&](const FlameBox& box) { return placeOf(box).contains(place); });
    return it == m_boxes.end() ? nullptr : &*it;
}

std::optional<QPoint> FlameView::placeOf(std::uint32_t frame) const {
    for (const FlameBox& box : m_boxes)
        if (box.frame == frame) return placeOf(box).center().toPoint();
    return std::nullopt;
}

QString FlameView::describe(std::uint32_t f) const {
    const FlameFrame& frame = m_tree->frames[f];
    const FlameFrame& root = m_tree->frames[0];
    const auto share = [](double part, double whole) { return QString::fromStdString(formatShare(whole > 0 ? part / whole : 0)); };
    const auto amount = [&](Ns v) { return m_tree->source == FlameSource::kStacks ? tr("%L1 samples").arg(v) : QString::fromStdString(formatDuration(v)); };
    QString words = QString::fromStdString(m_tree->text(f)).left(400);
    words += tr("\ntotal %1 (%2)").arg(amount(frame.total), share(static_cast<double>(frame.total), static_cast<double>(root.total)));
    words += tr("\nself %1 (%2)").arg(amount(frame.self), share(static_cast<double>(frame.self), static_cast<double>(root.total)));
    if (m_tree->source != FlameSource::kStacks) words += tr("\n%L1 slices").arg(frame.count) + (frame.count > 0 ? tr(", %1 each").arg(QString::fromStdString(formatDuration(frame.total / frame.count))) : QString());
    if (m_tree->energy)
        words += tr("\nenergy %1 (%2), self %3").arg(QString::fromStdString(formatRate(frame.joules, "J")), share(frame.joules, root.joules), QString::fromStdString(formatRate(frame.selfJoules, "J")));
    if (zoomed() != 0) words += tr("\n%1 of the frame zoomed into").arg(share(static_cast<double>(frame.total), static_cast<double>(m_tree->frames[zoomed()].total)));
    return words;
}

void FlameView::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), m_theme->window);
    QFont small = font();
    small.setPixelSize(12);
    painter.setFont(small);
    const QFontMetrics metrics(small);
    const std::uint32_t zoom = zoomed();
    const bool searching = !m_view.state().search.empty() && m_tree->names == m_view.snapshot()->names;
    const auto& matched = m_view.matchedNames();
    for (const FlameBox& box : m_boxes) {
        const QRectF place = placeOf(box).adjusted(0, 0, box.x1 - box.x0 > 3 ? -1 : 0, -1);
        if (box.frame == kNoFrame) {
            painter.fillRect(place, QBrush(m_theme->soft, Qt::Dense5Pattern));
            continue;
        }
        const FlameFrame& frame = m_tree->frames[box.frame];
        const ColourId id = box.frame == 0 ? kColourNone : m_tree->names->colours[frame.name];
        QColor fill = box.frame == 0 ? m_theme->header : QColor(m_theme->slice[id]);
        QColor words = box.frame == 0 ? m_theme->text : QColor(m_theme->sliceText[id]);
        const bool above = box.frame != zoom && frame.depth <= m_tree->frames[zoom].depth;
        const bool lost = searching && box.frame != 0 && !(frame.name < matched.size() && matched[frame.name]);
        if (above) fill = m_theme->header, words = m_theme->soft;
        else if (lost) fill = m_theme->panel, words = m_theme->soft;
        painter.fillRect(place, fill);
        if (box.frame == m_current) {
            painter.setPen(QPen(m_theme->text, 2));
            painter.drawRect(place.adjusted(1, 1, -1, -1));
        }
        if (place.width() < 24) continue;
        QString label = QString::fromStdString(m_tree->text(box.frame)).left(300);
        if (place.width() > 160) label += QStringLiteral("  ") + QString::fromStdString(m_tree->energy ? formatRate(frame.joules, "J") : m_tree->source == FlameSource::kStacks ? std::to_string(frame.total) : formatDuration(frame.total));
        painter.setPen(words);
        painter.drawText(place.adjusted(4, 0, -3, 0), Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(label, Qt::ElideRight, static_cast<int>(place.width()) - 7));
    }
}

void FlameView::setCurrent(std::uint32_t frame) {
    m_current = frame;
    setAccessibleDescription(describe(frame));
    update();
}

void FlameView::zoomTo(std::uint32_t frame) {
    ViewState next = m_view.state();
    next.flamePath = m_tree->pathOf(frame);
    m_view.apply(std::move(next));
}

// The slices of this name are searched; the longest of this path is selected and shown.
void FlameView::search(std::uint32_t frame) {
    setCurrent(frame);
    if (frame == 0) return;
    ViewState next = m_view.state();
    next.search = m_tree->text(frame);
    m_view.apply(std::move(next));
    const SliceRef example = m_tree->frames[frame].example;
    if (m_view.snapshot()->contains(example) && m_tree->names == m_view.snapshot()->names) {
        const Lane& lane = m_view.snapshot()->lane(example.lane);
        ViewState shown = m_view.state();
        shown.slice = SliceKey{m_view.snapshot()->trackOf(example).key, m_view.snapshot()->depthOf(example), lane.start(example.slice)};
        m_view.apply(std::move(shown));
        const bool outside = lane.end(example.slice) < m_view.start() || lane.start(example.slice) > m_view.end();
        if (outside) m_view.reveal(lane.start(example.slice), lane.end(example.slice));
    }
}

void FlameView::mousePressEvent(QMouseEvent* event) {
    const FlameBox* box = boxAt(event->pos());
    if (!box || box->frame == kNoFrame || event->button() != Qt::LeftButton) return;
    const std::uint32_t frame = box->frame, zoom = zoomed();
    if (frame != zoom && m_tree->frames[frame].depth <= m_tree->frames[zoom].depth) return zoomTo(frame);
    search(frame);
}

void FlameView::mouseDoubleClickEvent(QMouseEvent* event) {
    const FlameBox* box = boxAt(event->pos());
    if (box && box->frame != kNoFrame) zoomTo(box->frame);
}

void FlameView::mouseMoveEvent(QMouseEvent* event) {
    const FlameBox* box = boxAt(event->pos());
    if (!box) return QToolTip::hideText();
    QToolTip::showText(event->globalPosition().toPoint(), box->frame == kNoFrame ? tr("%L1 frames too thin to be drawn; zoom in").arg(box->count) : describe(box->frame), this);
}

// Arrows and Enter belong to the frames while the graph has the focus, not to the timeline.
bool FlameView::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (isOwnKey(key->key()) && key->modifiers() == Qt::NoModifier) {
            event->accept();
            return true;
        }
    }
    return QWidget::event(event);
}

void FlameView::step(int key) {
    if (m_current == kNoFrame) return setCurrent(zoomed());
    const FlameFrame& frame = m_tree->frames[m_current];
    if (key == Qt::Key_Down && !frame.children.empty()) return setCurrent(frame.children.front());
    if (frame.parent == kNoFrame) return;
    if (key == Qt::Key_Up) return setCurrent(frame.parent);
    if (key == Qt::Key_Down) return;
    const auto& siblings = m_tree->frames[frame.parent].children;
    const auto at = std::find(siblings.begin(), siblings.end(), m_current);
    if (key == Qt::Key_Left && at != siblings.begin()) setCurrent(*(at - 1));
    if (key == Qt::Key_Right && at + 1 != siblings.end()) setCurrent(*(at + 1));
}

void FlameView::keyPressEvent(QKeyEvent* event) {
    if (!isOwnKey(event->key()) || m_tree->frames[0].children.empty()) return QWidget::keyPressEvent(event);
    if (event->key() == Qt::Key_Space) {
        if (m_current != kNoFrame) search(m_current);
    } else if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
        if (m_current != kNoFrame) zoomTo(m_current);
    } else {
        step(event->key());
    }
}

}  // namespace ridge::gui
