// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/sample/threads.h"

#include "collector/recorder/sample/proc_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <dirent.h>

namespace ridge::recorder {
namespace {

struct CounterName {
    const char* name;
    const char* unit;
};
enum Which { kCpu, kWait, kVoluntary, kForced, kMinor, kMajor };
constexpr std::array<CounterName, 6> kCounters = {{{"thread.cpu", "1"},
                                                   {"thread.wait", "1"},
                                                   {"thread.switches.voluntary", "1"},
                                                   {"thread.switches.forced", "1"},
                                                   {"thread.faults.minor", "1"},
                                                   {"thread.faults.major", "1"}}};
constexpr std::size_t kMinorField = 7, kMajorField = 9;  // of statFields(): fields 10 and 12 of proc(5)

}  // namespace

void ThreadSampler::sample(std::int32_t pid, std::int64_t now) {
    DIR* folder = opendir(fmt::format("{}/{}/task", m_proc, pid).c_str());
    if (folder == nullptr) return;
    while (const dirent* entry = readdir(folder)) {
        std::int32_t tid = 0;
        const auto [end, error] = std::from_chars(entry->d_name, entry->d_name + std::strlen(entry->d_name), tid);
        if (error == std::errc{} && *end == '\0') sampleThread(pid, tid, now);
    }
    closedir(folder);
}

void ThreadSampler::sampleThread(std::int32_t pid, std::int32_t tid, std::int64_t now) {
    const std::string folder = fmt::format("{}/{}/task/{}", m_proc, pid, tid);
    unsigned long long run = 0, wait = 0;
    if (std::sscanf(slurp(folder + "/schedstat").c_str(), "%llu %llu", &run, &wait) != 2) return;  // gone
    auto found = m_threads.find({pid, tid});
    if (found == m_threads.end()) {
        if (m_threads.size() >= kMostThreads) {
            // What is gone makes room.
            std::erase_if(m_threads, [&](const auto& thread) { return thread.second.round + 1 < m_round; });
            if (m_threads.size() >= kMostThreads) {
                ++m_untold;
                return;
            }
        }
        found = m_threads.try_emplace({pid, tid}).first;
        for (std::size_t i = 0; i < kCounters.size(); ++i)
            found->second.counters[i] = m_spool.counter(fmt::format("{}/{}", kCounters[i].name, tid), kCounters[i].unit, pid, -1);
    }
    Thread& thread = found->second;
    thread.round = m_round;
    const bool first = thread.time == 0 || run < thread.runNs;  // or another thread with the same number
    const bool idle = !first && run == thread.runNs && wait == thread.waitNs;
    const auto elapsed = static_cast<double>(now - thread.time);
    if (!first && !(idle && thread.idle) && elapsed > 0) {
        m_spool.sample(thread.counters[kCpu], now, static_cast<double>(run - thread.runNs) / elapsed);
        m_spool.sample(thread.counters[kWait], now, static_cast<double>(wait - std::min<std::uint64_t>(thread.waitNs, wait)) / elapsed);
    }
    thread.idle = idle;
    thread.runNs = run;
    thread.waitNs = wait;
    thread.time = now;
    if (idle) return;
    double value = 0;
    const std::string status = slurp(folder + "/status");
    if (numberAfter(status, "voluntary_ctxt_switches:", value)) m_spool.sample(thread.counters[kVoluntary], now, value);
    if (numberAfter(status, "nonvoluntary_ctxt_switches:", value)) m_spool.sample(thread.counters[kForced], now, value);
    const std::vector<std::string> stat = statFields(folder + "/stat");
    if (stat.size() <= kMajorField) return;
    m_spool.sample(thread.counters[kMinor], now, std::strtod(stat[kMinorField].c_str(), nullptr));
    m_spool.sample(thread.counters[kMajor], now, std::strtod(stat[kMajorField].c_str(), nullptr));
}

void ThreadSampler::endRound(std::int64_t startNs, std::int64_t endNs) {
    ++m_round;
    m_next = startNs + static_cast<std::int64_t>(static_cast<double>(endNs - startNs) / kMostShare);
}

}  // namespace ridge::recorder
