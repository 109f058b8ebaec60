// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload family infer.serve: a step serves one trace of requests, from the first arrival to
// the last token. Wall-time variants run a real model; infer.serve/virtual.* let a cost model stand
// for it, so that queueing is seen without noise, and cost only the scheduler's own time.
//
// Answers do not depend on how requests were batched: every step must give the tokens that each
// request gets when it is served alone.

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
};

[[nodiscard]] std::vector<WorkloadSpec> serveSpecs(const Backend& backend = {});
[[nodiscard]] std::unique_ptr<Workload> makeServeWorkload(const Backend& backend,
                                                          const ServeOptions& options);

}  // namespace ridge::workloads::serving
