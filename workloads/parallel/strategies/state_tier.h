// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where an offloaded optimizer's state rests: a file of its own below the data folder, mapped into
// memory and without a name from the start, so that nothing stays behind. fetch() and store() copy
// one range of it to and from working memory over an emulated link (B/s, 0: as fast as memory),
// marked as copies with their bytes; asynchronously by one thread, in the order of issue, both
// directions sharing the link.
//
// One thread issues and waits. Working memory that is under way must stay untouched until
// waitFor(ticket) returns. Errors: kMeasurement from create() with the system's text.

#include "base/result.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

namespace ridge::workloads {

class StateTier {
public:
    static Result<std::unique_ptr<StateTier>> create(const std::filesystem::path& folder,
                                                     std::int64_t floats, bool threaded);
    ~StateTier();
    StateTier(const StateTier&) = delete;
    StateTier& operator=(const StateTier&) = delete;

    // Returns a ticket; without a thread the copy is done by then.
    std::uint64_t fetch(std::int64_t offset, std::int64_t count, float* to);
    std::uint64_t store(std::int64_t offset, std::int64_t count, const float* from);
    // Until the copy of that ticket, and those before it, are done.
    void waitFor(std::uint64_t ticket);
    void waitForAll() { waitFor(m_issued); }
    // All zeros, as a new one.
    void clear();
    void setLinkLimit(double bytesPerSecond) { m_link = bytesPerSecond; }

private:
    struct Job {
        const char* name = nullptr;
        const float* from = nullptr;
        float* to = nullptr;
        std::int64_t count = 0;
        double link = 0;
    };
    StateTier(float* base, std::int64_t floats, bool threaded);
    std::uint64_t issue(const Job& job);
    static void perform(const Job& job);
    void copyThread();

    float* m_base;
    std::int64_t m_floats;
    double m_link = 0;
    std::uint64_t m_issued = 0;

    std::mutex m_mutex;  // guards the members below
    std::condition_variable m_changed;
    std::deque<Job> m_jobs;
    std::uint64_t m_done = 0;
    bool m_stop = false;
    std::thread m_thread;
};

}  // namespace ridge::workloads
