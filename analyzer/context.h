// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Everything that the stages of one analysis hand to each other. Filled from top to bottom by
// analyze(); gate, verdict and findings only read it.

#include "analyzer/analyze.h"
#include "analyzer/attribution/cpu.h"
#include "analyzer/attribution/gpu.h"
#include "analyzer/attribution/io_class.h"
#include "analyzer/attribution/ops.h"
#include "analyzer/communication/collectives.h"
#include "analyzer/roofline/measured.h"
#include "analyzer/roofline/roofs.h"
#include "analyzer/steps/steps.h"
#include "analyzer/timeline/timeline.h"

#include <vector>

namespace ridge::analyzer {

// A step of the answer and where it came from.
struct StepOrigin {
    std::int32_t workload = 0;    // into StepSet::workloads
    std::int32_t cpu = kNoIndex;  // into cpus
    std::int32_t gpu = kNoIndex;  // into gpus
    std::int32_t hostStep = kNoIndex;
};

struct Context {
    const Timeline& timeline;
    const AnalyzeOptions& options;
    StepSet steps;
    Ops ops;
    Collectives collectives;
    std::vector<IoInterval> io;
    std::vector<CpuPartition> cpus;
    std::vector<GpuPartition> gpus;
    double dispatchNs = 0;
    std::vector<CpuShare> cpuShare;   // per workload: cpuShares()
    std::vector<StepOrigin> origins;  // one per Analysis::steps
    MeasuredRoofline measured = {};
    RowFacts rows = {};  // factsOfRows(), before all that asks for them
};

}  // namespace ridge::analyzer
