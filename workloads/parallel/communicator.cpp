// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/communicator.h"

#include "base/clock.h"
#include "base/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <dlfcn.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

using formulas::Collective;

constexpr int kBlocking = 0;
constexpr int kThreaded = 1;

// S of nccl-tests: the whole array.
std::size_t totalBytes(const CollectiveCall& call) {
    switch (call.op) {
        case Collective::kAllGather:
            return call.out.size();
        case Collective::kSendRecv:
            return call.to < 0 ? 0 : call.in.size();
        default:
            return call.in.size();
    }
}

// What this rank puts on the wire.
std::uint64_t sentBytes(const CollectiveCall& call, int rank, int size) {
    if (call.op == Collective::kBroadcast && rank != call.root) return 0;
    return formulas::wireBytes(call.op, static_cast<std::uint64_t>(size), totalBytes(call));
}

Work collectiveWork(const CollectiveCall& call, int rank, int size, std::uint64_t communicator,
                    std::uint64_t sequence) {
    std::size_t read = call.in.size(), written = call.out.size();
    if (call.op == Collective::kBroadcast) (rank == call.root ? written : read) = 0;
    if (call.op == Collective::kSendRecv && call.to < 0) read = 0;
    if (call.op == Collective::kSendRecv && call.from < 0) written = 0;
    Work work = opWork(RIDGE_OP_COLLECTIVE, call.dtype, 0, read, written);
    work.bytes_communicated = sentBytes(call, rank, size);
    work.communicator = communicator;
    work.sequence = sequence;
    return work;
}

void holdUntil(std::int64_t deadlineNs) {
    const std::int64_t left = deadlineNs - monotonicNs();
    if (left > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(left));
}

}  // namespace

double ringAllReduceWireBytes(double bytes, int ranks) {
    return ranks < 2 ? 0.0 : 2.0 * (ranks - 1) / ranks * bytes;
}

const char* shortName(Collective op) {
    switch (op) {
        case Collective::kAllReduce:
            return "allreduce";
        case Collective::kAllGather:
            return "allgather";
        case Collective::kReduceScatter:
            return "reducescatter";
        case Collective::kAllToAll:
            return "alltoall";
        case Collective::kBroadcast:
            return "broadcast";
        case Collective::kReduce:
            return "reduce";
        case Collective::kSendRecv:
            return "sendrecv";
    }
    return "collective";
}

Communicator::Communicator(const ridge_transport_t& transport, int group)
    : m_transport(transport),
      m_group(group),
      m_rank(transport.rank(group)),
      m_size(transport.size(group)) {}

Result<std::unique_ptr<Communicator>> Communicator::begin(const ridge_transport_t& transport,
                                                          int group) {
    std::unique_ptr<Communicator> self(new Communicator(transport, group));
    // Its rank 0's clock and process id: different for two runs on one machine and for two parts of
    // one run, equal on the ranks of one.
    self->m_id = (static_cast<std::uint64_t>(realtimeNs()) ^
                  (static_cast<std::uint64_t>(::getpid()) << 40)) |
                 1U;
    RIDGE_TRY_STATUS(self->controlBroadcast(&self->m_id, sizeof self->m_id, 0));
    return self;
}

Result<std::unique_ptr<Communicator>> Communicator::create(const ridge_transport_t& transport) {
    return begin(transport, RIDGE_TRANSPORT_WORLD);
}

Result<std::unique_ptr<Communicator>> Communicator::split(int color, int key) {
    int made = -1;
    RIDGE_TRY_STATUS(toStatus(m_transport.split(m_group, color, key, &made), "split"));
    if (made < 0) return std::unique_ptr<Communicator>();
    RIDGE_TRY(std::unique_ptr<Communicator> part, begin(m_transport, made));
    part->m_link = m_link;
    part->m_mark = m_mark;
    return part;
}

Communicator::~Communicator() {
    if (m_thread.joinable()) {
        {
            const std::lock_guard lock(m_mutex);
            m_stop = true;
        }
        m_arrived.notify_one();
        m_thread.join();
    }
    if (m_group == RIDGE_TRANSPORT_WORLD)
        m_transport.stop();
    else
        m_transport.release(m_group);
}

CollectiveCall Communicator::reduceCall(std::span<const float> in, std::span<float> out,
                                        const char* name) {
    CollectiveCall call;
    call.in = std::as_bytes(in);
    call.out = std::as_writable_bytes(out);
    call.name = name;
    return call;
}

