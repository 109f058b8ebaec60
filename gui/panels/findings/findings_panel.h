// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The analyzer's findings in its order, filtered by class; choosing one goes to its place and lights up
// its evidence. Every number is the analysis's own.

#include <QComboBox>
#include <QListWidget>
#include <QTextBrowser>

#include "gui/theme/theme.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

class FindingsPanel : public QWidget {
    Q_OBJECT
public:
    FindingsPanel(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);

private:
    void refill();
    void showChosen();
    [[nodiscard]] QString page(const analyzer::Finding& finding) const;
    ViewController& m_view;
    const Theme* m_theme;
    QComboBox* m_filter;
    QListWidget* m_list;
    QTextBrowser* m_text;
};

}  // namespace ridge::gui
