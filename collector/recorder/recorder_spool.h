// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The recorder's own records: clock readings, counters, preemption gaps, diagnostics, in
// recorder.spool. Times are CLOCK_MONOTONIC ns; only ClockSample.ticks are of the cycle counter,
// whose kind stands in bits 8 and up of the record's id. Safe for several threads. A failed write
// loses samples, which are counted; what they refer to is kept and written once there is room.

#include "base/result.h"
#include "schemas/spool/ring_header.h"
#include "schemas/spool/sample_records.h"

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ridge::recorder {

class RecorderSpool {
public:
    RecorderSpool() = default;
    ~RecorderSpool();
    RecorderSpool(const RecorderSpool&) = delete;
    RecorderSpool& operator=(const RecorderSpool&) = delete;
    Status open(const std::string& path);

    // A reading of all clocks at once: the tightest of a few tries.
    void clockSample();
    std::uint32_t counter(std::string_view name, std::string_view unit, std::int32_t pid,
                          std::int32_t device);
    void sample(std::uint32_t counterId, std::int64_t monotonicNs, double value);
    // What perf events saw; the addresses of a sample stand behind it.
    void cpuSample(spool::CpuSample sample, std::span<const std::uint64_t> addresses);
    void codeMap(spool::CodeMap map, std::string_view path);
    void schedSwitch(spool::SchedSwitch event);
    void gap(std::uint32_t cpu, std::int64_t startNs, std::int64_t endNs);
    void diagnostic(std::uint32_t severity, std::string_view text);
    void processEnd(std::int32_t pid, std::int64_t monotonicNs);
    void threadNumber(std::int32_t pid, std::int32_t tid, std::int32_t innerTid);
    void flush();
    [[nodiscard]] std::uint64_t lost();
    [[nodiscard]] std::uint64_t bytes();  // written so far

private:
    std::uint32_t nameLocked(std::string_view text);
    template <typename Record>
    void appendLocked(const Record& record, std::string_view tail = {});
    void flushLocked();
    void keepDefinitionsLocked();
    std::mutex m_mutex;
    int m_fd = -1;
    std::uint64_t m_offset = 0;
    std::uint64_t m_lost = 0;
    std::uint64_t m_pending = 0;  // records in the buffer
    std::uint32_t m_counters = 0;
    std::vector<char> m_buffer;
    std::unordered_map<std::string, std::uint32_t> m_names;
};

// Ticks of the cycle counter and their kind; CLOCK_MONOTONIC where there is none.
std::uint64_t readTicks();
// The rate of the cycle counter over 10 ms: good enough until there are readings a second apart; 0:
// it does not run.
double measureNsPerTick();
spool::ClockKind ticksKind();

}  // namespace ridge::recorder
