// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/sample/sampler.h"

#include "base/clock.h"
#include "collector/recorder/processes.h"
#include "collector/recorder/sample/proc_text.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ridge::recorder {
namespace {

constexpr auto kPeriod = std::chrono::milliseconds(100);
constexpr std::uint32_t kClockEvery = 10;       // rounds
constexpr std::uint32_t kDescendantsEvery = 3;  // rounds
constexpr std::size_t kMaxProcesses = 256;

struct CounterName {
    const char* name;
    const char* unit;
};
enum ProcessCounter {
    kCpu,
    kRss,
    kThreads,
    kReadBytes,
    kWriteBytes,
    kMinorFaults,
    kMajorFaults,
    kSwitches,
    kForced
};
constexpr std::array<CounterName, 9> kProcessCounters = {{{"process.cpu", "1"},
                                                          {"process.rss", "B"},
                                                          {"process.threads", "1"},
                                                          {"process.io.read", "B"},
                                                          {"process.io.write", "B"},
                                                          {"process.faults.minor", "1"},
                                                          {"process.faults.major", "1"},
                                                          {"process.switches.voluntary", "1"},
                                                          {"process.switches.forced", "1"}}};

}  // namespace

void Sampler::start(std::int32_t mainPid, bool counters) {
    m_mainPid = mainPid;
    m_counters = counters;
    if (counters) m_nvmlOn = m_nvml.open(m_spool);
    if (counters) m_raplOn = m_rapl.open(m_spool);
    m_started = true;
    try {
        m_thread = std::thread([this] { loop(); });
    } catch (const std::system_error& error) {  // a limit on processes: the program comes first
        m_trouble = fmt::format("no thread for it: {}", error.code().message());
    }
}

void Sampler::stop() {
    if (!std::exchange(m_started, false)) return;
    if (m_thread.joinable()) {
        {
            const std::lock_guard lock(m_mutex);
            m_stop = true;
        }
        m_wake.notify_all();
        m_thread.join();
    }
    m_spool.clockSample();
}

void Sampler::watch(const std::set<std::int32_t>& pids) {
    const std::lock_guard lock(m_mutex);
    m_watched = pids;
}

void Sampler::loop() {
    auto next = std::chrono::steady_clock::now();
    for (;;) {
        try {
            if (m_rounds == 1 || m_rounds % kClockEvery == 0) m_spool.clockSample();
            if (m_counters) round(monotonicNs());
        } catch (const std::exception&) {  // out of memory or a vanished folder: the next round
                                           // tries again
        }
        ++m_rounds;
        m_spool.flush();
        next += kPeriod;
        std::unique_lock lock(m_mutex);
        if (m_wake.wait_until(lock, next, [this] { return m_stop; })) return;
    }
}

void Sampler::round(std::int64_t now) {
    std::set<std::int32_t> pids;
    {
        const std::lock_guard lock(m_mutex);
        pids = m_watched;
    }
    if (m_rounds % kDescendantsEvery == 0) {
        m_descendants.clear();
        addProcessTree(m_mainPid, m_descendants);
    }
    pids.insert(m_descendants.begin(), m_descendants.end());
    for (const std::int32_t pid : pids) sampleProcess(pid, now);
    if (m_threads.due(now)) {
        const std::int64_t start = monotonicNs();
        for (const std::int32_t pid : pids) m_threads.sample(pid, monotonicNs());
        m_threads.endRound(start, monotonicNs());
    }
    sampleCpus(now);
    sampleMachine(now);
    if (m_nvmlOn) m_nvml.sample(now);
    if (m_raplOn) m_rapl.sample(now);
    if (m_also) m_also(now);
}

