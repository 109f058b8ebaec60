// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Reads traces (our timeline files, Nsight Systems exports of schema 2.9 or later, Kineto JSON plain or
// gzipped; told by their first bytes) into one Timeline.
//
// Several files (one per rank) are laid on the clock of the first by their UTC anchors; one file or one
// rank given twice is an error. A file that is
// no timeline is an error of one line; a table that breaks off or holds rows that cannot be is kept as
// far as it makes sense and told in Timeline::tables. Facts of the format: collector-facts 1.

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/timeline/timeline.h"
#include "base/result.h"

namespace ridge::analyzer {

// stop: ends the reading early, with an error; looked at between the blocks of a Kineto trace and the tables of a timeline.
Result<Timeline> load(const std::vector<std::string>& paths, const std::atomic<bool>* stop = nullptr);
// The text of one Kineto trace that is in memory already.
Result<Timeline> loadKinetoText(std::string_view text);

}  // namespace ridge::analyzer
