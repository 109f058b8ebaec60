// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Sees the host take a CPU away while a roof is sampled (base/cpu_watch.h): kernels under a hypervisor
// often do not know (a steal counter of 0 beside a third of all time lost was measured). Deadlines 1 ms
// apart, waking more than 0.3 ms late is a gap. realtime() says whether other threads of this machine
// are ruled out as the cause. start() to stop() may be called once; gapNs() from any thread after stop().

#include "base/cpu_watch.h"

#include <cstdint>
#include <mutex>
#include <vector>

namespace ridge::workloads {

struct Gap {
    int cpu = 0;
    std::int64_t startNs = 0;
    std::int64_t endNs = 0;
};

class GapWatch {
public:
    void start() { m_watch.start(); }
    void stop() { m_watch.stop(); }
    [[nodiscard]] bool realtime() const { return m_watch.notRealtime() == 0; }
    [[nodiscard]] const std::vector<Gap>& gaps() const { return m_gaps; }

private:
    std::mutex m_mutex;
    std::vector<Gap> m_gaps;
    CpuWatch m_watch{{1'000'000, 300'000, 0}, [this](int cpu, std::int64_t startNs, std::int64_t endNs) {
                         const std::lock_guard lock(m_mutex);
                         m_gaps.push_back({cpu, startNs, endNs});
                     }};
};

// What gaps of this CPU share with [startNs, endNs).
[[nodiscard]] std::int64_t gapNs(const std::vector<Gap>& gaps, int cpu, std::int64_t startNs,
                                 std::int64_t endNs);

}  // namespace ridge::workloads
