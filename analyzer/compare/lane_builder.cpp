// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/compare/lane_builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <set>
#include <tuple>

namespace ridge::analyzer {
namespace {

struct Edge {
    Ns time = 0;
    std::uint32_t row = 0;
    bool opens = false;
};

struct Place {  // of an active row among those of its layer
    Ns key = 0;
    std::int32_t node = 0;
    std::uint32_t row = 0;
    auto operator<=>(const Place&) const = default;
};

}  // namespace

std::vector<OwnedPiece> ownersOf(std::vector<OwnedRow> rows) {
    std::erase_if(rows, [](const OwnedRow& r) { return r.end <= r.start || r.layer >= kMaxLayers; });
    std::vector<Edge> edges;
    edges.reserve(rows.size() * 2);
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
        edges.push_back({rows[i].start, i, true});
        edges.push_back({rows[i].end, i, false});
    }
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return std::tie(a.time, a.row) < std::tie(b.time, b.row); });
    std::array<std::set<Place>, kMaxLayers> active;
    std::uint32_t layers = 0;
    std::vector<OwnedPiece> pieces;
    Ns from = 0;
    for (std::size_t i = 0; i < edges.size();) {
        const Ns now = edges[i].time;
        if (layers != 0 && now > from) {
            const OwnedRow& owner = rows[active[static_cast<std::size_t>(std::countr_zero(layers))].begin()->row];
            if (!pieces.empty() && pieces.back().end == from && pieces.back().node == owner.node && pieces.back().wallClass == owner.wallClass)
                pieces.back().end = now;
            else
                pieces.push_back({from, now, owner.wallClass, owner.node});
        }
        for (; i < edges.size() && edges[i].time == now; ++i) {
            const OwnedRow& row = rows[edges[i].row];
            const Place place{row.latestFirst ? -row.start : row.start, row.node, edges[i].row};
            auto& set = active[row.layer];
            if (edges[i].opens) set.insert(place);
            else set.erase(place);
            const std::uint32_t bit = std::uint32_t{1} << row.layer;
            layers = set.empty() ? layers & ~bit : layers | bit;
        }
        from = now;
    }
    return pieces;
}

LaneBuilder::LaneBuilder(ProfileLane lane, NodeTree& tree) : m_lane(std::move(lane)), m_tree(tree), m_steps(m_lane.steps.size()) {
    Ns last = 0;
    for (const ProfileStep& step : m_lane.steps) {
        last = m_lastEnd.empty() ? step.endNs : std::max(last, step.endNs);
        m_lastEnd.push_back(last);
    }
}

std::size_t LaneBuilder::firstStep(Ns instant) const {
    return static_cast<std::size_t>(std::upper_bound(m_lastEnd.begin(), m_lastEnd.end(), instant) - m_lastEnd.begin());
}

bool LaneBuilder::touches(Ns start, Ns end) const {
    const std::size_t s = firstStep(start);
    return s < m_lane.steps.size() && m_lane.steps[s].startNs < std::max(end, start + 1);
}

void LaneBuilder::addPiece(const OwnedPiece& piece) {
    for (std::size_t s = firstStep(piece.start); s < m_lane.steps.size() && m_lane.steps[s].startNs < piece.end; ++s) {
        const ProfileStep& step = m_lane.steps[s];
        const Ns start = std::max(piece.start, step.startNs), end = std::min(piece.end, step.endNs);
        if (end <= start) continue;
        m_steps[s].entries[{piece.wallClass, piece.node}] += end - start;
        m_owns.emplace(piece.node, true);
        const auto [it, isNew] = m_steps[s].counts.try_emplace(piece.node);
        if (isNew) it->second = {piece.node, 0, 0, start - step.startNs};
        it->second.firstNs = std::min(it->second.firstNs, start - step.startNs);
    }
}

void LaneBuilder::count(std::int32_t node, Ns start, Ns end) {
    for (std::size_t s = firstStep(start); s < m_lane.steps.size() && m_lane.steps[s].startNs < std::max(end, start + 1); ++s) {
        const ProfileStep& step = m_lane.steps[s];
        if (step.endNs <= start) continue;
        const Ns from = std::max(start, step.startNs), to = std::min(end, step.endNs);
        const auto [it, isNew] = m_steps[s].counts.try_emplace(node);
        if (isNew) it->second = {node, 0, 0, from - step.startNs};
        ++it->second.count;
        it->second.ownNs = saturatingAdd(it->second.ownNs, std::max<Ns>(0, to - from));
        it->second.firstNs = std::min(it->second.firstNs, from - step.startNs);
    }
}

ProfileLane LaneBuilder::finish() {
    for (std::size_t s = 0; s < m_steps.size(); ++s) {
        ProfileStep& step = m_lane.steps[s];
        Building& building = m_steps[s];
        ClassTimes sum{};
        for (const auto& [key, ns] : building.entries) sum[static_cast<std::size_t>(key.first)] += ns;
        for (std::size_t c = 0; c < kWallClassCount; ++c) {
            const Ns rest = step.classes[c] - sum[c];
            if (rest == 0) continue;
            const auto wallClass = static_cast<WallClass>(c);
            const bool idle = wallClass == WallClass::kIdle || wallClass == WallClass::kPreempted;
            const std::int32_t node = m_tree.leaf(0, NodeKind::kOther, idle ? "nothing of the program runs" : "not attributed");
            building.entries[{wallClass, node}] += rest;
            building.counts.try_emplace(node, ProfileCount{node, 1, rest, 0});
        }
        for (const auto& [key, ns] : building.entries) step.entries.push_back({key.first, key.second, ns});
        for (auto& [node, count] : building.counts) {
            count.count = std::max<std::int64_t>(count.count, 1);  // it has time, so it was there
            step.counts.push_back(count);
        }
    }
    return std::move(m_lane);
}

}  // namespace ridge::analyzer
