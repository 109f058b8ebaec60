// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Points in the order of what a device's operators were given, for others to wait at: what reads
// their results on a stream or a thread of its own begins behind one. CUDA events; a CPU's
// operators are done when they return and need none.

#include "workloads/ops/operators.h"

namespace ridge::workloads {

class StreamMarks {
public:
    static constexpr std::uint64_t kMarks = 256;

    virtual ~StreamMarks() = default;
    // A cudaEvent_t behind everything issued so far. It is used again after kMarks more. Null and a
    // bad status() on failure. By the thread that issues operators; any thread may wait.
    [[nodiscard]] virtual void* mark() = 0;
    // Nothing but order: a second stream begins behind the operators and they behind it, so many
    // times. What an event costs, recorded on one stream and waited for on another.
    virtual void crossStreams(int times) = 0;
};

// Null: what these operators return from is done.
[[nodiscard]] inline StreamMarks* marksOf(Operators& ops) {
    return dynamic_cast<StreamMarks*>(&ops);
}

}  // namespace ridge::workloads
