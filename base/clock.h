// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The clocks of Linux in nanoseconds, as plain functions. Cost: about 20 to 40 ns each.

#include <cstdint>

#include <ctime>

namespace ridge {

inline std::int64_t readClockNs(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}
inline std::int64_t monotonicNs() { return readClockNs(CLOCK_MONOTONIC); }
inline std::int64_t realtimeNs() { return readClockNs(CLOCK_REALTIME); }
inline std::int64_t threadCpuNs() { return readClockNs(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace ridge
