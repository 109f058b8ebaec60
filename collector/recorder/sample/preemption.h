// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Preemption gaps of a recording (base/cpu_watch.h): deadlines 2 ms apart, waking more than 0.5 ms late
// is a gap. Without SCHED_FIFO other threads of this machine can be the cause, and quality() says so.
// Cost: at most about 0.25 % of each CPU, since the period grows where waking is dear (periodNs() tells);
// short gaps are then found less often. For a while after a gap the period is the shortest, for at most a
// twentieth of the gap's length.

#include "base/cpu_watch.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace ridge::recorder {

// A gap of a CPU, from the thread that watches it; on CLOCK_MONOTONIC.
using GapSink = std::function<void(std::uint32_t cpu, std::int64_t startNs, std::int64_t endNs)>;

class PreemptionDetector {
public:
    explicit PreemptionDetector(GapSink sink)
        : m_watch({2'000'000, 500'000, 0.0025},
                  [sink = std::move(sink)](int cpu, std::int64_t startNs, std::int64_t endNs) {
                      sink(static_cast<std::uint32_t>(cpu), startNs, endNs);
                  }) {}
    void start() { m_watch.start(); }
    void stop() { m_watch.stop(); }
    // Empty: real-time threads on every CPU. Else what is less good than that.
    [[nodiscard]] std::string quality() const;
    [[nodiscard]] std::int64_t cpuNs() const { return m_watch.cpuNs(); }  // after stop()
    [[nodiscard]] std::int64_t periodNs() const { return m_watch.periodNs(); }

private:
    CpuWatch m_watch;
};

}  // namespace ridge::recorder
