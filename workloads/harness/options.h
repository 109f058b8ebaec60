// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The command line of ridge-workloads: our own flags, taken out before Google Benchmark sees the
// rest. A flag that is neither ours nor begins with --benchmark_ is an error of one line (exit code
// 2).

#include "base/result.h"
#include "workloads/harness/workload.h"

#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <vector>

namespace ridge::workloads {

struct Options {
    bool help = false;
    bool describe = false;
    bool list = false;
    bool checkBackend = false;
    bool listTests = false;
    bool brief = false;  // fewer steps: timedSteps()
    bool ceilings = false;
    std::string ceilingsFile;  // empty: stdout
    double ceilingsBudget = 8;
    double loopbackSeconds = 0;  // above 0: a rank that --ceilings started
    std::string dataDir;
    std::string transport = "mpi";  // or "nccl"
    std::string resultFile;
    int threads = 1;
    BackendKind backend = BackendKind::kCpu;
    // What Google Benchmark is told, of which we have to know as well.
    bool minTimeGiven = false;
    std::string benchmarkOut;  // a file; empty: none
    bool interleaved = false;
    std::string outFormat = "json";
    std::string format = "console";
    std::vector<std::string> benchmarkArguments;  // argv[0] and every --benchmark_ flag
};

// Timed steps of a run: the variant's, or with brief half of them, but three at least; 0 where
// Google Benchmark decides.
std::int64_t timedSteps(const WorkloadSpec& spec, bool brief);

Result<Options> parseOptions(const std::vector<std::string>& arguments);
std::string helpText();

// Google Benchmark's filter on bare names: a regular expression that is searched for, "all" and the
// empty text for everything, a leading '-' to leave out what matches.
Result<std::vector<std::size_t>> selectSpecs(const std::vector<WorkloadSpec>& specs,
                                             const std::string& filter);

}  // namespace ridge::workloads
