// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What users of a served model saw, by vLLM's definitions (benchmarks/serve). Seconds, tokens.
//
//   TTFT = first token - arrival             E2E = last token - arrival
//   TPOT = (E2E - TTFT) / (output - 1); answers of one token are left out of its list
//   ITL  = every gap between two tokens, all requests pooled
//   goodput = requests that meet every given limit / duration; an answer of one token counts as
//             TPOT 0

#include "workloads/models/serving/scheduler.h"

#include <span>
#include <vector>

namespace ridge::workloads::serving {

struct Limits {
    double ttft = 0;  // 0: none
    double tpot = 0;
    double e2e = 0;
};

struct Percentiles {
    double p50 = 0, p95 = 0, p99 = 0;
};

struct ServingReport {
    Percentiles ttft, tpot, itl, e2e, queued;
    double goodput = 0;  // requests per second
    double requestsPerSecond = 0;
    double outputTokensPerSecond = 0;
    double totalTokensPerSecond = 0;
    std::int64_t peakConcurrency = 0;  // requests between arrival and last token, at once
};

// duration: of the whole run, all of whose requests are done.
[[nodiscard]] ServingReport summarise(std::span<const Request> requests,
                                      std::span<const Outcome> outcomes, double duration,
                                      const Limits& limits);

// Linear between order statistics (numpy's default); 0 for no values.
[[nodiscard]] Percentiles percentilesOf(std::vector<double> values);

}  // namespace ridge::workloads::serving
