// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The sweep behind every exact partition: many overlapping rows, each in a layer, become one list of
// disjoint segments in which the first layer that is active wins.
//
// Layer 0 wins over layer 1 and so on; at most 32 layers. The result does not depend on the order of the
// rows, and shifts with them. O(n log n). What no row covers is in no segment (for a step: IDLE).

#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/intervals/intervals.h"
#include "analyzer/model/analysis.h"

namespace ridge::analyzer {

struct PaintRow {
    Ns start = 0, end = 0;
    std::uint8_t layer = 0;
};

struct Segment {
    Ns start = 0, end = 0;
    std::uint8_t layer = 0;  // of paint(); a WallClass after toClasses()
};
// Sorted by start, disjoint, none empty; neighbours of one layer are joined.
using Segments = std::vector<Segment>;

inline constexpr std::size_t kMaxLayers = 32;

// classOfLayer: as toClasses() would do it afterwards; empty: layers stay layers.
Segments paint(std::span<const PaintRow> rows, std::span<const WallClass> classOfLayer = {});

// Replaces layers by classes through a table, and joins neighbours that became equal.
Segments toClasses(const Segments& segments, std::span<const WallClass> classOfLayer);

// Nanoseconds of each class in the window; what no segment covers goes to rest. Adds up to the window.
ClassTimes classTimes(const Segments& segments, Interval window, WallClass rest = WallClass::kIdle);

}  // namespace ridge::analyzer
