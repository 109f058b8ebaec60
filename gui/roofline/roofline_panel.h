// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The roofline: measured roofs and one dot per op, both axes logarithmic; the area of a dot is its time.
// A click on a dot searches its op in the timeline; the op of the selected slice is ringed. Drag zooms to
// a rectangle, a double click shows all. Numbers are those of Analysis::roofline and ::ceilings.

#include <QWidget>

#include "gui/theme/theme.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

class RooflinePanel : public QWidget {
    Q_OBJECT
public:
    RooflinePanel(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    [[nodiscard]] QSize sizeHint() const override { return {520, 380}; }
    struct Dot {
        QPointF centre;
        double radius = 0;
        std::size_t point = 0;  // of Analysis::roofline
    };
    [[nodiscard]] const std::vector<Dot>& dots() const { return m_dots; }

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
    void fit();
    void place();
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
    bool m_dragging = false;
};

}  // namespace ridge::gui
