// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Notes and bookmarks of the trace, in order of time: Enter goes to the place, Delete removes the note. They are part
// of the ViewState, and kept in the sidecar file beside the trace.

#include <QTreeWidget>

#include "gui/view/view_controller.h"

namespace ridge::gui {

class NotesPanel : public QTreeWidget {
    Q_OBJECT
public:
    explicit NotesPanel(ViewController& view, QWidget* parent = nullptr);

protected:
    bool event(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void refill();
    [[nodiscard]] int current() const;  // number of the note, or -1
    ViewController& m_view;
    std::vector<Note> m_shown;
    bool m_filled = false;
};

}  // namespace ridge::gui
