// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Whether a window can be opened at all. Qt ends the process with abort() where no display answers; that is
// to be one line and exit code 77 ("this machine cannot do it"), so it is asked before Qt is.

#include <string>

namespace ridge::gui {

// Empty where a display answers; else what was tried. Chooses Qt's platform where only one of X and Wayland answers and
// nobody has chosen.
std::string whyNoDisplay();

}  // namespace ridge::gui
