// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "gui/model/search.h"

#include <algorithm>
#include <tuple>

namespace ridge::gui {
namespace {

constexpr std::size_t kLookEvery = 1 << 16;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

template <typename Visit>
void forLanes(const Snapshot& snapshot, const std::vector<std::uint32_t>& tracks, Visit visit) {
    const auto each = [&](const Track& track) {
        for (std::size_t depth = 0; depth < track.lanes.size(); ++depth)
            visit(track.firstLane + static_cast<std::uint32_t>(depth), *track.lanes[depth]);
    };
    if (tracks.empty())
        for (const Track& track : snapshot.tracks) each(track);
    else
        for (const std::uint32_t t : tracks) each(snapshot.tracks[t]);
}

std::int64_t countIn(const Lane& lane, const NameMatch& match, std::size_t from, std::size_t to,
                     const std::atomic<bool>& stop) {
    std::int64_t count = 0;
    for (std::size_t i = from; i < to; ++i) {
        if (i % kLookEvery == 0 && stop.load(std::memory_order_relaxed)) return count;
        const std::uint32_t name = lane.name(i);
        if (name < match.names.size() && match.names[name]) ++count;
    }
    return count;
}

bool matches(const Lane& lane, const NameMatch& match, std::size_t i) {
    const std::uint32_t name = lane.name(i);
    return name < match.names.size() && match.names[name];
}

}  // namespace

bool containsIgnoringCase(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

NameMatch matchNames(const Names& names, std::string_view text) {
    NameMatch match;
    match.names.assign(names.texts.size(), false);
    if (text.empty()) return match;
    for (std::size_t i = 0; i < names.texts.size(); ++i)
        if (containsIgnoringCase(names.texts[i], text)) {
            match.names[i] = true;
            ++match.count;
        }
    return match;
}

std::int64_t countMatches(const Snapshot& snapshot, const NameMatch& match, const std::vector<std::uint32_t>& tracks,
                          const std::atomic<bool>& stop) {
    std::int64_t count = 0;
    if (match.count == 0) return 0;
    forLanes(snapshot, tracks,
             [&](std::uint32_t, const Lane& lane) { count += countIn(lane, match, 0, lane.size(), stop); });
    return count;
}

SliceRef nextMatch(const Snapshot& snapshot, const NameMatch& match, const std::vector<std::uint32_t>& tracks,
                   SliceRef from, Ns fromTime, bool forward, const std::atomic<bool>& stop) {
    SliceRef best;
    Ns bestTime = 0;
    if (match.count == 0) return best;
    const bool anchored = snapshot.contains(from);
    const Ns time = anchored ? snapshot.lane(from.lane).start(from.slice) : fromTime;
    // Order of slices: (start, lane, slice).
    const auto after = [&](std::uint32_t number, const Lane& lane, std::size_t i) {
        if (!anchored) return forward ? lane.start(i) >= time : lane.start(i) < time;
        const auto here = std::make_tuple(lane.start(i), number, static_cast<std::uint32_t>(i));
        const auto there = std::make_tuple(time, from.lane, from.slice);
        return forward ? here > there : here < there;
    };
    forLanes(snapshot, tracks, [&](std::uint32_t number, const Lane& lane) {
        const std::size_t n = lane.size();
        std::size_t i = lane.firstStartingAt(forward ? time : time + 1);
        for (std::size_t looked = 0;; ++looked) {
            if (forward ? i >= n : i == 0) return;
            const std::size_t at = forward ? i : i - 1;
            if (looked % kLookEvery == kLookEvery - 1 && stop.load(std::memory_order_relaxed)) return;
            const Ns start = lane.start(at);
            if (best.valid() && (forward ? start > bestTime : start < bestTime)) return;
            if (matches(lane, match, at) && after(number, lane, at)) {
                const auto here = std::make_tuple(start, number), there = std::make_tuple(bestTime, best.lane);
                if (!best.valid() || (forward ? here < there : here > there)) {
                    best = {number, static_cast<std::uint32_t>(at)};
                    bestTime = start;
                }
                return;
            }
            forward ? ++i : --i;
        }
    });
    return best;
}

std::int64_t positionOf(const Snapshot& snapshot, const NameMatch& match, const std::vector<std::uint32_t>& tracks,
                        SliceRef slice, const std::atomic<bool>& stop) {
    if (!snapshot.contains(slice)) return 0;
    const Ns time = snapshot.lane(slice.lane).start(slice.slice);
    std::int64_t position = 0;
    forLanes(snapshot, tracks, [&](std::uint32_t number, const Lane& lane) {
        const std::size_t to = number == slice.lane ? std::size_t{slice.slice} + 1
                                                    : lane.firstStartingAt(number < slice.lane ? time + 1 : time);
        position += countIn(lane, match, 0, to, stop);
    });
    return position;
}

}  // namespace ridge::gui
