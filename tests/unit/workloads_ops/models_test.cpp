// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The models: the oracle against finite differences, models against the oracle, and the payloads of
// a recorded step against the formulas, to the last digit.
#include "range_capture.h"
#include "workloads/models/checks.h"
#include "workloads/models/elementwise.h"
#include "workloads/models/infer.h"
#include "workloads/models/kernels/kernels.h"
#include "workloads/models/serving/serve.h"
#include "workloads/models/speculative.h"
#include "workloads/models/train.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace ridge::workloads {
namespace {

using formulas::AttentionConvention;

std::unique_ptr<Operators> makeOps() {
    auto made = makeCpuOperators();
    EXPECT_TRUE(made.ok());
    return std::move(made).value();
}

// FLOPs of products and attention, and of everything else.
struct Sums {
    std::uint64_t model = 0;
    std::uint64_t vector = 0;
    std::uint64_t bytes = 0;
};

Sums sum(const std::vector<test::CapturedRange>& ranges) {
    Sums sums;
    for (const auto& range : ranges) {
        const bool counted =
            range.work.op_kind == RIDGE_OP_GEMM || range.work.op_kind == RIDGE_OP_ATTENTION;
        (counted ? sums.model : sums.vector) += range.work.flops;
        sums.bytes += range.work.bytes_read + range.work.bytes_written;
    }
    return sums;
}

TEST(Models, OracleGradientsMatchFiniteDifferences) {
    const CheckResult result = checkOracleGradients();
    EXPECT_TRUE(result.passed) << result.detail;
}

TEST(Models, LayoutHasNoGapsAndMatchesTheFormula) {
    const GptConfig config{.layers = 3, .width = 32, .heads = 4, .context = 10, .vocabulary = 50};
    const GptLayout layout(config);
    std::int64_t expected = 0;
    for (const GptParameter& parameter : layout.parameters) {
        EXPECT_EQ(parameter.offset, expected) << parameter.name;
        expected += parameter.count;
    }
    EXPECT_EQ(layout.total, expected);
    // N, plus positions, biases (3C + C + 4C + C) and norms.
    const std::int64_t c = config.width;
    EXPECT_EQ(layout.total, static_cast<std::int64_t>(formulas::matmulParameters(config.shape())) +
                                config.context * c + config.layers * (9 * c + 4 * c) + 2 * c);
}

TEST(Models, PayloadsOfATrainingStepEqualTheFormulaToTheLastDigit) {
    for (const GptConfig& config :
         {GptConfig{.layers = 4, .width = 256, .heads = 4, .context = 256, .vocabulary = 4096},
          GptConfig{.layers = 2, .width = 128, .heads = 4, .context = 128, .vocabulary = 1024}}) {
        const auto workload = makeTrainWorkload({}, config, 4);
        ASSERT_TRUE(workload->prepare().ok());
        test::startCapture();
        workload->step(0);
        const auto ranges = test::stopCapture();
        EXPECT_EQ(sum(ranges).model,
                  formulas::trainingStepFlops(config.shape(), 4, AttentionConvention::kFull))
            << config.text();
        // The vector operators are small change, but not nothing.
        EXPECT_GT(sum(ranges).vector, 0U);
        EXPECT_LT(sum(ranges).vector, sum(ranges).model / 20);
    }
}

TEST(Models, RecomputationRepeatsWhatTheFormulaSays) {
    const GptConfig config{.layers = 3, .width = 64, .heads = 4, .context = 32, .vocabulary = 96};
    const auto recorded = [&](TrainOptions options) {
        const auto workload = makeTrainWorkload({}, config, 4, options);
        EXPECT_TRUE(workload->prepare().ok());
        test::startCapture();
        workload->step(0);
        return sum(test::stopCapture()).model;
    };
    const auto shape = config.shape();
    const auto step = formulas::trainingStepFlops(shape, 4, AttentionConvention::kFull);
    EXPECT_EQ(recorded({Recompute::kFull, 1}),
              step + formulas::blockRecomputeFlops(shape, 4, AttentionConvention::kFull));
    EXPECT_EQ(recorded({Recompute::kSelective, 1}),
              step + formulas::attentionRecomputeFlops(shape, 4, AttentionConvention::kFull));
    EXPECT_EQ(recorded({Recompute::kNone, 4}), step) << "micro-batches change nothing";
}

TEST(Models, RecomputationSavesMemoryAndChangesNoBit) {
    const auto ops = makeOps();
    const GptConfig config{.layers = 4, .width = 32, .heads = 4, .context = 16, .vocabulary = 40};
    std::vector<std::int64_t> bytes;
    for (const Recompute recompute : {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
        const CheckResult result = checkRecompute(*ops, recompute);
        EXPECT_TRUE(result.passed) << result.detail;
        auto made = GptTrainer::create(*ops, config, 2, recompute);
        ASSERT_TRUE(made.ok());
        bytes.push_back((*made)->activationBytes());
    }
    // 2 * 16 rows: a block holds 15 C + 4 floats a row, its probabilities H T, its output C.
    constexpr std::int64_t kRow = 4 * 32;
    EXPECT_EQ(bytes[0], kRow * 4 * (15 * 32 + 4 + 4 * 16 + 32));
    EXPECT_EQ(bytes[1], kRow * (4 * (15 * 32 + 4 + 32) + 4 * 16));
    EXPECT_EQ(bytes[2], kRow * (15 * 32 + 4 + 4 * 16 + 4 * 32));
}

TEST(Models, MicroBatchesAddUpToTheBatch) {
    const auto ops = makeOps();
    for (const std::int64_t microBatches : {1, 2, 3}) {
        const CheckResult result = checkAccumulation(*ops, microBatches);
        EXPECT_TRUE(result.passed) << result.detail;
    }
    const auto uneven = makeTrainWorkload(
        {}, {.layers = 1, .width = 16, .heads = 2, .context = 8, .vocabulary = 32}, 4,
        {Recompute::kNone, 3});
    EXPECT_FALSE(uneven->prepare().ok());
}

TEST(Models, PhasesHoldTheOperatorsAndCarryNoWork) {
    const auto workload = makeTrainWorkload(
        {}, {.layers = 1, .width = 16, .heads = 2, .context = 8, .vocabulary = 32}, 2);
    ASSERT_TRUE(workload->prepare().ok());
    test::startCapture();
    workload->step(0);
    const auto ranges = test::stopCapture();
    std::vector<std::string> phases;
    for (const auto& range : ranges) {
        EXPECT_LE(range.depth, 1);
        EXPECT_EQ(range.hasWork, range.depth == 1) << range.name;
        if (range.depth == 0) phases.push_back(range.name);
    }
    EXPECT_EQ(phases, (std::vector<std::string>{"forward", "backward", "optimizer"}));
    EXPECT_EQ(test::openRanges(), 0);
}

TEST(Models, PayloadsOfPrefillAndDecodeEqualTheFormulas) {
    const GptConfig config{.layers = 2, .width = 32, .heads = 4, .context = 16, .vocabulary = 40};
    const auto ops = makeOps();
    auto made = GptGenerator::create(*ops, config, 12);
    ASSERT_TRUE(made.ok());
    GptGenerator& generator = **made;
    generator.initialise(3);
    test::startCapture();
    const std::int32_t next = generator.prefill(randomTokens(12, config.vocabulary, 1));
    EXPECT_EQ(sum(test::stopCapture()).model, formulas::passFlops(config.shape(), 0, 12, 1));
    test::startCapture();
    (void)generator.decode(next);
    const Sums decode = sum(test::stopCapture());
    EXPECT_EQ(decode.model, formulas::decodeStepFlops(config.shape(), 1, 13));
    EXPECT_GE(decode.bytes, formulas::decodeStepBytes(config.shape(), 1, 13, 4, 4));
}

TEST(Models, PayloadsOfStoredAndPagedPassesEqualTheFormulas) {
    const GptConfig config{.layers = 2, .width = 64, .heads = 4, .context = 48, .vocabulary = 128};
    const auto ops = makeOps();
    for (const Storage weights : {Storage::kF32, Storage::kBf16, Storage::kInt8, Storage::kInt4})
        for (const Storage cache : {Storage::kF32, Storage::kBf16, Storage::kInt8}) {
            EngineOptions options;
            options.config = config;
            options.weights = weights;
            options.cache = cache;
            options.block = 16;
            options.sequences = 3;
            auto made = GptGenerator::create(*ops, options, 12);
            ASSERT_TRUE(made.ok());
            (*made)->initialise(3);
            const std::vector<std::vector<std::int32_t>> prompts(
                3, randomTokens(12, config.vocabulary, 1));
            test::startCapture();
            const auto first = (*made)->prefillAll(prompts);
            const std::vector<std::int32_t> tokens(first.begin(), first.end());
            EXPECT_EQ(sum(test::stopCapture()).model,
                      3 * formulas::passFlops(config.shape(), 0, 12, 1));
            test::startCapture();
            (void)(*made)->decodeAll(tokens);
            const auto ranges = test::stopCapture();
            EXPECT_EQ(sum(ranges).model, formulas::decodeStepFlops(config.shape(), 3, 13));
            // What the products and the attention read of weights and cache is the model's formula;
            // the rest of their bytes are rows of floats and biases.
            std::uint64_t bytes = 0;
            const std::uint64_t c = 64, biases = 3 * c + c + 4 * c + c;
            for (const auto& range : ranges)
                if (range.work.op_kind == RIDGE_OP_GEMM || range.work.op_kind == RIDGE_OP_ATTENTION)
                    bytes += range.work.bytes_read;
            // x of each product (c, c, c, 4c per layer; c of the head), q, biases once.
            const std::uint64_t rows = 4 * (2 * (3 * (c + c + c + 4 * c + c) + biases) + 3 * c);
            EXPECT_EQ(bytes - rows,
                      formulas::decodeStepBytes(config.shape(), weights, cache, 3 * 13))
                << formulas::name(weights) << " " << formulas::name(cache);
        }
}

TEST(Models, DecodeReadsLittleButWeights) {
    const GptConfig config{.layers = 2, .width = 256, .heads = 4, .context = 16, .vocabulary = 256};
    const auto ops = makeOps();
    auto made = GptGenerator::create(*ops, config, 4);
    ASSERT_TRUE(made.ok());
    (*made)->initialise(3);
    const std::int32_t next = (*made)->prefill(randomTokens(4, config.vocabulary, 1));
    test::startCapture();
    (void)(*made)->decode(next);
    const auto floor = static_cast<double>(formulas::decodeStepBytes(config.shape(), 1, 5, 4, 4));
    EXPECT_LT(static_cast<double>(sum(test::stopCapture()).bytes), 1.03 * floor);
}

TEST(Models, CachedDecodeEqualsComputingAnew) {
    const auto ops = makeOps();
    const GptConfig config{.layers = 3, .width = 64, .heads = 4, .context = 24, .vocabulary = 100};
    auto made = GptGenerator::create(*ops, config, 24);
    ASSERT_TRUE(made.ok());
    (*made)->initialise(5, 0.1F);
    const CheckResult result = checkCachedDecode(**made, 6, 17);
    EXPECT_TRUE(result.passed) << result.detail;
}

TEST(Models, GenerationIsNotDegenerateAndRewindRepeatsIt) {
    const auto ops = makeOps();
    const GptConfig config{.layers = 2, .width = 64, .heads = 4, .context = 40, .vocabulary = 100};
    auto made = GptGenerator::create(*ops, config, 8);
    ASSERT_TRUE(made.ok());
    GptGenerator& generator = **made;
    generator.initialise(5, 0.2F);
    const std::int32_t first = generator.prefill(randomTokens(8, config.vocabulary, 2));
    const auto generate = [&] {
        std::vector<std::int32_t> tokens{first};
        for (int i = 0; i < 24; ++i) tokens.push_back(generator.decode(tokens.back()));
        return tokens;
    };
    const auto once = generate();
    EXPECT_GE(std::set<std::int32_t>(once.begin(), once.end()).size(), 3U);
    generator.rewind(8);
    EXPECT_EQ(generate(), once);
}

TEST(Models, AFullCacheIsTheCallersBug) {
    const bool before = ridgeThrowOnBug;
    ridgeThrowOnBug = true;
    const auto ops = makeOps();
    auto made = GptGenerator::create(
        *ops, {.layers = 1, .width = 16, .heads = 2, .context = 5, .vocabulary = 20}, 4);
    ASSERT_TRUE(made.ok());
    (*made)->initialise(1);
    (void)(*made)->prefill(randomTokens(4, 20, 1));
    (void)(*made)->decode(1);
    EXPECT_ANY_THROW((void)(*made)->decode(1));
    ridgeThrowOnBug = before;
}

TEST(Models, DecodeWorkloadRunsPastItsCache) {
    DecodeOptions options;
    options.config = {.layers = 1, .width = 16, .heads = 2, .context = 20, .vocabulary = 20};
    options.prompt = 4;
    const auto workload = makeDecodeWorkload({}, options);
    ASSERT_TRUE(workload->prepare().ok());
    const CheckResult result = workload->check();
    EXPECT_TRUE(result.passed) << result.detail;
    for (std::uint64_t i = 0; i < 64; ++i) workload->step(i);  // 4 rounds of contexts 5..20
    for (const Metric& metric : workload->report({64, 0.01, 0.01}))
        if (metric.name == "mean_context") {
            EXPECT_DOUBLE_EQ(metric.value, 12.5);
        }
}

TEST(Models, WrongShapesAreErrors) {
    const auto ops = makeOps();
    const GptConfig odd{.layers = 1, .width = 10, .heads = 3, .context = 4, .vocabulary = 8};
    EXPECT_FALSE(GptTrainer::create(*ops, odd, 1).ok());
    EXPECT_FALSE(GptGenerator::create(*ops, odd, 2).ok());
    const GptConfig fine{.layers = 1, .width = 12, .heads = 3, .context = 4, .vocabulary = 8};
    EXPECT_FALSE(GptGenerator::create(*ops, fine, 5).ok());
    EXPECT_FALSE(GptTrainer::create(*ops, fine, 0).ok());
}

TEST(Models, GradientsAreAnnouncedOnceEachAndFinal) {
    const auto ops = makeOps();
    const GptConfig config{.layers = 3, .width = 16, .heads = 2, .context = 8, .vocabulary = 32};
    auto made = GptTrainer::create(*ops, config, 2);
    ASSERT_TRUE(made.ok());
    GptTrainer& trainer = **made;
    trainer.initialise(1);
    trainer.setBatch(randomTokens(16, 32, 1), randomTokens(16, 32, 2));
    std::vector<float> seen(static_cast<std::size_t>(trainer.layout().total), std::nanf(""));
    trainer.onGradientsReady([&](std::int64_t offset, std::int64_t count) {
        for (std::int64_t i = offset; i < offset + count; ++i) {
            EXPECT_TRUE(std::isnan(seen[static_cast<std::size_t>(i)])) << i;
            seen[static_cast<std::size_t>(i)] = trainer.gradients().f32()[i];
        }
    });
    (void)trainer.forward();
    trainer.backward();
    for (std::size_t i = 0; i < seen.size(); ++i)
        ASSERT_EQ(seen[i], trainer.gradients().f32()[i]) << i;
}

TEST(Models, NoPrimitiveIsMadeWhileStepsAreTimed) {
    const auto ops = makeOps();
    const GptConfig config{.layers = 2, .width = 32, .heads = 2, .context = 16, .vocabulary = 48};
    auto made = GptTrainer::create(*ops, config, 2);
    ASSERT_TRUE(made.ok());
    (*made)->initialise(1);
    (*made)->setBatch(randomTokens(32, 48, 1), randomTokens(32, 48, 2));
    (void)(*made)->forward();
    (*made)->backward();
    const std::int64_t warm = ops->primitiveCount();
    EXPECT_GT(warm, 0);
    for (int i = 0; i < 3; ++i) {
        (void)(*made)->forward();
        (*made)->backward();
        (*made)->optimise();
    }
    EXPECT_EQ(ops->primitiveCount(), warm);
}

TEST(Models, ElementwisePairComputesTheSameAndMovesAQuarter) {
    Sums sums[2];
    for (const bool fused : {false, true}) {
        const auto workload = makeElementwiseWorkload({}, 100'003, fused);
        ASSERT_TRUE(workload->prepare().ok());
        const CheckResult result = workload->check();
        EXPECT_TRUE(result.passed) << result.detail;
        test::startCapture();
        workload->step(0);
        sums[fused ? 1 : 0] = sum(test::stopCapture());
    }
    EXPECT_EQ(sums[0].bytes, 4 * sums[1].bytes);
    EXPECT_EQ(sums[0].vector, sums[1].vector);
    EXPECT_EQ(sums[1].bytes, 2U * 4 * 100'003);
}

TEST(Models, SpecsAreCompleteAndDistinct) {
    std::set<std::string> names;
    for (const auto& specs :
         {trainSpecs(), inferSpecs(), elementwiseSpecs(), gemmSpecs(), attentionSpecs(),
          vectorSpecs(), launchSpecs(), speculativeSpecs(), serving::serveSpecs()})
        for (const WorkloadSpec& spec : specs) {
            EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
            EXPECT_FALSE(spec.presets.empty());
            EXPECT_FALSE(spec.expected.wallClass.empty());
            EXPECT_FALSE(spec.expected.cause.empty());
            EXPECT_GT(spec.steps, 0);
            EXPECT_NE(spec.create(), nullptr);
        }
    for (const char* name : {"train.single/fp32", "infer.prefill/fp32", "infer.decode/fp32",
                             "elementwise/unfused", "elementwise/fused"})
        EXPECT_TRUE(names.contains(name)) << name;
}

void expectRuns(Workload& workload, int steps) {
    const Status prepared = workload.prepare();
    if (!prepared.ok() && prepared.error().code == ErrorCode::kUnsupported) return;
    ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    const CheckResult result = workload.check();
    EXPECT_TRUE(result.passed) << result.detail;
    for (int i = 0; i < steps; ++i) workload.step(static_cast<std::uint64_t>(i));
    const CheckResult finish = workload.finish();
    EXPECT_TRUE(finish.passed) << finish.detail;
    for (const Metric& metric : workload.report({steps, 0.01, 0.01}))
        EXPECT_TRUE(std::isfinite(metric.value)) << metric.name;
}

TEST(Models, KernelWorkloadsCheckThemselvesAndReport) {
    for (const ridge_dtype type : {RIDGE_DTYPE_F32, RIDGE_DTYPE_BF16, RIDGE_DTYPE_INT8})
        expectRuns(*makeGemmWorkload({}, {type, GemmLayout::kNT, 33, 65, 96}), 2);
    for (const bool fused : {false, true})
        for (const bool backward : {false, true})
            expectRuns(*makeAttentionWorkload({}, {{1, 2, 70, 16, fused}, fused, backward}), 2);
    for (const VectorCase which : {VectorCase::kBiasGeluResidual,
                                   VectorCase::kBiasGeluResidualFused, VectorCase::kLayerNorm})
        expectRuns(*makeVectorWorkload({}, which, 300, 257), 2);
    for (const LaunchCase which : {LaunchCase::kSingle, LaunchCase::kBatched})
        expectRuns(*makeLaunchWorkload({}, which, 20, 7), 2);
}

TEST(Models, AGraphIsSkippedWhereNothingRecordsOne) {
    const Status status = makeLaunchWorkload({}, LaunchCase::kGraph, 20, 7)->prepare();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(status.error().message, "cpu records no graphs");
}

TEST(Models, FusedAndUnfusedVectorWorkloadsMoveWhatTheFormulasSay) {
    std::uint64_t bytes[2];
    for (const bool fused : {false, true}) {
        const auto workload = makeVectorWorkload(
            {}, fused ? VectorCase::kBiasGeluResidualFused : VectorCase::kBiasGeluResidual, 100,
            64);
        ASSERT_TRUE(workload->prepare().ok());
        test::startCapture();
        workload->step(0);
        bytes[fused ? 1 : 0] = sum(test::stopCapture()).bytes;
    }
    EXPECT_EQ(bytes[0], 7U * 4 * 6400 + 256);
    EXPECT_EQ(bytes[1], 3U * 4 * 6400 + 256);
}

TEST(Models, InferenceWorkloadsCheckThemselvesAndReport) {
    const GptConfig config{.layers = 2, .width = 64, .heads = 2, .context = 64, .vocabulary = 128};
    for (const std::int64_t chunk : {0, 10}) {
        PrefillOptions options;
        options.config = config;
        options.chunk = chunk;
        options.weights = Storage::kInt8;
        expectRuns(*makePrefillWorkload({}, options), 2);
    }
    for (const Storage cache : {Storage::kF32, Storage::kBf16, Storage::kInt8}) {
        DecodeOptions options;
        options.config = config;
        options.batch = 3;
        options.block = 16;
        options.weights = Storage::kInt4;
        options.cache = cache;
        expectRuns(*makeDecodeWorkload({}, options), 70);
    }
}

TEST(Models, SpeculativeTextIsPlainTextAndKeepsWhatTheFormulaSays) {
    for (const std::int64_t gamma : {1, 4, 8})
        for (const double acceptance : {0.0, 0.8, 1.0}) {
            SpeculativeOptions options;
            options.config = {
                .layers = 3, .width = 64, .heads = 2, .context = 256, .vocabulary = 128};
            options.draftLayers = 1;
            options.gamma = gamma;
            options.acceptance = acceptance;
            options.prompt = 16;
            const auto workload = makeSpeculativeWorkload({}, options);
            expectRuns(*workload, 60);
            for (const Metric& metric : workload->report({60, 0.01, 0.01}))
                if (metric.name == "tokens_per_verify" && acceptance != 0.8) {
                    EXPECT_DOUBLE_EQ(metric.value,
                                     acceptance > 0.5 ? static_cast<double>(gamma + 1) : 1.0);
                }
        }
}

TEST(Models, TrainWorkloadChecksItselfAndReports) {
    const auto workload = makeTrainWorkload(
        {}, {.layers = 2, .width = 64, .heads = 4, .context = 32, .vocabulary = 128}, 2);
    ASSERT_TRUE(workload->prepare().ok());
    const CheckResult result = workload->check();
    EXPECT_TRUE(result.passed) << result.detail;
    std::set<std::string> names;
    for (const Metric& metric : workload->report({10, 0.5, 0.5})) {
        names.insert(metric.name);
        if (metric.name == "tokens_per_s") {
            EXPECT_DOUBLE_EQ(metric.value, 128.0);
        }
    }
    EXPECT_TRUE(names.contains("flops_per_s_causal"));
    EXPECT_TRUE(names.contains("flops_per_s_full"));
}

}  // namespace
}  // namespace ridge::workloads
