// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Samples where the program's threads are, with their call stacks, records which CPU they run on and when they leave it,
// and counts cycles, instructions and their kind, through perf_event_open(2), into the recorder's spool.
//
// One event per CPU, on the program, inherited by its threads and children; armed between fork and exec, so that the
// first instruction is in. Call stacks are the kernel's walk along frame pointers: code built without them
// (-fomit-frame-pointer) shows its innermost function and then jumps. Without a PMU (most virtual machines) the CPU
// clock samples in place of cycles. Where the kernel refuses to sample itself, the program alone is seen. For one thread;
// drain() costs a look at each ring. What a full ring made the kernel drop is counted (lost()).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collector/recorder/perf/perf_record.h"
#include "collector/recorder/recorder_spool.h"

namespace ridge::recorder {

struct PerfOptions {
    bool stacks = false;     // sample call stacks
    bool switches = false;   // record context switches
    bool counters = false;   // hardware and software counters of the program as a whole
    std::uint32_t samplesPerSecond = 997;
};

// What the machine allows, without recording: for ridge doctor. Empty: it works.
std::string perfTrouble();
// The same for one hardware event; PERF_COUNT_HW_*.
std::string hardwareTrouble(std::uint64_t event);

class PerfEvents {
public:
    explicit PerfEvents(RecorderSpool& spool) : m_spool(spool) {}
    ~PerfEvents();
    PerfEvents(const PerfEvents&) = delete;
    PerfEvents& operator=(const PerfEvents&) = delete;

    // On a process that has not run exec yet. What cannot be had is off, and its reason says why and what to do.
    void open(std::int32_t pid, const PerfOptions& options);
    // Everything that waits in the rings, in the order of time, to the spool.
    void drain();
    // The counters' values; a few reads.
    void sampleCounters(std::int64_t monotonicNs);

    [[nodiscard]] bool stacksOn() const { return m_stacks; }
    [[nodiscard]] bool switchesOn() const { return m_switches; }
    [[nodiscard]] bool countersOn() const { return !m_counters.empty(); }
    // Why it is off, or what is less than it could be.
    [[nodiscard]] const std::string& reason() const { return m_reason; }
    [[nodiscard]] const std::string& counterReason() const { return m_counterReason; }
    [[nodiscard]] std::uint64_t samples() const { return m_samples; }
    [[nodiscard]] std::uint64_t lost() const { return m_lost; }            // records that the kernel dropped
    [[nodiscard]] std::uint64_t broken() const { return m_broken; }        // records that made no sense
    [[nodiscard]] std::uint64_t throttled() const { return m_throttled; }  // times that the kernel sampled less

private:
    struct Ring {
        int fd;
        void* base;
        std::size_t bytes;  // of the whole map
    };
    struct Waiting {
        std::uint64_t time;
        std::size_t begin, end;  // in m_bytes
    };
    struct CounterFd {
        int fd;
        std::uint32_t id;
    };
    int openOn(std::int32_t pid, int cpu, bool& hardware, bool& kernel, const PerfOptions& options) const;
    bool map(int fd);
    void openCounters(std::int32_t pid);
    void take(const perf::Record& record);
    RecorderSpool& m_spool;
    std::vector<Ring> m_rings;
    std::vector<CounterFd> m_counters;
    std::vector<std::uint8_t> m_scratch, m_bytes;
    std::vector<Waiting> m_waiting;
    bool m_stacks = false, m_switches = false;
    std::string m_reason, m_counterReason;
    std::uint64_t m_samples = 0, m_lost = 0, m_broken = 0, m_throttled = 0;
};

}  // namespace ridge::recorder
