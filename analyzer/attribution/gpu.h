// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The exact partition of a GPU (metrics.md 1.2): COMPUTE > EXPOSED_COMM > EXPOSED_COPY, and every idle
// gap [a, b) given to its cause through the row that ended it (of the rows that start at b, the one
// launched last) and its launch call [ls, le) on thread t:
//   no launch: unlinked.   ls <= a: kernel_gap if b - a < d, else dependency.
//   else [a, ls) by what t did: I/O > blocking call > other call > host;
//        [ls, b): launch, or device_pending when longer than 200 us.
// The part of a gap in which the collector flushed its buffers is unknown_capture.

#include <optional>
#include <vector>

#include "analyzer/attribution/io_class.h"
#include "analyzer/attribution/ops.h"
#include "analyzer/intervals/paint.h"
#include "analyzer/kernels/classify.h"

namespace ridge::analyzer {

struct GpuPartition {
    std::int32_t device = kNoIndex;
    Segments segments;  // layer = WallClass
    IntervalSet compute, communication, copy, busy;
    Ns firstStart = 0, lastEnd = 0;
    std::int64_t kernels = 0, copies = 0, unlinked = 0;
    std::int64_t rank = 0;
    std::vector<std::int32_t> rows;  // into Timeline::gpu, by start
};

struct Window {
    Interval span;
    std::int32_t hostStep = kNoIndex;  // kNoIndex: the whole trace
};

// Is this row communication, by its name or by the range that launched it?
std::vector<bool> findCommunicationRows(const Timeline& timeline);

// The group of the op that launched each GPU row; kNoIndex: none.
std::vector<std::int32_t> groupsOfRows(const Timeline& timeline, const Ops& ops);

// What several passes ask of every GPU row, found once.
struct RowFacts {
    std::vector<KernelClass> classOfName;  // per name; of names that no kernel has: kOther
    std::vector<bool> communication;       // findCommunicationRows()
    std::vector<std::int32_t> group;       // groupsOfRows()
};
RowFacts factsOfRows(const Timeline& timeline, const Ops& ops);

// latestStart: per GPU row, when the last rank of its collective began (Collectives::gpuLatestStart): before
// it communication is waiting, after it transfer; nothing: unsplit. measured: WallClass per GPU row that counters
// tell (MeasuredRoofline::classOfRow), before what the payload tells.
std::vector<GpuPartition> partitionGpu(const Timeline& timeline, const Ops& ops, const std::vector<IoInterval>& io,
                                       const AnalyzeOptions& options,
                                       const std::vector<std::optional<Ns>>& latestStart = {},
                                       const std::vector<std::uint8_t>& measured = {}, const RowFacts* facts = nullptr);

// Device windows of the host's steps: W_i = [E_{i-1}, E_i), E_i = max(E_{i-1}, end of every row whose
// launch starts inside host step i), E_0 = the first such start. They tile. Empty when no row of the
// device was launched inside a step.
std::vector<Window> deviceWindows(const Timeline& timeline, const StepSet& steps, const GpuPartition& device);

}  // namespace ridge::analyzer
