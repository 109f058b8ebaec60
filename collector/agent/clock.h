// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The ring's clock: TSC ticks where the kernel itself trusts the TSC, else CNTVCT (aarch64), else
// CLOCK_MONOTONIC nanoseconds. Chosen once per process; never converted here.

#include "schemas/spool/ring_header.h"

#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace ridge::agent {

extern bool g_fastClock __attribute__((visibility("hidden")));  // TSC or CNTVCT

void chooseClock();
spool::ClockKind clockKind();

inline int64_t readClock(clockid_t id) {
    timespec t;
    clock_gettime(id, &t);  // vDSO; cannot fail for the clocks used here
    return int64_t{t.tv_sec} * 1000000000 + t.tv_nsec;
}

inline uint64_t now() {
    if (__builtin_expect(g_fastClock, true)) {
#if defined(__x86_64__)
        return __rdtsc();
#elif defined(__aarch64__)
        uint64_t ticks;
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
        return ticks;
#endif
    }
    return static_cast<uint64_t>(readClock(CLOCK_MONOTONIC));
}

}  // namespace ridge::agent
