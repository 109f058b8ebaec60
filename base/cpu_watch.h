// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Notices when a CPU did none of this machine's work, be it that the host took it away: one thread per
// CPU of the affinity mask (64 at most) sleeps to deadlines a period apart; waking late is a gap, from
// the deadline to the wake-up. With SCHED_FIFO no other thread of this machine can be the cause;
// notRealtime() says on how many CPUs that was refused. A gap shorter than a period is seen only if it
// covers a deadline, and what lies before a deadline is not counted. Times: ns of CLOCK_MONOTONIC. start() and stop()
// may be called once.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace ridge {

struct CpuWatchOptions {
    std::int64_t periodNs = 1'000'000;
    std::int64_t lateNs = 300'000;  // later than this is a gap
    // Share of a CPU that watching may cost: the period grows where waking is dear. 0: it stays.
    double costAllowed = 0;
};

// When to wake next. Where waking is dear the period grows until it costs what is allowed; but a gap that was found
// pays, with a twentieth of its length, for wakes at the shortest period: gaps come again, and of one of 30 ms a
// period of 10 ms would miss 5.
class WatchPace {
public:
    // cpuNs: CPU time of the watching thread so far; asked at one wake in 64.
    WatchPace(const CpuWatchOptions& options, std::function<std::int64_t()> cpuNs)
        : m_options(options), m_cpuNs(std::move(cpuNs)), m_period(options.periodNs), m_cpuBefore(m_cpuNs()) {}
    // After a wake: the gap that it found (0: none). ns until the next deadline.
    std::int64_t next(std::int64_t gapNs);
    [[nodiscard]] std::int64_t periodNs() const { return m_period; }  // where no gap has paid

private:
    CpuWatchOptions m_options;
    std::function<std::int64_t()> m_cpuNs;
    std::int64_t m_period, m_cpuBefore;
    int m_wakes = 0;
    double m_perWake = 0;  // CPU time; 0: not known yet
    double m_paid = 0;     // CPU time that gaps have paid for
};

class CpuWatch {
public:
    // From the thread that watches, so several at once.
    using Sink = std::function<void(int cpu, std::int64_t startNs, std::int64_t endNs)>;

    CpuWatch(const CpuWatchOptions& options, Sink sink)
        : m_options(options), m_sink(std::move(sink)) {}
    ~CpuWatch() { stop(); }
    CpuWatch(const CpuWatch&) = delete;
    CpuWatch& operator=(const CpuWatch&) = delete;

    void start();
    void stop();
    [[nodiscard]] int notRealtime() const { return m_notRealtime; }
    [[nodiscard]] std::size_t watched() const { return m_watched; }  // CPUs
    [[nodiscard]] bool capped() const { return m_capped; }    // there are more than 64
    [[nodiscard]] bool refused() const { return m_refused; }  // the system gave no more threads
    [[nodiscard]] std::int64_t cpuNs() const { return m_cpuNs; }        // after stop(), of all threads
    [[nodiscard]] std::int64_t periodNs() const { return m_periodNs; }  // after stop(), the longest

private:
    void watch(int cpu);

    CpuWatchOptions m_options;
    Sink m_sink;
    std::atomic<bool> m_stop{false};
    std::atomic<int> m_notRealtime{0};
    std::atomic<std::int64_t> m_cpuNs{0}, m_periodNs{0};
    std::vector<std::thread> m_threads;
    std::size_t m_watched = 0;
    bool m_capped = false, m_refused = false;
};

}  // namespace ridge
