// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Lanes of random slices, made to hurt: runs of tiny ones, long ones, gaps, zero durations.

#include <random>

#include "gui/model/lane.h"

namespace ridge::gui::test {

inline const std::vector<ColourId>& colours() {
    static const std::vector<ColourId> table{3, 5, 7, 9, 11, 13, 17, 19};
    return table;
}

struct Shape {
    double meanLog = 5, spreadLog = 2, gapLog = 4, gapSpread = 2;
    double zeroShare = 0.05, hugeShare = 0;
};

inline Lane randomLane(std::mt19937_64& random, std::size_t n, const Shape& shape = {}) {
    std::lognormal_distribution<double> duration(shape.meanLog, shape.spreadLog), gap(shape.gapLog, shape.gapSpread);
    std::uniform_real_distribution<double> chance(0, 1);
    Lane lane;
    lane.reserve(n);
    Ns at = static_cast<Ns>(random() % 1'000'000) - 500'000;
    for (std::size_t i = 0; i < n; ++i) {
        at += chance(random) < 0.3 ? 0 : static_cast<Ns>(std::min(gap(random), 1e9));
        Ns ns = static_cast<Ns>(std::min(duration(random), 1e9));
        if (chance(random) < shape.zeroShare) ns = 0;
        if (chance(random) < shape.hugeShare) ns = 5'000'000'000 + static_cast<Ns>(random() % 1'000'000'000);
        lane.append(at, at + ns, static_cast<std::uint32_t>(random() % colours().size()), static_cast<std::uint32_t>(i));
        at += ns;
    }
    lane.build(colours());
    return lane;
}

}  // namespace ridge::gui::test
