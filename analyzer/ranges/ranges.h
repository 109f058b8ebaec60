// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Time by range name: what a person asks of a trace first. One row per (name, kind), over the parts of
// ranges that lie inside the steps (the whole trace when it has no steps); the frame ranges workload,
// warmup and step are not rows.
//
// total: time in the range, once where it is nested in itself. self: total less its children on the same
// thread. device: summed durations of the GPU rows whose launch call lies in the range (in it or a child;
// the classic NVTX projection), self likewise for the innermost range alone. Ranges of start/end, which
// need not nest, have no children. Sums over threads: they may exceed the wall time.

#include "analyzer/model/analysis.h"
#include "analyzer/steps/steps.h"
#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer {

inline constexpr std::size_t kMostRangeNames = 500;

// Fills Analysis::ranges, the largest first, and Analysis::rangesOmitted. O(n log n) in ranges and calls.
void addRanges(const Timeline& timeline, const StepSet& steps, Analysis& answer);

}  // namespace ridge::analyzer
