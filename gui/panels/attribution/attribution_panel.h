// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where the time went: one stacked bar per step of each device, and one over all of them, in the closed
// classes. A click on a bar goes to the step. Numbers are those of Analysis::steps and ::attribution.

#include <QScrollArea>
#include <QWidget>

#include "gui/theme/theme.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

class AttributionView : public QWidget {
    Q_OBJECT
public:
    AttributionView(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] bool hasHeightForWidth() const override { return false; }

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
    };
    void regroup();
    void paintBar(QPainter& painter, QRect place, const analyzer::ClassTimes& classes, Ns whole, bool upright);
    int paintLegend(QPainter& painter, int y);
    int paintGroup(QPainter& painter, const Group& group, int y);
    [[nodiscard]] const Bar* barAt(QPoint position) const;

    ViewController& m_view;
    const Theme* m_theme;
    std::vector<Group> m_groups;
    std::vector<Bar> m_bars;
};

class AttributionPanel : public QScrollArea {
    Q_OBJECT
public:
    AttributionPanel(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme) { m_content->setTheme(theme); }

private:
    AttributionView* m_content;
};

}  // namespace ridge::gui
