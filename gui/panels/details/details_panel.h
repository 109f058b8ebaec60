// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The selected slice in words (for eyes and screen readers), what it is linked to, and every column of its
// row in the file, which a worker fetches.

#include <QLabel>
#include <QTreeWidget>
#include <QWidget>

#include "gui/view/view_controller.h"

namespace ridge::gui {

class DetailsPanel : public QWidget {
    Q_OBJECT
public:
    explicit DetailsPanel(ViewController& view, QWidget* parent = nullptr);

private:
    void refresh();
    void addRow(const QString& name, const QString& value);
    void addFlows(SliceRef slice);
    ViewController& m_view;
    QLabel* m_summary;
    QTreeWidget* m_fields;
};

}  // namespace ridge::gui
