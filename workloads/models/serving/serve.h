// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload family infer.serve: a step serves one trace of requests, from the first arrival to
// the last token. Wall-time variants run a real model; infer.serve/virtual.* let a cost model stand
// for it, so that queueing is seen without noise, and cost only the scheduler's own time.
//
// Answers do not depend on how requests were batched: every step must give the tokens that each
// request gets when it is served alone.
//
// A rate in requests per second is idle time on one machine and a queue on another, so arrivals are
// a share of the capacity measured beside them: metrics capacity and offered_rate.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"
#include "workloads/models/gpt_layout.h"
#include "workloads/models/serving/report.h"
#include "workloads/models/serving/scheduler.h"

#include <vector>

namespace ridge::workloads::serving {

struct ServeOptions {
    GptConfig config;
    TraceOptions trace;
    Policy policy;
    Limits limits;
    bool virtualTime = false;
    // Above 0: requests arrive at this share of the rate at which the same policy served all of them
    // at once while the workload was prepared (the trace's own rate then only shapes the gaps).
    double load = 0;
};

[[nodiscard]] std::vector<WorkloadSpec> serveSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makeServeWorkload(const Backend& backend,
                                                          const ServeOptions& options);

}  // namespace ridge::workloads::serving
