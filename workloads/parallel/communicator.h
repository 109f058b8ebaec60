// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Collectives between the ranks of a run. Every collective of the set goes through here, so that
// each is a ridge::WorkRange of kind collective with this rank's wire bytes (formulas/parallel.h:
// ring), the communicator's id (equal on all ranks) and a sequence number (equal on all ranks,
// counted in the order of issue).
//
// The ...Async forms run on a communication thread; below kAsyncBytes they are done at once by the
// caller, because the hand-over costs more than it hides. Calls are issued by one thread, in the
// same order on every rank; asynchronous ones are done in the order of issue. Their memory must
// stay untouched until waitFor(lastSequence() right after the call) or wait() returns.
//
// S, which decides the wire bytes, is the whole array (nccl-tests): what all-reduce, all-to-all and
// reduce-scatter take, what all-gather gives. In place: see transport.h. A message between two
// ranks only belongs on a communicator of these two (split), so that both count alike.
//
// A link limit (bytes per second, seconds per hop) emulates a slower fabric: a collective then
// takes at least its ring time on that link. Errors: kMeasurement with the library's text,
// kInternal for sizes that do not fit.

#include "base/result.h"
#include "workloads/formulas/parallel.h"
#include "workloads/parallel/rank_env.h"
#include "workloads/parallel/transport.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <ridge/work.h>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace ridge::workloads {

// Bytes that one rank of n sends in a ring all-reduce of S bytes: 2(n-1)/n * S.
double ringAllReduceWireBytes(double bytes, int ranks);

// "allreduce", "allgather", "reducescatter", "alltoall", "broadcast", "sendrecv".
const char* shortName(formulas::Collective op);

// One collective, whichever it is.
struct CollectiveCall {
    formulas::Collective op = formulas::Collective::kAllReduce;
    std::span<const std::byte> in;    // what this rank gives
    std::span<std::byte> out;         // what it gets; broadcast: gives at the root, gets elsewhere
    int root = 0;                     // of a broadcast
    int to = RIDGE_TRANSPORT_NOBODY;  // of a send/receive
    int from = RIDGE_TRANSPORT_NOBODY;
    ridge_dtype dtype = RIDGE_DTYPE_F32;
    const char* name = nullptr;  // nullptr: "comm.<shortName>"
};

class Communicator {
public:
    static constexpr std::size_t kAsyncBytes = std::size_t{1} << 20;

    // Takes over a started transport, and stops it at the end.
    static Result<std::unique_ptr<Communicator>> create(const ridge_transport_t& transport);
    ~Communicator();
    Communicator(const Communicator&) = delete;
    Communicator& operator=(const Communicator&) = delete;

    [[nodiscard]] int rank() const { return m_rank; }
    [[nodiscard]] int size() const { return m_size; }
    [[nodiscard]] std::uint64_t id() const { return m_id; }

    // Ranks of one color make a communicator, ordered by key. Every rank calls; one with a negative
    // color gets a null pointer. Parts go before their parent does, on all their ranks.
    Result<std::unique_ptr<Communicator>> split(int color, int key);

    // Any collective, in the calling thread, or by the communication thread.
    Status run(const CollectiveCall& call);
    Status start(const CollectiveCall& call);

    Status allReduceSum(std::span<float> data, const char* name = nullptr) {
        return run(reduceCall(data, data, name));
    }
    Status allReduceSum(std::span<const float> in, std::span<float> out,
                        const char* name = nullptr) {
        return run(reduceCall(in, out, name));
    }
    Status allReduceSumAsync(std::span<float> data, const char* name = nullptr) {
        return start(reduceCall(data, data, name));
    }
    // out: this rank's block of the sum of all ranks' in; in has size() blocks.
    Status reduceScatterSum(std::span<const float> in, std::span<float> out,
                            const char* name = nullptr) {
        return run(scatterCall(in, out, name));
    }
    Status reduceScatterSumAsync(std::span<const float> in, std::span<float> out,
                                 const char* name = nullptr) {
        return start(scatterCall(in, out, name));
    }
    // out: the in of every rank, in their order.
    Status allGather(std::span<const std::byte> in, std::span<std::byte> out,
                     const char* name = nullptr) {
        return run({formulas::Collective::kAllGather, in, out, 0, -1, -1, RIDGE_DTYPE_F32, name});
    }
    Status allGatherAsync(std::span<const std::byte> in, std::span<std::byte> out,
                          const char* name = nullptr) {
        return start({formulas::Collective::kAllGather, in, out, 0, -1, -1, RIDGE_DTYPE_F32, name});
    }
    // Block d of in goes to rank d; block s of out comes from rank s.
    Status allToAll(std::span<const std::byte> in, std::span<std::byte> out,
                    const char* name = nullptr) {
        return run({formulas::Collective::kAllToAll, in, out, 0, -1, -1, RIDGE_DTYPE_F32, name});
    }
    Status allToAllAsync(std::span<const std::byte> in, std::span<std::byte> out,
                         const char* name = nullptr) {
        return start({formulas::Collective::kAllToAll, in, out, 0, -1, -1, RIDGE_DTYPE_F32, name});
    }
    Status broadcast(std::span<std::byte> data, int root, const char* name = nullptr) {
        return run(
            {formulas::Collective::kBroadcast, data, data, root, -1, -1, RIDGE_DTYPE_F32, name});
    }
    Status broadcastAsync(std::span<std::byte> data, int root, const char* name = nullptr) {
        return start(
            {formulas::Collective::kBroadcast, data, data, root, -1, -1, RIDGE_DTYPE_F32, name});
    }
    // Sends to one rank and receives from another; RIDGE_TRANSPORT_NOBODY leaves out either half.
    Status sendReceive(std::span<const std::byte> in, int to, std::span<std::byte> out, int from,
                       const char* name = nullptr) {
        return run({formulas::Collective::kSendRecv, in, out, 0, to, from, RIDGE_DTYPE_F32, name});
    }
    Status sendReceiveAsync(std::span<const std::byte> in, int to, std::span<std::byte> out,
                            int from, const char* name = nullptr) {
        return start(
            {formulas::Collective::kSendRecv, in, out, 0, to, from, RIDGE_DTYPE_F32, name});
    }

