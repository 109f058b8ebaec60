// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Numbers for processes, devices and lanes in a trace-event file. Each process and each device is a process of the file;
// numbers that are taken, negative or too large for a reader get one of their own.

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "analyzer/timeline/timeline.h"

namespace ridge::reports {

inline constexpr std::int64_t kOtherPids = 2'000'000, kGapPid = 1'999'999;

struct TraceIds {
    explicit TraceIds(const analyzer::Timeline& timeline);
    std::vector<std::int64_t> processes;  // by index
    std::vector<std::int64_t> devices;    // pid of a device's tracks
    std::vector<std::int64_t> deviceIds;  // what a slice says its device is: its number, where only one has it
};

// The lanes of one track. Slices come in order of their start, longer ones first.
class Lanes {
public:
    // The lane in which the slice nests; made where there is none.
    std::size_t place(analyzer::Ns start, analyzer::Ns end);

private:
    std::vector<std::vector<analyzer::Ns>> m_open;  // ends of what surrounds the present, outermost first
};

// Lane 0 of a track has the track's number; further ones are numbered from kFirstLane on.
class TrackTable {
public:
    static constexpr std::int64_t kFirstLane = 1'000'000'000;
    std::int64_t tid(std::int64_t pid, std::int64_t track, std::size_t lane, const std::string& name);
    Lanes& lanes(std::int64_t pid, std::int64_t track) { return m_lanes[{pid, track}]; }

    struct Named {
        std::int64_t pid = 0, tid = 0, order = 0;
        std::string name;
    };
    [[nodiscard]] const std::vector<Named>& named() const { return m_named; }

private:
    std::map<std::pair<std::int64_t, std::int64_t>, Lanes> m_lanes;
    std::map<std::tuple<std::int64_t, std::int64_t, std::size_t>, std::int64_t> m_tids;
    std::vector<Named> m_named;
};

}  // namespace ridge::reports
