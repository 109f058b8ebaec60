// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where an offloaded optimizer's state rests, away from working memory. fetch() and store() copy
// one range of it to and from there, marked as copies with their bytes, in the order of issue.
// Working memory that is under way must stay untouched until waitFor(ticket).
//
//   on a CPU   a file of its own below the data folder, mapped into memory and without a name from
//              the start, so that nothing stays behind; over an emulated link (B/s, 0: as fast as
//              memory) that both directions share, by one thread where asked for
//   on a GPU   page-locked host memory over the real link, each direction on a stream of its own
//              where asked for; it is the operators issued after waitFor() that wait, and the host
//              goes on
//
// One thread issues and waits. Errors: kMeasurement from create...() with the system's text.

#include "workloads/ops/copy_streams.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace ridge::workloads {

class StateTier {
public:
    virtual ~StateTier() = default;
    StateTier() = default;
    StateTier(const StateTier&) = delete;
    StateTier& operator=(const StateTier&) = delete;

    // Returns a ticket; where nothing is asynchronous the copy is done by then.
    virtual std::uint64_t fetch(std::int64_t offset, std::int64_t count, float* to) = 0;
    virtual std::uint64_t store(std::int64_t offset, std::int64_t count, const float* from) = 0;
    // Until the copy of that ticket, and those of its direction before it, are done.
    virtual void waitFor(std::uint64_t ticket) = 0;
    virtual void waitForAll() = 0;
    // All zeros, as a new one; nothing may be under way.
    virtual void clear() = 0;
    // Emulated; a real link is what it is.
    virtual void setLinkLimit(double /*bytesPerSecond*/) {}
};

class MappedStateTier final : public StateTier {
public:
    static Result<std::unique_ptr<StateTier>> create(const std::filesystem::path& folder,
                                                     std::int64_t floats, bool threaded);
    ~MappedStateTier() override;

    std::uint64_t fetch(std::int64_t offset, std::int64_t count, float* to) override;
    std::uint64_t store(std::int64_t offset, std::int64_t count, const float* from) override;
    void waitFor(std::uint64_t ticket) override;
    void waitForAll() override { waitFor(m_issued); }
    void clear() override;
    void setLinkLimit(double bytesPerSecond) override { m_link = bytesPerSecond; }

private:
    struct Job {
        const char* name = nullptr;
        const float* from = nullptr;
        float* to = nullptr;
        std::int64_t count = 0;
        double link = 0;
    };
    MappedStateTier(float* base, std::int64_t floats, bool threaded);
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

class PinnedStateTier final : public StateTier {
public:
    // The operators outlive it. Not overlapped: operators wait for every copy.
    static Result<std::unique_ptr<StateTier>> create(Operators& ops, CopyStreams& streams,
                                                     std::int64_t floats, bool overlapped);

    std::uint64_t fetch(std::int64_t offset, std::int64_t count, float* to) override;
    std::uint64_t store(std::int64_t offset, std::int64_t count, const float* from) override;
    void waitFor(std::uint64_t ticket) override;
    void waitForAll() override { m_streams.waitForCopies(); }
    void clear() override;

private:
    PinnedStateTier(CopyStreams& streams, float* base, std::int64_t floats, bool overlapped)
        : m_streams(streams), m_base(base), m_floats(floats), m_overlapped(overlapped) {}

    CopyStreams& m_streams;
    float* m_base;
    std::int64_t m_floats;
    bool m_overlapped;
    // Of each place in working memory the last store from it: what is fetched into it comes after.
    std::map<const float*, std::uint64_t> m_stores;
};

}  // namespace ridge::workloads
