// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Events of one track in any order -> lanes of slices that do not overlap.
//
// kNested: a lane per depth of nesting (push/pop ranges, calls). kFirstFit: the first lane that is free
// (streams, start/end ranges). Deeper than kMostLanes is counted in dropped(), not drawn.

#include <cstdint>
#include <memory>
#include <vector>

#include "gui/model/lane.h"

namespace ridge::gui {

enum class Layout : std::uint8_t { kNested, kFirstFit };

inline constexpr std::size_t kMostLanes = 64;
inline constexpr Ns kOpenEnd = INT64_MIN;  // an event without an end: closed at `lastTime` of build()

class LaneBuilder {
public:
    explicit LaneBuilder(Layout layout) : m_layout(layout) {}

    // correlation: 0 = none; handed back beside the lanes to link launches with what they launched.
    void add(Ns start, Ns end, std::uint32_t name, std::uint32_t row, std::uint32_t correlation = 0);
    [[nodiscard]] std::size_t size() const { return m_events.size(); }
    [[nodiscard]] bool grown() const { return m_events.size() != m_builtAt; }
    [[nodiscard]] std::size_t builtAt() const { return m_builtAt; }

    struct Built {
        std::vector<std::shared_ptr<const Lane>> lanes;
        std::vector<std::vector<std::uint32_t>> correlations;  // only of the last build, parallel to lanes
    };
    // last: the events are given up.
    Built build(std::span<const ColourId> colourOfName, Ns lastTime, bool last);
    [[nodiscard]] std::size_t dropped() const { return m_dropped; }

private:
    struct Event {
        Ns start, end;
        std::uint32_t name, row, correlation;
    };
    Layout m_layout;
    bool m_sorted = true, m_hasCorrelation = false;
    std::size_t m_builtAt = 0, m_dropped = 0;
    std::vector<Event> m_events;
};

}  // namespace ridge::gui
