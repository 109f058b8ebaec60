// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One index per row of a stretch of rows: 4 bytes a row of the stretch, none for the rest of the
// trace.

#include "analyzer/timeline/timeline.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ridge::analyzer {

// What belongs to each of a stretch of rows; kNoIndex for all others.
class Indices {
public:
    explicit Indices(std::pair<std::size_t, std::size_t> bounds)
        : m_first(bounds.first), m_values(bounds.second - bounds.first, kNoIndex) {}
    [[nodiscard]] std::int32_t operator[](std::size_t i) const {
        return i - m_first < m_values.size() ? m_values[i - m_first] : kNoIndex;
    }
    void set(std::size_t i, std::int32_t value) {
        if (i - m_first < m_values.size()) m_values[i - m_first] = value;
    }
    [[nodiscard]] std::size_t first() const { return m_first; }
    [[nodiscard]] std::size_t end() const { return m_first + m_values.size(); }
    [[nodiscard]] std::size_t size() const { return m_values.size(); }

private:
    std::size_t m_first;
    std::vector<std::int32_t> m_values;
};

}  // namespace ridge::analyzer
