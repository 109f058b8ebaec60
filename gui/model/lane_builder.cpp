// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/lane_builder.h"

#include <algorithm>

namespace ridge::gui {
namespace {

// Events that may be moved per event that is there: beyond it sorting once is cheaper.
constexpr std::size_t kMovesPerEvent = 24;
constexpr std::size_t kFreeMoves = 1 << 16;

}  // namespace

void LaneBuilder::place(std::vector<Growing>& lanes, const Event& event, bool keepCorrelations) {
    const Ns end = closed(event);
    std::size_t depth = 0;
    if (m_layout == Layout::kNested)  // below the deepest slice that contains it
        for (std::size_t d = lanes.size(); d-- > 0 && depth == 0;)
            if (lanes[d].end > event.start && lanes[d].end >= end) depth = d + 1;
    while (depth < lanes.size() && lanes[depth].end > event.start) ++depth;
    if (depth >= kMostLanes) {
        m_dropped.push_back(event);
        return;
    }
    if (depth == lanes.size()) lanes.emplace_back();
    Growing& lane = lanes[depth];
    const bool open = event.end == kOpenEnd;
    if (!lane.lane->append(event.start, open ? event.start : event.end, event.name, event.row)) {
        m_dropped.push_back(event);
        return;
    }
    if (keepCorrelations) {
        lane.correlations.resize(lane.lane->size() - 1, 0);  // of the slices from before the first that has one
        lane.correlations.push_back(event.correlation);
    }
    lane.end = end;
    lane.open = open;
}

void LaneBuilder::add(Ns start, Ns end, std::uint32_t name, std::uint32_t row, std::uint32_t correlation) {
    const Event event{start, end, name, row, correlation};
    ++m_size;
    m_hasCorrelation = m_hasCorrelation || correlation != 0;
    if (!m_keepsEvents && m_size > 1 && before(event, m_last)) keepEvents();
    if (m_keepsEvents) {
        insert(event);
        return;
    }
    m_last = event;
    place(m_lanes, event, m_hasCorrelation);
}

// Back from lanes to events, in order.
void LaneBuilder::keepEvents() {
    m_keepsEvents = true;
    m_events.reserve(m_size + 1024);
    m_events = std::move(m_dropped);
    m_dropped.clear();
    for (Growing& growing : m_lanes) {
        const Lane& lane = *growing.lane;
        for (std::size_t i = 0; i < lane.size(); ++i) {
            const bool open = growing.open && i + 1 == lane.size();
            m_events.push_back({lane.start(i), open ? kOpenEnd : lane.end(i), lane.name(i), lane.row(i),
                                i < growing.correlations.size() ? growing.correlations[i] : 0});
        }
        growing = {};
    }
    std::vector<Growing>().swap(m_lanes);
    std::stable_sort(m_events.begin(), m_events.end(), before);
}

void LaneBuilder::insert(const Event& event) {
    if (!m_sorted || m_events.empty() || !before(event, m_events.back())) {
        m_events.push_back(event);
        return;
    }
    // It is near the end, as a rule: gallop back.
    std::size_t step = 1, high = m_events.size(), low = high;
    while (low > 0 && before(event, m_events[low - 1])) {
        high = low;
        low = low > step ? low - step : 0;
        step <<= 1;
    }
    const auto at = std::upper_bound(m_events.begin() + static_cast<std::ptrdiff_t>(low),
                                     m_events.begin() + static_cast<std::ptrdiff_t>(high), event, before);
    m_moved += static_cast<std::size_t>(m_events.end() - at);
    if (m_moved > kMovesPerEvent * m_events.size() + kFreeMoves) {
        m_sorted = false;
        m_events.push_back(event);
        return;
    }
    m_events.insert(at, event);
}

void LaneBuilder::sortEvents() {
    if (m_sorted) return;
    std::stable_sort(m_events.begin(), m_events.end(), before);
    m_sorted = true;
    m_moved = 0;
}

LaneBuilder::LaidOut LaneBuilder::layOut(Ns lastTime, bool last) {
    std::vector<Growing> lanes;
    if (m_keepsEvents) {
        sortEvents();
        m_dropped.clear();
        for (const Event& event : m_events) place(lanes, event, last && m_hasCorrelation);
        if (last) std::vector<Event>().swap(m_events);
    } else if (last) {
        lanes = std::move(m_lanes);
        m_lanes.clear();
    } else {
        for (const Growing& growing : m_lanes) {
            Growing copy;
            copy.lane = std::make_shared<Lane>(*growing.lane);
            copy.open = growing.open;
            lanes.push_back(std::move(copy));
        }
    }
    LaidOut built;
    for (Growing& growing : lanes) {
        if (growing.open) growing.lane->stretchLast(lastTime);
        built.lanes.push_back(std::move(growing.lane));
        if (!last || !m_hasCorrelation) continue;
        growing.correlations.resize(built.lanes.back()->size(), 0);
        built.correlations.push_back(std::move(growing.correlations));
    }
    m_builtAt = m_size;
    if (last) m_size = m_builtAt = 0;
    return built;
}

LaneBuilder::Built LaneBuilder::build(std::span<const ColourId> colourOfName, Ns lastTime, bool last) {
    LaidOut laidOut = layOut(lastTime, last);
    Built built;
    for (const auto& lane : laidOut.lanes) {
        lane->build(colourOfName);
        built.lanes.push_back(lane);
    }
    built.correlations = std::move(laidOut.correlations);
    return built;
}

}  // namespace ridge::gui
