// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/agent/clock.h"

#include "collector/agent/raw.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ridge::agent {

bool g_fastClock = false;

#if defined(__x86_64__)
static bool tscTrusted() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0 || (d & (1u << 8)) == 0) return false;
    const int fd = raw::open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                             O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char text[8] = {};
    const long got = raw::read(fd, text, sizeof text - 1);
    raw::close(fd);
    return got >= 4 && text[0] == 't' && text[1] == 's' && text[2] == 'c' && text[3] == '\n';
}
#endif

void chooseClock() {
#if defined(__x86_64__)
    g_fastClock = tscTrusted();
#elif defined(__aarch64__)
    g_fastClock = true;
#endif
}

spool::ClockKind clockKind() {
#if defined(__x86_64__)
    if (g_fastClock) return spool::ClockKind::kTsc;
#elif defined(__aarch64__)
    if (g_fastClock) return spool::ClockKind::kCntvct;
#endif
    return spool::ClockKind::kMonotonicNs;
}

}  // namespace ridge::agent
