// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Memory as capacity and as bandwidth (metrics.md; the memory wall in both senses).
//
// Capacity: each counter that says how much memory is held (process.rss, gpu.memory.used, torch.gpu.allocated,
// torch.gpu.reserved, and memory that ranges own) as a curve with its peak; fragmentation = 1 - allocated /
// reserved at the peak of what is reserved, where both are known.
// Bandwidth: per workload the time at the bandwidth roof, what is lost above the roof, and what moving fewer
// bytes would gain: half the bytes (the next smaller type), and elementwise runs fused (the what-if "fused").

#include "analyzer/context.h"

namespace ridge::analyzer {

// Fills Analysis::memory. Wants Analysis::whatIf.
void addMemory(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
