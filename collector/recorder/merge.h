// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Timelines of several recordings (the ranks of a launcher) as one. t = 0 is that of the earliest;
// the others are laid on its clock by CLOCK_MONOTONIC where they come from one boot of one machine,
// else by UTC, as exact as the machines' clocks agree. What columns mean is read from
// timeline.sql's own comments, so that a new table needs nothing here. Numbers that are unique in
// one file only (strings, files, counters, rows that others refer to) are given anew; of processes
// with a number that is taken the VM's part of it changes.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::recorder {

struct MergeOutcome {
    std::uint64_t rows = 0;
    std::vector<std::string> notes;  // one line each: what could not be taken over
};

// Errors: an input is no timeline of ours, or is named twice; the output cannot be written.
Result<MergeOutcome> mergeTimelines(const std::vector<std::string>& inputs,
                                    const std::string& output);

}  // namespace ridge::recorder
