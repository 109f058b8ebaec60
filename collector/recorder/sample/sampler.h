// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Samples the processes of the session, their threads, and the machine every 100 ms, and reads the clocks every
// second, into the recorder's spool, from a thread of its own. Shares are of one CPU (1.0 = one CPU
// busy).

#include "collector/recorder/recorder_spool.h"
#include "collector/recorder/sample/nvml.h"
#include "collector/recorder/sample/rapl.h"
#include "collector/recorder/sample/threads.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace ridge::recorder {

class Sampler {
public:
    explicit Sampler(RecorderSpool& spool) : m_spool(spool) {}
    ~Sampler() { stop(); }
    Sampler(const Sampler&) = delete;
    Sampler& operator=(const Sampler&) = delete;
    // counters: false = clock readings only. Where the system gives us no thread, nothing is sampled
    // and trouble() says why.
    void start(std::int32_t mainPid, bool counters);
    void stop();
    // Called with each sample, from the sampling thread, until stop(). Before start().
    void also(std::function<void(std::int64_t)> sample) { m_also = std::move(sample); }
    // Processes that carry an agent, beside the descendants of the main process.
    void watch(const std::set<std::int32_t>& pids);
    [[nodiscard]] bool nvmlOn() const { return m_nvmlOn; }  // after start()
    [[nodiscard]] const std::string& trouble() const { return m_trouble; }
    [[nodiscard]] const std::string& nvmlReason() const { return m_nvml.reason(); }

    [[nodiscard]] bool raplOn() const { return m_raplOn; }
    [[nodiscard]] const std::string& raplReason() const { return m_rapl.reason(); }
    // After stop().
    [[nodiscard]] bool pressureOn() const { return m_pressure; }
    [[nodiscard]] std::uint64_t untoldThreads() const { return m_threads.untold(); }

private:
    struct ProcessState {
        std::vector<std::uint32_t> counters;
        double cpuSeconds = -1;
        std::int64_t time = 0;
        bool gone = false;
    };
    struct CpuState {
        std::uint32_t counter = 0;
        std::uint64_t busy = 0;
        std::uint64_t total = 0;
    };
    void loop();
    void round(std::int64_t now);
    void sampleProcess(std::int32_t pid, std::int64_t now);
    void sampleCpus(std::int64_t now);
    void sampleMachine(std::int64_t now);
    void put(const std::string& name, const char* unit, std::int64_t now, double value);

    RecorderSpool& m_spool;
    Nvml m_nvml;
    Rapl m_rapl;
    ThreadSampler m_threads{m_spool};
    std::function<void(std::int64_t)> m_also;
    bool m_nvmlOn = false, m_raplOn = false, m_pressure = false;
    bool m_counters = false;
    std::int32_t m_mainPid = 0;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_stop = false;
    std::set<std::int32_t> m_watched;
    std::set<std::int32_t> m_descendants;
    std::map<std::int32_t, ProcessState> m_processes;
    std::map<std::string, CpuState> m_cpus;
    std::map<std::string, std::uint32_t> m_machine;
    std::uint32_t m_rounds = 0;
    std::thread m_thread;
    std::string m_trouble;
    bool m_started = false;
};

}  // namespace ridge::recorder
