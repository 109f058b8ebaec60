// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A busy neighbour: a process of real-time priority on one CPU, which takes it away from everything
// else there for a while, again and again. It looks from inside as if the host had done it. Ends
// with this process, however that ends. Errors: kUnsupported without permission for SCHED_FIFO.

#include "base/result.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <sys/types.h>

namespace ridge::workloads {

class BusyNeighbour {
public:
    // Waits, until it is told to go.
    static Result<std::unique_ptr<BusyNeighbour>> start(int cpu, std::int64_t busyNs,
                                                        std::int64_t idleNs);
    ~BusyNeighbour();
    BusyNeighbour(const BusyNeighbour&) = delete;
    BusyNeighbour& operator=(const BusyNeighbour&) = delete;
    void go(bool busy) { m_shared->busy = busy; }

private:
    struct Shared {
        std::atomic<bool> busy{false};
        std::atomic<int> state{0};  // 0: starting, 1: ready, else -errno
    };
    BusyNeighbour() = default;
    [[noreturn]] static void run(Shared& shared, int cpu, std::int64_t busyNs, std::int64_t idleNs);

    Shared* m_shared = nullptr;
    pid_t m_child = -1;
};

}  // namespace ridge::workloads
