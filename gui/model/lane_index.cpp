// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <algorithm>

#include "gui/model/lane.h"

namespace ridge::gui {
namespace {

constexpr std::size_t kShift = 4;
constexpr std::size_t kFan = std::size_t{1} << kShift;
constexpr std::size_t kLookEvery = 1 << 20;  // a few ms

}  // namespace

void LaneIndex::build(const Lane& lane, const std::atomic<bool>* stop) {
    const std::size_t n = lane.size();
    m_busyBlock.assign(n / kFan + 2, 0);
    m_longest.clear();
    if (n == 0) return;
    Ns sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if ((i & (kFan - 1)) == 0) {
            m_busyBlock[i >> kShift] = sum;
            if (i % kLookEvery == 0 && stop && stop->load(std::memory_order_relaxed)) return;
        }
        sum += lane.duration(i);
    }
    for (std::size_t b = (n + kFan - 1) / kFan; b < m_busyBlock.size(); ++b) m_busyBlock[b] = sum;

    std::vector<std::uint32_t> level((n + kFan - 1) / kFan);
    for (std::size_t b = 0; b < level.size(); ++b) {
        if (b % kLookEvery == 0 && stop && stop->load(std::memory_order_relaxed)) return;
        std::size_t best = b * kFan;
        for (std::size_t i = best + 1; i < std::min(n, (b + 1) * kFan); ++i)
            if (lane.duration(i) > lane.duration(best)) best = i;
        level[b] = static_cast<std::uint32_t>(best);
    }
    m_longest.push_back(std::move(level));
    while (m_longest.back().size() > 1) {
        const auto& below = m_longest.back();
        std::vector<std::uint32_t> above((below.size() + kFan - 1) / kFan);
        for (std::size_t b = 0; b < above.size(); ++b) {
            std::uint32_t best = below[b * kFan];
            for (std::size_t i = b * kFan + 1; i < std::min(below.size(), (b + 1) * kFan); ++i)
                if (lane.duration(below[i]) > lane.duration(best)) best = below[i];
            above[b] = best;
        }
        m_longest.push_back(std::move(above));
    }
}

Ns LaneIndex::busyBefore(const Lane& lane, std::size_t i) const {
    Ns sum = m_busyBlock[i >> kShift];
    for (std::size_t k = i & ~(kFan - 1); k < i; ++k) sum += lane.duration(k);
    return sum;
}

Ns LaneIndex::busy(const Lane& lane, std::size_t from, std::size_t to) const {
    if (to <= from) return 0;
    if (to - from > 2 * kFan) return busyBefore(lane, to) - busyBefore(lane, from);
    Ns sum = 0;
    for (std::size_t i = from; i < to; ++i) sum += lane.duration(i);
    return sum;
}

std::uint32_t LaneIndex::longest(const Lane& lane, std::size_t from, std::size_t to) const {
    auto best = static_cast<std::uint32_t>(from);
    Ns bestNs = lane.duration(from);
    const auto take = [&](std::size_t candidate) {
        const Ns ns = lane.duration(candidate);
        if (ns > bestNs || (ns == bestNs && candidate < best)) {
            best = static_cast<std::uint32_t>(candidate);
            bestNs = ns;
        }
    };
    if (to - from <= 2 * kFan) {
        for (std::size_t i = from; i < to; ++i) take(i);
        return best;
    }
    std::size_t i = from, j = to;
    while ((i & (kFan - 1)) != 0) take(i++);
    while ((j & (kFan - 1)) != 0) take(--j);
    i >>= kShift;
    j >>= kShift;
    for (std::size_t level = 0; i < j; ++level) {
        const auto& entries = m_longest[level];
        if (j - i <= 2 * kFan || level + 1 >= m_longest.size()) {
            for (; i < j; ++i) take(entries[i]);
            break;
        }
        while ((i & (kFan - 1)) != 0) take(entries[i++]);
        while ((j & (kFan - 1)) != 0) take(entries[--j]);
        i >>= kShift;
        j >>= kShift;
    }
    return best;
}

std::size_t LaneIndex::bytes() const {
    std::size_t sum = m_busyBlock.capacity() * sizeof(Ns);
    for (const auto& level : m_longest) sum += level.capacity() * sizeof(std::uint32_t);
    return sum;
}

}  // namespace ridge::gui
