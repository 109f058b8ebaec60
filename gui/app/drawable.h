// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Is there anything on the picture? A view token, a panel or a trace may leave nothing to draw; a picture that
// a script asked for must then be an error in words, not an empty file.

#include <QString>

namespace ridge::gui {

class MainWindow;

// One line that says why what was asked for cannot be drawn; empty: it can. For a window that has settled.
// panel: the one that was asked for, may be empty.
QString whyNotDrawn(MainWindow& window, const QString& panel);

}  // namespace ridge::gui
