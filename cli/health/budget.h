// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The seconds that `ridge health` may take, from its beginning to its end: reading references,
// asking the workloads, measuring, hashing their program, writing the run. Whoever measures asks
// for what is left and ends its processes by then; the reserve is for what comes after. For what
// nobody can ask (a library that hangs while it is loaded, a file system that does not answer) a
// thread of its own ends the program when the budget is over: a scheduler's health check that hangs
// takes the node away.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace ridge::cli {

class Budget {
public:
    // From now on.
    explicit Budget(double seconds);
    [[nodiscard]] double seconds() const { return m_seconds; }
    [[nodiscard]] double elapsed() const;
    // For measuring: without the reserve.
    [[nodiscard]] double remaining() const;
    // To the very end.
    [[nodiscard]] double untilEnd() const { return m_seconds - elapsed(); }

private:
    double m_seconds;
    std::int64_t m_startedNs;
};

// While it lives: when the budget is over, giveUp(what was being done) is called and the process
// ends with the code that it returns, without destructors; the folder of temporary files is
// removed.
class Watchdog {
public:
    Watchdog(const Budget& budget, std::function<int(const std::string&)> giveUp);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    // what: a literal, such as "reading the references".
    void doing(const char* what) { m_doing = what; }
    void removeAtEnd(const std::filesystem::path& folder);

private:
    void watch(double seconds);

    std::function<int(const std::string&)> m_giveUp;
    std::atomic<const char*> m_doing{"beginning"};
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::filesystem::path m_folder;
    bool m_done = false;
    std::thread m_thread;
};

}  // namespace ridge::cli
