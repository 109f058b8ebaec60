// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// How often the CPUs are looked at, in simulated time.
#include "base/cpu_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace ridge {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr CpuWatchOptions kOptions{2 * kMs, kMs / 2, 0.0025};

struct Seen {
    std::int64_t gapNs = 0, cpuNs = 0;
};

// Somebody has the CPU for the first `busyMs` of every `periodMs`, from one second on; waking costs `wakeNs`.
Seen watched(std::int64_t busyMs, std::int64_t periodMs, std::int64_t wakeNs, std::int64_t seconds) {
    Seen seen;
    WatchPace pace(kOptions, [&] { return seen.cpuNs; });
    std::int64_t deadline = kOptions.periodNs;
    while (deadline < seconds * 1'000 * kMs) {
        const std::int64_t phase = deadline % (periodMs * kMs);
        const bool taken = deadline >= 1'000 * kMs && phase < busyMs * kMs;
        const std::int64_t now = taken ? deadline - phase + busyMs * kMs : deadline;
        seen.cpuNs += wakeNs;
        const std::int64_t gap = now - deadline > kOptions.lateNs ? now - deadline : 0;
        seen.gapNs += gap;
        deadline = std::max(deadline + pace.next(gap), now);
    }
    return seen;
}

TEST(WatchPace, QuietWatchingCostsWhatIsAllowed) {
    EXPECT_NEAR(static_cast<double>(watched(0, 50, 2'000, 10).cpuNs), 10e9 * 0.001, 10e9 * 0.0001);  // the shortest period
    EXPECT_NEAR(static_cast<double>(watched(0, 50, 50'000, 10).cpuNs), 10e9 * 0.0025, 10e9 * 0.0004);
}

// Where waking costs 50 us the period grows to 20 ms: of gaps of 30 ms in 50 it would see less than half of the time.
TEST(WatchPace, GapsThatComeAgainAreSeenNearlyWhole) {
    for (const std::int64_t wakeNs : {2'000, 20'000, 50'000}) {
        const Seen seen = watched(30, 50, wakeNs, 11);
        EXPECT_GT(static_cast<double>(seen.gapNs), 10e9 * 0.56) << wakeNs;  // of 60 %
        EXPECT_LE(static_cast<double>(seen.gapNs), 10e9 * 0.60) << wakeNs;
        // What is allowed, and a twentieth of what was found.
        EXPECT_LT(static_cast<double>(seen.cpuNs), 11e9 * 0.0030 + 0.05 * static_cast<double>(seen.gapNs)) << wakeNs;
    }
}

TEST(WatchPace, WithoutALimitThePeriodStays) {
    WatchPace pace({kMs, kMs / 2, 0}, [] { return std::int64_t{0}; });
    for (int i = 0; i < 200; ++i) EXPECT_EQ(pace.next(i % 7 * kMs), kMs);
}

}  // namespace
}  // namespace ridge
