// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Finding slices by name: first the names are matched (few), then the slices of those names are walked
// in the order of time. Without regard to case for ASCII letters. Runs on a worker.

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gui/model/snapshot.h"

namespace ridge::gui {

struct NameMatch {
    std::vector<bool> names;  // indexed by name
    std::size_t count = 0;
};

bool containsIgnoringCase(std::string_view text, std::string_view part);
NameMatch matchNames(const Names& names, std::string_view text);
// An empty list of tracks means all.
std::int64_t countMatches(const Snapshot& snapshot, const NameMatch& match, const std::vector<std::uint32_t>& tracks,
                          const std::atomic<bool>& stop);
// The next (or previous) matching slice after `from` in the order (start, lane); invalid: there is none.
// from not valid: the first that starts at `fromTime` or later (the last that starts before it).
SliceRef nextMatch(const Snapshot& snapshot, const NameMatch& match, const std::vector<std::uint32_t>& tracks,
                   SliceRef from, Ns fromTime, bool forward, const std::atomic<bool>& stop);
// How many matching slices come before it, counted from 1: "3 of 120".
std::int64_t positionOf(const Snapshot& snapshot, const NameMatch& match, const std::vector<std::uint32_t>& tracks,
                        SliceRef slice, const std::atomic<bool>& stop);

}  // namespace ridge::gui
