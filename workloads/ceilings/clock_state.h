// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The clock that a roof was measured at. Where the kernel tells (cpufreq) its governor and
// frequency; elsewhere, as in most virtual machines, the rate of dependent additions: one a cycle
// on every processor of the last decades, so their rate is the frequency while the CPU was ours.
// Hz.

#include <string>

namespace ridge::workloads {

struct ClockState {
    std::string governor;  // empty: not readable here
    std::string source;    // "cpufreq", "timed additions"
    double hz = 0;         // 0: unknown
};

// Of the CPU that this thread runs on; takes up to half a millisecond.
[[nodiscard]] ClockState readClock(
    const std::string& cpuRoot = "/sys/devices/system/cpu");  // the folder with cpu0, cpu1, ...
// The timed additions alone: the best of a few tries.
[[nodiscard]] double timedHz();

}  // namespace ridge::workloads
