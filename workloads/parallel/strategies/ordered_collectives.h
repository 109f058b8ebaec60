// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The order between a backend's operators and a communicator's collectives over the same memory.
// A CPU's operators are done when they return. A device's are only begun: while one of these
// lives, every collective begins behind an event that follows the operators issued before it
// (reads what they write, writes what they have read), and the host waits for collectives before
// it issues what needs them, as the communicator has it.

#include "workloads/ops/stream_marks.h"
#include "workloads/parallel/communicator.h"

#include <memory>

namespace ridge::workloads {

class OrderedCollectives {
public:
    // kUnsupported: operators in a device's memory that this transport does not reach. Both outlive
    // it.
    [[nodiscard]] static Result<std::unique_ptr<OrderedCollectives>> create(
        Operators& ops, Communicator& communicator) {
        StreamMarks* marks = communicator.size() > 1 ? marksOf(ops) : nullptr;
        if (marks != nullptr && communicator.transport().after == nullptr)
            return Error{ErrorCode::kUnsupported,
                         "collectives in a GPU's memory are NCCL's: --transport=nccl"};
        return std::unique_ptr<OrderedCollectives>(new OrderedCollectives(marks, communicator));
    }
    ~OrderedCollectives() { m_communicator.beginBehind({}); }
    OrderedCollectives(const OrderedCollectives&) = delete;
    OrderedCollectives& operator=(const OrderedCollectives&) = delete;

private:
    OrderedCollectives(StreamMarks* marks, Communicator& communicator)
        : m_communicator(communicator) {
        if (marks != nullptr) communicator.beginBehind([marks] { return marks->mark(); });
    }

    Communicator& m_communicator;
};

}  // namespace ridge::workloads
