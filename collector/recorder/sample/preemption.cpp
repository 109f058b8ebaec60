// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/sample/preemption.h"

#include "base/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <system_error>

namespace ridge::recorder {
namespace {

constexpr std::int64_t kPeriodNs = 2'000'000;
constexpr std::int64_t kSlowestPeriodNs = 50'000'000;
constexpr std::int64_t kLateNs = 500'000;
constexpr double kCostAllowed = 0.0025;  // of the CPU watched
constexpr int kWakesPerLook = 64;
constexpr int kMaxThreads = 64;

}  // namespace

void PreemptionDetector::start() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &set)) continue;
        if (m_threads.size() == kMaxThreads) {
            m_capped = true;
            break;
        }
        try {
            m_threads.emplace_back([this, cpu] { watch(cpu); });
        } catch (const std::system_error&) {
            m_refused = true;
            break;
        }
    }
}

void PreemptionDetector::stop() {
    if (!m_threads.empty()) m_watched = m_threads.size();
    m_stop = true;
    for (std::thread& thread : m_threads) thread.join();
    m_threads.clear();
}

std::string PreemptionDetector::quality() const {
    std::string text;
    if (m_notRealtime > 0)
        text = "no permission for SCHED_FIFO: gaps may also be this machine's own load";
    if (m_refused)
        text += fmt::format("{}the system gave threads for {} CPUs only", text.empty() ? "" : "; ",
                            m_watched);
    if (m_capped)
        text += std::string(text.empty() ? "" : "; ") + "only the first 64 CPUs are watched";
    return text;
}

void PreemptionDetector::watch(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    sched_param priority{};
    priority.sched_priority = 1;
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) != 0) ++m_notRealtime;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL,
          0UL);  // else the kernel may wake us 50 us late to save power
    // Waking costs 2 us on bare metal and ten times that on some virtual machines: the period grows
    // until the cost is bearable.
    std::int64_t period = kPeriodNs;
    std::int64_t cpuBefore = threadCpuNs();
    int wakes = 0;
    std::int64_t deadline = monotonicNs() + period;
    while (!m_stop.load(std::memory_order_relaxed)) {
        const timespec at{deadline / 1'000'000'000, deadline % 1'000'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
        const std::int64_t now = monotonicNs();
        if (now - deadline > kLateNs) m_sink(static_cast<std::uint32_t>(cpu), deadline, now);
        if (++wakes == kWakesPerLook) {
            const std::int64_t cpuNow = threadCpuNs();
            const double perWake = static_cast<double>(cpuNow - cpuBefore) / kWakesPerLook;
            period = std::clamp(static_cast<std::int64_t>(perWake / kCostAllowed), kPeriodNs,
                                kSlowestPeriodNs);
            cpuBefore = cpuNow;
            wakes = 0;
        }
        deadline += period;
        if (deadline < now) deadline = now + period;
    }
    m_periodNs = std::max(m_periodNs.load(), period);
    m_cpuNs += threadCpuNs();
}

}  // namespace ridge::recorder
