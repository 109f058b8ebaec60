// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Layout and the layer; painting of the overlay is in timeline_paint.cpp, input in timeline_input.cpp.
#include "gui/timeline/timeline_widget.h"

#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace ridge::gui {

TimelineWidget::TimelineWidget(ViewController& view, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_view(view), m_theme(&theme), m_scroll(new QScrollBar(Qt::Vertical, this)) {
    setAttribute(Qt::WA_OpaquePaintEvent);
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Timeline"));
    setMinimumSize(480, 160);
    QFont small = font();
    small.setPixelSize(12);
    setFont(small);
    m_scroll->setSingleStep(kLaneHeight);
    const auto stale = [this] {
        m_layerStale = true;
        update();
    };
    const auto rows = [this, stale] {
        updateRows();
        stale();
    };
    connect(&m_view, &ViewController::snapshotChanged, this, rows);
    connect(&m_view, &ViewController::insightChanged, this, rows);
    connect(&m_view, &ViewController::viewChanged, this, rows);
    connect(&m_view, &ViewController::searchChanged, this, stale);
    connect(&m_view, &ViewController::selectionChanged, this, [this] {
        setAccessibleDescription(m_view.describe(m_view.selected()));
        if (m_view.selected().valid()) scrollToTrack(m_view.snapshot()->laneTrack[m_view.selected().lane]);
        update();
    });
    connect(m_scroll, &QScrollBar::valueChanged, this, [this](int value) { m_view.setScroll(value); });
    updateRows();
}

void TimelineWidget::setTheme(const Theme& theme) {
    m_theme = &theme;
    m_layerStale = true;
    update();
}

void TimelineWidget::setTextShown(bool shown) {
    m_text = shown;
    m_layerStale = true;
    update();
}

int TimelineWidget::lanesWidth() const { return std::max(1, width() - kHeaderWidth - m_scroll->sizeHint().width()); }

int TimelineWidget::rowsTop() const {
    return kTimeHeight + kStepHeight + (m_rows.pinned.empty() ? 0 : m_rows.pinnedHeight + 4);
}

View TimelineWidget::timeView() const {
    View view;
    view.start = m_view.start();
    view.width = lanesWidth();
    view.nsPerPx = static_cast<double>(std::max<Ns>(1, m_view.end() - m_view.start())) / view.width;
    return view;
}

void TimelineWidget::updateRows() {
    m_rows = layoutRows(m_view);
    const int room = std::max(0, height() - rowsTop());
    const QSignalBlocker blocker(m_scroll);
    const int all = m_rows.height + (m_rows.hidden > 0 ? kHiddenHeight + 4 : 0);
    m_scroll->setRange(0, std::max(0, all - room));
    m_scroll->setPageStep(room);
    m_scroll->setValue(m_view.state().scroll);
    m_scroll->setVisible(all > room);
}

void TimelineWidget::resizeEvent(QResizeEvent*) {
    const int wide = m_scroll->sizeHint().width();
    m_scroll->setGeometry(width() - wide, kTimeHeight + kStepHeight, wide, std::max(0, height() - kTimeHeight - kStepHeight));
    m_layerStale = true;
    updateRows();
}

QRect TimelineWidget::placeOfRow(const Row& row) const {
    const int y = row.pinned ? kTimeHeight + kStepHeight + row.y : rowsTop() + row.y - m_scroll->value();
    return {0, y, lanesLeft() + lanesWidth(), row.height};
}

TimelineWidget::Hit TimelineWidget::hit(QPoint position) const {
    Hit hit;
    const int top = kTimeHeight + kStepHeight;
    if (position.y() < top || position.x() >= lanesLeft() + lanesWidth()) return hit;
    const bool pinned = position.y() < rowsTop();
    hit.row = pinned ? RowLayout::rowAt(m_rows.pinned, position.y() - top)
                     : RowLayout::rowAt(m_rows.rows, position.y() - rowsTop() + m_scroll->value());
    hit.header = position.x() < lanesLeft();
    if (hit.row) hit.place = placeOfRow(*hit.row);
    return hit;
}

std::int32_t TimelineWidget::trackUnderMouse() const {
    const Hit at = hit(m_mouse.x() < 0 ? m_pressed : m_mouse);
    return at.row ? static_cast<std::int32_t>(at.row->track) : kNoTrack;
}

SliceRef TimelineWidget::sliceAt(QPoint position) const {
    const Hit at = hit(position);
    if (!at.row || at.header || at.row->kind != RowKind::kLanes) return {};
    const Track& track = m_view.snapshot()->tracks[at.row->track];
    const int depth = (position.y() - at.place.top()) / kLaneHeight;
    if (depth < 0 || depth >= at.row->lanes) return {};
    const std::uint32_t number = track.firstLane + static_cast<std::uint32_t>(depth);
    const double x = position.x() - lanesLeft();
    for (const LaneRuns& lane : m_runs) {
        if (lane.lane != number || !lane.place.contains(position)) continue;
        const double scale = static_cast<double>(m_layer.width()) / std::max(1, lanesWidth());
        const Run* run = runAt(lane.runs, (x + 0.5) * scale);
        if (!run) run = runAt(lane.runs, (x - 1) * scale);  // a thin one is missed easily
        if (!run) run = runAt(lane.runs, (x + 2) * scale);
        if (run) return {number, run->slice};
    }
    return {};
}

std::optional<QPointF> TimelineWidget::placeOf(SliceRef slice) const {
    if (!m_view.snapshot()->contains(slice)) return std::nullopt;
    const Snapshot& snapshot = *m_view.snapshot();
    const std::uint32_t track = snapshot.laneTrack[slice.lane];
    const View time = timeView();
    const Lane& lane = snapshot.lane(slice.lane);
    const double x0 = time.x(lane.start(slice.slice)), x1 = time.x(lane.end(slice.slice));
    for (const auto* list : {&m_rows.pinned, &m_rows.rows})
        for (const Row& row : *list)
            if (row.track == track && row.kind == RowKind::kLanes) {
                const QRect place = placeOfRow(row);
                const auto depth = std::min(snapshot.depthOf(slice), static_cast<std::uint32_t>(std::max(1, row.lanes) - 1));  // folded: the last lane stands for it
                const double y = place.top() + (depth + 0.5) * kLaneHeight - 1;
                return QPointF(lanesLeft() + (x0 + x1) / 2, y);
            }
    return std::nullopt;
}

void TimelineWidget::scrollToTrack(std::uint32_t track) {
    for (const Row& row : m_rows.pinned)
        if (row.track == track) return;
    for (const Row& row : m_rows.rows) {
        if (row.track != track || row.kind == RowKind::kStrip) continue;
        const int room = height() - rowsTop(), top = row.y - m_scroll->value();
        if (top < 0 || top + std::min(row.height, room) > room) m_scroll->setValue(std::max(0, row.y - room / 3));
        return;
    }
}

void TimelineWidget::drawRow(const Row& row, LaneRasterizer& raster, const View& device, double dpr) {
    const Snapshot& snapshot = *m_view.snapshot();
    const QRect place = placeOfRow(row);
    const auto px = [dpr](int logical) { return static_cast<int>(std::lround(logical * dpr)); };
    const auto drawn = [this](int top, int bottom) {
        std::fill(m_drawnLines.begin() + std::clamp(top, 0, m_layer.height()), m_drawnLines.begin() + std::clamp(bottom, 0, m_layer.height()), true);
    };
    const QRgb background = m_theme->window.rgb();
    if (row.kind == RowKind::kCounter) {
        const Counter& counter = *snapshot.tracks[row.track].counter;
        std::vector<CounterColumn> columns;
        queryCounter(counter, device, columns);
        const float low = std::min(0.0F, counter.minimum());
        const int top = px(place.top()), bottom = top + px(kCounterHeight);
        raster.drawCounter(m_layer, top, bottom - top, columns, low, std::max(counter.maximum(), low + 1e-6F), background);
        drawn(top, bottom);
        return;
    }
    const auto drawLane = [&](const Lane& lane, std::span<const ColourId> colours, QRect at, std::uint32_t number, const std::vector<bool>& matched) {
        LaneRuns out;
        if (!m_spareRuns.empty()) {
            out.runs = std::move(m_spareRuns.back());
            m_spareRuns.pop_back();
        }
        out.place = at;
        out.lane = number;
        queryLane(lane, colours, device, out.runs);
        const int top = px(at.top()), bottom = px(at.top() + at.height());
        raster.drawLane(m_layer, top, bottom - top, out.runs, background, lane, matched);
        drawn(top, bottom);
        m_runCount += out.runs.size();
        m_runs.push_back(std::move(out));
    };
    const QRect lanes(lanesLeft(), place.top(), lanesWidth(), 0);
    if (row.kind == RowKind::kStrip) {
        static const std::vector<ColourId> kClasses = [] {
            std::vector<ColourId> colours;
            for (std::size_t c = 0; c < kWallClassCount; ++c) colours.push_back(colourOf(static_cast<WallClass>(c)));
            return colours;
        }();
        // A chosen finding lights up its class.
        std::vector<bool> lit;
        if (const analyzer::Finding* finding = m_view.finding()) {
            lit.assign(kWallClassCount, false);
            lit[static_cast<std::size_t>(finding->wallClass)] = true;
        }
        drawLane(*m_view.insight()->strips[static_cast<std::size_t>(row.strip)].lane, kClasses,
                 QRect(lanes.left(), place.top(), lanes.width(), kStripHeight), kNoSlice, lit);
        return;
    }
    const Track& track = snapshot.tracks[row.track];
    for (std::size_t depth = 0; depth < static_cast<std::size_t>(row.lanes); ++depth) {
        const int y = place.top() + static_cast<int>(depth) * kLaneHeight;
        if (y + kLaneHeight < 0 || y > height()) continue;
        drawLane(*track.lanes[depth], snapshot.names->colours, QRect(lanes.left(), y, lanes.width(), kLaneHeight - 2),
                 track.firstLane + static_cast<std::uint32_t>(depth), m_view.matchedNames());
    }
}

void TimelineWidget::rebuildLayer() {
    const double dpr = devicePixelRatioF();
    const QSize size(std::max(1, static_cast<int>(std::lround(lanesWidth() * dpr))), std::max(1, static_cast<int>(std::lround(height() * dpr))));
    if (m_layer.size() != size) m_layer = QImage(size, QImage::Format_RGB32);
    m_layer.setDevicePixelRatio(1);
    m_drawnLines.assign(static_cast<std::size_t>(m_layer.height()), false);
    for (LaneRuns& lane : m_runs) {
        lane.runs.clear();
        m_spareRuns.push_back(std::move(lane.runs));
    }
    m_runs.clear();
    m_runCount = 0;
    View device = timeView();
    device.nsPerPx /= static_cast<double>(size.width()) / device.width;
    device.width = size.width();
    LaneRasterizer raster(*m_theme);
    for (const Row& row : m_rows.rows) {
        const QRect place = placeOfRow(row);
        if (row.kind == RowKind::kGroup || place.bottom() < rowsTop() || place.top() > height()) continue;
        drawRow(row, raster, device, dpr);
    }
    // Pinned rows cover what scrolls below them.
    if (!m_rows.pinned.empty()) {
        const int top = static_cast<int>((kTimeHeight + kStepHeight) * dpr), bottom = static_cast<int>(rowsTop() * dpr);
        for (int y = top; y < std::min(bottom, m_layer.height()); ++y) {
            auto* line = reinterpret_cast<QRgb*>(m_layer.scanLine(y));
            std::fill(line, line + m_layer.width(), m_theme->window.rgb());
        }
        std::erase_if(m_runs, [&](const LaneRuns& lane) { return lane.place.top() < rowsTop(); });
        for (const Row& row : m_rows.pinned)
            if (row.kind != RowKind::kGroup) drawRow(row, raster, device, dpr);
    }
    // Lines that no row has drawn: to fill them all first would cost as much as the rows.
    for (int y = 0; y < m_layer.height(); ++y) {
        if (m_drawnLines[static_cast<std::size_t>(y)]) continue;
        auto* line = reinterpret_cast<QRgb*>(m_layer.scanLine(y));
        std::fill(line, line + m_layer.width(), m_theme->window.rgb());
    }
    m_layerStale = false;
}

}  // namespace ridge::gui
