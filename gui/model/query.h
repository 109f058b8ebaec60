// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// From slices to what a row of pixels shows. The vector of runs is what is tested, what is hit and what
// every painter draws.
//
// A slice of two pixels and more is one exact run; thinner ones are folded into one run per pixel
// column: the colour of the longest, the strength of the true busy share. Where a column holds more than
// some 16 slices the pyramid is read, 6 to 14 cells a column, whatever the number of slices; below that they are
// walked. So a column costs about the same at every zoom.
//
// Guarantees: at most width + 2 runs, sorted by x0 (a folded column may share its pixel with the edge of
// an exact run); counts of the index path add up to the slices that touch the view; the busy share of a
// column is exact there and within 6 % from the pyramid.

#include <cstdint>
#include <span>
#include <vector>

#include "gui/model/lane.h"

namespace ridge::gui {

enum class RunKind : std::uint8_t { kExact, kFolded, kCells };

struct Run {
    float x0 = 0, x1 = 0;
    std::uint32_t slice = kNoSlice;  // the one, or the longest
    std::uint32_t count = 0;         // slices that start here; 0: kCells (not counted), or a tail only
    float busy = 1;                  // share of [x0, x1) that is covered
    ColourId colour = 0;
    RunKind kind = RunKind::kExact;
};

// What was read, for tests of the work done: it is independent of the clock.
struct QueryCost {
    std::size_t cells = 0, slices = 0;  // cells of the pyramid, slices one by one
    std::size_t gallops = 0, jumps = 0;  // columns of the index path; of these, with the index: the dear ones
};

struct View {
    Ns start = 0;          // time at x = 0
    double nsPerPx = 1;
    int width = 0;
    [[nodiscard]] Ns end() const { return start + static_cast<Ns>(nsPerPx * width) + 1; }
    [[nodiscard]] double x(Ns t) const { return static_cast<double>(t - start) / nsPerPx; }
    [[nodiscard]] Ns time(double x) const { return start + static_cast<Ns>(x * nsPerPx); }
};

// Appends to out.
void queryLane(const Lane& lane, std::span<const ColourId> colourOfName, const View& view, std::vector<Run>& out,
               QueryCost* cost = nullptr);
// The same without the pyramid.
void queryIndex(const Lane& lane, std::span<const ColourId> colourOfName, const View& view, std::vector<Run>& out,
                QueryCost* cost = nullptr);
// The same from the pyramid alone; false: zoomed in too far for it, nothing was appended.
bool queryPyramid(const Lane& lane, const View& view, std::vector<Run>& out, QueryCost* cost = nullptr);

// The run under a column, or nullptr.
const Run* runAt(std::span<const Run> runs, double x);

}  // namespace ridge::gui
