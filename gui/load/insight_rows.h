// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the analysis adds to the timeline: rows of collectives per communicator and rank, split into
// waiting for peers and transfer where all ranks are there; and the clocks of the ranks, which move the
// rows of a rank by what the analysis took off its times.
//
// The rows stand in a group of their own after all others, so that lane numbers, and with them arrows,
// stay what they are. Ranks of one communicator stand together. Runs on the thread of the analysis.

#include <vector>

#include "analyzer/analyze.h"
#include "gui/model/snapshot.h"

namespace ridge::gui {

SnapshotPtr withCollectives(const SnapshotPtr& snapshot, const std::vector<analyzer::CollectivePart>& parts);

// Times of every rank on the clock of the lowest; the snapshot itself where there is nothing to move.
SnapshotPtr onOneClock(const SnapshotPtr& snapshot, const analyzer::Analysis& analysis);
// By how much the times of a rank are to be moved for that.
Ns shiftOfRank(const analyzer::Analysis& analysis, std::int64_t rank);
// Steps, places of findings and the critical path moved alike. false: nothing was to be moved.
bool shiftTimes(analyzer::Analysis& analysis);

}  // namespace ridge::gui
