// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/panels/notes/notes_panel.h"

#include <QHeaderView>
#include <QKeyEvent>

#include "base/text.h"

namespace ridge::gui {

NotesPanel::NotesPanel(ViewController& view, QWidget* parent) : QTreeWidget(parent), m_view(view) {
    setColumnCount(3);
    setHeaderLabels({tr("At"), tr("Length"), tr("Note")});
    setRootIsDecorated(false);
    setAlternatingRowColors(true);
    setAccessibleName(tr("Notes and bookmarks"));
    header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    connect(&m_view, &ViewController::viewChanged, this, &NotesPanel::refill);
    const auto go = [this](QTreeWidgetItem*, int) {
        if (const int i = current(); i >= 0) m_view.goTo(m_view.state().notes[static_cast<std::size_t>(i)].start, m_view.state().notes[static_cast<std::size_t>(i)].end);
    };
    connect(this, &QTreeWidget::itemActivated, this, go);
    connect(this, &QTreeWidget::itemClicked, this, go);
    refill();
}

int NotesPanel::current() const {
    const int i = indexOfTopLevelItem(currentItem());
    return i >= 0 && static_cast<std::size_t>(i) < m_view.state().notes.size() ? i : -1;
}

void NotesPanel::refill() {
    if (m_filled && m_shown == m_view.state().notes) return;
    m_filled = true;
    m_shown = m_view.state().notes;
    clear();
    for (const Note& note : m_shown) {
        const QString length = note.end > note.start ? QString::fromStdString(formatDuration(note.end - note.start)) : QString();
        auto* item = new QTreeWidgetItem(this, {QString::fromStdString(formatDuration(note.start)), length, QString::fromStdString(note.text)});
        item->setToolTip(2, QString::fromStdString(note.text) + tr("\nEnter: go there. Delete: remove."));
    }
    if (m_shown.empty()) {
        auto* item = new QTreeWidgetItem(this, {QString(), QString(), tr("No notes yet. M writes one on the selection, B marks the place in view.")});
        item->setFlags(Qt::NoItemFlags);
    }
}

// Delete is no command of the window, but a key bound there would come first.
bool NotesPanel::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Delete) {
        event->accept();
        return true;
    }
    return QTreeWidget::event(event);
}

void NotesPanel::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Delete && current() >= 0) return m_view.removeNote(static_cast<std::size_t>(current()));
    QTreeWidget::keyPressEvent(event);
}

}  // namespace ridge::gui