CollectiveCall Communicator::scatterCall(std::span<const float> in, std::span<float> out,
                                         const char* name) {
    CollectiveCall call = reduceCall(in, out, name);
    call.op = Collective::kReduceScatter;
    return call;
}

Status Communicator::toStatus(int error, const char* what) const {
    if (error == 0) return {};
    return Error{ErrorCode::kMeasurement,
                 fmt::format("{} on rank {}: {}", what, m_rank, m_transport.errorText(error))};
}

Status Communicator::checkSizes(const CollectiveCall& call) const {
    const auto n = static_cast<std::size_t>(m_size);
    bool good = true;
    switch (call.op) {
        case Collective::kAllReduce:
            good = call.in.size() == call.out.size() && call.in.size() % sizeof(float) == 0;
            break;
        case Collective::kReduceScatter:
            good = call.in.size() == n * call.out.size() && call.out.size() % sizeof(float) == 0;
            break;
        case Collective::kAllGather:
            good = call.out.size() == n * call.in.size();
            break;
        case Collective::kAllToAll:
            good = call.in.size() == call.out.size() && call.in.size() % n == 0;
            break;
        case Collective::kBroadcast:
            good = call.root >= 0 && call.root < m_size;
            break;
        case Collective::kSendRecv:
            good = call.to < m_size && call.from < m_size;
            break;
        case Collective::kReduce:
            good = false;  // no transport has it
            break;
    }
    if (good) return {};
    return Error{ErrorCode::kInternal,
                 fmt::format("{} of {} ranks: {} bytes in and {} out do not fit together",
                             shortName(call.op), m_size, call.in.size(), call.out.size())};
}

Communicator::Job Communicator::makeJob(const CollectiveCall& call) {
    Job job{call, {}, m_sequence++, m_link, m_mark ? m_mark() : nullptr};
    if (!call.name) job.name = fmt::format("comm.{}", shortName(call.op));
    return job;
}

int Communicator::transfer(int channel, const CollectiveCall& call) {
    const auto* in = call.in.data();
    auto* out = call.out.data();
    const auto* floatsIn = reinterpret_cast<const float*>(in);
    auto* floatsOut = reinterpret_cast<float*>(out);
    switch (call.op) {
        case Collective::kAllReduce:
            return m_transport.allReduceSumF32(m_group, channel, floatsIn, floatsOut,
                                               call.out.size() / sizeof(float));
        case Collective::kReduceScatter:
            return m_transport.reduceScatterSumF32(m_group, channel, floatsIn, floatsOut,
                                                   call.out.size() / sizeof(float));
        case Collective::kAllGather:
            return m_transport.allGather(m_group, channel, in, out, call.in.size());
        case Collective::kAllToAll:
            return m_transport.allToAll(m_group, channel, in, out,
                                        call.in.size() / static_cast<std::size_t>(m_size));
        case Collective::kBroadcast:
            return m_transport.broadcast(m_group, channel, out, call.out.size(), call.root);
        case Collective::kSendRecv:
            return m_transport.sendReceive(m_group, channel, in, call.in.size(), call.to, out,
                                           call.out.size(), call.from);
        case Collective::kReduce:
            break;
    }
    return 0;
}

Status Communicator::perform(int channel, const Job& job) {
    const CollectiveCall& call = job.call;
    const bool held = job.link.bytesPerSecond > 0 || job.link.secondsPerHop > 0;
    if (job.behind != nullptr) {
        // The emulated link's time begins when there is something to send, so that is waited for
        // here; without one the device sees to the order by itself.
        const int error = m_transport.after(m_group, channel, job.behind, held ? 1 : 0);
        RIDGE_TRY_STATUS(toStatus(error, shortName(call.op)));
    }
    const WorkRange range(call.name ? call.name : job.name.c_str(),
                          collectiveWork(call, m_rank, m_size, m_id, job.sequence));
    const std::int64_t start = monotonicNs();
    const int error = transfer(channel, call);
    if (held) {
        // A receiver waits as long as a sender does.
        const std::size_t total = std::max(totalBytes(call), call.out.size());
        const double bandwidth = job.link.bytesPerSecond > 0 ? job.link.bytesPerSecond : 1e300;
        holdUntil(start +
                  static_cast<std::int64_t>(
                      1e9 * formulas::ringSeconds(call.op, static_cast<std::uint64_t>(m_size),
                                                  total, bandwidth, job.link.secondsPerHop)));
    }
    return toStatus(error, shortName(call.op));
}

