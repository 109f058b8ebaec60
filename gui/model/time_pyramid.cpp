// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <algorithm>
#include <bit>

#include "gui/model/lane.h"

namespace ridge::gui {
namespace {

constexpr std::size_t kSlicesPerCell = 16;
constexpr std::size_t kTopCells = 1024;
constexpr std::size_t kLookEvery = 1 << 20;
constexpr std::size_t kWorthIt = 4096;  // below it the index is as fast and needs no memory

}  // namespace

void TimePyramid::build(const Lane& lane, std::span<const ColourId> colourOfName, const std::atomic<bool>* stop) {
    m_levels.clear();
    const std::size_t n = lane.size();
    if (n < kWorthIt) return;
    m_origin = lane.start(0);
    const Ns span = std::max<Ns>(1, lane.end(n - 1) - m_origin);
    const auto cells = static_cast<Ns>(n / kSlicesPerCell);
    m_base = static_cast<Ns>(std::bit_ceil(static_cast<std::uint64_t>(std::max<Ns>(1, span / cells))));
    const int shift = std::countr_zero(static_cast<std::uint64_t>(m_base));
    const auto count = static_cast<std::size_t>(span >> shift) + 1;

    std::vector<Ns> busy(count, 0), bestPart(count, 0);
    std::vector<std::uint32_t> best(count, kNoSlice);
    for (std::size_t i = 0; i < n; ++i) {
        if (i % kLookEvery == 0 && stop && stop->load(std::memory_order_relaxed)) return;
        const Ns start = lane.start(i) - m_origin, end = start + lane.duration(i);
        for (Ns b = start >> shift; (b << shift) < end; ++b) {
            const auto cell = static_cast<std::size_t>(b);
            const Ns part = std::min(end, (b + 1) << shift) - std::max(start, b << shift);
            busy[cell] += part;
            if (best[cell] == kNoSlice || part > bestPart[cell]) {
                best[cell] = static_cast<std::uint32_t>(i);
                bestPart[cell] = part;
            }
        }
    }
    std::vector<Cell> level(count);
    for (std::size_t b = 0; b < count; ++b) {
        const double share = static_cast<double>(busy[b]) / static_cast<double>(m_base);
        level[b].busy = std::min(kFull, static_cast<std::uint32_t>(share * kFull + 0.5)) & kFull;
        level[b].slice = best[b];
        const std::uint32_t name = best[b] == kNoSlice ? 0 : lane.name(best[b]);
        level[b].colour = name < colourOfName.size() ? colourOfName[name] : 0;
    }
    m_levels.push_back(std::move(level));
    while (m_levels.back().size() > kTopCells) {
        const auto& below = m_levels.back();
        std::vector<Cell> above((below.size() + 1) / 2);
        for (std::size_t b = 0; b < above.size(); ++b) {
            const Cell left = below[2 * b];
            const Cell right = 2 * b + 1 < below.size() ? below[2 * b + 1] : Cell{0, 0, kNoSlice};
            const bool takeRight = left.slice == kNoSlice ||
                                   (right.slice != kNoSlice && lane.duration(right.slice) > lane.duration(left.slice));
            above[b] = takeRight ? right : left;
            above[b].busy = ((left.busy + right.busy + 1) / 2) & kFull;
        }
        m_levels.push_back(std::move(above));
    }
}

std::size_t TimePyramid::bytes() const {
    std::size_t sum = 0;
    for (const auto& level : m_levels) sum += level.capacity() * sizeof(Cell);
    return sum;
}

}  // namespace ridge::gui
