// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Checkpoints in the background: save() copies the state into memory that was touched before (a cold
// copy costs five times a warm one) and returns; a thread makes it durable. There is one copy: a
// save that comes while the one before is still being written waits for it (back-pressure), so that
// the state is never held back further than one checkpoint. save() and wait() are called by one
// thread. Errors of the background come out of the next save() or wait().

#include "base/result.h"
#include "workloads/storage/checkpoint.h"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <thread>

namespace ridge::workloads {

class AsyncCheckpointer {
public:
    AsyncCheckpointer(std::filesystem::path parent, std::size_t bytes, SaveOptions options);
    // Waits for what is under way.
    ~AsyncCheckpointer();
    AsyncCheckpointer(const AsyncCheckpointer&) = delete;
    AsyncCheckpointer& operator=(const AsyncCheckpointer&) = delete;

    struct Stall {
        std::int64_t waitedNs = 0;  // for the checkpoint before
        std::int64_t copiedNs = 0;
        std::int64_t persistNs = 0;  // what the checkpoint before took to become durable; 0: none
    };
    Result<Stall> save(std::uint64_t number, std::span<const std::byte> state);
    Status wait();
    // How long the last finished one took to become durable. After wait().
    [[nodiscard]] std::int64_t lastPersistNs() const { return m_persistNs; }

private:
    void persist();

    std::filesystem::path m_parent;
    SaveOptions m_options;
    AlignedBuffer m_copy;

    std::mutex m_mutex;  // guards the members below
    std::condition_variable m_changed;
    std::uint64_t m_number = 0;
    bool m_busy = false;
    bool m_stop = false;
    std::int64_t m_persistNs = 0;
    Status m_status;
    std::thread m_thread;
};

}  // namespace ridge::workloads
