// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What only the whole trace tells: arrows, queues, graphs.
#include <algorithm>

#include "gui/load/assembly.h"
#include "gui/model/colours.h"

namespace ridge::gui {
namespace {

constexpr std::int64_t kQueueKey = INT64_MIN + 1;  // before the counters of the file
constexpr std::array<TrackKind, 5> kHandOffKinds{TrackKind::kOps, TrackKind::kRanges, TrackKind::kFreeRanges,
                                                 TrackKind::kApi, TrackKind::kIo};

}  // namespace

// Every lane gets a number for linking; calls are listed by process and correlation.
void Assembly::findCalls() {
    m_linked.clear();
    m_calls.clear();
    for (auto& [place, builder] : m_tracks)
        for (std::size_t d = 0; d < builder.built.lanes.size(); ++d) {
            const auto number = static_cast<std::uint32_t>(m_linked.size());
            m_linked.push_back({&place, builder.built.lanes[d]});
            if (place.kind != TrackKind::kApi || d >= builder.built.correlations.size()) continue;
            auto& calls = m_calls[place.process];
            const auto& correlations = builder.built.correlations[d];
            for (std::size_t i = 0; i < correlations.size(); ++i)
                if (correlations[i] != 0) calls.push_back({correlations[i], {number, static_cast<std::uint32_t>(i)}});
        }
    const auto less = [this](const Call& a, const Call& b) {
        if (a.correlation != b.correlation) return a.correlation < b.correlation;
        return m_linked[a.spot.lane].lane->start(a.spot.slice) < m_linked[b.spot.lane].lane->start(b.spot.slice);
    };
    for (auto& [process, calls] : m_calls)
        if (!std::is_sorted(calls.begin(), calls.end(), less)) std::stable_sort(calls.begin(), calls.end(), less);
}

// Of several calls with one id (a runtime call and the driver call in it) the earliest is the launch.
const Assembly::Call* Assembly::findCall(std::int64_t processId, std::uint32_t correlation) const {
    const auto calls = m_calls.find(processId);
    if (calls == m_calls.end()) return nullptr;
    const auto it = std::lower_bound(calls->second.begin(), calls->second.end(), correlation,
                                     [](const Call& call, std::uint32_t id) { return call.correlation < id; });
    return it != calls->second.end() && it->correlation == correlation ? &*it : nullptr;
}

void Assembly::linkLaunches() {
    m_links.clear();
    std::uint32_t number = 0;
    for (auto& [place, builder] : m_tracks)
        for (std::size_t d = 0; d < builder.built.lanes.size(); ++d, ++number) {
            if (place.kind == TrackKind::kApi || d >= builder.built.correlations.size()) continue;
            const auto& correlations = builder.built.correlations[d];
            for (std::size_t i = 0; i < correlations.size(); ++i)
                if (correlations[i] != 0)
                    if (const Call* call = findCall(place.process, correlations[i]))
                        m_links.push_back({call->spot, {number, static_cast<std::uint32_t>(i)}, FlowKind::kLaunch});
        }
    for (auto& [place, builder] : m_tracks) std::vector<std::vector<std::uint32_t>>().swap(builder.built.correlations);
}

void Assembly::linkWaits() {
    for (const Wait& wait : m_waits) {
        const Call* from = findCall(wait.process, wait.record);
        const Call* to = findCall(wait.process, wait.wait);
        if (from && to) m_links.push_back({from->spot, to->spot, FlowKind::kWait});
    }
    m_calls.clear();
}

// The innermost slice of the thread at that moment; ops and ranges before calls.
Assembly::Spot Assembly::coveringSlice(const End& end) const {
    for (const TrackKind kind : kHandOffKinds) {
        const auto it = m_tracks.find({end.process, -1, end.thread, kind});
        if (it == m_tracks.end()) continue;
        const auto& lanes = it->second.built.lanes;
        for (std::size_t d = lanes.size(); d-- > 0;) {
            const std::uint32_t slice = lanes[d]->sliceAt(end.time);
            if (slice == kNoSlice) continue;
            if (const auto number = m_numberOf.find(lanes[d].get()); number != m_numberOf.end()) return {number->second, slice};
        }
    }
    return {};
}

void Assembly::linkHandOffs() {
    std::int64_t lost = 0;
    if (!m_handOffs.empty())
        for (std::uint32_t n = 0; n < m_linked.size(); ++n) m_numberOf[m_linked[n].lane.get()] = n;
    for (const auto& [from, to] : m_handOffs) {
        const Spot a = coveringSlice(from), b = coveringSlice(to);
        if (a.lane == kNoSlice || b.lane == kNoSlice || a == b) ++lost;
        else m_links.push_back({a, b, FlowKind::kHandOff});
    }
    m_handOffs.clear();
    m_numberOf.clear();
    warn("hand-offs between threads have no arrow: no slice of these threads covers their times", lost);
}

void Assembly::deriveQueues() {
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::pair<Ns, int>>> steps;  // process, device
    for (const Link& link : m_links) {
        if (link.kind != FlowKind::kLaunch) continue;
        const LinkedLane& work = m_linked[link.to.lane];
        const Ns called = m_linked[link.from.lane].lane->start(link.from.slice), begun = work.lane->start(link.to.slice);
        if (begun < called) continue;
        auto& list = steps[{work.place->process, work.place->device}];
        list.emplace_back(called, 1);
        list.emplace_back(begun, -1);
    }
    for (auto& [key, list] : steps) {
        if (stopped()) return;
        std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        Counter* depth = counter(key.first, key.second, "launch queue", "not started", kQueueKey);
        std::int64_t now = 0;
        for (std::size_t i = 0; i < list.size(); ++i) {
            now += list[i].second;
            if (i + 1 == list.size() || list[i + 1].first != list[i].first) depth->append(list[i].first, static_cast<float>(now));
        }
    }
}

// Kernels of one graph launch, where the trace has them one by one.
void Assembly::deriveGraphs() {
    struct Span {
        Ns start = INT64_MAX, end = INT64_MIN;
        std::int64_t stream = 0;
        std::size_t nodes = 0;
    };
    std::map<std::tuple<std::int64_t, std::int64_t, std::uint32_t, std::uint32_t>, Span> spans;  // process, device, launch
    std::vector<signed char> isGraph(m_texts.size(), -1);
    for (const Link& link : m_links) {
        if (link.kind != FlowKind::kLaunch) continue;
        const std::uint32_t name = m_linked[link.from.lane].lane->name(link.from.slice);
        if (isGraph[name] < 0) isGraph[name] = m_texts[name].find("GraphLaunch") != std::string::npos ? 1 : 0;
        const LinkedLane& work = m_linked[link.to.lane];
        if (isGraph[name] == 0 || work.place->kind == TrackKind::kGraphs) continue;
        Span& span = spans[{work.place->process, work.place->device, link.from.lane, link.from.slice}];
        if (work.lane->start(link.to.slice) < span.start) {
            span.start = work.lane->start(link.to.slice);
            span.stream = work.place->owner;
        }
        span.end = std::max(span.end, work.lane->end(link.to.slice));
        ++span.nodes;
    }
    if (spans.empty()) return;
    const std::uint32_t name = intern("CUDA graph");
    colour(name, colourOf(WallClass::kComputeUnknown));
    const std::size_t rowsBefore = m_rows;
    for (const auto& [key, span] : spans) {
        if (span.nodes < 2) continue;
        const Place place{std::get<0>(key), std::get<1>(key), span.stream, TrackKind::kGraphs};
        if (const auto there = m_tracks.find(place); there != m_tracks.end() && !there->second.derived) continue;
        if (LaneBuilder* lanes = track(place, "")) {
            lanes->add(span.start, span.end, name, 0);
            m_tracks.find(place)->second.derived = true;
        }
    }
    m_rows = rowsBefore;
}

void Assembly::numberFlows(Snapshot& snapshot) {
    std::unordered_map<const Lane*, std::uint32_t> numberOf;
    for (const Track& track : snapshot.tracks)
        for (std::size_t d = 0; d < track.lanes.size(); ++d)
            numberOf[track.lanes[d].get()] = track.firstLane + static_cast<std::uint32_t>(d);
    std::vector<std::uint32_t> numbers;
    for (const LinkedLane& linked : m_linked) {
        const auto it = numberOf.find(linked.lane.get());
        numbers.push_back(it == numberOf.end() ? kNoSlice : it->second);
    }
    std::vector<Flow> flows;
    flows.reserve(m_links.size());
    for (const Link& link : m_links)
        if (numbers[link.from.lane] != kNoSlice && numbers[link.to.lane] != kNoSlice)
            flows.push_back({{numbers[link.from.lane], link.from.slice}, {numbers[link.to.lane], link.to.slice}, link.kind});
    std::vector<Link>().swap(m_links);
    m_linked.clear();
    auto built = std::make_shared<Flows>();
    built->build(std::move(flows));
    snapshot.flows = std::move(built);
}

}  // namespace ridge::gui