Status Communicator::run(const CollectiveCall& call) {
    RIDGE_TRY_STATUS(checkSizes(call));
    return perform(kBlocking, makeJob(call));
}

Status Communicator::start(const CollectiveCall& call) {
    if (std::max(call.in.size(), call.out.size()) < kAsyncBytes) return run(call);
    RIDGE_TRY_STATUS(checkSizes(call));
    if (!m_thread.joinable()) m_thread = std::thread([this] { communicationThread(); });
    {
        Job job = makeJob(call);
        if (call.name) {  // the caller's text need not live as long as the job
            job.name = call.name;
            job.call.name = nullptr;
        }
        const std::lock_guard lock(m_mutex);
        m_jobs.push_back(std::move(job));
    }
    m_arrived.notify_one();
    return {};
}

Status Communicator::waitFor(std::uint64_t sequence) {
    std::unique_lock lock(m_mutex);
    m_done.wait(lock, [&] {
        const std::uint64_t oldest = m_running != 0   ? m_running
                                     : m_jobs.empty() ? sequence + 1
                                                      : m_jobs.front().sequence;
        return oldest > sequence;
    });
    return std::exchange(m_asyncStatus, Status{});
}

Status Communicator::wait() {
    return waitFor(lastSequence());
}

void Communicator::communicationThread() {
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_arrived.wait(lock, [this] { return m_stop || !m_jobs.empty(); });
        if (m_jobs.empty()) return;
        const Job job = std::move(m_jobs.front());
        m_jobs.pop_front();
        m_running = job.sequence;
        lock.unlock();
        Status status = perform(kThreaded, job);
        lock.lock();
        m_running = 0;
        if (m_asyncStatus.ok()) m_asyncStatus = std::move(status);
        // Without the lock: who waits is woken at once, often on this very processor, and would
        // only go to sleep again for it.
        lock.unlock();
        m_done.notify_all();
        lock.lock();
    }
}

Status Communicator::controlBroadcast(void* data, std::size_t bytes, int root) {
    return toStatus(m_transport.broadcast(m_group, kBlocking, data, bytes, root), "broadcast");
}

Status Communicator::barrier() {
    return toStatus(m_transport.barrier(m_group, kBlocking), "barrier");
}

Result<bool> Communicator::allAgree(bool ok) {
    const float own = ok ? 0.0F : 1.0F;
    float failures = 0;
    RIDGE_TRY_STATUS(
        toStatus(m_transport.allReduceSumF32(m_group, kBlocking, &own, &failures, 1), "allreduce"));
    return failures < 0.5F;
}

Result<std::vector<double>> Communicator::controlGather(double value) {
    std::vector<double> all(static_cast<std::size_t>(m_size));
    RIDGE_TRY_STATUS(toStatus(
        m_transport.allGather(m_group, kBlocking, &value, all.data(), sizeof value), "allgather"));
    return all;
}

Result<std::unique_ptr<Communicator>> startTransport(const RankInfo& launcher,
                                                     const std::string& name) {
    void* library = nullptr;
    std::string reason;
    const std::string file = fmt::format("libridge_{}.so", name);
    for (const auto& folder : {executableDir() / ".." / "lib", executableDir()}) {
        library = ::dlopen((folder / file).c_str(), RTLD_NOW | RTLD_GLOBAL);
        if (library) break;
        if (const char* text = ::dlerror(); text && reason.empty()) reason = text;
    }
    if (!library)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("the launcher says {} ranks, but {} cannot be loaded: {}",
                                 launcher.size, name, reason)};
    const auto function =
        reinterpret_cast<ridge_transport_function>(::dlsym(library, RIDGE_TRANSPORT_SYMBOL));
    const ridge_transport_t* transport = function ? function() : nullptr;
    if (!transport || transport->version != RIDGE_TRANSPORT_VERSION)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("{} does not belong to this ridge-workloads", file)};
    if (const int error = transport->start(); error != 0)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("{} cannot start: {}", name, transport->errorText(error))};
    if (const int size = transport->size(RIDGE_TRANSPORT_WORLD); size != launcher.size) {
        transport->stop();
        return Error{ErrorCode::kBadInput,
                     fmt::format("the launcher ({}) says {} ranks, but {} sees {}: start with "
                                 "mpirun or srun --mpi=pmix",
                                 launcher.source, launcher.size, name, size)};
    }
    return Communicator::create(*transport);
}

Result<std::unique_ptr<Communicator>> startMpi(const RankInfo& launcher) {
    return startTransport(launcher, "mpi");
}

}  // namespace ridge::workloads
