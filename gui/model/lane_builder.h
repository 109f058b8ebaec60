// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Events of one track in any order -> lanes of slices that do not overlap.
//
// kNested: a lane per depth of nesting (push/pop ranges, calls). kFirstFit: the first lane that is free
// (streams, start/end ranges). Deeper than kMostLanes is counted in dropped(), not drawn.
//
// As long as the events come in order of their starts (parents before children) each goes straight into
// its lane, 20 B a slice. The first that does not makes the builder keep events instead (32 B each): one
// that ends a scope, as a recorder writes it after what was in it, is moved before its children; when that
// moves too much, everything is sorted at the end.

#include <atomic>
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
    [[nodiscard]] std::size_t size() const { return m_size; }
    [[nodiscard]] bool grown() const { return m_size != m_builtAt; }
    // Events came out of order and are kept as such.
    [[nodiscard]] bool keepsEvents() const { return m_keepsEvents; }

    struct LaidOut {
        std::vector<std::shared_ptr<Lane>> lanes;
        std::vector<std::vector<std::uint32_t>> correlations;  // only of the last build, parallel to lanes
    };
    struct Built {
        std::vector<std::shared_ptr<const Lane>> lanes;
        std::vector<std::vector<std::uint32_t>> correlations;
    };
    // The lanes without their indexes: Lane::build is still to be called on each, on any thread.
    // last: the events are given up.
    LaidOut layOut(Ns lastTime, bool last);
    // The same with the indexes.
    Built build(std::span<const ColourId> colourOfName, Ns lastTime, bool last);
    [[nodiscard]] std::size_t dropped() const { return m_dropped.size(); }

private:
    struct Event {
        Ns start, end;
        std::uint32_t name, row, correlation;
    };
    struct Growing {
        std::shared_ptr<Lane> lane = std::make_shared<Lane>();
        std::vector<std::uint32_t> correlations;
        Ns end = INT64_MIN;  // of its last slice
        bool open = false;   // the last slice has no end yet
    };
    // Closed: as if open events ended at the end of time.
    static Ns closed(const Event& event) { return event.end == kOpenEnd ? INT64_MAX : event.end; }
    static bool before(const Event& a, const Event& b) {
        return a.start != b.start ? a.start < b.start : closed(a) > closed(b);
    }
    void place(std::vector<Growing>& lanes, const Event& event, bool keepCorrelations);
    void keepEvents();
    void insert(const Event& event);
    void sortEvents();

    Layout m_layout;
    bool m_keepsEvents = false, m_sorted = true, m_hasCorrelation = false;
    std::size_t m_size = 0, m_builtAt = 0, m_moved = 0;
    Event m_last{INT64_MIN, 0, 0, 0, 0};
    std::vector<Growing> m_lanes;
    std::vector<Event> m_events;
    std::vector<Event> m_dropped;
};

}  // namespace ridge::gui
