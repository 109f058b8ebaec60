// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A timeline as a Chrome/Perfetto trace (trace-event JSON), in the PyTorch profiler's vocabulary: Perfetto shows it, and what
// reads Kineto reads it, this project's importer too. Times are us with three decimals, so that no nanosecond is lost.
//
//   ranges, calls and file accesses: slices of their thread (cpu_op, python_function, user_annotation, cuda_runtime,
//     cuda_driver; io, which Kineto does not have). A step is called ProfilerStep#<index>; its own name is an argument.
//   kernels, copies, sets, graphs, synchronisation: slices of a stream of a device
//   arrows from launches to kernels (ac2g) and between threads (fwdbwd); counters; device memory in use; the host's gaps
//
// Slices of a track nest: what overlaps its neighbours without lying inside goes to a further lane of the same name (Perfetto
// would cut or drop it). A range without an end is a begin (B) and no end. Everything is written front to back in pieces of
// about a megabyte: the document is never in memory.

#include <cstdint>
#include <functional>
#include <string_view>

#include "analyzer/timeline/timeline.h"
#include "base/result.h"

namespace ridge::reports {

// Takes the next piece; an error ends the writing.
using TraceSink = std::function<Status(std::string_view)>;

struct TraceCounts {
    std::int64_t slices = 0, arrows = 0, samples = 0;
};

Result<TraceCounts> writeTrace(const analyzer::Timeline& timeline, const TraceSink& sink);

}  // namespace ridge::reports
