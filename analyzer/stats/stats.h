// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The classic reports of nsys stats, by their names and with their columns, over our files and over Nsight
// Systems exports alike: cuda_gpu_kern_sum, cuda_api_sum, nvtx_sum, osrt_sum, ...
//
// Besides, for recordings of ours: what was done to files (file_access_sum is a recipe of nsys; its classes,
// sizes and offsets as Darshan counts them), and the flat view of sampled call stacks (cpu_samples_sum, for
// exports of nsys as well), which nsys has in its window only.
//
// Summaries: one row per name with total, count, average, median, smallest, largest and the sample standard
// deviation (n - 1; 0 for one instance), the largest total first. Traces: one row per event in the order of
// starts. A file that lacks a report's tables gives a table without rows and a note that says which.
// Rows with times that cannot be (end before start, beyond 2^55) are left out and counted in a note.

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/model/stats_table.h"
#include "base/result.h"

namespace ridge::analyzer {

struct StatsReport {
    std::string_view name;   // "cuda_gpu_kern_sum"
    std::string_view alias;  // what older versions of nsys called it; empty: nothing
    std::string_view title;
    bool inDefaultSet;       // what nsys stats prints when no report is named
};

const std::vector<StatsReport>& statsReports();

// One file, once opened and for as many reports as are asked for: names and rows are read once.
// Errors: the file is no timeline (kBadInput); no report has this name (kBadInput).
Result<std::vector<StatsTable>> runStats(const std::string& path, const std::vector<std::string>& reports);

}  // namespace ridge::analyzer
