// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where the time went: one stacked bar per step of each device, and one over all of them, in the closed
// classes; below it how the steps' durations are spread: every step a dot, the quartiles as a box. A click on a bar or
// a dot goes to the step. Numbers are those of Analysis::steps and ::attribution.

#include <QScrollArea>
#include <QWidget>

#include "gui/theme/theme.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

// Order statistics of durations; quartiles and median are the lower of the two neighbours, as the reports' median.
struct Spread {
    Ns least = 0, lower = 0, median = 0, upper = 0, most = 0;
    std::size_t count = 0;
};
Spread spreadOf(std::vector<Ns> durations);

class AttributionView : public QWidget {
    Q_OBJECT
public:
    AttributionView(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] bool hasHeightForWidth() const override { return false; }
    [[nodiscard]] std::size_t groups() const { return m_groups.size(); }
    [[nodiscard]] const Spread& spread(std::size_t group) const { return m_groups[group].spread; }
    [[nodiscard]] std::size_t dots() const { return m_dots.size(); }

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;

private:
    struct Bar {
        QRect place;
        std::size_t step;
    };
    struct Group {
        std::int64_t rank = 0, device = 0;
        std::string workload;
        std::vector<std::size_t> steps;
        analyzer::ClassTimes classes{};
        Ns longest = 0;
        Spread spread = {};
    };
    struct Dot {
        QPointF centre;
        std::size_t step;
    };
    void regroup();
    int paintSpread(QPainter& painter, const Group& group, int y);
    void paintBar(QPainter& painter, QRect place, const analyzer::ClassTimes& classes, Ns whole, bool upright);
    int paintLegend(QPainter& painter, int y);
    int paintGroup(QPainter& painter, const Group& group, int y);
    [[nodiscard]] const Bar* barAt(QPoint position) const;
    // The step under a bar or a dot.
    [[nodiscard]] std::optional<std::size_t> stepAt(QPoint position) const;

    ViewController& m_view;
    const Theme* m_theme;
    std::vector<Group> m_groups;
    std::vector<Bar> m_bars;
    std::vector<Dot> m_dots;
};

class AttributionPanel : public QScrollArea {
    Q_OBJECT
public:
    AttributionPanel(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme) { m_content->setTheme(theme); }
    [[nodiscard]] AttributionView& content() { return *m_content; }

private:
    AttributionView* m_content;
};

}  // namespace ridge::gui
