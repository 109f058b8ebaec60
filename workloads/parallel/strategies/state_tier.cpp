// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/parallel/strategies/state_tier.h"

#include "base/clock.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <ridge/work.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace ridge::workloads {

Result<std::unique_ptr<StateTier>> MappedStateTier::create(const std::filesystem::path& folder,
                                                           std::int64_t floats, bool threaded) {
    std::string path = (folder / "ridge-offload-XXXXXX").string();
    const auto bytes = static_cast<std::size_t>(4 * floats);
    const auto failed = [&](const char* what) {
        return Error{ErrorCode::kMeasurement, std::string("offloaded state: ") + what + " in " +
                                                  folder.string() + ": " + std::strerror(errno)};
    };
    const int file = ::mkostemp(path.data(), O_CLOEXEC);
    if (file < 0) return failed("cannot make a file");
    ::unlink(path.c_str());
    // Allocated, not sparse: a full disk shall show here, not as a signal later.
    if (const int error = ::posix_fallocate(file, 0, static_cast<off_t>(bytes)); error != 0) {
        ::close(file);
        errno = error;
        return failed("no room");
    }
    void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    const int error = errno;
    ::close(file);
    errno = error;
    if (base == MAP_FAILED) return failed("cannot map a file");
    return std::unique_ptr<StateTier>(
        new MappedStateTier(static_cast<float*>(base), floats, threaded));
}

MappedStateTier::MappedStateTier(float* base, std::int64_t floats, bool threaded)
    : m_base(base), m_floats(floats) {
    clear();
    if (threaded) m_thread = std::thread([this] { copyThread(); });
}

MappedStateTier::~MappedStateTier() {
    if (m_thread.joinable()) {
        {
            const std::lock_guard lock(m_mutex);
            m_stop = true;
        }
        m_changed.notify_all();
        m_thread.join();
    }
    ::munmap(m_base, static_cast<std::size_t>(4 * m_floats));
}

void MappedStateTier::clear() {
    std::memset(m_base, 0, static_cast<std::size_t>(4 * m_floats));
}

void MappedStateTier::perform(const Job& job) {
    const auto bytes = static_cast<std::uint64_t>(4 * job.count);
    const WorkRange range(job.name, opWork(RIDGE_OP_COPY, RIDGE_DTYPE_NONE, 0, bytes, bytes));
    const std::int64_t start = monotonicNs();
    std::memcpy(job.to, job.from, bytes);
    if (job.link <= 0) return;
    const auto due = start + static_cast<std::int64_t>(1e9 * static_cast<double>(bytes) / job.link);
    if (const std::int64_t left = due - monotonicNs(); left > 0)
        std::this_thread::sleep_for(std::chrono::nanoseconds(left));
}

std::uint64_t MappedStateTier::issue(const Job& job) {
    const std::uint64_t ticket = ++m_issued;
    if (!m_thread.joinable()) {
        perform(job);
        m_done = ticket;
        return ticket;
    }
    {
        const std::lock_guard lock(m_mutex);
        m_jobs.push_back(job);
    }
    m_changed.notify_all();
    return ticket;
}

std::uint64_t MappedStateTier::fetch(std::int64_t offset, std::int64_t count, float* to) {
    RIDGE_CHECK(offset >= 0 && offset + count <= m_floats, "fetch beyond the state");
    return issue({"offload.fetch", m_base + offset, to, count, m_link});
}

std::uint64_t MappedStateTier::store(std::int64_t offset, std::int64_t count, const float* from) {
    RIDGE_CHECK(offset >= 0 && offset + count <= m_floats, "store beyond the state");
    return issue({"offload.store", from, m_base + offset, count, m_link});
}

void MappedStateTier::waitFor(std::uint64_t ticket) {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return m_done >= ticket; });
}

void MappedStateTier::copyThread() {
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] { return m_stop || !m_jobs.empty(); });
        if (m_jobs.empty()) return;
        const Job job = m_jobs.front();
        m_jobs.pop_front();
        lock.unlock();
        perform(job);
        lock.lock();
        ++m_done;
        m_changed.notify_all();
    }
}

Result<std::unique_ptr<StateTier>> PinnedStateTier::create(Operators& ops, CopyStreams& streams,
                                                           std::int64_t floats, bool overlapped) {
    void* base = streams.allocatePinned(static_cast<std::size_t>(4 * floats));
    if (base == nullptr) return withContext(ops.status().error(), "offloaded state");
    return std::unique_ptr<StateTier>(
        new PinnedStateTier(streams, static_cast<float*>(base), floats, overlapped));
}

std::uint64_t PinnedStateTier::fetch(std::int64_t offset, std::int64_t count, float* to) {
    RIDGE_CHECK(offset >= 0 && offset + count <= m_floats, "fetch beyond the state");
    const auto bytes = static_cast<std::uint64_t>(4 * count);
    const WorkRange range("offload.fetch",
                          opWork(RIDGE_OP_COPY, RIDGE_DTYPE_NONE, 0, bytes, bytes));
    return m_streams.copyIn(to, m_base + offset, bytes, m_stores[to]);
}

std::uint64_t PinnedStateTier::store(std::int64_t offset, std::int64_t count, const float* from) {
    RIDGE_CHECK(offset >= 0 && offset + count <= m_floats, "store beyond the state");
    const auto bytes = static_cast<std::uint64_t>(4 * count);
    const WorkRange range("offload.store",
                          opWork(RIDGE_OP_COPY, RIDGE_DTYPE_NONE, 0, bytes, bytes));
    const std::uint64_t ticket = m_streams.copyOut(m_base + offset, from, bytes, 0);
    m_stores[from] = ticket;
    if (!m_overlapped) m_streams.operatorsWait(ticket);
    return ticket;
}

void PinnedStateTier::waitFor(std::uint64_t ticket) {
    if (ticket != 0) m_streams.operatorsWait(ticket);
}

void PinnedStateTier::clear() {
    m_stores.clear();
    std::memset(m_base, 0, static_cast<std::size_t>(4 * m_floats));
}

}  // namespace ridge::workloads
