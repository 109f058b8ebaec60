// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What is to be known of the file before its numbers are believed: what the loader left out, the checks
// of the capture, what was lost while recording, the environment.

#include <QTreeWidget>

#include "gui/theme/theme.h"
#include "gui/view/view_controller.h"

namespace ridge::gui {

class MessagesPanel : public QTreeWidget {
    Q_OBJECT
public:
    MessagesPanel(ViewController& view, const Theme& theme, QWidget* parent = nullptr);
    void setTheme(const Theme& theme);
    // Of the program itself: a load that failed, an analysis that failed.
    void setProblem(const QString& problem);
    // Notes that are not kept.
    void setSidecarProblem(const QString& problem);

private:
    void refill();
    void add(const QString& kind, const QString& what, const QColor& colour);
    ViewController& m_view;
    const Theme* m_theme;
    QString m_problem, m_sidecarProblem;
};

}  // namespace ridge::gui
