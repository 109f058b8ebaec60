// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Ticks of a time axis: steps of 1, 2 or 5 times a power of ten, at least leastPx apart, with just the
// decimals that tell neighbours apart.

#include <string>
#include <vector>

#include "gui/model/query.h"

namespace ridge::gui {

struct TimeTick {
    Ns at = 0;
    std::string text;
};
std::vector<TimeTick> timeTicks(const View& view, int leastPx);

}  // namespace ridge::gui
