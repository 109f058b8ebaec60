// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Device memory over time by who holds it, from the allocations of a timeline file (CUDA_GPU_MEMORY_USAGE_EVENTS): what
// analyzer/memory/allocations.h adds up at the peak, at every moment. The same rules: an owner is the name of an
// allocation and its kind, memory of the host is left out, a release takes off what was allocated at that address
// by that process.
//
// Reads SQL: for a worker only. A file without such events, or that is no SQLite file, gives nothing. Curves are thinned
// to kOwnerSamples moments, in each stretch the one with the most memory, so that no peak is hidden.

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gui/model/lane.h"

namespace ridge::gui {

inline constexpr std::size_t kOwnerSamples = 800, kMostOwners = 12;

struct OwnerCurve {
    std::string name, kind;
    std::vector<double> bytes;  // at DeviceMemory::times
};
struct DeviceMemory {  // of one process
    std::int64_t device = 0, pid = 0;
    std::vector<Ns> times;
    std::vector<double> total;
    std::vector<OwnerCurve> owners;  // the largest at the peak first, at most kMostOwners; the rest is total less these
};

Result<std::vector<DeviceMemory>> memoryByOwner(const std::string& path, const std::atomic<bool>& stop);

}  // namespace ridge::gui
