// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The timeline: a ruler with the steps, pinned rows, rows. One widget as large as the viewport; a cached
// image of the lanes (built when range, size, rows, search or snapshot change) and an overlay painted on
// top in every frame (labels, flows, selection, findings, notes, hover).
//
// All that it changes goes through the ViewController. Frame times: logging category ridge.frames.

#include <QImage>
#include <QStaticText>
#include <QWidget>

#include <optional>
#include <unordered_map>

#include "gui/timeline/label_cache.h"
#include "gui/timeline/lane_rasterizer.h"
#include "gui/timeline/row_layout.h"

class QScrollBar;

namespace ridge::gui {

class TimelineWidget : public QWidget {
    Q_OBJECT
public:
    explicit TimelineWidget(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    // Without titles and labels: for pictures that must not depend on fonts.
    void setTextShown(bool shown);

    [[nodiscard]] View timeView() const;  // logical pixels, x from the first lane pixel
    [[nodiscard]] const RowLayout& rows() const { return m_rows; }
    [[nodiscard]] SliceRef sliceAt(QPoint position) const;
    // The track of the row that the mouse is over, or that was pressed last; kNoTrack: none.
    [[nodiscard]] std::int32_t trackUnderMouse() const;
    // Centre of a slice as it is drawn now; nothing when its row is not shown.
    [[nodiscard]] std::optional<QPointF> placeOf(SliceRef slice) const;
    void scrollToTrack(std::uint32_t track);
    // Where a row is drawn now, and where times are: in pixels of the widget.
    [[nodiscard]] QRect placeOfRow(const Row& row) const;
    [[nodiscard]] QRect lanesRect() const { return {lanesLeft(), rowsTop(), lanesWidth(), std::max(0, height() - rowsTop())}; }
    [[nodiscard]] QSize sizeHint() const override { return {1100, 600}; }
    [[nodiscard]] std::size_t runsInLayer() const { return m_runCount; }
    void rebuildLayer();

Q_SIGNALS:
    void hovered(const QString& text);
    void noteAsked(Ns a, Ns b);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    struct LaneRuns {  // of a lane in the layer, for labels
        QRect place;   // logical pixels of the widget
        std::uint32_t lane = 0;
        std::vector<Run> runs;
    };
    struct Hit {
        const Row* row = nullptr;
        bool header = false;
        QRect place;  // of the row
    };
    [[nodiscard]] int rowsTop() const;
    [[nodiscard]] int lanesLeft() const { return kHeaderWidth; }
    [[nodiscard]] int lanesWidth() const;
    [[nodiscard]] Hit hit(QPoint position) const;
    [[nodiscard]] std::vector<std::string> tracksBetween(int y0, int y1) const;
    [[nodiscard]] Ns snapped(double x) const;
    void updateRows();
    void drawRow(const Row& row, LaneRasterizer& raster, const View& device, double dpr);
    void paintHeaders(QPainter& painter);
    void paintGroupBars(QPainter& painter);
    void paintHeader(QPainter& painter, const Row& row);
    void paintHiddenCount(QPainter& painter);
    void paintLabels(QPainter& painter);
    void paintRuler(QPainter& painter);
    void paintSteps(QPainter& painter, const View& time);
    void paintFinding(QPainter& painter);
    void paintFlows(QPainter& painter);
    void paintSelection(QPainter& painter);
    void paintNotes(QPainter& painter);
    void paintHover(QPainter& painter);
    void paintFrameTime(QPainter& painter, double ms);
    [[nodiscard]] QString hoverText(QPoint position) const;
    void drawTitle(QPainter& painter, QRect place, const std::string& title, int room, bool bold);

    static constexpr int kHeaderWidth = 236, kTimeHeight = 22, kStepHeight = 18, kHiddenHeight = 18;
    static constexpr int kLabelPx = 46, kMostLabels = 400, kMostFlows = 300;

    ViewController& m_view;
    const Theme* m_theme;
    QScrollBar* m_scroll = nullptr;
    RowLayout m_rows;
    QImage m_layer;
    bool m_layerStale = true, m_text = true;
    std::vector<LaneRuns> m_runs;
    std::vector<std::vector<Run>> m_spareRuns;  // their memory is used again
    std::vector<bool> m_drawnLines;             // of the layer
    std::size_t m_runCount = 0;
    LabelCache m_labels;
    std::unordered_map<std::string, QStaticText> m_titles;  // of rows, by text, room and weight

    enum class Drag { kNone, kPress, kRange, kZoom, kPan };
    Drag m_drag = Drag::kNone;
    QPoint m_pressed, m_mouse{-1, -1};
    Ns m_dragStart = 0, m_dragEnd = 0, m_panStart = 0, m_panEnd = 0;
    std::uint64_t m_gesture = 100;  // tags of the history
};

}  // namespace ridge::gui
