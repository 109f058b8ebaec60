// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Does the file hold what happened? Rows that could not be taken, launches whose kernels are not
// there, files that hold ranges and no device at all. What faultsOf() says is written beside an
// imported trace, so that the answer from the import is as careful as the answer from the trace
// itself.
//   rows_left_out: more than 1 % of a table could not be taken: error
//   no_verdict: more than 20 % of the GPU rows, of the calls or of the ranges, or launches and no
//   kernel at all zero_length_kernels: more than half of the kernels take no time (warning), all of
//   them (error, and no_verdict) zero_length_calls, zero_length_ranges: none of them takes any
//   time: warning, error where there are no GPU rows ranges_only: a file of another tool with
//   ranges, without work payloads, GPU rows and API calls: error launches_without_rows: more than 5
//   % and more than 10 of a process's kernel launches have no GPU row: error

#include <string_view>
#include <vector>

#include "analyzer/context.h"

namespace ridge::analyzer {

inline constexpr std::string_view kRangesOnlyCheck = "ranges_only";

// Of the tables as they were read; without what the loader said itself.
std::vector<Remark> faultsOf(const Timeline& timeline);

// Kernel launches that have a correlation id and no GPU row of it. Not counted: launches into a graph under capture,
// calls inside another launch call, and launches that the device may not have come to when the capture ended.
struct MissingRows {
    std::int64_t launches = 0, missing = 0;  // of the processes in which too many are missing
    std::int64_t all = 0;                    // launches that should have a row, of all processes
    bool unsure = false;                     // graphs are launched, and no capture of one was seen: it may be those
};
MissingRows missingRows(const Timeline& timeline);

void checkLaunches(const Timeline& timeline, Analysis& answer);

}  // namespace ridge::analyzer
