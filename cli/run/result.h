// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a workload's process says of itself (ridge-workloads --result), and its way into the reports.

#include <cstdint>
#include <string>
#include <vector>

#include "analyzer/analyze.h"
#include "cli/run/plan.h"
#include "reports/json/run_json.h"

namespace ridge::cli {

struct WorkloadResult {
    std::string status;  // "ok", "skipped", "error"
    std::string detail;  // what was checked, or why not
    std::vector<double> stepSeconds;
    std::vector<analyzer::WorkloadMetric> metrics;
};
// Errors: the file is not there or is no result of this workload.
Result<WorkloadResult> readResult(const std::string& path, const std::string& workload);

// One fresh process of a variant.
struct Attempt {
    WorkloadResult result;
    int exitStatus = 0;
    std::string trace;           // empty: none was written
    std::string recordingError;  // empty: the recording went well
    std::int64_t startedUtcNs = 0;
    int session = 0;             // which pass over all workloads
    bool interrupted = false;    // by a signal: what there is of it is kept, but not judged
};
struct Outcome {
    Variant variant;
    std::vector<Attempt> attempts;
    // Of all attempts: "ok" when the first is ok and none failed.
    [[nodiscard]] std::string status() const;
    [[nodiscard]] std::string reason() const;
};

// A decode workload's MBU divides by what reading its weights alone reached in its own process; % of roof in the table
// divides by the run's read roof of main memory (of a GPU's, onDevice). Both by the faster of the two from here on: a
// reading that was starved makes MBU more than 1. Other workloads are left alone.
void holdAgainstReadRoof(std::vector<analyzer::WorkloadMetric>& metrics, const std::vector<analyzer::Ceiling>& ceilings, bool onDevice);

analyzer::WorkloadFacts factsOf(const Outcome& outcome);
// Samples of every attempt: step times and the workload's metrics, and per analysis the analyzer's own.
reports::RunBenchmark benchmarkOf(const Outcome& outcome, const std::vector<analyzer::Analysis>& analyses,
                                  std::vector<reports::RunWarning>& warnings);

}  // namespace ridge::cli