void Sampler::sampleProcess(std::int32_t pid, std::int64_t now) {
    if (pid <= 0 || (m_processes.size() >= kMaxProcesses && !m_processes.contains(pid))) return;
    ProcessState& state = m_processes[pid];
    if (state.gone) return;
    const std::vector<std::string> field = statFields(fmt::format("/proc/{}/stat", pid));
    if (field.empty()) {
        state.gone = true;
        return;
    }
    if (field.size() < 22 || field[0] == "Z") return;
    if (state.counters.empty())
        for (const CounterName& counter : kProcessCounters)
            state.counters.push_back(m_spool.counter(counter.name, counter.unit, pid, -1));
    const auto number = [&](std::size_t i) { return std::strtod(field[i].c_str(), nullptr); };
    const auto put = [&](ProcessCounter which, double value) {
        m_spool.sample(state.counters[which], now, value);
    };
    static const double tick = static_cast<double>(sysconf(_SC_CLK_TCK));
    static const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
    const double cpu =
        (number(11) + number(12)) / tick;  // utime, stime: fields 14 and 15 of proc(5)
    if (state.cpuSeconds >= 0 && now > state.time)
        put(kCpu, (cpu - state.cpuSeconds) / (static_cast<double>(now - state.time) * 1e-9));
    state.cpuSeconds = cpu;
    state.time = now;
    put(kMinorFaults, number(7));
    put(kMajorFaults, number(9));
    put(kThreads, number(17));
    put(kRss, number(21) * page);
    double value = 0;
    const std::string io = slurp(fmt::format("/proc/{}/io", pid));
    if (numberAfter(io, "rchar:", value)) put(kReadBytes, value);
    if (numberAfter(io, "wchar:", value)) put(kWriteBytes, value);
    const std::string status = slurp(fmt::format("/proc/{}/status", pid));
    if (numberAfter(status, "voluntary_ctxt_switches:", value)) put(kSwitches, value);
    if (numberAfter(status, "nonvoluntary_ctxt_switches:", value)) put(kForced, value);
}

void Sampler::sampleCpus(std::int64_t now) {
    std::istringstream stat(slurp("/proc/stat"));
    for (std::string line; std::getline(stat, line);) {
        if (!line.starts_with("cpu") || line.size() < 4 || line[3] == ' ') continue;
        std::istringstream fields(line);
        std::string name;
        fields >> name;
        std::uint64_t total = 0;
        std::uint64_t idle = 0;
        std::uint64_t value = 0;
        for (int i = 0; i < 8 && fields >> value;
             ++i) {  // user nice system idle iowait irq softirq steal
            total += value;
            if (i == 3 || i == 4) idle += value;
        }
        CpuState& cpu = m_cpus[name];
        if (!cpu.counter) {
            cpu.counter = m_spool.counter("cpu.busy", "1", 0, std::atoi(name.c_str() + 3));
        } else if (total > cpu.total) {
            m_spool.sample(cpu.counter, now,
                           static_cast<double>(total - idle - cpu.busy) /
                               static_cast<double>(total - cpu.total));
        }
        cpu.busy = total - idle;
        cpu.total = total;
    }
}

void Sampler::put(const std::string& name, const char* unit, std::int64_t now, double value) {
    std::uint32_t& id = m_machine[name];
    if (!id) id = m_spool.counter(name, unit, 0, -1);
    m_spool.sample(id, now, value);
}

void Sampler::sampleMachine(std::int64_t now) {
    double value = 0;
    if (numberAfter(slurp("/proc/meminfo"), "MemAvailable:", value))
        put("memory.available", "B", now, value * 1024);
    double readSectors = 0;
    double writtenSectors = 0;
    std::istringstream disks(slurp("/proc/diskstats"));
    for (std::string line; std::getline(disks, line);) {
        std::istringstream fields(line);
        std::string skip, name;
        double f[7] = {};
        fields >> skip >> skip >> name;
        for (double& x : f) fields >> x;
        // Whole disks only: a partition's name ends with a digit, but so does nvme0n1's.
        if (!std::filesystem::exists("/sys/block/" + name) || name.starts_with("loop") ||
            name.starts_with("dm-"))
            continue;
        readSectors += f[2];
        writtenSectors += f[6];
    }
    put("disk.read", "B", now, readSectors * 512);
    put("disk.write", "B", now, writtenSectors * 512);
    for (const char* resource : {"cpu", "memory", "io"}) {
        const std::string text = slurp(fmt::format("/proc/pressure/{}", resource));
        m_pressure = m_pressure || !text.empty();
        const std::size_t some = text.find("total="), full = text.find("total=", some + 1);
        const auto putTotal = [&](const std::string& name, std::size_t at) {  // us
            if (at != std::string::npos)
                put(name, "s", now, std::strtod(text.c_str() + at + 6, nullptr) * 1e-6);
        };
        putTotal(fmt::format("pressure.{}", resource), some);
        if (some != std::string::npos) putTotal(fmt::format("pressure.{}.full", resource), full);
    }
}

}  // namespace ridge::recorder
