// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Everything that the analyzer says, section by section: a list on the left, the section's facts, charts and
// tables beside it. Enter or a click on a row goes to its place in the timeline or finds its slices; in tables
// that are walked (critical path, steps, places) moving through the rows does.
//
// The section in front is ViewState::panel when that is a section's id; numbers are those of sectionsOf().

#include <QHash>
#include <QLabel>
#include <QListWidget>
#include <QScrollArea>
#include <QTableView>

#include "gui/analysis/chart_view.h"
#include "gui/analysis/table_model.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

class AnalysisPanel : public QWidget {
    Q_OBJECT
public:
    AnalysisPanel(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    [[nodiscard]] QSize sizeHint() const override { return {900, 420}; }
    [[nodiscard]] static bool hasSection(const QString& id);
    void showSection(const QString& id);
    [[nodiscard]] QString section() const;
    [[nodiscard]] const std::vector<Section>& sections() const { return m_sections; }
    [[nodiscard]] const std::vector<QTableView*>& tables() const { return m_tables; }
    [[nodiscard]] const std::vector<ChartView*>& charts() const { return m_charts; }
    // To the next or previous segment of the critical path after the selected range (or the view's middle).
    void walkPath(bool forward);

private:
    void refill();
    void build();
    QTableView* addTable(QWidget* page, QLayout* layout, const Table& table);
    void go(const Target& target);

    ViewController& m_view;
    const Theme* m_theme;
    QListWidget* m_list;
    QScrollArea* m_area;
    std::vector<Section> m_sections;
    std::vector<QTableView*> m_tables;
    std::vector<ChartView*> m_charts;
    bool m_building = false;
};

}  // namespace ridge::gui
