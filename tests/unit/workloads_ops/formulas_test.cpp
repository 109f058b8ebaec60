// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Formulas against cases computed by hand; each expectation is spelled out as a product or a
// number.
#include "workloads/formulas/efficiency.h"
#include "workloads/formulas/op_cost.h"
#include "workloads/formulas/parallel.h"
#include "workloads/formulas/transformer.h"

#include <gtest/gtest.h>

namespace ridge::workloads::formulas {
namespace {

constexpr auto kFull = AttentionConvention::kFull;
constexpr auto kCausal = AttentionConvention::kCausal;

TransformerShape shape(std::uint64_t layers, std::uint64_t width, std::uint64_t heads,
                       std::uint64_t context, std::uint64_t vocabulary) {
    TransformerShape made;
    made.layers = layers;
    made.width = width;
    made.heads = heads;
    made.context = context;
    made.vocabulary = vocabulary;
    return made;
}

TEST(OpCost, GemmCountsTwoPerMultiplyAddAndEachOperandOnce) {
    const OpCost cost = gemm(2, 3, 4);
    EXPECT_EQ(cost.flops, 48U);
    EXPECT_EQ(cost.bytesRead, 4U * (8 + 12));
    EXPECT_EQ(cost.bytesWritten, 24U);
    EXPECT_DOUBLE_EQ(intensity(cost), 48.0 / 104.0);
    EXPECT_EQ(gemm(2, 3, 4, 2, 4).bytesRead, 2U * 20);                    // bf16 in, fp32 out
    EXPECT_EQ(gemm(2, 3, 4, 4, 4, true, true).bytesRead, 80U + 12 + 24);  // bias row, old C
    EXPECT_EQ(gemm(2, 3, 4, 4, 4, true, true).flops, 48U);
    EXPECT_EQ(intensity(OpCost{}), 0.0);
}

TEST(OpCost, AttentionConventionsDifferByTwo) {
    const AttentionShape small{.batch = 2, .heads = 3, .tokens = 4, .headDim = 5};
    EXPECT_EQ(attentionForwardFlops(small, kFull), 4U * 2 * 3 * 16 * 5);
    EXPECT_EQ(attentionForwardFlops(small, kCausal), 2U * 2 * 3 * 16 * 5);
    EXPECT_EQ(attentionBackwardFlops(small, kFull), 8U * 2 * 3 * 16 * 5);
    EXPECT_EQ(attentionBackwardFlashFlops(small, kFull), 10U * 2 * 3 * 16 * 5);
    EXPECT_STREQ(name(kCausal), "causal");
    EXPECT_STREQ(name(kFull), "full");
}

TEST(OpCost, AttentionBytesFollowTheTable) {
    const AttentionShape small{.batch = 2, .heads = 3, .tokens = 4, .headDim = 5};
    EXPECT_EQ(attentionFusedBytes(small, 4), 4U * 120 * 4);
    EXPECT_EQ(attentionUnfusedBytes(small, 4), 4U * 120 * 4 + 4U * 96 * 4);
    EXPECT_EQ(attentionForwardStored(small).bytes(), 4U * 120 * 4 + 96U * 4);
    EXPECT_EQ(attentionBackwardStored(small).bytes(), 7U * 120 * 4 + 96U * 4);
    const OpCost decode = attentionDecode(3, 3, 5, 10);
    EXPECT_EQ(decode.flops, 4U * 10 * 15);
    EXPECT_EQ(decode.bytesRead, (2U * 10 * 15 + 15) * 4);
}

TEST(OpCost, VectorOperatorsMoveWhatTheTableSays) {
    EXPECT_EQ(layerNormForward(10, 8).bytes(), 4U * (2 * 80 + 2 * 8 + 2 * 10));
    EXPECT_EQ(layerNormBackward(10, 8).bytes(), 4U * (3 * 80 + 20 + 8 + 16));
    EXPECT_EQ(layerNormBackward(10, 8, true).bytes(), 4U * (4 * 80 + 20 + 8 + 16));
    EXPECT_EQ(elementwiseChain(100, 4, false).bytes(), 2U * 4 * 100 * 4);
    EXPECT_EQ(elementwiseChain(100, 4, true).bytes(), 2U * 100 * 4);
    EXPECT_EQ(elementwiseChain(100, 4, true).flops, elementwiseChain(100, 4, false).flops);
    EXPECT_EQ(softmaxCrossEntropy(10, 7).bytes(), 2U * 70 * 4 + 80);
    EXPECT_EQ(adamW(1000).bytes(), 28000U);
    EXPECT_EQ(adamW(1000).flops, 12000U);
    EXPECT_EQ(embeddingForward(10, 8).bytes(), 4U * 3 * 80 + 40);
    EXPECT_EQ(embeddingBackward(10, 8).bytes(), 4U * 5 * 80 + 40);
    EXPECT_EQ(copy(64).bytes(), 128U);
}

TEST(OpCost, StoredBytesCountTheScales) {
    EXPECT_EQ(storedBytes(Storage::kF32, 128), 512U);
    EXPECT_EQ(storedBytes(Storage::kBf16, 128), 256U);
    EXPECT_EQ(storedBytes(Storage::kInt8, 128), 128U + 2 * 4);    // two groups of 64
    EXPECT_EQ(storedBytes(Storage::kInt4, 128), 64U + 2 * 4);     // two values a byte
    EXPECT_EQ(storedBytes(Storage::kInt8, 96, 32), 96U + 3 * 4);  // a cache of heads of 32
    EXPECT_EQ(linear(3, 5, 64, Storage::kInt8).bytesRead, 4U * 3 * 64 + 320 + 4 * 5);
    EXPECT_EQ(linear(3, 5, 64, Storage::kInt8).flops, 2U * 3 * 5 * 64);
    EXPECT_EQ(linear(3, 5, 64, Storage::kF32, true).bytes(), gemm(3, 5, 64, 4, 4, true).bytes());
    EXPECT_STREQ(name(Storage::kInt4), "int4");
}

TEST(OpCost, TheThreePassesOfUnfusedAttentionAddUpToTheTable) {
    const AttentionShape s{.batch = 2, .heads = 3, .tokens = 4, .headDim = 5};
    EXPECT_EQ(attentionScores(s).bytes() + attentionSoftmax(s).bytes() + attentionValues(s).bytes(),
              attentionUnfusedBytes(s, 4));
    EXPECT_EQ(attentionScores(s).flops + attentionValues(s).flops, attentionForwardFlops(s, kFull));
    // Fused: the table's four arrays, and one float per row and head.
    EXPECT_EQ(attentionForwardFused(s, kFull).bytes(), attentionFusedBytes(s, 4) + 4U * 2 * 3 * 4);
    EXPECT_EQ(attentionForwardFused(s, kCausal).flops * 2, attentionForwardFused(s, kFull).flops);
    EXPECT_EQ(attentionBackwardFused(s, kFull).flops * 2, 5 * attentionForwardFlops(s, kFull));
    EXPECT_EQ(attentionBackwardFused(s, kFull).bytes(), 8U * 120 * 4 + 4U * 24);
}

TEST(OpCost, CachedAttentionOfAChunkIsTheSumOfItsTokens) {
    EXPECT_EQ(attendedPairs(0, 1), 1U);
    EXPECT_EQ(attendedPairs(10, 3), 11U + 12 + 13);
    std::uint64_t sum = 0;
    for (std::uint64_t t = 0; t < 3; ++t)
        sum += attentionCached(2, 32, 10 + t, 1, Storage::kF32).flops;
    EXPECT_EQ(attentionCached(2, 32, 10, 3, Storage::kF32).flops, sum);
    // 13 tokens of keys and values in int8 with a scale per head, three rows of q; out.
    EXPECT_EQ(attentionCached(2, 32, 10, 3, Storage::kInt8).bytesRead,
              2U * (13 * 64 + 13 * 2 * 4) + 4 * 3 * 64);
    EXPECT_EQ(attentionCached(2, 32, 10, 3, Storage::kInt8).bytesWritten, 4U * 3 * 64);
    EXPECT_EQ(attentionCached(3, 5, 9, 1, Storage::kF32).bytes(),
              attentionDecode(3, 3, 5, 10).bytes());
    EXPECT_EQ(cacheAppend(2, 32, 3, Storage::kBf16).bytesRead, 2U * 3 * 64 * 4);
    EXPECT_EQ(cacheAppend(2, 32, 3, Storage::kBf16).bytesWritten, 2U * 3 * 64 * 2);
}

TEST(OpCost, FusingBiasGeluResidualSavesFourOfSevenPasses) {
    const std::uint64_t m = 1000 * 64;
    const std::uint64_t apart =
        biasAdd(1000, 64).bytes() + elementwise(m, 1, 9).bytes() + elementwise(m, 2, 1).bytes();
    EXPECT_EQ(apart, 7 * m * 4 + 64 * 4);
    EXPECT_EQ(biasGeluResidual(1000, 64).bytes(), 3 * m * 4 + 64 * 4);
    EXPECT_EQ(biasGeluResidual(1000, 64).flops, 11 * m);
}

TEST(Transformer, ParametersByHand) {
    EXPECT_EQ(matmulParameters(shape(4, 256, 4, 256, 4096)), 4U * 12 * 65536 + 4096U * 256);
    EXPECT_EQ(matmulParameters(shape(4, 256, 4, 256, 4096)), 4194304U);
    // Grouped queries: k and v shrink to kvHeads/heads; gated MLP: three matrices of C x F.
    TransformerShape gated = shape(2, 64, 8, 16, 100);
    gated.kvHeads = 2;
    gated.gatedMlp = true;
    gated.mlpWidth = 96;
    EXPECT_EQ(matmulParameters(gated), 2U * (64 * 64 * 2 + 2 * 64 * 16 + 3 * 64 * 96) + 6400U);
}

TEST(Transformer, TrainingStepOfTheTwoReferenceModels) {
    const TransformerShape large = shape(4, 256, 4, 256, 4096);
    EXPECT_EQ(trainingStepFlops(large, 4, kFull),
              6ULL * 4194304 * 1024 + 12ULL * 4 * 256 * 256 * 1024);
    EXPECT_EQ(trainingStepFlops(large, 4, kFull), 28991029248U);  // 28.991 GFLOP
    EXPECT_EQ(trainingStepFlops(large, 4, kCausal), 28991029248U - 6ULL * 4 * 256 * 256 * 1024);
    const TransformerShape small = shape(2, 128, 4, 128, 1024);
    EXPECT_EQ(trainingStepFlops(small, 4, kFull), 1811939328U);  // 1.812 GFLOP
    EXPECT_EQ(recomputedStepFlops(small, 4, kFull) * 3, trainingStepFlops(small, 4, kFull) * 4);
}

TEST(Transformer, RecomputationOfTheLargeModelByHand) {
    const TransformerShape large = shape(4, 256, 4, 256, 4096);
    EXPECT_EQ(attentionRecomputeFlops(large, 4, kFull), 4ULL * 4 * 256 * 256 * 1024);
    EXPECT_EQ(attentionRecomputeFlops(large, 4, kCausal), 536870912U);
    // Products of the blocks: 12 C^2 a layer, two FLOP each, 1024 tokens.
    EXPECT_EQ(blockRecomputeFlops(large, 4, kFull), 2ULL * 4 * 12 * 65536 * 1024 + 1073741824U);
    EXPECT_EQ(blockRecomputeFlops(large, 4, kCausal), 2ULL * 4 * 12 * 65536 * 1024 + 536870912U);
}

TEST(Transformer, StepEqualsTheSumOverItsOperators) {
    for (const TransformerShape& s : {shape(4, 256, 4, 256, 4096), shape(2, 128, 4, 128, 1024)}) {
        const std::uint64_t rows = 4 * s.context;
        const std::uint64_t c = s.width;
        const AttentionShape attention{4, s.heads, s.context, s.headDim()};
        std::uint64_t sum = 3 * gemm(rows, s.vocabulary, c).flops;
        for (std::uint64_t layer = 0; layer < s.layers; ++layer) {
            sum += 3 * (gemm(rows, 3 * c, c).flops + gemm(rows, c, c).flops +
                        gemm(rows, 4 * c, c).flops + gemm(rows, c, 4 * c).flops);
            sum +=
                attentionForwardFlops(attention, kFull) + attentionBackwardFlops(attention, kFull);
        }
        EXPECT_EQ(sum, trainingStepFlops(s, 4, kFull));
    }
}

TEST(Transformer, InferenceByHand) {
    const TransformerShape s = shape(2, 8, 2, 16, 10);
    const std::uint64_t block = 2U * 12 * 64;
    EXPECT_EQ(prefillFlops(s, 5, 5, kCausal), 2 * (block + 80) * 5 + 2U * 2 * 8 * 25);
    EXPECT_EQ(prefillFlops(s, 5, 1, kFull), 2 * block * 5 + 2U * 80 + 4U * 2 * 8 * 25);
    EXPECT_EQ(kvBytesPerToken(s, 2), 2U * 2 * 8 * 2);
    EXPECT_EQ(prefillBytes(s, 5, 4, 4), (block + 80) * 4 + 5U * 128);
    EXPECT_EQ(decodeStepFlops(s, 3, 7), 3U * (2 * (block + 80) + 4 * 2 * 8 * 7));
    EXPECT_EQ(decodeStepBytes(s, 3, 7, 4, 2), (block + 80) * 4 + 3U * 7 * 64);
    EXPECT_DOUBLE_EQ(decodeCrossoverBatch(989e12, 3.35e12, 2),
                     989e12 * 2 / (2 * 3.35e12));  // 295 on H100
    EXPECT_NEAR(decodeCrossoverBatch(989e12, 3.35e12, 2), 295.2, 0.1);
    EXPECT_DOUBLE_EQ(decodeTimeFloor(16100000000, 3.35e12), 16.1e9 / 3.35e12);  // 4.8 ms
}

TEST(Transformer, StoredModelsByHand) {
    const TransformerShape s = shape(2, 64, 2, 16, 128);
    const std::uint64_t n = 2U * 12 * 4096 + 128 * 64;
    EXPECT_EQ(weightBytes(s, Storage::kF32), 4 * n);
    EXPECT_EQ(weightBytes(s, Storage::kInt4), n / 2 + n / 64 * 4);
    EXPECT_EQ(kvBytesPerToken(s, Storage::kF32), kvBytesPerToken(s, 4));
    EXPECT_EQ(kvBytesPerToken(s, Storage::kInt8), 2U * 2 * (64 + 2 * 4));
    EXPECT_EQ(decodeStepBytes(s, Storage::kF32, Storage::kF32, 3 * 7),
              decodeStepBytes(s, 3, 7, 4, 4));
    EXPECT_EQ(decodeStepBytes(s, Storage::kInt8, Storage::kBf16, 5),
              n + n / 64 * 4 + 5U * 2 * 2 * 64 * 2);
}

TEST(Transformer, PassesAddUpAndDifferFromTheTextbookByTheDiagonal) {
    const TransformerShape s = shape(2, 64, 2, 16, 128);
    // A token at a context of 7 is a decode step; chunks are the whole.
    EXPECT_EQ(passFlops(s, 6, 1, 1), decodeStepFlops(s, 1, 7));
    EXPECT_EQ(passFlops(s, 0, 5, 0) + passFlops(s, 5, 7, 1), passFlops(s, 0, 12, 1));
    EXPECT_EQ(passFlops(s, 0, 12, 12), prefillFlops(s, 12, 12, kCausal) + 2U * 2 * 64 * 12);
}

TEST(Transformer, StateAndActivations) {
    EXPECT_EQ(adamWBytes(10), 280U);
    EXPECT_DOUBLE_EQ(modelStateBytes(1000, 0, 8), 16000.0);
    EXPECT_DOUBLE_EQ(modelStateBytes(1000, 1, 8), 4000.0 + 1500.0);
    EXPECT_DOUBLE_EQ(modelStateBytes(1000, 2, 8), 2000.0 + 1750.0);
    EXPECT_DOUBLE_EQ(modelStateBytes(1000, 3, 8), 2000.0);
    // T B C (34 + 5 H T / C) = 16*3*8*(34 + 5*2*16/8) = 384 * 54
    EXPECT_EQ(activationBytesPerLayer(shape(1, 8, 2, 16, 10), 3), 384U * 54);
}

TEST(Parallel, BusFactorsAndWireBytes) {
    EXPECT_DOUBLE_EQ(busBandwidthFactor(Collective::kAllReduce, 8), 1.75);
    EXPECT_DOUBLE_EQ(busBandwidthFactor(Collective::kAllGather, 8), 0.875);
    EXPECT_DOUBLE_EQ(busBandwidthFactor(Collective::kReduceScatter, 4), 0.75);
    EXPECT_DOUBLE_EQ(busBandwidthFactor(Collective::kAllToAll, 2), 0.5);
    EXPECT_DOUBLE_EQ(busBandwidthFactor(Collective::kBroadcast, 8), 1.0);
    EXPECT_DOUBLE_EQ(busBandwidth(Collective::kAllReduce, 2, 1000, 0.5), 2000.0);
    EXPECT_EQ(wireBytes(Collective::kAllReduce, 4, 1000), 1500U);
    EXPECT_EQ(wireBytes(Collective::kAllGather, 4, 1000), 750U);
    EXPECT_EQ(wireBytes(Collective::kSendRecv, 4, 1000), 1000U);
    EXPECT_EQ(wireBytes(Collective::kAllReduce, 1, 1000), 0U);
    EXPECT_DOUBLE_EQ(ringSeconds(Collective::kAllReduce, 4, 1000, 100.0, 0.5), 15.0 + 6 * 0.5);
    EXPECT_DOUBLE_EQ(ringSeconds(Collective::kAllGather, 4, 1000, 100.0, 0.5), 7.5 + 3 * 0.5);
    EXPECT_DOUBLE_EQ(ringSeconds(Collective::kBroadcast, 4, 1000, 100.0, 0.5), 10.0);
    EXPECT_DOUBLE_EQ(ringSeconds(Collective::kAllReduce, 1, 1000, 100.0, 0.5), 0.0);
}

TEST(Parallel, Strategies) {
    EXPECT_EQ(dataParallelWireBytes(1000, 4, 4, 0), 6000U);
    EXPECT_EQ(dataParallelWireBytes(1000, 4, 4, 2), 6000U);
    EXPECT_EQ(dataParallelWireBytes(1000, 4, 4, 3), 9000U);  // 1.5 x
    EXPECT_EQ(tensorParallelWireBytesPerLayer(10, 8, 4, 2), 4U * 320);
    EXPECT_DOUBLE_EQ(pipelineBubble(4, 8), 3.0 / 11.0);
    EXPECT_DOUBLE_EQ(pipelineBubble(4, 8, 2), 3.0 / 19.0);
    EXPECT_DOUBLE_EQ(pipelineBubble(1, 8), 0.0);
    EXPECT_EQ(pipelineWireBytes(4, 2, 16, 8, 4), 2U * 3 * 2 * 16 * 8 * 4);
    EXPECT_DOUBLE_EQ(ringAttentionHiddenTokens(1e12, 2, 64, 256, 1e9),
                     1e12 * 2 * 64 / (2 * 256 * 1e9));
    EXPECT_EQ(ulyssesWireBytes(1, 16, 8, 4, 4), 8U * (4 * 8 * 4) * 3 / 4);
    // Keys and values of 4 rows of 8 floats: 3 hops forward, 3 backward, and 4 of their gradients.
    EXPECT_EQ(ringAttentionWireBytes(4, 8, 4, 4), (3U + 3U + 4U) * (2 * 4 * 8 * 4));
    EXPECT_EQ(ringAttentionWireBytes(4, 8, 4, 1), 0U);
    EXPECT_EQ(expertWireBytes(10, 2, 8, 4, 4), 4U * (10 * 2 * 8 * 4) * 3 / 4);
    EXPECT_DOUBLE_EQ(overlapShare(0.25, 1.0), 0.75);
    EXPECT_DOUBLE_EQ(overlapShare(0.0, 0.0), 1.0);
    EXPECT_DOUBLE_EQ(scalingEfficiency(1.0, 1.25), 0.8);
}

TEST(Efficiency, RatiosAreNotClipped) {
    EXPECT_DOUBLE_EQ(ridgePoint(111e9, 18.8e9), 111.0 / 18.8);
    EXPECT_DOUBLE_EQ(attainableFlops(2.0, 111e9, 18.8e9), 37.6e9);
    EXPECT_DOUBLE_EQ(attainableFlops(100.0, 111e9, 18.8e9), 111e9);
    EXPECT_DOUBLE_EQ(modelFlopsUtilisation(500, 1.0, 1000.0), 0.5);
    EXPECT_DOUBLE_EQ(modelFlopsUtilisation(2000, 1.0, 1000.0), 2.0);
    EXPECT_DOUBLE_EQ(hardwareFlopsUtilisation(800, 2.0, 1000.0), 0.4);
    EXPECT_DOUBLE_EQ(modelBandwidthUtilisation(403000000, 0.0221, 18.8e9), 403e6 / 0.0221 / 18.8e9);
}

TEST(Efficiency, ServingAndStorageLaws) {
    EXPECT_DOUBLE_EQ(pagedUtilisation(17, 16), 17.0 / 32.0);
    EXPECT_DOUBLE_EQ(pagedUtilisation(0, 16), 1.0);
    EXPECT_DOUBLE_EQ(cacheUtilisation(30, 48), 0.625);
    EXPECT_DOUBLE_EQ(cacheUtilisation(0, 0), 1.0);
    EXPECT_DOUBLE_EQ(speculativeTokens(0.5, 2), 1.75);
    EXPECT_DOUBLE_EQ(speculativeTokens(1.0, 4), 5.0);
    EXPECT_DOUBLE_EQ(speculativeSpeedup(0.5, 2, 0.25), 1.75 / 1.5);
    EXPECT_TRUE(launchBound(100, 1e-5, 5e-4));
    EXPECT_FALSE(launchBound(100, 1e-6, 5e-4));
    EXPECT_DOUBLE_EQ(acceleratorUtilisation(8.0, 11.0, 1.0), 0.8);
    EXPECT_EQ(prefetchDepth(0.030, 0.020, 1), 2U);
    EXPECT_DOUBLE_EQ(asynchronousStall(0.023, 0.1, 0.5), 0.023);
    EXPECT_DOUBLE_EQ(asynchronousStall(0.023, 0.6, 0.5), 0.123);
    EXPECT_DOUBLE_EQ(checkpointInterval(2.0, 3600.0), 120.0);
}

}  // namespace
}  // namespace ridge::workloads::formulas
