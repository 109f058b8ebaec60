// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/storage/loader.h"

#include "base/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ridge/work.h>

namespace ridge::workloads {
Loader::Loader(const Dataset& dataset, LoaderOptions options)
    : m_dataset(dataset), m_options(options), m_counts(dataset.shape().samples(), 0) {
    const auto slots = static_cast<std::size_t>(std::max(options.depth, 0)) + 1;
    for (std::size_t i = 0; i < slots; ++i) {
        m_slots.push_back(std::make_unique<Slot>());
        m_slots.back()->memory = AlignedBuffer(options.batch * dataset.shape().sampleBytes);
    }
    for (int i = 0; options.depth > 0 && i < std::max(options.workers, 1); ++i)
        m_workers.emplace_back([this] { work(); });
}

Loader::~Loader() {
    {
        const std::lock_guard lock(m_mutex);
        m_stop = true;
    }
    m_changed.notify_all();
    for (std::thread& worker : m_workers) worker.join();
}

std::vector<std::uint64_t> Loader::takeIndices() {
    std::vector<std::uint64_t> indices;
    while (indices.size() < m_options.batch) {
        if (m_orderAt == m_order.size()) {
            m_order = shuffledOrder(m_dataset.shape().samples(), m_options.seed + m_epoch++);
            m_orderAt = 0;
        }
        indices.push_back(m_order[m_orderAt++]);
    }
    return indices;
}

Status Loader::fill(Slot& slot) const {
    const std::size_t bytes = m_dataset.shape().sampleBytes;
    {
        const WorkRange range("loader.read", opWork(RIDGE_OP_IO, RIDGE_DTYPE_NONE, 0,
                                                    bytes * slot.indices.size(), 0));
        for (std::size_t i = 0; i < slot.indices.size(); ++i)
            RIDGE_TRY_STATUS(
                m_dataset.read(slot.indices[i], slot.memory.bytes().subspan(i * bytes, bytes)));
        // Inside the range: to everyone outside it is a slow device.
        if (m_options.fetchDelayNs > 0)
            std::this_thread::sleep_for(std::chrono::nanoseconds(m_options.fetchDelayNs));
    }
    const WorkRange range("loader.decode");
    for (std::size_t i = 0; i < slot.indices.size(); ++i) {
        const auto sample = slot.memory.bytes().subspan(i * bytes, bytes);
        RIDGE_TRY_STATUS(m_options.decode ? m_options.decode(sample, slot.indices[i])
                                          : verifySample(sample, slot.indices[i]));
    }
    return {};
}

void Loader::count(const std::vector<std::uint64_t>& indices) {
    for (const std::uint64_t index : indices) {
        ++m_counts[index];
        if (++m_counted < m_counts.size()) continue;
        const bool good =
            std::all_of(m_counts.begin(), m_counts.end(), [](std::uint32_t n) { return n == 1; });
        ++(good ? m_goodEpochs : m_badEpochs);
        std::fill(m_counts.begin(), m_counts.end(), 0U);
        m_counted = 0;
    }
}

Loader::Slot& Loader::takeInline() {
    Slot& slot = *m_slots.front();
    slot.indices = takeIndices();
    slot.status = fill(slot);
    return slot;
}

Loader::Slot& Loader::takeAhead() {
    const WorkRange range("loader.wait");
    std::unique_lock lock(m_mutex);
    m_released = m_delivered;  // the batch before this one is free again
    m_changed.notify_all();
    Slot& slot = *m_slots[m_delivered % m_slots.size()];
    m_changed.wait(lock, [&] { return slot.ready && slot.batch == m_delivered; });
    slot.ready = false;
    return slot;
}

Result<std::span<const std::uint64_t>> Loader::next() {
    const std::int64_t start = monotonicNs();
    Slot& slot = m_options.depth > 0 ? takeAhead() : takeInline();
    m_waitedNs += monotonicNs() - start;
    ++m_delivered;
    if (!slot.status.ok()) return slot.status.error();
    count(slot.indices);
    return std::span<const std::uint64_t>(slot.indices);
}

void Loader::work() {
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] { return m_stop || m_issued < m_released + m_slots.size(); });
        if (m_stop) return;
        Slot& slot = *m_slots[m_issued % m_slots.size()];
        slot.batch = m_issued++;
        slot.indices = takeIndices();
        lock.unlock();
        Status status = fill(slot);
        lock.lock();
        slot.status = std::move(status);
        slot.ready = true;
        m_changed.notify_all();
    }
}

}  // namespace ridge::workloads
