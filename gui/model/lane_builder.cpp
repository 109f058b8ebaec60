// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/lane_builder.h"

#include <algorithm>
#include <tuple>

namespace ridge::gui {

void LaneBuilder::add(Ns start, Ns end, std::uint32_t name, std::uint32_t row, std::uint32_t correlation) {
    if (!m_events.empty() && m_sorted) {
        const Event& before = m_events.back();
        // Of equal starts the longer one is the parent.
        m_sorted = before.start < start || (before.start == start && before.end >= end);
    }
    m_hasCorrelation = m_hasCorrelation || correlation != 0;
    m_events.push_back({start, end, name, row, correlation});
}

LaneBuilder::Built LaneBuilder::build(std::span<const ColourId> colourOfName, Ns lastTime, bool last) {
    bool anyOpen = false;
    for (const Event& event : m_events) anyOpen = anyOpen || event.end == kOpenEnd;
    std::vector<Event> copy;
    if (anyOpen && !last) copy = m_events;  // an open end moves with every build
    std::vector<Event>& events = copy.empty() ? m_events : copy;
    if (anyOpen)
        for (Event& event : events)
            if (event.end == kOpenEnd) event.end = std::max(event.start, lastTime);
    if (!m_sorted || anyOpen)
        std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
            return std::make_tuple(a.start, -a.end) < std::make_tuple(b.start, -b.end);
        });
    if (!anyOpen) m_sorted = true;

    std::vector<std::shared_ptr<Lane>> lanes;
    Built built;
    m_dropped = 0;
    std::vector<Ns> laneEnds;  // of the last slice of each lane
    for (const Event& event : events) {
        std::size_t depth = 0;
        if (m_layout == Layout::kNested)  // below the deepest slice that contains it
            for (std::size_t d = laneEnds.size(); d-- > 0 && depth == 0;)
                if (laneEnds[d] > event.start && laneEnds[d] >= event.end) depth = d + 1;
        while (depth < laneEnds.size() && laneEnds[depth] > event.start) ++depth;
        if (depth >= kMostLanes) {
            ++m_dropped;
            continue;
        }
        if (depth == lanes.size()) {
            lanes.push_back(std::make_shared<Lane>());
            laneEnds.push_back(INT64_MIN);
            if (depth == 0 && m_layout == Layout::kFirstFit) lanes.back()->reserve(events.size());
            if (last && m_hasCorrelation) built.correlations.emplace_back();
        }
        if (!lanes[depth]->append(event.start, event.end, event.name, event.row)) {
            ++m_dropped;
            continue;
        }
        if (last && m_hasCorrelation) built.correlations[depth].push_back(event.correlation);
        laneEnds[depth] = event.end;
    }
    for (const auto& lane : lanes) {
        lane->build(colourOfName);
        built.lanes.push_back(lane);
    }
    m_builtAt = m_events.size();
    if (last) std::vector<Event>().swap(m_events), m_builtAt = 0;
    return built;
}

}  // namespace ridge::gui
