// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/convert/stepped_clock.h"

#include <algorithm>
#include <limits>

namespace ridge::recorder {
namespace {

constexpr std::int64_t kToleranceNs = 100'000;
constexpr std::int64_t kSlewDivisor = 1000;  // twice what NTP may do

// Wraps around instead of overflowing: readings may be forged.
std::int64_t difference(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::int64_t>(a - b);
}
std::int64_t magnitude(std::int64_t value) {
    return value < 0 ? (value == std::numeric_limits<std::int64_t>::min()
                            ? std::numeric_limits<std::int64_t>::max()
                            : -value)
                     : value;
}

}  // namespace

void SteppedClock::add(std::uint64_t ticks, std::int64_t monotonicNs, std::int64_t windowNs) {
    m_pending.push_back({ticks, monotonicNs, std::clamp<std::int64_t>(windowNs, 0, 1'000'000'000)});
}

void SteppedClock::finish() {
    std::stable_sort(m_pending.begin(), m_pending.end(),
                     [](const Reading& a, const Reading& b) { return a.ns < b.ns; });
    const Reading* last = nullptr;
    for (const Reading& reading : m_pending) {
        bool begins = last == nullptr;
        if (last) {
            const std::int64_t moved = difference(reading.ticks, last->ticks);
            const std::int64_t passed = difference(static_cast<std::uint64_t>(reading.ns),
                                                   static_cast<std::uint64_t>(last->ns));
            const std::int64_t apart = magnitude(
                difference(static_cast<std::uint64_t>(moved), static_cast<std::uint64_t>(passed)));
            const std::int64_t allowed =
                kToleranceNs + magnitude(passed) / kSlewDivisor + reading.window + last->window;
            begins = apart > allowed;
            if (begins) m_largestStep = std::max(m_largestStep, apart);
        }
        if (begins) m_segments.push_back({reading.ticks, reading.ticks, ClockMap(1.0)});
        Segment& segment = m_segments.back();
        segment.first = std::min(segment.first, reading.ticks);
        segment.last = std::max(segment.last, reading.ticks);
        segment.map.add(reading.ticks, reading.ns, static_cast<std::uint64_t>(reading.window));
        last = &reading;
    }
    m_readings = m_pending.size();
    m_pending.clear();
    for (Segment& segment : m_segments) {
        segment.map.finish();
        m_error = std::max(m_error, segment.map.errorNs());
    }
}

std::int64_t SteppedClock::toMonotonic(std::uint64_t ticks, std::size_t& hint) const {
    if (m_segments.empty()) return static_cast<std::int64_t>(ticks);
    if (m_segments.size() == 1) return m_segments[0].map.toMonotonic(ticks, hint);
    const Segment* best = nullptr;
    std::uint64_t distance = std::numeric_limits<std::uint64_t>::max();
    int holders = 0;
    for (const Segment& segment : m_segments) {
        const std::uint64_t away = ticks < segment.first  ? segment.first - ticks
                                   : ticks > segment.last ? ticks - segment.last
                                                          : 0;
        holders += away == 0;
        if (away > distance) continue;
        best = &segment;
        distance = away;
    }
    // Before the first reading and behind the last there is no step that anybody saw.
    const bool outside = best == &m_segments.front()
                             ? ticks < best->first
                             : best == &m_segments.back() && ticks > best->last;
    if (holders > 1 || (holders == 0 && !outside)) ++m_uncertain;
    std::size_t at = 0;
    return best->map.toMonotonic(ticks, at);
}

}  // namespace ridge::recorder
