// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One row of slices that do not overlap, sorted by start, as a structure of arrays, with the two indexes
// that make drawing independent of the number of slices.
//
// Times are int64 ns of the trace's clock. A duration that does not fit 32 bits stands in a small side
// map. Cost: 20 B a slice (start 8, duration 4, name 4, row of the source table 4), about 0.8 B for the
// index and 3 B for the pyramid. Immutable once build() is over; read by any number of threads.
//
// Invariants: 1. start[i] + duration(i) <= start[i + 1]. 2. at most kMaxSlices slices. 3. busy(i, j) is
// the exact sum of the durations of [i, j).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace ridge::gui {

using Ns = std::int64_t;

inline constexpr std::uint32_t kNoSlice = ~std::uint32_t{0};
inline constexpr std::size_t kMaxSlices = std::size_t{kNoSlice} - 1;

// Colour classes that fit the 7 bits of a pyramid's cell; theme/palette.h gives them colours.
using ColourId = std::uint8_t;

class Lane;

// Blocks of 16 slices: the busy time before each block, and a 16-ary tree of the longest slice.
class LaneIndex {
public:
    void build(const Lane& lane, const std::atomic<bool>* stop = nullptr);
    // Sum of durations of the slices [from, to).
    [[nodiscard]] Ns busy(const Lane& lane, std::size_t from, std::size_t to) const;
    // The longest slice of [from, to), to > from; the first of equals.
    [[nodiscard]] std::uint32_t longest(const Lane& lane, std::size_t from, std::size_t to) const;
    [[nodiscard]] std::size_t bytes() const;

private:
    [[nodiscard]] Ns busyBefore(const Lane& lane, std::size_t i) const;
    std::vector<Ns> m_busyBlock;
    std::vector<std::vector<std::uint32_t>> m_longest;
};

// Level k has cells of base << k ns, each with the busy share, and the colour and number of the longest slice
// seen in it. A cell is one number with the busy share on top, so that the busiest is the greatest; 0: nothing in it.
//
// Cells are few slices wide: what a column of pixels holds is then read from six cells even where it holds
// only some twenty slices, and nowhere costs more than that. A level keeps slices as distances from the first of
// each 64 cells (4 B a cell) where they have room, and whole (8 B) elsewhere.
class TimePyramid {
public:
    using Compact = std::uint32_t;  // busy 9 | colour 7 | distance 16
    using Wide = std::uint64_t;     // busy 20 | colour 12 | slice 32
    static constexpr std::size_t kBlockShift = 6;

    struct Level {
        std::vector<Compact> compact;
        std::vector<std::uint32_t> firsts;  // of each 64 cells of compact
        std::vector<Wide> wide;             // instead of these
        [[nodiscard]] bool isWide() const { return !wide.empty(); }
        [[nodiscard]] std::size_t size() const { return isWide() ? wide.size() : compact.size(); }
    };

    void build(const Lane& lane, std::span<const ColourId> colourOfName, const std::atomic<bool>* stop = nullptr);
    void shift(Ns by) { m_origin += by; }
    [[nodiscard]] bool empty() const { return m_levels.empty(); }
    [[nodiscard]] Ns base() const { return m_base; }
    [[nodiscard]] Ns origin() const { return m_origin; }
    [[nodiscard]] const std::vector<Level>& levels() const { return m_levels; }
    [[nodiscard]] std::size_t bytes() const;

private:
    Ns m_base = 1, m_origin = 0;
    std::vector<Level> m_levels;
};

class Lane {
public:
    void reserve(std::size_t n);
    // Slices must come sorted and disjoint; a slice that does not is clipped to what is free and refused
    // (false) when nothing of it is left.
    bool append(Ns start, Ns end, std::uint32_t name, std::uint32_t row);
    // Moves the end of the last slice; for one that was appended before its end was known.
    void stretchLast(Ns end);
    // Builds the indexes. Names beyond the table have colour 0.
    void build(std::span<const ColourId> colourOfName);
    // The two halves of it, for two threads. Half done when stop rises: the lane must then be thrown away.
    void buildIndex(const std::atomic<bool>* stop) { m_index.build(*this, stop); }
    void buildPyramid(std::span<const ColourId> colourOfName, const std::atomic<bool>* stop) {
        m_pyramid.build(*this, colourOfName, stop);
    }
    void shrink();
    // All times moved, indexes and all.
    [[nodiscard]] std::shared_ptr<const Lane> shifted(Ns by) const;

    [[nodiscard]] std::size_t size() const { return m_start.size(); }
    [[nodiscard]] bool empty() const { return m_start.empty(); }
    [[nodiscard]] Ns start(std::size_t i) const { return m_start[i]; }
    [[nodiscard]] Ns duration(std::size_t i) const {
        return m_duration[i] == kLong ? longDuration(i) : Ns{m_duration[i]};
    }
    [[nodiscard]] Ns end(std::size_t i) const { return m_start[i] + duration(i); }
    [[nodiscard]] std::uint32_t name(std::size_t i) const { return m_name[i]; }
    [[nodiscard]] std::uint32_t row(std::size_t i) const { return m_row[i]; }
    [[nodiscard]] std::span<const Ns> starts() const { return m_start; }
    // As stored: kLong stands for what duration() knows better.
    static constexpr std::uint32_t kLong = ~std::uint32_t{0};
    [[nodiscard]] std::span<const std::uint32_t> storedDurations() const { return m_duration; }
    [[nodiscard]] std::span<const std::uint32_t> names() const { return m_name; }

    // First slice at or after `from` that starts at t or later; galloping, so near answers are cheap.
    [[nodiscard]] std::size_t firstStartingAt(Ns t, std::size_t from, std::size_t end) const;
    [[nodiscard]] std::size_t firstStartingAt(Ns t) const;
    // The slice that covers t, or kNoSlice.
    [[nodiscard]] std::uint32_t sliceAt(Ns t) const;
    // [first, last) of the slices that touch [t0, t1).
    [[nodiscard]] std::pair<std::size_t, std::size_t> touching(Ns t0, Ns t1) const;

    [[nodiscard]] const LaneIndex& index() const { return m_index; }
    [[nodiscard]] const TimePyramid& pyramid() const { return m_pyramid; }
    [[nodiscard]] std::size_t bytes() const;

private:
    [[nodiscard]] Ns longDuration(std::size_t i) const;

    std::vector<Ns> m_start;
    std::vector<std::uint32_t> m_duration, m_name, m_row;
    std::vector<std::pair<std::uint32_t, Ns>> m_long;  // sorted by slice
    LaneIndex m_index;
    TimePyramid m_pyramid;
};

}  // namespace ridge::gui
