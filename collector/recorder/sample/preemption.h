// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Measures when a CPU ran nothing of this machine's work, be it that the host took it away: a
// thread on each CPU sleeps to absolute deadlines 2 ms apart; waking more than 0.5 ms late is a gap
// from the deadline to the wake-up. With SCHED_FIFO other threads of this machine cannot be the
// cause; without, they can, and quality() says so. Cost: at most about 0.25 % of each CPU, since
// the period grows where waking is dear; a gap is then seen only if it covers a deadline, so short
// ones are found less often (periodNs() tells).

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ridge::recorder {

// A gap of a CPU, from the thread that watches it; on CLOCK_MONOTONIC.
using GapSink = std::function<void(std::uint32_t cpu, std::int64_t startNs, std::int64_t endNs)>;

class PreemptionDetector {
public:
    explicit PreemptionDetector(GapSink sink) : m_sink(std::move(sink)) {}
    ~PreemptionDetector() { stop(); }
    PreemptionDetector(const PreemptionDetector&) = delete;
    PreemptionDetector& operator=(const PreemptionDetector&) = delete;
    // One thread per CPU of our affinity mask, 64 at most.
    void start();
    void stop();
    // Empty: real-time threads on every CPU. Else what is less good than that.
    [[nodiscard]] std::string quality() const;
    [[nodiscard]] std::int64_t cpuNs() const { return m_cpuNs; }  // after stop(), of all threads
    [[nodiscard]] std::int64_t periodNs() const {
        return m_periodNs;
    }  // after stop(), the longest one's

private:
    void watch(int cpu);
    GapSink m_sink;
    std::atomic<bool> m_stop{false};
    std::atomic<int> m_notRealtime{0};
    std::atomic<std::int64_t> m_cpuNs{0};
    std::atomic<std::int64_t> m_periodNs{0};
    std::vector<std::thread> m_threads;
    std::size_t m_watched = 0;  // CPUs, after stop()
    bool m_capped = false, m_refused = false;
};

}  // namespace ridge::recorder
