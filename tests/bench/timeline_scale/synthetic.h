// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A timeline file of ours with about as many events as asked for: four ranks that train a transformer, each on a GPU
// with a stream for kernels, one for collectives, one for copies; steps, ops with a work payload, launches, blocking
// calls, a data loader that reads files, checkpoints, counters. The same seed gives the same bytes.
//
// Of 100 events 37 are kernels, 37 calls, 25 ranges, the rest copies, waits, file calls and samples. Rows stand in the
// order in which a recorder drains them: a rank's step at a time, ranges in the order of their ends.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace ridge::bench {

// Returns how many events were written.
Result<std::int64_t> writeSynthetic(const std::string& path, std::int64_t events, std::uint64_t seed);

}  // namespace ridge::bench
