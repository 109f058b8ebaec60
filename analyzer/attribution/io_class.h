// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Which I/O is a checkpoint and which is input.
//
// Checkpoint: the name of the range, of a range around it on its thread, or the last two parts of the
// path match a pattern; or it writes (what a job writes while it steps is state, not input). Frame
// ranges (workload, warmup, step) are never looked at: what a benchmark is called decides nothing.

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/analyze.h"
#include "analyzer/attribution/ops.h"
#include "analyzer/intervals/intervals.h"
#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer {

struct IoInterval {
    Ns start = 0, end = 0;
    std::int32_t thread = kNoIndex, process = kNoIndex;
    bool checkpoint = false;
    bool named = false;       // known only by a range's name
    std::int64_t bytes = 0;
    NameId name, path;        // the call, or the range that tells of it; the file where it is known
    // A path or a range around it says checkpoint; without that a write is only counted with them, as the class of
    // time that goes into what a step leaves behind.
    bool saysCheckpoint = false;
};

// Posix rows, ranges of kind io, and, when matchNames, ranges that a pattern names.
std::vector<IoInterval> findIo(const Timeline& timeline, const Ops& ops, const AnalyzeOptions& options, bool matchNames);

// Does the text hold one of the patterns, whatever the case?
bool matchesAny(std::string_view text, const std::vector<std::string>& patterns);

}  // namespace ridge::analyzer
