// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// How the closed classes look to a person: label, colour for light and dark pages, terminal colour.
//
// The colours start from the Okabe-Ito set, which people with the common colour deficiencies can tell
// apart; members of a family differ in lightness, and every drawing carries labels beside the colour.

#include <string>
#include <string_view>

#include "schemas/enums/enums.h"

namespace ridge::reports {

struct ClassLook {
    std::string_view light;     // "#rrggbb" on a white page
    std::string_view dark;      // "#rrggbb" on a dark page
    int terminal = 0;           // colour of the 256-colour palette
    std::string_view meaning;   // half a sentence for legends
};

const ClassLook& look(WallClass c);

// "memory wall"
std::string label(WallClass c);
std::string label(Cause c);

// Black or white, whichever reads better on the colour "#rrggbb" (WCAG relative luminance).
std::string_view textOn(std::string_view colour);
// WCAG contrast ratio of two colours "#rrggbb", 1 to 21.
double contrast(std::string_view a, std::string_view b);

}  // namespace ridge::reports
