// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/timeline/time_axis.h"

#include <fmt/format.h>

#include <cmath>

namespace ridge::gui {

std::vector<TimeTick> timeTicks(const View& view, int leastPx) {
    std::vector<TimeTick> ticks;
    if (view.width <= 0 || !(view.nsPerPx > 0)) return ticks;
    const double least = std::max(1.0, view.nsPerPx * leastPx);
    const double power = std::pow(10.0, std::floor(std::log10(least)));
    double step = power;
    for (const double factor : {1.0, 2.0, 5.0, 10.0})
        if (power * factor >= least) {
            step = power * factor;
            break;
        }
    const Ns stepNs = std::max<Ns>(1, static_cast<Ns>(step));
    struct Unit {
        double ns;
        const char* name;
    };
    Unit unit{1e9, "s"};
    if (stepNs < 1'000'000'000) unit = {1e6, "ms"};
    if (stepNs < 1'000'000 && view.end() < 1'000'000'000) unit = {1e3, "us"};
    const int decimals = std::max(0, static_cast<int>(std::ceil(std::log10(unit.ns) - std::log10(static_cast<double>(stepNs)) - 1e-9)));
    Ns first = view.start / stepNs * stepNs;
    if (first < view.start) first += stepNs;
    for (Ns at = first; at < view.end() && ticks.size() < 1000; at += stepNs)
        ticks.push_back({at, fmt::format("{:.{}f} {}", static_cast<double>(at) / unit.ns, decimals, unit.name)});
    return ticks;
}

}  // namespace ridge::gui
