// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a rank trains when it keeps it whole and in memory: weights, their gradients and AdamW's two
// moments, four flat float arrays of equal length (16 B per parameter), and the step count that
// corrects the moments' bias.

#include "workloads/ops/operators.h"

#include <cstdint>

namespace ridge::workloads {

struct AdamWState {
    Tensor weights, gradients, firstMoments, secondMoments;
    std::int64_t steps = 0;

    void allocate(Operators& ops, std::int64_t count);
    // Moments and step count to zero.
    void restart(Operators& ops);
    // One update; counts the step (args.step is ignored).
    Status update(Operators& ops, AdamWArgs args);
    [[nodiscard]] std::int64_t bytes() const { return 4 * weights.bytes(); }
};

}  // namespace ridge::workloads
