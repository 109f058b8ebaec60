// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "base/cpu_watch.h"

#include "base/clock.h"

#include <algorithm>
#include <ctime>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <system_error>

namespace ridge {
namespace {

constexpr std::int64_t kSlowestPeriodNs = 50'000'000;
constexpr int kWakesPerLook = 64;
constexpr std::size_t kMaxThreads = 64;

}  // namespace

void CpuWatch::start() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &set)) continue;
        m_capped = m_threads.size() == kMaxThreads;
        if (m_capped) break;
        try {
            m_threads.emplace_back([this, cpu] { watch(cpu); });
        } catch (const std::system_error&) {
            m_refused = true;
            break;
        }
    }
    m_watched = m_threads.size();
}

void CpuWatch::stop() {
    m_stop = true;
    for (std::thread& thread : m_threads) thread.join();
    m_threads.clear();
}

void CpuWatch::watch(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    sched_param priority{};
    priority.sched_priority = 1;
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) != 0) ++m_notRealtime;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL,
          0UL);  // else the kernel may wake us 50 us late to save power
    std::int64_t period = m_options.periodNs;
    std::int64_t cpuBefore = threadCpuNs();
    int wakes = 0;
    std::int64_t deadline = monotonicNs() + period;
    while (!m_stop.load(std::memory_order_relaxed)) {
        const timespec at{deadline / 1'000'000'000, deadline % 1'000'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
        const std::int64_t now = monotonicNs();
        if (now - deadline > m_options.lateNs) m_sink(cpu, deadline, now);
        // Waking costs 2 us on bare metal and ten times that on some virtual machines.
        if (m_options.costAllowed > 0 && ++wakes == kWakesPerLook) {
            const std::int64_t cpuNow = threadCpuNs();
            const double perWake = static_cast<double>(cpuNow - cpuBefore) / kWakesPerLook;
            period = std::clamp(static_cast<std::int64_t>(perWake / m_options.costAllowed),
                                m_options.periodNs, kSlowestPeriodNs);
            cpuBefore = cpuNow;
            wakes = 0;
        }
        deadline += period;
        if (deadline < now) deadline = now + period;
    }
    m_cpuNs += threadCpuNs();
    std::int64_t longest = m_periodNs;
    while (longest < period && !m_periodNs.compare_exchange_weak(longest, period)) {
    }
}

}  // namespace ridge
