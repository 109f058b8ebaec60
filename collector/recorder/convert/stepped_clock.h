// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// CUPTI's clock to CLOCK_MONOTONIC. CUPTI counts by CLOCK_REALTIME, which NTP slews (up to 500 ppm)
// and steps: between two steps a piecewise line (clock_map.h) holds, across one nothing does. A
// pair of neighbouring readings whose distances differ by more than 100 us, 0.1 % and both
// readings' own uncertainty lies on both sides of a step. After a step back the same CUPTI time
// names two moments: the later is taken, and counted.

#include "collector/recorder/convert/clock_map.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ridge::recorder {

class SteppedClock {
public:
    // All in ns; window: from the first to the last reading of the sample.
    void add(std::uint64_t ticks, std::int64_t monotonicNs, std::int64_t windowNs);
    // Call once after the last add().
    void finish();

    [[nodiscard]] std::size_t readings() const { return m_readings; }
    [[nodiscard]] std::size_t steps() const {
        return m_segments.empty() ? 0 : m_segments.size() - 1;
    }
    [[nodiscard]] std::int64_t largestStepNs() const { return m_largestStep; }
    // Of times between the readings of one segment.
    [[nodiscard]] std::int64_t errorNs() const { return m_error; }
    // Conversions so far whose moment was not certain: in a gap of a forward step or the overlap of
    // a backward one.
    [[nodiscard]] std::uint64_t uncertain() const { return m_uncertain; }

    [[nodiscard]] std::int64_t toMonotonic(std::uint64_t ticks, std::size_t& hint) const;

private:
    struct Reading {
        std::uint64_t ticks;
        std::int64_t ns;
        std::int64_t window;
    };
    struct Segment {
        std::uint64_t first, last;  // ticks
        ClockMap map;
    };
    std::vector<Reading> m_pending;
    std::vector<Segment> m_segments;  // in the order of CLOCK_MONOTONIC
    std::size_t m_readings = 0;
    std::int64_t m_largestStep = 0;
    std::int64_t m_error = 0;
    mutable std::uint64_t m_uncertain = 0;
};

}  // namespace ridge::recorder
