// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Device memory by allocation (CUDA_GPU_MEMORY_USAGE_EVENTS): the footprint of each device over time, its peak,
// and who held how much of it then.
//
// Footprint: sum of what is allocated and not yet given back, device, array, static and managed memory; pinned and
// pageable memory of the host is not in it. An owner is the name of an allocation and its kind. A release takes off
// what was allocated at that address by that process; one of unknown memory is counted and takes off nothing.
// Closed forms, for owners named for activations or optimizer state:
//   offload   = 2 x bytes at the peak / bandwidth of the link; the link is the slower direction of the copies of
//               1 MiB and more in the trace (sum of bytes / sum of time)
//   recompute = device time of one range named "forward" (activations only)
// KV cache: counters of which the name has "kv_cache" in it; the mean is over time, each sample up to the next.

#include "analyzer/context.h"

namespace ridge::analyzer {

// Fills devices and kvCache of Analysis::memory. Wants Analysis::ranges.
void addAllocations(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
