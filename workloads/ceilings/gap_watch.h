// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Sees the host take a CPU away while a roof is sampled: kernels under a hypervisor often do not
// know (a steal counter of 0 beside a third of all time lost was measured).
//
// One thread per CPU of the affinity mask (64 at most) sleeps to deadlines 1 ms apart; waking more
// than 0.3 ms late is a gap, from the deadline to the wake-up. With SCHED_FIFO no other thread of
// this machine can be the cause; realtime() says whether that was granted. A gap shorter than a
// period is seen only if it covers a deadline. Times are ns of the monotonic clock. start() to
// stop() may be called once; gapNs() from any thread after stop().

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace ridge::workloads {

struct Gap {
    int cpu = 0;
    std::int64_t startNs = 0;
    std::int64_t endNs = 0;
};

class GapWatch {
public:
    GapWatch() = default;
    ~GapWatch() { stop(); }
    GapWatch(const GapWatch&) = delete;
    GapWatch& operator=(const GapWatch&) = delete;

    void start();
    void stop();
    [[nodiscard]] bool realtime() const { return m_notRealtime == 0; }
    [[nodiscard]] const std::vector<Gap>& gaps() const { return m_gaps; }

private:
    void watch(int cpu);

    std::atomic<bool> m_stop{false};
    std::atomic<int> m_notRealtime{0};
    std::mutex m_mutex;
    std::vector<Gap> m_gaps;
    std::vector<std::thread> m_threads;
};

// What gaps of this CPU share with [startNs, endNs).
[[nodiscard]] std::int64_t gapNs(const std::vector<Gap>& gaps, int cpu, std::int64_t startNs,
                                 std::int64_t endNs);

}  // namespace ridge::workloads
