// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/snapshot.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace ridge::gui {

void Flows::build(std::vector<Flow> flows) {
    m_flows = std::move(flows);
    const auto less = [](const Flow& a, const Flow& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); };
    if (!std::is_sorted(m_flows.begin(), m_flows.end(), less)) std::sort(m_flows.begin(), m_flows.end(), less);
    m_flows.shrink_to_fit();
    // Equal targets keep the order of m_flows, which is that of their sources.
    std::vector<std::pair<std::uint64_t, std::uint32_t>> keys(m_flows.size());
    for (std::size_t i = 0; i < m_flows.size(); ++i)
        keys[i] = {(std::uint64_t{m_flows[i].to.lane} << 32) | m_flows[i].to.slice, static_cast<std::uint32_t>(i)};
    std::sort(keys.begin(), keys.end());
    m_byTo.resize(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) m_byTo[i] = keys[i].second;
}

std::vector<const Flow*> Flows::from(SliceRef slice) const {
    std::vector<const Flow*> found;
    auto it = std::lower_bound(m_flows.begin(), m_flows.end(), slice,
                               [](const Flow& flow, const SliceRef& ref) { return flow.from < ref; });
    for (; it != m_flows.end() && it->from == slice; ++it) found.push_back(&*it);
    return found;
}

std::vector<const Flow*> Flows::to(SliceRef slice) const {
    std::vector<const Flow*> found;
    auto it = std::lower_bound(m_byTo.begin(), m_byTo.end(), slice,
                               [&](std::uint32_t flow, const SliceRef& ref) { return m_flows[flow].to < ref; });
    for (; it != m_byTo.end() && m_flows[*it].to == slice; ++it) found.push_back(&m_flows[*it]);
    return found;
}

std::size_t Flows::bytes() const {
    return m_flows.capacity() * sizeof(Flow) + m_byTo.capacity() * sizeof(std::uint32_t);
}

std::int32_t Snapshot::findTrack(const std::string& key) const {
    for (std::size_t i = 0; i < tracks.size(); ++i)
        if (tracks[i].key == key) return static_cast<std::int32_t>(i);
    return kNoTrack;
}

SliceRef Snapshot::deepestAt(std::size_t index, Ns t) const {
    const Track& track = tracks[index];
    for (std::size_t depth = track.lanes.size(); depth-- > 0;)
        if (const std::uint32_t slice = track.lanes[depth]->sliceAt(t); slice != kNoSlice)
            return {track.firstLane + static_cast<std::uint32_t>(depth), slice};
    return {};
}

std::size_t Snapshot::bytes() const {
    std::size_t sum = flows->bytes() + names->colours.capacity();
    for (const std::string& text : names->texts) sum += sizeof(text) + (text.capacity() > 15 ? text.capacity() : 0);
    for (const Track& track : tracks) {
        for (const auto& lane : track.lanes) sum += lane->bytes();
        if (track.counter) sum += track.counter->bytes();
    }
    return sum;
}

void Snapshot::numberLanes() {
    laneTrack.clear();
    slices = 0;
    for (std::size_t t = 0; t < tracks.size(); ++t) {
        tracks[t].firstLane = static_cast<std::uint32_t>(laneTrack.size());
        for (const auto& lane : tracks[t].lanes) {
            laneTrack.push_back(static_cast<std::uint32_t>(t));
            slices += lane->size();
        }
    }
}

}  // namespace ridge::gui
