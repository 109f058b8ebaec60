// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Paints one Chart of a section: a strip of pieces, stacked bars, predictions, a stacked area, lines. As wide as
// its place, as high as its content needs. Hover shows numbers; a click on a piece or a moment goes there.

#include <QWidget>

#include <optional>
#include <vector>

#include "gui/analysis/section.h"
#include "gui/theme/theme.h"

namespace ridge::gui {

class ChartView : public QWidget {
    Q_OBJECT
public:
    ChartView(Chart chart, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    // The selected range, lit up in strips.
    void setMarked(Ns start, Ns end);
    [[nodiscard]] const Chart& chart() const { return m_chart; }
    // What a hover at a place says; empty: nothing there.
    [[nodiscard]] QString textAt(QPointF place) const;
    [[nodiscard]] std::optional<Target> targetAt(QPointF place) const;

Q_SIGNALS:
    void chosen(const ridge::gui::Target& target);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;

private:
    struct Hit {
        QRectF place;
        QString text;
        std::optional<Target> target;
    };
    struct Key {
        QString label;
        ColourId colour;
    };
    [[nodiscard]] QColor colour(ColourId c) const { return QColor(m_theme->slice[c]); }
    [[nodiscard]] QString value(double v) const;
    [[nodiscard]] std::vector<Key> keys() const;
    [[nodiscard]] int legendHeight() const;
    [[nodiscard]] int heightNeeded() const;
    [[nodiscard]] int labelWidth() const;
    [[nodiscard]] double longest() const;  // of bars and predictions
    int paintLegend(QPainter* painter, int y) const;
    void paintStrip(QPainter& painter, int y);
    void paintBars(QPainter& painter, int y);
    void paintPredictions(QPainter& painter, int y);
    void paintSeries(QPainter& painter, int y);
    [[nodiscard]] QRectF plot() const;

    Chart m_chart;
    const Theme* m_theme;
    Ns m_markStart = 0, m_markEnd = 0;
    std::vector<Hit> m_hits;
};

}  // namespace ridge::gui
