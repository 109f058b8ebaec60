// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/lane.h"

#include <algorithm>

namespace ridge::gui {

void Lane::reserve(std::size_t n) {
    m_start.reserve(n);
    m_duration.reserve(n);
    m_name.reserve(n);
    m_row.reserve(n);
}

bool Lane::append(Ns start, Ns end, std::uint32_t name, std::uint32_t row) {
    if (size() >= kMaxSlices || end < start) return false;
    if (!empty()) {
        const Ns free = this->end(size() - 1);
        if (start < free) {
            if (end <= free) return false;
            start = free;
        }
    }
    const Ns duration = end - start;
    if (duration >= Ns{kLong}) {
        m_long.emplace_back(static_cast<std::uint32_t>(size()), duration);
        m_duration.push_back(kLong);
    } else {
        m_duration.push_back(static_cast<std::uint32_t>(duration));
    }
    m_start.push_back(start);
    m_name.push_back(name);
    m_row.push_back(row);
    return true;
}

Ns Lane::longDuration(std::size_t i) const {
    const auto it = std::lower_bound(m_long.begin(), m_long.end(), i,
                                     [](const auto& entry, std::size_t slice) { return entry.first < slice; });
    return it->second;
}

void Lane::stretchLast(Ns newEnd) {
    if (empty()) return;
    const std::size_t i = size() - 1;
    const Ns duration = std::max<Ns>(0, newEnd - m_start[i]);
    if (!m_long.empty() && m_long.back().first == i) m_long.pop_back();
    if (duration >= Ns{kLong}) m_long.emplace_back(static_cast<std::uint32_t>(i), duration);
    m_duration[i] = static_cast<std::uint32_t>(std::min(duration, Ns{kLong}));
}

void Lane::shrink() {
    m_start.shrink_to_fit();
    m_duration.shrink_to_fit();
    m_name.shrink_to_fit();
    m_row.shrink_to_fit();
}

void Lane::build(std::span<const ColourId> colourOfName) {
    shrink();
    buildIndex(nullptr);
    buildPyramid(colourOfName, nullptr);
}

std::shared_ptr<const Lane> Lane::shifted(Ns by) const {
    auto moved = std::make_shared<Lane>(*this);
    for (Ns& start : moved->m_start) start += by;
    moved->m_pyramid.shift(by);
    return moved;
}

std::size_t Lane::firstStartingAt(Ns t, std::size_t from, std::size_t end) const {
    std::size_t step = 1, low = from, high = from;
    while (high < end && m_start[high] < t) {
        low = high + 1;
        high += step;
        step <<= 1;
    }
    high = std::min(high, end);
    const auto begin = m_start.begin();
    return static_cast<std::size_t>(std::lower_bound(begin + static_cast<std::ptrdiff_t>(low),
                                                     begin + static_cast<std::ptrdiff_t>(high), t) -
                                    begin);
}

std::size_t Lane::firstStartingAt(Ns t) const {
    return static_cast<std::size_t>(std::lower_bound(m_start.begin(), m_start.end(), t) - m_start.begin());
}

std::uint32_t Lane::sliceAt(Ns t) const {
    const auto after =
        static_cast<std::size_t>(std::upper_bound(m_start.begin(), m_start.end(), t) - m_start.begin());
    if (after == 0) return kNoSlice;
    return end(after - 1) > t ? static_cast<std::uint32_t>(after - 1) : kNoSlice;
}

std::pair<std::size_t, std::size_t> Lane::touching(Ns t0, Ns t1) const {
    std::size_t first = firstStartingAt(t0);
    if (first > 0 && end(first - 1) > t0) --first;
    return {first, std::max(first, firstStartingAt(t1))};
}

std::size_t Lane::bytes() const {
    return m_start.capacity() * sizeof(Ns) +
           (m_duration.capacity() + m_name.capacity() + m_row.capacity()) * sizeof(std::uint32_t) +
           m_long.capacity() * sizeof(m_long[0]) + m_index.bytes() + m_pyramid.bytes();
}

}  // namespace ridge::gui
