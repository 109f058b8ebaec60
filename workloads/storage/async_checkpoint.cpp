// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/async_checkpoint.h"

#include "base/clock.h"

#include <cstring>
#include <ridge/work.h>
#include <utility>

namespace ridge::workloads {

AsyncCheckpointer::AsyncCheckpointer(std::filesystem::path parent, std::size_t bytes,
                                     SaveOptions options)
    : m_parent(std::move(parent)),
      m_options(std::move(options)),
      m_copy(bytes),
      m_thread([this] { persist(); }) {}

AsyncCheckpointer::~AsyncCheckpointer() {
    {
        const std::lock_guard lock(m_mutex);
        m_stop = true;
    }
    m_changed.notify_all();
    m_thread.join();
}

Status AsyncCheckpointer::wait() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return !m_busy; });
    return std::exchange(m_status, Status{});
}

Result<AsyncCheckpointer::Stall> AsyncCheckpointer::save(std::uint64_t number,
                                                         std::span<const std::byte> state) {
    if (state.size() != m_copy.bytes().size())
        return Error{ErrorCode::kInternal, "the state is not as large as it was said to be"};
    Stall stall;
    const std::int64_t start = monotonicNs();
    RIDGE_TRY_STATUS(wait());
    const std::int64_t free = monotonicNs();
    {
        const WorkRange range("checkpoint.snapshot", opWork(RIDGE_OP_COPY, RIDGE_DTYPE_NONE, 0,
                                                            state.size(), state.size()));
        std::memcpy(m_copy.bytes().data(), state.data(), state.size());
    }
    stall.waitedNs = free - start;
    stall.copiedNs = monotonicNs() - free;
    {
        const std::lock_guard lock(m_mutex);
        stall.persistNs = m_persistNs;
        m_number = number;
        m_busy = true;
    }
    m_changed.notify_all();
    return stall;
}

void AsyncCheckpointer::persist() {
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] { return m_busy || m_stop; });
        if (!m_busy) return;
        const std::uint64_t number = m_number;
        lock.unlock();
        const std::int64_t start = monotonicNs();
        auto times = saveCheckpoint(m_parent, number, m_copy.bytes(), m_options);
        const std::int64_t took = monotonicNs() - start;
        lock.lock();
        m_persistNs = took;
        if (!times.ok() && m_status.ok()) m_status = times.error();
        m_busy = false;
        m_changed.notify_all();
    }
}

}  // namespace ridge::workloads
