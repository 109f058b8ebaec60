// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Converts the ticks of one clock to CLOCK_MONOTONIC ns by straight lines between readings of both.
// Before the first and after the last reading the overall slope goes on. The error bound is half
// the longest reading plus the largest distance of a reading from the line through its neighbours.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ridge::recorder {

class ClockMap {
public:
    // slope: ns per tick, for when there are fewer than two readings. 0 readings: ticks * slope.
    explicit ClockMap(double slope = 1.0) : m_slope(slope) {}

    void add(std::uint64_t ticks, std::int64_t monotonicNs, std::uint64_t windowTicks);
    // Call once after the last add().
    void finish();

    [[nodiscard]] std::size_t readings() const { return m_points.size(); }
    [[nodiscard]] std::int64_t errorNs() const { return m_errorNs; }
    [[nodiscard]] double nsPerTick() const { return m_slope; }

    // hint: where the last conversion of this caller ended; neighbours are looked at first.
    [[nodiscard]] std::int64_t toMonotonic(std::uint64_t ticks, std::size_t& hint) const;

private:
    struct Point {
        std::uint64_t ticks;
        std::int64_t ns;
        std::uint64_t window;
        double slopeAfter;  // of the piece that begins here
    };
    [[nodiscard]] static std::int64_t along(const Point& point, double slope, std::uint64_t ticks);
    double m_slope;
    std::int64_t m_errorNs = 0;
    std::vector<Point> m_points;
};

}  // namespace ridge::recorder
