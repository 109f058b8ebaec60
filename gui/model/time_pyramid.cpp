// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <algorithm>
#include <cmath>

#include "gui/model/lane.h"
#include "gui/model/pyramid_cells.h"

namespace ridge::gui {
namespace {

constexpr double kSlicesPerCell = 2.7;
constexpr std::size_t kTopCells = 1024;
constexpr std::size_t kLookEvery = 1 << 20;
constexpr std::size_t kWorthIt = 4096;  // below it the index is as fast and needs no memory

struct Cell {
    double busy = 0;  // share
    std::uint32_t slice = kNoSlice;
    ColourId colour = 0;
};

// Takes the cells of a level in their order; compact until a slice is too far from the first of its block.
class LevelWriter {
public:
    explicit LevelWriter(std::size_t cells) { m_level.compact.reserve(cells); }
    void add(const Cell& cell) {
        if (m_level.isWide()) return m_level.wide.push_back(wideOf(cell));
        const std::size_t at = m_level.compact.size();
        if ((at & ((std::size_t{1} << TimePyramid::kBlockShift) - 1)) == 0) m_level.firsts.push_back(kNoSlice);
        if (cell.slice == kNoSlice) return m_level.compact.push_back(0);
        std::uint32_t& first = m_level.firsts.back();
        if (first == kNoSlice) first = cell.slice;
        if (cell.slice < first || cell.slice - first > CompactCells::kFarthest) {
            widen();
            return m_level.wide.push_back(wideOf(cell));
        }
        m_level.compact.push_back(CompactCells::make(cell.busy, cell.colour, cell.slice - first));
    }
    TimePyramid::Level take() { return std::move(m_level); }

private:
    static TimePyramid::Wide wideOf(const Cell& cell) { return cell.slice == kNoSlice ? 0 : WideCells::make(cell.busy, cell.colour, cell.slice); }
    void widen() {
        const CompactCells cells(m_level);
        std::vector<TimePyramid::Wide> wide;
        wide.reserve(m_level.compact.capacity());
        for (std::size_t c = 0; c < m_level.compact.size(); ++c)
            wide.push_back(cells.raw[c] == 0 ? 0 : WideCells::make(CompactCells::busy(cells.raw[c]), CompactCells::colour(cells.raw[c]), cells.slice(c)));
        m_level.compact = {};
        m_level.firsts = {};
        m_level.wide = std::move(wide);
    }
    TimePyramid::Level m_level;
};

template <typename Cells>
void halve(const Cells& below, const Lane& lane, LevelWriter& out) {
    for (std::size_t b = 0; b < below.raw.size(); b += 2) {
        const auto left = below.raw[b];
        const auto right = b + 1 < below.raw.size() ? below.raw[b + 1] : 0;
        Cell cell;
        if (left != 0 || right != 0) {
            cell.busy = (Cells::busy(left) + Cells::busy(right)) / 2;
            const bool takeRight = left == 0 || (right != 0 && lane.duration(below.slice(b + 1)) > lane.duration(below.slice(b)));
            cell.slice = below.slice(takeRight ? b + 1 : b);
            cell.colour = Cells::colour(takeRight ? right : left);
        }
        out.add(cell);
    }
}

}  // namespace

// One pass: slices are sorted and disjoint, and so are their parts of cells.
void TimePyramid::build(const Lane& lane, std::span<const ColourId> colourOfName, const std::atomic<bool>* stop) {
    m_levels.clear();
    const std::size_t n = lane.size();
    if (n < kWorthIt) return;
    m_origin = lane.start(0);
    const Ns span = std::max<Ns>(1, lane.end(n - 1) - m_origin);
    m_base = std::max<Ns>(1, static_cast<Ns>(std::ceil(static_cast<double>(span) / (static_cast<double>(n) / kSlicesPerCell))));
    const auto count = static_cast<std::size_t>(span / m_base) + 1;

    LevelWriter bottom(count);
    std::size_t written = 0;
    Ns cellStart = 0, busy = 0, longest = -1;
    std::uint32_t best = kNoSlice;
    const auto finish = [&] {
        const std::uint32_t name = best == kNoSlice ? 0 : lane.name(best);
        bottom.add({static_cast<double>(busy) / static_cast<double>(m_base), best, name < colourOfName.size() ? colourOfName[name] : ColourId{0}});
        ++written;
        cellStart += m_base;
        busy = 0;
        longest = -1;
        best = kNoSlice;
    };
    for (std::size_t i = 0; i < n; ++i) {
        if (i % kLookEvery == 0 && stop && stop->load(std::memory_order_relaxed)) return;
        Ns start = lane.start(i) - m_origin;
        const Ns end = start + lane.duration(i);
        while (start >= cellStart + m_base) finish();
        while (true) {
            const Ns part = std::min(end, cellStart + m_base) - start;
            busy += part;
            if (part > longest) {
                longest = part;
                best = static_cast<std::uint32_t>(i);
            }
            if (end <= cellStart + m_base) break;
            start = cellStart + m_base;
            finish();
        }
    }
    while (written < count) finish();
    m_levels.push_back(bottom.take());
    while (m_levels.back().size() > kTopCells) {
        if (stop && stop->load(std::memory_order_relaxed)) return;
        const Level& below = m_levels.back();
        LevelWriter above((below.size() + 1) / 2);
        below.isWide() ? halve(WideCells(below), lane, above) : halve(CompactCells(below), lane, above);
        m_levels.push_back(above.take());
    }
    for (Level& level : m_levels) {
        level.wide.shrink_to_fit();
        level.firsts.shrink_to_fit();
    }
}

std::size_t TimePyramid::bytes() const {
    std::size_t sum = 0;
    for (const Level& level : m_levels)
        sum += level.compact.capacity() * sizeof(Compact) + level.firsts.capacity() * sizeof(std::uint32_t) + level.wide.capacity() * sizeof(Wide);
    return sum;
}

}  // namespace ridge::gui
