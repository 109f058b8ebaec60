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
constexpr double kPaidByGap = 0.05;      // of its length
constexpr double kMostPaidNs = 10e6;  // what many gaps paid for together is over soon after them
constexpr std::size_t kMaxThreads = 64;

}  // namespace

std::int64_t WatchPace::next(std::int64_t gapNs) {
    if (m_options.costAllowed <= 0) return m_period;
    if (++m_wakes == kWakesPerLook) {
        // Waking costs 2 us on bare metal and ten times that on some virtual machines.
        const std::int64_t cpu = m_cpuNs();
        m_perWake = static_cast<double>(cpu - m_cpuBefore) / kWakesPerLook;
        m_period = std::clamp(static_cast<std::int64_t>(m_perWake / m_options.costAllowed), m_options.periodNs, kSlowestPeriodNs);
        m_cpuBefore = cpu;
        m_wakes = 0;
    }
    m_paid = std::min(m_paid + kPaidByGap * static_cast<double>(gapNs), kMostPaidNs);
    if (m_period == m_options.periodNs || m_paid < m_perWake) return m_period;
    m_paid -= m_perWake;
    return m_options.periodNs;
}

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
    WatchPace pace(m_options, threadCpuNs);
    std::int64_t deadline = monotonicNs() + m_options.periodNs;
    while (!m_stop.load(std::memory_order_relaxed)) {
        const timespec at{deadline / 1'000'000'000, deadline % 1'000'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
        const std::int64_t now = monotonicNs();
        const bool gap = now - deadline > m_options.lateNs;
        if (gap) m_sink(cpu, deadline, now);
        const std::int64_t period = pace.next(gap ? now - deadline : 0);
        deadline += period;
        if (deadline < now) deadline = now + period;
    }
    const std::int64_t period = pace.periodNs();
    m_cpuNs += threadCpuNs();
    std::int64_t longest = m_periodNs;
    while (longest < period && !m_periodNs.compare_exchange_weak(longest, period)) {
    }
}

}  // namespace ridge
