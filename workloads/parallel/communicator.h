// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Collectives between the ranks of a run. Every collective of the set goes through here, so that
// each is a ridge::WorkRange of kind collective with this rank's wire bytes (ring: all-reduce
// 2(n-1)/n * S, broadcast S from the root on), the communicator's id (equal on all ranks) and a
// sequence number (equal on all ranks, counted in the order of issue).
//
// allReduceSumAsync runs on a communication thread; below kAsyncBytes it is done at once by the
// caller, because the hand-over costs more than it hides. Calls are issued by one thread, in the
// same order on every rank. A link limit (bytes per second) emulates a slower fabric: a collective
// then takes at least wire bytes / limit. Errors: kMeasurement with the library's text.

#include "base/result.h"
#include "workloads/parallel/rank_env.h"
#include "workloads/parallel/transport.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>

namespace ridge::workloads {

// Bytes that one rank of n sends in a ring all-reduce of S bytes: 2(n-1)/n * S.
double ringAllReduceWireBytes(double bytes, int ranks);

class Communicator {
public:
    static constexpr std::size_t kAsyncBytes = std::size_t{1} << 20;

    // Takes over a started transport.
    static Result<std::unique_ptr<Communicator>> create(const ridge_transport_t& transport);
    ~Communicator();
    Communicator(const Communicator&) = delete;
    Communicator& operator=(const Communicator&) = delete;

    [[nodiscard]] int rank() const { return m_rank; }
    [[nodiscard]] int size() const { return m_size; }
    [[nodiscard]] std::uint64_t id() const { return m_id; }

    // In place, in the calling thread.
    Status allReduceSum(std::span<float> data, const char* name = "comm.allreduce");
    // In place; data must stay untouched until wait() returns.
    Status allReduceSumAsync(std::span<float> data, const char* name = "comm.allreduce");
    // Waits for every collective that was issued, and returns the first error of any.
    Status wait();
    Status broadcast(std::span<std::byte> data, int root, const char* name = "comm.broadcast");

    // For the harness, not for workloads: no range, no sequence number.
    Status controlBroadcast(void* data, std::size_t bytes, int root);
    Status barrier();
    // True when ok is true on every rank.
    Result<bool> allAgree(bool ok);

    // 0 = the fabric as it is.
    void setLinkLimit(double bytesPerSecond) { m_linkLimit = bytesPerSecond; }
    // Ends the run on all ranks: for errors after which the others would wait for ever.
    void abortAll(int exitCode) { m_transport.abortAll(exitCode); }

private:
    struct Job {
        std::span<float> data;
        std::string name;
        std::uint64_t sequence = 0;
        double linkLimit = 0;
    };

    explicit Communicator(const ridge_transport_t& transport);
    Status toStatus(int error, const char* what) const;
    Status reduceOn(int channel, const Job& job);
    void communicationThread();

    const ridge_transport_t& m_transport;
    int m_rank = 0;
    int m_size = 1;
    std::uint64_t m_id = 0;
    std::uint64_t m_sequence = 0;
    double m_linkLimit = 0;

    std::mutex m_mutex;  // guards the members below
    std::condition_variable m_changed;
    std::deque<Job> m_jobs;
    bool m_busy = false;
    bool m_stop = false;
    Status m_asyncStatus;
    std::thread m_thread;  // started by the first asynchronous call
};

// Loads libridge_mpi.so from beside the executable (../lib, then the same folder) and starts it.
// kUnsupported: no such library or no MPI on this machine. kBadInput: MPI's size is not the
// launcher's.
Result<std::unique_ptr<Communicator>> startMpi(const RankInfo& launcher);

}  // namespace ridge::workloads
