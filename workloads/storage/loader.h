// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A data loader: batches of samples in a seeded random order, epoch after epoch, each sample once
// per epoch (batches run across the end of an epoch). With depth 0 next() reads in the calling
// thread; with depth d, worker threads keep up to d batches ready ahead of the consumer.
//
// Invariants: 1. batches arrive in order, whatever order the workers finish in. 2. the memory of a
// batch belongs to the consumer until it calls next() again. 3. a read error stops the loader:
// next() returns it. next() is called by one thread.

#include "base/result.h"
#include "workloads/storage/dataset.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace ridge::workloads {

struct LoaderOptions {
    std::size_t batch = 16;
    int depth = 0;    // batches read ahead
    int workers = 2;  // threads, with depth > 0
    std::uint64_t seed = 1;
    std::int64_t fetchDelayNs = 0;  // added to each batch's reading: a slow device
    // Proves (and unpacks) a sample; several threads at once. None: verifySample.
    std::function<Status(std::span<const std::byte> sample, std::uint64_t index)> decode = {};
};

class Loader {
public:
    Loader(const Dataset& dataset, LoaderOptions options);
    ~Loader();
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;

    // The indices of the next batch, whose samples have been read and verified.
    Result<std::span<const std::uint64_t>> next();
    // Epochs delivered in full, of which each had every sample exactly once.
    [[nodiscard]] std::uint64_t goodEpochs() const { return m_goodEpochs; }
    [[nodiscard]] std::uint64_t badEpochs() const { return m_badEpochs; }
    // Time that next() took: what the consumer waited for data.
    [[nodiscard]] std::int64_t waitedNs() const { return m_waitedNs; }

private:
    struct Slot {
        std::uint64_t batch = 0;  // number of the batch that it holds or will hold
        bool ready = false;
        std::vector<std::uint64_t> indices;
        AlignedBuffer memory;
        Status status;
    };

    std::vector<std::uint64_t> takeIndices();
    Status fill(Slot& slot) const;
    void count(const std::vector<std::uint64_t>& indices);
    Slot& takeInline();
    Slot& takeAhead();
    void work();

    const Dataset& m_dataset;
    LoaderOptions m_options;
    std::vector<std::uint64_t> m_order;  // the current epoch's permutation
    std::size_t m_orderAt = 0;
    std::uint64_t m_epoch = 0;
    std::vector<std::uint32_t> m_counts;  // of the epoch being delivered
    std::size_t m_counted = 0;
    std::uint64_t m_goodEpochs = 0;
    std::uint64_t m_badEpochs = 0;
    std::int64_t m_waitedNs = 0;
    std::uint64_t m_delivered = 0;  // batches

    std::mutex m_mutex;  // guards m_order*, m_epoch, m_issued, m_released, m_stop and Slot::ready
    std::condition_variable m_changed;
    std::vector<std::unique_ptr<Slot>> m_slots;
    std::uint64_t m_issued = 0;    // batches handed to workers
    std::uint64_t m_released = 0;  // batches that the consumer is done with
    bool m_stop = false;
    std::vector<std::thread> m_workers;
};

}  // namespace ridge::workloads
