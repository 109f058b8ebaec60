// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/counter.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ridge::gui {
namespace {

constexpr std::size_t kFan = 16;

Counter::Extent join(Counter::Extent a, Counter::Extent b) {
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

}  // namespace

void Counter::append(Ns time, float value) {
    m_time.push_back(time);
    m_value.push_back(value);
}

void Counter::build() {
    const std::size_t n = m_time.size();
    if (!std::is_sorted(m_time.begin(), m_time.end())) {
        std::vector<std::size_t> order(n);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return m_time[a] < m_time[b]; });
        std::vector<Ns> time(n);
        std::vector<float> value(n);
        for (std::size_t i = 0; i < n; ++i) {
            time[i] = m_time[order[i]];
            value[i] = m_value[order[i]];
        }
        m_time = std::move(time);
        m_value = std::move(value);
    }
    m_levels.clear();
    if (n == 0) return;
    m_minimum = *std::min_element(m_value.begin(), m_value.end());
    m_maximum = *std::max_element(m_value.begin(), m_value.end());
    std::vector<Extent> level;
    for (std::size_t i = 0; i < n; i += kFan) {
        Extent extent{m_value[i], m_value[i]};
        for (std::size_t k = i + 1; k < std::min(n, i + kFan); ++k) extent = join(extent, {m_value[k], m_value[k]});
        level.push_back(extent);
    }
    m_levels.push_back(std::move(level));
    while (m_levels.back().size() > kFan) {
        const auto& below = m_levels.back();
        std::vector<Extent> above;
        for (std::size_t i = 0; i < below.size(); i += kFan) {
            Extent extent = below[i];
            for (std::size_t k = i + 1; k < std::min(below.size(), i + kFan); ++k) extent = join(extent, below[k]);
            above.push_back(extent);
        }
        m_levels.push_back(std::move(above));
    }
}

std::size_t Counter::at(Ns t) const {
    const auto after = static_cast<std::size_t>(std::upper_bound(m_time.begin(), m_time.end(), t) - m_time.begin());
    return after == 0 ? size() : after - 1;
}

Counter::Extent Counter::extent(std::size_t from, std::size_t to) const {
    Extent result{m_value[from], m_value[from]};
    std::size_t i = from, j = to;
    const auto plain = [&](std::size_t k) { result = join(result, {m_value[k], m_value[k]}); };
    while (i < j && i % kFan != 0) plain(i++);
    while (i < j && j % kFan != 0) plain(--j);
    i /= kFan;
    j /= kFan;
    for (std::size_t level = 0; i < j && level < m_levels.size(); ++level) {
        const auto& entries = m_levels[level];
        const bool last = level + 1 == m_levels.size();
        while (i < j && (last || i % kFan != 0)) result = join(result, entries[i++]);
        while (i < j && j % kFan != 0) result = join(result, entries[--j]);
        i /= kFan;
        j /= kFan;
    }
    return result;
}

std::shared_ptr<const Counter> Counter::shifted(Ns by) const {
    auto moved = std::make_shared<Counter>(*this);
    for (Ns& time : moved->m_time) time += by;
    return moved;
}

std::size_t Counter::bytes() const {
    std::size_t sum = m_time.capacity() * sizeof(Ns) + m_value.capacity() * sizeof(float);
    for (const auto& level : m_levels) sum += level.capacity() * sizeof(Extent);
    return sum;
}

void queryCounter(const Counter& counter, const View& view, std::vector<CounterColumn>& out) {
    const std::size_t n = counter.size();
    if (n == 0) return;
    std::size_t next = counter.at(view.start);  // the sample that holds at the left edge
    bool holds = next != n;
    std::size_t held = next;
    next = holds ? held + 1 : 0;
    for (int x = 0; x < view.width; ++x) {
        const Ns end = view.start + static_cast<Ns>(std::ceil((x + 1) * view.nsPerPx));
        std::size_t last = next;
        std::size_t step = 1;
        while (last < n && counter.time(last) < end) {
            last = std::min(n, last + step);
            step <<= 1;
        }
        std::size_t low = next;
        while (low < last) {
            const std::size_t middle = (low + last) / 2;
            if (counter.time(middle) < end) low = middle + 1;
            else last = middle;
        }
        last = low;
        const std::size_t from = holds ? held : next;
        // Past the last sample nothing is known.
        const bool over = holds && held + 1 == n && last == next && counter.time(held) < view.start + static_cast<Ns>(x * view.nsPerPx);
        if (last > from && !over) {
            const Counter::Extent extent = counter.extent(from, std::max(last, from + 1));
            out.push_back({x, extent.low, extent.high});
        }
        if (last > next) {
            held = last - 1;
            holds = true;
            next = last;
        }
    }
}

}  // namespace ridge::gui
