// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The two themes. Colours of wall classes are those of the reports (reports/common/classes.h), which can
// be told apart with the common colour deficiencies; classes of kernels are of the same families and
// differ in lightness as well. Contrasts are checked by a test.

#include <QColor>
#include <QPalette>
#include <QString>

#include <array>

#include "gui/model/colours.h"

namespace ridge::gui {

struct Theme {
    bool dark = false;
    QColor window, panel, header, text, soft, line, link, accent, good, warn, bad;
    std::array<QRgb, kColours> slice{};
    std::array<QRgb, kColours> sliceText{};
};

const Theme& lightTheme();
const Theme& darkTheme();
// "light", "dark"; anything else follows the palette that the desktop gave at the start.
const Theme& chooseTheme(const QString& wish, const QPalette& desktop);
QPalette paletteOf(const Theme& theme);
QString styleSheetOf(const Theme& theme);
QColor wallColour(const Theme& theme, WallClass c);
// WCAG contrast ratio, 1 to 21.
double contrastOf(const QColor& a, const QColor& b);

}  // namespace ridge::gui
