// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// ridge compare on runs, and the gate of ridge run --baseline: sessions in, verdicts out, and why from the timelines.

#include <string>
#include <vector>

#include "analyzer/regression/judge.h"
#include "cli/app/app.h"
#include "cli/verdicts/options.h"

namespace ridge::cli {

struct StoredComparison {
    std::vector<std::string> a, b;      // run.json, folders, folders of folders, Google Benchmark's JSON
    std::vector<std::string> allowed;   // fields of the environment
    VerdictOptions options;
};

// All of them are runs (and none is a trace).
bool areRuns(const std::vector<std::string>& inputs);
Result<std::vector<analyzer::StoredRun>> loadRuns(const std::vector<std::string>& inputs);

int compareStored(StoredComparison comparison, const Globals& globals);

// Fills verdicts.why for what regressed or improved, where both sides have timelines. Never fails: a note says why not.
void explain(analyzer::Verdicts& verdicts, const std::vector<analyzer::StoredRun>& a, const std::vector<analyzer::StoredRun>& b);

}  // namespace ridge::cli
