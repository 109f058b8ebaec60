// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The two forms of a pyramid's cells (lane.h), for those that build and read them: busy shares are of 1, and
// at least the smallest step where there is a slice at all, so that 0 means an empty cell.

#include <algorithm>
#include <span>

#include "gui/model/lane.h"

namespace ridge::gui {

struct CompactCells {
    using Raw = TimePyramid::Compact;
    static constexpr Raw kFull = 511, kFarthest = 0xFFFF, kSliceBits = kFarthest;
    static constexpr int kBusyShift = 23;
    explicit CompactCells(const TimePyramid::Level& level) : raw(level.compact), firsts(level.firsts) {}
    std::span<const Raw> raw;
    std::span<const std::uint32_t> firsts;

    static Raw make(double busy, ColourId colour, std::uint32_t distance) {
        const Raw steps = std::clamp(static_cast<Raw>(busy * kFull + 0.5), Raw{1}, kFull);
        return steps << kBusyShift | static_cast<Raw>(colour & 0x7F) << 16 | distance;
    }
    static Raw steps(Raw cell) { return cell >> kBusyShift; }
    static double busy(Raw cell) { return static_cast<double>(steps(cell)) / kFull; }
    static ColourId colour(Raw cell) { return static_cast<ColourId>(cell >> 16 & 0x7F); }
    [[nodiscard]] std::uint32_t slice(std::size_t at) const { return firsts[at >> TimePyramid::kBlockShift] + (raw[at] & kFarthest); }
};

struct WideCells {
    using Raw = TimePyramid::Wide;
    static constexpr Raw kFull = (1U << 20) - 1, kSliceBits = 0xFFFFFFFF;
    static constexpr int kBusyShift = 44;
    explicit WideCells(const TimePyramid::Level& level) : raw(level.wide) {}
    std::span<const Raw> raw;

    static Raw make(double busy, ColourId colour, std::uint32_t slice) {
        const Raw steps = std::clamp(static_cast<Raw>(busy * kFull + 0.5), Raw{1}, kFull);
        return steps << kBusyShift | Raw{colour} << 32 | slice;
    }
    static Raw steps(Raw cell) { return cell >> kBusyShift; }
    static double busy(Raw cell) { return static_cast<double>(steps(cell)) / kFull; }
    static ColourId colour(Raw cell) { return static_cast<ColourId>(cell >> 32 & 0xFF); }
    [[nodiscard]] std::uint32_t slice(std::size_t at) const { return static_cast<std::uint32_t>(raw[at]); }
};

}  // namespace ridge::gui
