// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What parallel training owes before it is timed: five steps of the tiny model on all ranks together
// have the losses of one rank's run in double precision on the whole batch, within 1e-5. Every rank
// calls; the verdict is the same on all.

#include "workloads/harness/workload.h"
#include "workloads/parallel/strategies/data_parallel.h"

namespace ridge::workloads {

// microBatches per rank and step; their gradients are added up before they are sent.
[[nodiscard]] CheckResult checkDataParallel(Operators& ops, Communicator& communicator,
                                            const GradientBuckets& buckets,
                                            std::int64_t microBatches);

}  // namespace ridge::workloads
