// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// --follow FILE: what the window shows, as JSON, written anew after every change; for scripts that drive
// the window, and for its own tests. Places are in pixels of the screen.
//
// Lives on the GUI thread; the file is written by the worker, the latest state last.

#include <QObject>
#include <QTimer>

#include <string>

namespace ridge::gui {

class MainWindow;

class StateFile : public QObject {
    Q_OBJECT
public:
    StateFile(MainWindow& window, std::string path);
    // What would be written now.
    [[nodiscard]] std::string describe() const;

private:
    void write();
    MainWindow& m_window;
    std::string m_path;
    QTimer m_soon;
    std::uint64_t m_sequence = 0;
};

}  // namespace ridge::gui
