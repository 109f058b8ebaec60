// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Statistics over a time range and a set of tracks, from the arrays in memory (SQL takes 250 times as
// long). Durations are clipped to the range. Self time is what no deeper lane of the same track covers.
// Runs on a worker; stops early, with `cancelled`, when the flag rises.

#include <atomic>
#include <cstdint>
#include <vector>

#include "gui/model/snapshot.h"

namespace ridge::gui {

struct NameStatistics {
    std::uint32_t name = 0;
    std::int64_t count = 0;
    Ns total = 0, self = 0, shortest = 0, longest = 0;
    SliceRef example;  // the longest
};

struct RangeStatistics {
    std::vector<NameStatistics> names;  // by total, the largest first
    std::int64_t slices = 0;
    Ns range = 0;
    Ns busiest = 0;  // sum of self times: what the tracks together spent
    bool cancelled = false;
};

RangeStatistics statisticsOf(const Snapshot& snapshot, const std::vector<std::uint32_t>& tracks, Ns from, Ns to,
                             const std::atomic<bool>& stop);

}  // namespace ridge::gui
