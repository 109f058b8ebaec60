// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The one door into the analyzer: traces in, the answer out.
//
// analyze() reads our own timeline files and Nsight Systems exports. It never looks at what a workload
// is called to judge it; what the caller knows besides (expected verdicts, parameters, the benchmark's
// own numbers) is joined afterwards by joinFacts(). Errors are one line; what a damaged file still
// tells is told, with its flaws under gate. Definitions: docs of the metrics, section 1.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/intervals/paint.h"
#include "analyzer/model/analysis.h"
#include "base/result.h"

namespace ridge::analyzer {

struct Context;
// One rank's part of one collective, on the clock of its trace.
struct CollectivePart {
    std::int64_t rank = 0, device = 0;
    bool gpu = false;
    std::string communicator, name;  // communicator empty: the trace does not say
    Ns startNs = 0, endNs = 0;
    std::optional<Ns> latestStartNs;  // when the last rank began: before it waiting, after it transfer; absent: not split
};

struct AnalyzeOptions {
    std::vector<Ceiling> ceilings;  // measured roofs; those in the trace are used too
    std::string stepName;           // foreign traces: ranges of this name (or NAME#3, NAME 3) are the steps
    double gapNs = 10'000;          // shorter gaps before a queued kernel are the device's own (KERNEL_GAP)
    double pendingNs = 200'000;     // a longer launch has an unknown cause (DEVICE_PENDING)
    // Matched without regard to case in names of ranges and in the last two parts of paths.
    std::vector<std::string> checkpointPatterns{"checkpoint", "ckpt", "save", ".safetensors"};
    std::vector<std::string> inputPatterns{"__next__", "dataloader", "data_loader", "load_batch"};
    // Called once per device of a rank with its exact partition (layer = WallClass), for those who draw it.
    std::function<void(std::int64_t rank, std::int64_t device, bool gpu, const Segments& segments)> onPartition;
    // Called once at the end with everything that the stages found (context.h), for those who look deeper: compare/, summary/.
    std::function<void(const Context& context, const Analysis& analysis)> onContext;
    // The same for collectives: ranges with a work payload, and communication kernels.
    std::function<void(const CollectivePart&)> onCollective;
    // Raised by who no longer waits: loading and analysis end soon, with an error. Looked at between tables and stages.
    const std::atomic<bool>* stop = nullptr;
};

Result<Analysis> analyze(const std::vector<std::string>& tracePaths, const AnalyzeOptions& options);
// The same of a timeline in memory, which keeps the invariants of its header.
struct Timeline;
Result<Analysis> analyzeTimeline(const Timeline& timeline, const AnalyzeOptions& options);

// What the caller knows of a workload and the trace does not say.
struct WorkloadFacts {
    std::string name;  // full name, as in the trace
    std::map<std::string, std::string> params;
    std::vector<WorkloadMetric> metrics;  // added to those of the trace; same name: replaces
    std::string check, checkDetail;       // "passed", "failed", ""
    std::optional<Verdict> expected;
};
// Facts of a workload that the trace does not have add an entry without samples.
void joinFacts(Analysis& analysis, const std::vector<WorkloadFacts>& facts);

}  // namespace ridge::analyzer
