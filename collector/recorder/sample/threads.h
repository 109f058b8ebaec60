// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What each thread of the session's processes did: share of a CPU, share of the time that it waited for one, context
// switches and page faults, as counters "thread.cpu/TID" and so on, from /proc/PID/task. Shares are of one CPU; the others
// grow from the thread's start. Threads that did not run since the last look cost one small read, and get a sample only
// when they stop. The rounds are spread so that looking costs at most kMostShare of one CPU; threads beyond kMostThreads
// are counted (untold()).

#include "collector/recorder/recorder_spool.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace ridge::recorder {

class ThreadSampler {
public:
    static constexpr std::size_t kMostThreads = 512;
    static constexpr double kMostShare = 0.005;

    explicit ThreadSampler(RecorderSpool& spool, std::string procRoot = "/proc") : m_spool(spool), m_proc(std::move(procRoot)) {}
    // Cheap where it is not time yet for another round.
    void sample(std::int32_t pid, std::int64_t monotonicNs);
    // Ends a round over all processes, whose cost decides when the next is due.
    void endRound(std::int64_t startNs, std::int64_t endNs);
    [[nodiscard]] bool due(std::int64_t monotonicNs) const { return monotonicNs >= m_next; }
    [[nodiscard]] std::uint64_t untold() const { return m_untold; }
    [[nodiscard]] std::size_t threads() const { return m_threads.size(); }

private:
    struct Thread {
        std::array<std::uint32_t, 6> counters{};
        std::uint64_t runNs = 0, waitNs = 0;
        std::int64_t time = 0;  // 0: not seen before
        bool idle = false;
        std::uint64_t round = 0;
    };
    void sampleThread(std::int32_t pid, std::int32_t tid, std::int64_t now);
    RecorderSpool& m_spool;
    std::string m_proc;
    std::map<std::pair<std::int32_t, std::int32_t>, Thread> m_threads;
    std::int64_t m_next = 0;
    std::uint64_t m_round = 0, m_untold = 0;
};

}  // namespace ridge::recorder
