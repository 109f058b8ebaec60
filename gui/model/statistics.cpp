// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/statistics.h"

#include <algorithm>

namespace ridge::gui {
namespace {

constexpr std::size_t kLookEvery = 1 << 16;

// How much of [from, to) the lane covers; `at` is where the last answer ended and only moves forward.
Ns coveredBy(const Lane& lane, Ns from, Ns to, std::size_t& at) {
    while (at < lane.size() && lane.end(at) <= from) ++at;
    Ns covered = 0;
    for (std::size_t i = at; i < lane.size() && lane.start(i) < to; ++i)
        covered += std::min(to, lane.end(i)) - std::max(from, lane.start(i));
    return covered;
}

}  // namespace

RangeStatistics statisticsOf(const Snapshot& snapshot, const std::vector<std::uint32_t>& tracks, Ns from, Ns to,
                             const std::atomic<bool>& stop) {
    RangeStatistics result;
    result.range = std::max<Ns>(0, to - from);
    std::vector<NameStatistics> byName(snapshot.names->texts.size());
    for (const std::uint32_t t : tracks) {
        const Track& track = snapshot.tracks[t];
        for (std::size_t depth = 0; depth < track.lanes.size(); ++depth) {
            const Lane& lane = *track.lanes[depth];
            const Lane* deeper = depth + 1 < track.lanes.size() ? track.lanes[depth + 1].get() : nullptr;
            const auto [first, last] = lane.touching(from, to);
            std::size_t at = deeper ? deeper->touching(from, to).first : 0;
            for (std::size_t i = first; i < last; ++i) {
                if (i % kLookEvery == 0 && stop.load(std::memory_order_relaxed)) {
                    result.cancelled = true;
                    return result;
                }
                const Ns start = std::max(from, lane.start(i)), end = std::min(to, lane.end(i));
                const Ns ns = end - start;
                const Ns self = deeper && ns > 0 ? ns - coveredBy(*deeper, start, end, at) : ns;
                NameStatistics& s = byName[lane.name(i)];
                if (s.count == 0 || ns > s.longest) {
                    s.longest = ns;
                    s.example = {track.firstLane + static_cast<std::uint32_t>(depth), static_cast<std::uint32_t>(i)};
                }
                s.shortest = s.count == 0 ? ns : std::min(s.shortest, ns);
                ++s.count;
                s.total += ns;
                s.self += self;
            }
        }
    }
    for (std::size_t n = 0; n < byName.size(); ++n) {
        if (byName[n].count == 0) continue;
        byName[n].name = static_cast<std::uint32_t>(n);
        result.slices += byName[n].count;
        result.busiest += byName[n].self;
        result.names.push_back(byName[n]);
    }
    std::sort(result.names.begin(), result.names.end(), [](const NameStatistics& a, const NameStatistics& b) {
        return a.total != b.total ? a.total > b.total : a.name < b.name;
    });
    return result;
}

}  // namespace ridge::gui
