// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/clock_state.h"

#include "base/clock.h"
#include "base/file.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sched.h>

namespace ridge::workloads {

double timedHz() {
    constexpr int kTries = 5;
    constexpr std::int64_t kRounds = 25'000, kEach = 8;
    double best = 0;
    for (int i = 0; i < kTries; ++i) {
        std::uint64_t sum = 1;
        // In a register, as far as anybody can tell: processors fold additions of a constant.
        std::uint64_t step = 3;
        asm volatile("" : "+r"(step));
        const std::int64_t start = monotonicNs();
        for (std::int64_t round = 0; round < kRounds; ++round) {
            // Each waits for the one before it; the compiler may not join them.
#pragma GCC unroll 8
            for (std::int64_t each = 0; each < kEach; ++each) {
                sum += step;
                asm volatile("" : "+r"(sum));
            }
        }
        const std::int64_t took = std::max<std::int64_t>(1, monotonicNs() - start);
        best = std::max(best, static_cast<double>(kRounds * kEach) / static_cast<double>(took));
    }
    return best * 1e9;
}

ClockState readClock(const std::string& cpuRoot) {
    ClockState state;
    const std::filesystem::path folder = std::filesystem::path(cpuRoot) /
                                         ("cpu" + std::to_string(std::max(0, sched_getcpu()))) /
                                         "cpufreq";
    state.governor = readLineOr(folder / "scaling_governor");
    const std::string now = readLineOr(folder / "scaling_cur_freq");  // kHz
    state.hz = 1e3 * std::strtod(now.c_str(), nullptr);
    state.source = "cpufreq";
    if (!(state.hz > 0)) {
        state.source = "timed additions";
        state.hz = timedHz();
    }
    return state;
}

}  // namespace ridge::workloads
