// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Serving and speculation over the CUDA sources on the host, small: their whole life, with the
// proofs, from memory that the host cannot reach.
#include "tests/unit/workloads_ops/cuda_on_host/host_device.h"
#include "workloads/models/serving/serve.h"
#include "workloads/models/speculative.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ridge::workloads {
namespace {

Backend onHost() {
    return {"cuda_on_host",
            [] { return Result<std::unique_ptr<Operators>>(cuda::makeOperatorsOnHost()); }, true};
}

void expectRuns(Workload& workload, int steps) {
    const Status prepared = workload.prepare();
    ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    const CheckResult check = workload.check();
    ASSERT_TRUE(check.passed) << check.detail;
    for (int i = 0; i < steps; ++i) workload.step(static_cast<std::uint64_t>(i));
    const CheckResult finish = workload.finish();
    EXPECT_TRUE(finish.passed) << finish.detail;
    for (const Metric& metric : workload.report({steps, 0.01, 0.01}))
        EXPECT_TRUE(std::isfinite(metric.value)) << metric.name;
}

constexpr GptConfig kModel{.layers = 1, .width = 32, .heads = 2, .context = 48, .vocabulary = 32};

TEST(CudaWorkloads, RequestsAreServedFromItsMemory) {
    serving::ServeOptions options;
    options.config = kModel;
    options.trace.requests = 5;
    options.trace.shortestPrompt = 4;
    options.trace.longestPrompt = 20;
    options.trace.shortestOutput = 2;
    options.trace.longestOutput = 6;
    options.policy.maxBatch = 3;
    options.policy.maxRows = 24;
    options.policy.chunk = 8;
    options.policy.block = 4;
    options.policy.blocks = 64;
    expectRuns(*serving::makeServeWorkload(onHost(), options), 2);
}

TEST(CudaWorkloads, DraftsAreVerifiedFromItsMemory) {
    SpeculativeOptions options;
    options.config = kModel;
    options.config.layers = 2;
    options.draftLayers = 1;
    options.gamma = 3;
    options.prompt = 8;
    expectRuns(*makeSpeculativeWorkload(onHost(), options), 12);
}

}  // namespace
}  // namespace ridge::workloads
