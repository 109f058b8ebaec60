// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A counter over time (power, clocks, memory, queue depth): samples that hold until the next one, and a
// 16-ary tree of minima and maxima so that a column of pixels costs O(log n) whatever it covers.
// Immutable once build() is over.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gui/model/query.h"

namespace ridge::gui {

class Counter {
public:
    std::string unit;

    void append(Ns time, float value);
    // Sorts by time when the samples came unsorted.
    void build();
    [[nodiscard]] std::size_t size() const { return m_time.size(); }
    [[nodiscard]] Ns time(std::size_t i) const { return m_time[i]; }
    [[nodiscard]] float value(std::size_t i) const { return m_value[i]; }
    [[nodiscard]] float minimum() const { return m_minimum; }
    [[nodiscard]] float maximum() const { return m_maximum; }
    // The sample that holds at t; size() when t is before the first.
    [[nodiscard]] std::size_t at(Ns t) const;
    struct Extent {
        float low = 0, high = 0;
    };
    // Of the samples [from, to), to > from.
    [[nodiscard]] Extent extent(std::size_t from, std::size_t to) const;
    [[nodiscard]] std::size_t bytes() const;
    // All times moved.
    [[nodiscard]] std::shared_ptr<const Counter> shifted(Ns by) const;

private:
    std::vector<Ns> m_time;
    std::vector<float> m_value;
    std::vector<std::vector<Extent>> m_levels;
    float m_minimum = 0, m_maximum = 0;
};

struct CounterColumn {
    int x = 0;
    float low = 0, high = 0;
};
// One entry per column that has a value: what held at its left edge and every sample in it.
void queryCounter(const Counter& counter, const View& view, std::vector<CounterColumn>& out);

}  // namespace ridge::gui
