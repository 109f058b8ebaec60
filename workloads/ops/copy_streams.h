// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Copies between page-locked host memory and a device's, beside its operators: one stream into the
// device, one out of it, ordered by events. Only a device has them; on a CPU there is nothing to
// copy.
//
// Order: copies of one direction run as they were issued; a copy begins when every operator issued
// before it is done, and the copy `after` (0: none), which may be of the other direction. Operators
// wait for a copy only where operatorsWait() says so. One thread at a time, as for Operators;
// failures go to the operators' status(). A ticket can be waited for while at most kTickets were
// issued after it.

#include "workloads/ops/operators.h"

namespace ridge::workloads {

class CopyStreams {
public:
    static constexpr std::uint64_t kTickets = 256;

    virtual ~CopyStreams() = default;

    // Zeroed; freed with the operators. Null and a bad status() when there is no room.
    [[nodiscard]] virtual void* allocatePinned(std::size_t bytes) = 0;
    // Host memory must be of allocatePinned(). A ticket is above 0.
    virtual std::uint64_t copyIn(void* toDevice, const void* fromHost, std::size_t bytes,
                                 std::uint64_t after) = 0;
    virtual std::uint64_t copyOut(void* toHost, const void* fromDevice, std::size_t bytes,
                                  std::uint64_t after) = 0;
    // Operators issued from now on begin when that copy is done.
    virtual void operatorsWait(std::uint64_t ticket) = 0;
    // Both directions: until everything issued is done.
    virtual void waitForCopies() = 0;
};

// Null: this backend's operators work in host memory.
[[nodiscard]] inline CopyStreams* copyStreamsOf(Operators& ops) {
    return dynamic_cast<CopyStreams*>(&ops);
}

}  // namespace ridge::workloads
