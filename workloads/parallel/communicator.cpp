// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/communicator.h"

#include "base/clock.h"
#include "base/file.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <dlfcn.h>
#include <ridge/work.h>
#include <unistd.h>

namespace ridge::workloads {
namespace {

constexpr int kBlocking = 0;
constexpr int kThreaded = 1;

Work collectiveWork(double wireBytes, std::size_t bytes, std::uint64_t communicator,
                    std::uint64_t sequence) {
    Work work = opWork(RIDGE_OP_COLLECTIVE, RIDGE_DTYPE_F32, 0, bytes, bytes);
    work.bytes_communicated = static_cast<std::uint64_t>(std::llround(wireBytes));
    work.communicator = communicator;
    work.sequence = sequence;
    return work;
}

void holdUntilLinkAllows(std::int64_t startNs, double wireBytes, double linkLimit) {
    if (linkLimit <= 0) return;
    const auto needed = static_cast<std::int64_t>(wireBytes / linkLimit * 1e9);
    const std::int64_t left = startNs + needed - monotonicNs();
    if (left > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(left));
}

}  // namespace

double ringAllReduceWireBytes(double bytes, int ranks) {
    return ranks < 2 ? 0.0 : 2.0 * (ranks - 1) / ranks * bytes;
}

Communicator::Communicator(const ridge_transport_t& transport)
    : m_transport(transport), m_rank(transport.rank()), m_size(transport.size()) {}

Result<std::unique_ptr<Communicator>> Communicator::create(const ridge_transport_t& transport) {
    std::unique_ptr<Communicator> self(new Communicator(transport));
    // Rank 0's clock and process id: different for two runs on one machine, equal on the ranks of
    // one.
    self->m_id = (static_cast<std::uint64_t>(realtimeNs()) ^
                  (static_cast<std::uint64_t>(::getpid()) << 40)) |
                 1U;
    RIDGE_TRY_STATUS(self->controlBroadcast(&self->m_id, sizeof self->m_id, 0));
    return self;
}

Communicator::~Communicator() {
    if (m_thread.joinable()) {
        {
            const std::lock_guard lock(m_mutex);
            m_stop = true;
        }
        m_changed.notify_all();
        m_thread.join();
    }
    m_transport.stop();
}

Status Communicator::toStatus(int error, const char* what) const {
    if (error == 0) return {};
    return Error{ErrorCode::kMeasurement,
                 fmt::format("{} on rank {}: {}", what, m_rank, m_transport.errorText(error))};
}

Status Communicator::reduceOn(int channel, const Job& job) {
    const double wireBytes =
        ringAllReduceWireBytes(static_cast<double>(job.data.size_bytes()), m_size);
    const WorkRange range(job.name.c_str(),
                          collectiveWork(wireBytes, job.data.size_bytes(), m_id, job.sequence));
    const std::int64_t start = monotonicNs();
    const int error = m_transport.allReduceSumF32(channel, job.data.data(), job.data.size());
    holdUntilLinkAllows(start, wireBytes, job.linkLimit);
    return toStatus(error, "all-reduce");
}

Status Communicator::allReduceSum(std::span<float> data, const char* name) {
    return reduceOn(kBlocking, Job{data, name, m_sequence++, m_linkLimit});
}

Status Communicator::allReduceSumAsync(std::span<float> data, const char* name) {
    if (data.size_bytes() < kAsyncBytes) return allReduceSum(data, name);
    if (!m_thread.joinable()) m_thread = std::thread([this] { communicationThread(); });
    {
        const std::lock_guard lock(m_mutex);
        m_jobs.push_back(Job{data, name, m_sequence++, m_linkLimit});
    }
    m_changed.notify_all();
    return {};
}

Status Communicator::wait() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return m_jobs.empty() && !m_busy; });
    return std::exchange(m_asyncStatus, Status{});
}

void Communicator::communicationThread() {
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] { return m_stop || !m_jobs.empty(); });
        if (m_jobs.empty()) return;
        const Job job = std::move(m_jobs.front());
        m_jobs.pop_front();
        m_busy = true;
        lock.unlock();
        Status status = reduceOn(kThreaded, job);
        lock.lock();
        m_busy = false;
        if (m_asyncStatus.ok()) m_asyncStatus = std::move(status);
        m_changed.notify_all();
    }
}

Status Communicator::broadcast(std::span<std::byte> data, int root, const char* name) {
    const double wireBytes = m_rank == root ? static_cast<double>(data.size()) : 0.0;
    const WorkRange range(name, collectiveWork(wireBytes, data.size(), m_id, m_sequence++));
    const std::int64_t start = monotonicNs();
    const int error = m_transport.broadcast(kBlocking, data.data(), data.size(), root);
    holdUntilLinkAllows(start, static_cast<double>(data.size()), m_linkLimit);
    return toStatus(error, "broadcast");
}

Status Communicator::controlBroadcast(void* data, std::size_t bytes, int root) {
    return toStatus(m_transport.broadcast(kBlocking, data, bytes, root), "broadcast");
}

Status Communicator::barrier() {
    return toStatus(m_transport.barrier(kBlocking), "barrier");
}

Result<bool> Communicator::allAgree(bool ok) {
    float failures = ok ? 0.0F : 1.0F;
    RIDGE_TRY_STATUS(toStatus(m_transport.allReduceSumF32(kBlocking, &failures, 1), "all-reduce"));
    return failures < 0.5F;
}

Result<std::unique_ptr<Communicator>> startMpi(const RankInfo& launcher) {
    void* library = nullptr;
    std::string reason;
    for (const auto& folder : {executableDir() / ".." / "lib", executableDir()}) {
        library = ::dlopen((folder / "libridge_mpi.so").c_str(), RTLD_NOW | RTLD_GLOBAL);
        if (library) break;
        if (const char* text = ::dlerror(); text && reason.empty()) reason = text;
    }
    if (!library)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("the launcher says {} ranks, but MPI cannot be loaded: {}",
                                 launcher.size, reason)};
    const auto function =
        reinterpret_cast<ridge_transport_function>(::dlsym(library, RIDGE_TRANSPORT_SYMBOL));
    const ridge_transport_t* transport = function ? function() : nullptr;
    if (!transport || transport->version != RIDGE_TRANSPORT_VERSION)
        return Error{ErrorCode::kUnsupported,
                     "libridge_mpi.so does not belong to this ridge-workloads"};
    if (const int error = transport->start(); error != 0)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("MPI cannot start: {}", transport->errorText(error))};
    if (transport->size() != launcher.size) {
        const int size = transport->size();
        transport->stop();
        return Error{ErrorCode::kBadInput,
                     fmt::format("the launcher ({}) says {} ranks, but MPI sees {}: start with "
                                 "mpirun or srun --mpi=pmix",
                                 launcher.source, launcher.size, size)};
    }
    return Communicator::create(*transport);
}

}  // namespace ridge::workloads
