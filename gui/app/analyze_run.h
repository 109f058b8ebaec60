// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The analysis of what is open: of the trace, and of the base that it is compared with. Slow; for a thread of its
// own. Roofs: from the file that was asked for, else those that ridge run left beside the trace.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gui/view/view_controller.h"

namespace ridge::gui {

struct AnalysisWish {
    std::string path, base;      // base may be empty
    std::string ceilings, step;  // a file of roofs, the name of ranges that are steps; may be empty
    std::vector<std::string> paths;  // of all ranks, `path` the first; empty: `path` alone
    std::vector<std::pair<std::string, std::string>> pairs;  // of workloads, (base, trace), that are compared though their names differ
    SnapshotPtr snapshot;            // what gets the rows that the analysis knows of; may be null
    SnapshotPtr baseSnapshot;        // the same of the base
    const std::atomic<bool>* stop;   // raised when nobody waits any more; may be null
};

struct AnalysisAnswer {
    std::shared_ptr<Insight> insight;   // strips of the base are where the base has them, not moved
    std::string problem, baseProblem;   // one line each; with a problem there is no insight
    SnapshotPtr snapshot;               // the wish's with collectives, on one clock; null: none was given
    SnapshotPtr baseSnapshot;
};

AnalysisAnswer analyzeRun(const AnalysisWish& wish);

// Colours of lanes whose names are WallClass.
std::vector<ColourId> classColours();

}  // namespace ridge::gui
