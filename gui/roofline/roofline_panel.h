// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The roofline: measured roofs and one dot per op, both axes logarithmic; the area of a dot is its time.
// A click on a dot searches its op in the timeline; the op of the selected slice is ringed. Drag zooms to
// a rectangle, a double click shows all; both can be undone. Numbers are those of Analysis::roofline and
// ::ceilings.
//
// The other plot has the network as its axis (analyzer/roofline/ridgeline.h): a dot per workload's step, x bytes
// of memory per byte of the network, y FLOP per byte of memory, and the lines at which the wall changes.

#include <QComboBox>
#include <QWidget>

#include "gui/theme/theme.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

class RooflinePanel : public QWidget {
    Q_OBJECT
public:
    RooflinePanel(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    // Off: roofs, grid and dots alone, the same pixels on every machine (golden pictures).
    void setTextShown(bool shown);
    [[nodiscard]] QSize sizeHint() const override { return {520, 380}; }
    struct Dot {
        QPointF centre;
        double radius = 0;
        std::size_t point = 0;  // of Analysis::roofline
    };
    [[nodiscard]] const std::vector<Dot>& dots() const { return m_dots; }
    [[nodiscard]] bool walls() const { return m_view.state().roofWalls; }
    // Hover text of a dot, and the axes now.
    [[nodiscard]] QString describe(const Dot& dot) const;
    [[nodiscard]] std::array<double, 4> axes() const { return {m_axes.x0, m_axes.x1, m_axes.y0, m_axes.y1}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Axes {
        double x0 = -2, x1 = 3, y0 = 8, y1 = 13;  // log10 of FLOP/B and FLOP/s
    };
    // From the state's zoom, or to what there is.
    void refresh();
    [[nodiscard]] Axes everything();
    [[nodiscard]] Axes everyWall() const;
    void place();
    void placeWalls();
    void paintWalls(QPainter& painter);
    // FLOP/s, bytes/s of memory and of the network: the roofs of the steps; 0: not known.
    struct Best {
        double flops = 0, memory = 0, network = 0;
    };
    [[nodiscard]] Best best() const;
    [[nodiscard]] QRectF plot() const;
    [[nodiscard]] QPointF at(double intensity, double flops) const;
    [[nodiscard]] const Dot* dotAt(QPointF position) const;
    void paintGrid(QPainter& painter);
    void paintRoofs(QPainter& painter);
    void paintDots(QPainter& painter);
    ViewController& m_view;
    const Theme* m_theme;
    Axes m_axes;
    std::vector<Dot> m_dots;
    std::size_t m_absent = 0;  // points without an intensity
    QPoint m_pressed, m_mouse;
    bool m_dragging = false, m_text = true;
    QComboBox* m_kind;
};

}  // namespace ridge::gui
