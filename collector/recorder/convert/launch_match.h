// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Counters are taken in a run of their own, because replaying kernels spoils their times. Its
// launches are tied to those of the timeline's run by their order: the k-th launch of a kernel in a
// context of one run is the k-th launch of that kernel in the same context of the other. Contexts
// are paired in the order of their first launches. Where a kernel was launched a different number
// of times, the runs did not do the same, and none of that kernel's launches is matched.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::recorder {

struct LaunchId {
    std::int64_t process = 0;
    std::uint32_t context = 0;
    std::string kernel;
};
struct LaunchMatch {
    std::vector<std::int64_t>
        counted;  // for each launch of the timeline, its place in the other; -1: none
    std::size_t matched = 0;
    std::size_t differing = 0;  // launches of the timeline whose kernel's number differs
};

// Both in the order of launching, process by process.
LaunchMatch matchLaunches(const std::vector<LaunchId>& timeline,
                          const std::vector<LaunchId>& counted);

// Whether a timeline has kernels, so that a run in which they are counted is worth its time.
Result<bool> hasKernels(const std::string& timeline);

// Puts the counters of one file into another, a timeline of the same program. Returns the number of
// kernels that got counters, and says in DIAGNOSTIC_EVENT what did not match.
Result<std::size_t> joinKernelCounters(const std::string& timeline, const std::string& counters);

}  // namespace ridge::recorder
