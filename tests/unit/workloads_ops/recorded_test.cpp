// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What is done once and used again: training steps and decode passes recorded as graphs, codes of
// weights kept between fp8 products. Equal to the bit with what is done anew; and each way of using
// something stale is found by the proofs that run before anything is timed.
#include "backends.h"
#include "range_capture.h"
#include "workloads/models/checks_recorded.h"
#include "workloads/models/infer.h"
#include "workloads/models/tiny_model.h"
#include "workloads/models/train.h"
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/graphs.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ridge::workloads {
namespace {

using namespace tiny;

// For decoding: a context that is longer than what the checks read.
constexpr GptConfig kShort{.layers = 1, .width = 64, .heads = 2, .context = 24, .vocabulary = 48};

template <typename T>
T taken(Result<T> made) {
    RIDGE_CHECK(made.ok(), "what the test needs could not be made");
    return std::move(*made);
}

class Recorded : public OnBackends {
protected:
    void SetUp() override {
        OnBackends::SetUp();
        if (IsSkipped()) return;
        if (graphsOf(*m_ops) == nullptr) GTEST_SKIP() << m_ops->describe() << " records no graphs";
    }
};
INSTANTIATE_TEST_SUITE_P(All, Recorded, everyBackend(), backendName);

void expectPassed(const CheckResult& result) {
    EXPECT_TRUE(result.passed) << result.detail;
}
void expectFound(const CheckResult& result, const std::string& what) {
    EXPECT_FALSE(result.passed) << what << " was not noticed: " << result.detail;
}

TEST_P(Recorded, StepsAreTheIssuedOnesToTheBit) {
    expectPassed(checkRecordedStep(*m_ops, RIDGE_DTYPE_F32));
    expectPassed(checkRecordedStep(*m_ops, RIDGE_DTYPE_F32, true));
    for (const ridge_dtype type : {RIDGE_DTYPE_TF32, RIDGE_DTYPE_BF16, RIDGE_DTYPE_FP8_E4M3})
        if (m_ops->canMultiply(type).ok()) expectPassed(checkRecordedStep(*m_ops, type));
    EXPECT_TRUE(m_ops->status().ok());
}

TEST_P(Recorded, DecodePassesAreTheIssuedOnesToTheBit) {
    for (const Storage weights : storages())
        expectPassed(checkRecordedDecode(*m_ops, weights, Storage::kF32));
    expectPassed(checkRecordedDecode(*m_ops, Storage::kF32, Storage::kBf16));
    expectPassed(checkRecordedDecode(*m_ops, Storage::kInt8, Storage::kInt8));
}

// What one launch says of its work is what the operators would have said.
TEST_P(Recorded, ALaunchTellsTheWorkOfItsOperators) {
    const auto sum = [](const std::vector<test::CapturedRange>& ranges) {
        formulas::OpCost all;
        for (const auto& range : ranges)
            if (range.hasWork) {
                all.flops += range.work.flops;
                all.bytesRead += range.work.bytes_read;
                all.bytesWritten += range.work.bytes_written;
            }
        return all;
    };
    const auto expectSame = [&](const auto& issued, const auto& launched, const char* name) {
        const formulas::OpCost a = sum(issued), b = sum(launched);
        EXPECT_EQ(a.flops, b.flops);
        EXPECT_EQ(a.bytesRead, b.bytesRead);
        EXPECT_EQ(a.bytesWritten, b.bytesWritten);
        EXPECT_GT(issued.size(), 10U);
        EXPECT_EQ(launched.back().name, name);
    };
    auto trainer = taken(GptTrainer::create(*m_ops, kTiny, kTinySequences));
    trainer->initialise(kSeed);
    const TinyBatch batch = tinyBatch();
    trainer->setBatch(batch.tokens, batch.targets);
    const auto step = [&] {
        (void)trainer->forward();
        trainer->backward();
        trainer->optimise();
    };
    step();
    test::startCapture();
    step();
    const auto issuedStep = test::stopCapture();
    ASSERT_TRUE(trainer->recordStep().ok());
    EXPECT_GT(trainer->recordedNodes(), 50);
    test::startCapture();
    (void)trainer->runRecordedStep();
    expectSame(issuedStep, test::stopCapture(), "step.graph");

    // A decode step's work grows with its position.
    EngineOptions options;
    options.config = kTiny;
    auto issued = taken(GptGenerator::create(*m_ops, options, 2));
    auto recorded = taken(GptGenerator::create(*m_ops, options, 2));
    for (auto* generator : {issued.get(), recorded.get()}) {
        generator->initialise(kSeed);
        (void)generator->prefill(std::vector<std::int32_t>{1, 2});
    }
    ASSERT_TRUE(recorded->recordDecode().ok());
    for (int token = 0; token < 3; ++token) {
        test::startCapture();
        (void)issued->decode(token);
        const auto operators = test::stopCapture();
        test::startCapture();
        (void)recorded->decode(token);
        auto launch = test::stopCapture();
        expectSame(operators, launch, "pass.graph");
    }
}

// A pass that moves the places of rows makes earlier recordings useless: a launch says so.
TEST_P(Recorded, AGraphWhoseRowsMovedIsAnErrorAndNoStaleAnswer) {
    EngineOptions options;
    options.config = kShort;
    auto generator = taken(GptGenerator::create(*m_ops, options, 16));
    generator->initialise(kSeed);
    (void)generator->prefill(std::vector<std::int32_t>{1});
    ASSERT_TRUE(generator->recordDecode().ok());
    (void)generator->decode(1);
    ASSERT_TRUE(m_ops->status().ok());
    (void)generator->prefill(std::vector<std::int32_t>(16, 3));
    (void)generator->decode(1);
    ASSERT_FALSE(m_ops->status().ok());
    EXPECT_NE(m_ops->status().error().message.find("placed elsewhere"), std::string::npos);
}

TEST_P(Recorded, WhatACaptureForbidsIsRefused) {
    const Tensor x = m_ops->allocate(8);
    graphsOf(*m_ops)->beginGraph();
    m_ops->upload(x, std::vector<float>(8, 1.0F));
    const auto graph = graphsOf(*m_ops)->endGraph();
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().message, "a copy to the device while a graph is recorded");
}

// --- stale on purpose ---------------------------------------------------------------------------

class HostOperators : public cuda::CudaOperators {
public:
    HostOperators() : CudaOperators(cuda::makeHostDevice(cuda::CopiesWhen::kAtOnce)) {}
    Result<std::unique_ptr<OperatorGraph>> endGraph() override {
        m_recorded = true;
        return CudaOperators::endGraph();
    }

protected:
    bool m_recorded = false;  // a graph exists
};

// The moments' corrections stay those of the recording.
class StaleCorrections final : public HostOperators {
    void doAdamW(const AdamWArgs& args, const Tensor& weights, const Tensor& gradients,
                 const Tensor& firstMoments, const Tensor& secondMoments) override {
        AdamWArgs own = args;
        own.corrections = {};
        CudaOperators::doAdamW(own, weights, gradients, firstMoments, secondMoments);
    }
};
// They are read from the device, where nobody has written them anew.
class StaleScalars final : public HostOperators {
public:
    using HostOperators::upload;
    void upload(const Tensor& to, std::span<const float> from) override {
        if (!m_recorded || from.size() != 2 || m_written++ == 0) HostOperators::upload(to, from);
    }

private:
    int m_written = 0;
};
class StaleTokens final : public HostOperators {
public:
    using HostOperators::upload;
    void upload(const Tensor& to, std::span<const std::int32_t> from) override {
        if (!m_recorded) HostOperators::upload(to, from);
    }
};
class StalePlaces final : public HostOperators {
public:
    void placeRows(const KvCache& cache, std::span<const CacheRows> rows) override {
        if (!m_recorded) HostOperators::placeRows(cache, rows);
    }
};
class StaleWeights final : public HostOperators {
    void written(const Tensor&) override {}
};

TEST(Stale, ScalarsOfARecordedStepAreFound) {
    StaleCorrections corrections;
    expectFound(checkRecordedStep(corrections, RIDGE_DTYPE_F32), "a correction of the recording");
    StaleScalars scalars;
    expectFound(checkRecordedStep(scalars, RIDGE_DTYPE_F32), "a correction of an earlier step");
    StaleTokens tokens;
    expectFound(checkRecordedStep(tokens, RIDGE_DTYPE_F32), "a batch of an earlier step");
}

TEST(Stale, PlacesAndTokensOfARecordedPassAreFound) {
    StalePlaces places;
    expectFound(checkRecordedDecode(places, Storage::kF32, Storage::kF32), "an earlier position");
    StaleTokens tokens;
    expectFound(checkRecordedDecode(tokens, Storage::kF32, Storage::kF32), "an earlier token");
}

TEST(Stale, CodesOfWeightsAreFound) {
    StaleWeights ops;
    expectFound(checkKeptWeights(ops, RIDGE_DTYPE_FP8_E4M3), "codes of an earlier step");
}

TEST_P(Recorded, CodesOfWeightsAreKeptFromOneMicroBatchToTheNext) {
    if (!m_ops->canMultiply(RIDGE_DTYPE_FP8_E4M3).ok()) GTEST_SKIP() << "no products in fp8";
    expectPassed(checkKeptWeights(*m_ops, RIDGE_DTYPE_FP8_E4M3));
    ASSERT_TRUE(m_ops->setProducts(RIDGE_DTYPE_FP8_E4M3).ok());
    auto trainer = taken(GptTrainer::create(*m_ops, kTiny, kTinySequences));
    trainer->initialise(kSeed);
    const TinyBatch batch = tinyBatch();
    const auto quantised = [&](bool accumulate) {
        test::startCapture();
        trainer->setBatch(batch.tokens, batch.targets);
        (void)trainer->forward();
        trainer->backward(accumulate);
        std::int64_t weights = 0;
        for (const auto& range : test::stopCapture()) weights += range.name == "quantise.weight";
        return weights;
    };
    // Each matrix of each block as it is and turned over, and the token table turned: the head
    // itself has a vocabulary that is no multiple of sixteen.
    const std::int64_t all = 2 * 4 * kTiny.layers + 1;
    EXPECT_EQ(quantised(false), all);
    EXPECT_EQ(quantised(true), 0);
    trainer->optimise();
    EXPECT_EQ(quantised(false), all);
    m_ops->upload(trainer->parameters().slice(0, 8), std::vector<float>(8, 0.5F));  // of the table
    EXPECT_EQ(quantised(true), 1);
}

// --- the workloads, small, over the CUDA sources on the host -----------------------------------

Backend onHost() {
    return {"cuda_on_host",
            [] { return Result<std::unique_ptr<Operators>>(cuda::makeOperatorsOnHost()); }, true};
}

void expectRuns(Workload& workload, int steps) {
    const Status prepared = workload.prepare();
    ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    expectPassed(workload.check());
    for (int i = 0; i < steps; ++i) workload.step(static_cast<std::uint64_t>(i));
    expectPassed(workload.finish());
    bool nodes = false;
    for (const Metric& metric : workload.report({steps, 0.01, 0.01})) {
        EXPECT_TRUE(std::isfinite(metric.value)) << metric.name;
        nodes = nodes || (metric.name == "graph_nodes" && metric.value > 10);
    }
    EXPECT_TRUE(nodes);
}

TEST(RecordedWorkloads, CheckThemselvesAndRun) {
    TrainOptions training;
    training.graph = true;
    training.fusedAttention = true;
    expectRuns(*makeTrainWorkload(onHost(), kTiny, kTinySequences, training), 3);
    DecodeOptions decoding;
    decoding.config = kShort;
    decoding.prompt = 4;
    decoding.graph = true;
    expectRuns(*makeDecodeWorkload(onHost(), decoding), 30);  // over the end of the cache
}

TEST(RecordedWorkloads, AreSkippedWhereNothingRecordsThem) {
    TrainOptions training;
    training.graph = true;
    const Status trained = makeTrainWorkload({}, kTiny, kTinySequences, training)->prepare();
    ASSERT_FALSE(trained.ok());
    EXPECT_EQ(trained.error().code, ErrorCode::kUnsupported);
    DecodeOptions decoding;
    decoding.config = kShort;
    decoding.graph = true;
    decoding.prompt = 4;
    const Status decoded = makeDecodeWorkload({}, decoding)->prepare();
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace ridge::workloads