    // The number of the collective that was issued last.
    [[nodiscard]] std::uint64_t lastSequence() const { return m_sequence - 1; }
    // Waits until the collective of that number and those before it are done; the first error of
    // any asynchronous one so far.
    Status waitFor(std::uint64_t sequence);
    // Waits for every collective that was issued, and returns the first error of any.
    Status wait();

    // For the harness, not for workloads: no range, no sequence number.
    Status controlBroadcast(void* data, std::size_t bytes, int root);
    Status barrier();
    // True when ok is true on every rank.
    Result<bool> allAgree(bool ok);
    // The values of all ranks, in their order.
    Result<std::vector<double>> controlGather(double value);

    // Collectives issued from now on, and those of parts split off from now on, begin behind what
    // mark() returns when they are issued: a CUDA event behind the operators that make their input
    // and read what they write over (ops/stream_marks.h). An empty function: at once again. Only
    // where the transport has memory of its own.
    void beginBehind(std::function<void*()> mark) { m_mark = std::move(mark); }

    // 0 = the fabric as it is.
    void setLinkLimit(double bytesPerSecond, double secondsPerHop = 0) {
        m_link = {bytesPerSecond, secondsPerHop};
    }
    // Ends the run on all ranks: for errors after which the others would wait for ever.
    void abortAll(int exitCode) { m_transport.abortAll(exitCode); }
    // "mpi", "nccl"; whether its times say anything (transport.h); its memory.
    [[nodiscard]] const ridge_transport_t& transport() const { return m_transport; }

private:
    struct Link {
        double bytesPerSecond = 0;
        double secondsPerHop = 0;
    };
    struct Job {
        CollectiveCall call;
        std::string name;
        std::uint64_t sequence = 0;
        Link link;
        void* behind = nullptr;  // a CUDA event
    };

    Communicator(const ridge_transport_t& transport, int group);
    static Result<std::unique_ptr<Communicator>> begin(const ridge_transport_t& transport,
                                                       int group);
    static CollectiveCall reduceCall(std::span<const float> in, std::span<float> out,
                                     const char* name);
    static CollectiveCall scatterCall(std::span<const float> in, std::span<float> out,
                                      const char* name);
    Status toStatus(int error, const char* what) const;
    Status checkSizes(const CollectiveCall& call) const;
    Job makeJob(const CollectiveCall& call);
    Status perform(int channel, const Job& job);
    int transfer(int channel, const CollectiveCall& call);
    void communicationThread();

    const ridge_transport_t& m_transport;
    int m_group = RIDGE_TRANSPORT_WORLD;
    int m_rank = 0;
    int m_size = 1;
    std::uint64_t m_id = 0;
    std::uint64_t m_sequence = 1;  // of the next collective
    Link m_link;
    std::function<void*()> m_mark;

    std::mutex m_mutex;                 // guards the members below
    std::condition_variable m_arrived;  // a job, or the end: for the communication thread
    std::condition_variable m_done;     // a job is done: for who waits
    std::deque<Job> m_jobs;
    std::uint64_t m_running = 0;  // sequence of the job in hand; 0: none
    bool m_stop = false;
    Status m_asyncStatus;
    std::thread m_thread;  // started by the first asynchronous call
};

// Loads libridge_<name>.so from beside the executable (../lib, then the same folder) and starts it.
// kUnsupported: no such library, or nothing on this machine that it could use. kBadInput: its size
// is not the launcher's.
Result<std::unique_ptr<Communicator>> startTransport(const RankInfo& launcher,
                                                     const std::string& name);
// "mpi".
Result<std::unique_ptr<Communicator>> startMpi(const RankInfo& launcher);

}  // namespace ridge::workloads
