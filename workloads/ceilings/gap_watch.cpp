// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/gap_watch.h"

#include "base/clock.h"

#include <algorithm>
#include <ctime>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <system_error>

namespace ridge::workloads {
namespace {

constexpr std::int64_t kPeriodNs = 1'000'000;
constexpr std::int64_t kLateNs = 300'000;
constexpr int kMaxThreads = 64;

}  // namespace

void GapWatch::start() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return;
    for (int cpu = 0; cpu < CPU_SETSIZE && m_threads.size() < kMaxThreads; ++cpu) {
        if (!CPU_ISSET(cpu, &set)) continue;
        try {
            m_threads.emplace_back([this, cpu] { watch(cpu); });
        } catch (const std::system_error&) {
            return;  // fewer are watched
        }
    }
}

void GapWatch::stop() {
    m_stop = true;
    for (std::thread& thread : m_threads) thread.join();
    m_threads.clear();
}

void GapWatch::watch(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    sched_param priority{};
    priority.sched_priority = 1;
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) != 0) ++m_notRealtime;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    std::int64_t deadline = monotonicNs() + kPeriodNs;
    while (!m_stop.load(std::memory_order_relaxed)) {
        const timespec at{deadline / 1'000'000'000, deadline % 1'000'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
        const std::int64_t now = monotonicNs();
        if (now - deadline > kLateNs) {
            const std::lock_guard lock(m_mutex);
            m_gaps.push_back({cpu, deadline, now});
        }
        deadline = std::max(deadline + kPeriodNs, now);
    }
}

std::int64_t gapNs(const std::vector<Gap>& gaps, int cpu, std::int64_t startNs,
                   std::int64_t endNs) {
    std::int64_t sum = 0;
    for (const Gap& gap : gaps)
        if (gap.cpu == cpu)
            sum += std::max<std::int64_t>(
                0, std::min(gap.endNs, endNs) - std::max(gap.startNs, startNs));
    return sum;
}

}  // namespace ridge::workloads
