// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Costs of the families' operators against cases computed by hand.
#include "workloads/families/families.h"
#include "workloads/formulas/family_cost.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace ridge::workloads {
namespace {

using namespace formulas;

TEST(FamilyCost, BagsReadEachNamedRowOnceAndEveryIndex) {
    // 3 bags, 12 lookups of 5 different rows, 8 floats wide.
    const OpCost sum = embeddingBag(3, 12, 5, 8);
    EXPECT_EQ(sum.flops, 96U);
    EXPECT_EQ(sum.bytesRead, 5U * 32 + 12 * 4);
    EXPECT_EQ(sum.bytesWritten, 3U * 32);
    const OpCost update = embeddingBagUpdate(3, 12, 5, 8);
    EXPECT_EQ(update.flops, 2U * 96);
    EXPECT_EQ(update.bytesRead, 5U * 32 + 3 * 32 + 12 * 4);
    EXPECT_EQ(update.bytesWritten, 5U * 32);
}

TEST(FamilyCost, InteractionIsOneProductPerPair) {
    EXPECT_EQ(interactionWidth(4, 8), 8U + 6);
    const OpCost forward = dotInteraction(2, 4, 8);
    EXPECT_EQ(forward.flops, 2U * 6 * 16);
    EXPECT_EQ(forward.bytesRead, 2U * 4 * 8 * 4);
    EXPECT_EQ(forward.bytesWritten, 2U * 14 * 4);
    const OpCost backward = dotInteractionBackward(2, 4, 8);
    EXPECT_EQ(backward.flops, 384U);
    EXPECT_EQ(backward.bytesRead, 2U * 4 * (32 + 14));
    EXPECT_EQ(backward.bytesWritten, 2U * 32 * 4);
}

TEST(FamilyCost, SparseProductReadsMatrixAndDenseOperandOnce) {
    // 3 x 5 with 7 elements, 4 columns of x.
    const OpCost cost = spmm(3, 5, 7, 4);
    EXPECT_EQ(cost.flops, 56U);
    EXPECT_EQ(cost.bytesRead, 7U * 8 + 4 * 4 + 5 * 4 * 4);
    EXPECT_EQ(cost.bytesWritten, 3U * 4 * 4);
}

TEST(FamilyCost, ConvolutionIsTheProductOverItsWindow) {
    // 2 images of 5 x 5 x 3 into 4 channels, 3 x 3, stride 2: 3 x 3 out.
    const ConvolutionShape shape{2, 3, 4, 5, 3, 2};
    EXPECT_EQ(shape.outSide(), 3U);
    EXPECT_EQ(shape.weights(), 108U);
    EXPECT_EQ(convolutionFlops(shape), 2U * (2 * 9 * 4) * (3 * 9));
    EXPECT_EQ(convolution(shape).bytesRead, 4U * (150 + 108));
    EXPECT_EQ(convolution(shape).bytesWritten, 4U * 72);
    EXPECT_EQ(convolutionBackwardData(shape).bytesRead, 4U * (72 + 108));
    EXPECT_EQ(convolutionBackwardData(shape).bytesWritten, 4U * 150);
    EXPECT_EQ(convolutionBackwardWeights(shape).bytesRead, 4U * (150 + 72));
    EXPECT_EQ(convolutionBackwardWeights(shape).bytesWritten, 4U * 108);
    EXPECT_EQ(convolution(shape, 2).bytes(), convolution(shape).bytes() / 2);
    // A 1x1 convolution is a product of all pixels: 2 m n k.
    EXPECT_EQ(convolutionFlops({2, 3, 4, 5, 1, 1}), gemm(50, 4, 3).flops);
}

TEST(FamilyCost, TheRestIsSmallChangeCountedByElement) {
    EXPECT_EQ(batchNormForward(10, 4).flops, 7U * 40);
    EXPECT_EQ(batchNormForward(10, 4).bytes(), 4U * (40 + 8) + 4U * (40 + 8));
    EXPECT_EQ(batchNormBackward(10, 4).flops, 11U * 40);
    EXPECT_EQ(batchNormBackward(10, 4).bytesRead, 4U * (80 + 12));
    EXPECT_EQ(averagePool(2, 9, 4).bytesRead, 4U * 72);
    EXPECT_EQ(averagePoolBackward(2, 9, 4).bytesWritten, 4U * 72);
    EXPECT_EQ(logisticLoss(5).bytes(), 80U);
    EXPECT_EQ(sgd(5).bytes(), 60U);
    EXPECT_EQ(sgd(5).flops, 10U);
}

TEST(FamilyModels, ProductFlopsByHand) {
    const DlrmConfig dlrm{.tables = 2,
                          .rows = 8,
                          .width = 4,
                          .samples = 3,
                          .perBag = 2,
                          .dense = 5,
                          .bottom = {6},
                          .top = {7},
                          .batches = 1};
    // 5-6-4 (no input gradient at 5-6), products of 3 vectors of 4 (3 pairs), 7-7-1.
    EXPECT_EQ(dlrm.interactionWidth(), 7);
    EXPECT_EQ(dlrm.productFlops(),
              3U * (2 * 2 * 30 + 3 * 2 * 24 + 3 * 2 * (49 + 7)) + 3U * 3 * (3 * 2 * 4));
    const GcnConfig gcn{.nodes = 10, .inputs = 3, .hidden = 4, .classes = 2};
    EXPECT_EQ(gcn.productFlops(), 2U * 10 * (2 * 12 + 3 * 8));
    const ConvNetConfig conv{.samples = 1, .side = 4, .channels = 2, .stages = 2, .classes = 3};
    ASSERT_EQ(conv.convolutions().size(), 6U);
    const std::uint64_t stem = 16 * 2 * 27, first = 16 * 2 * 18, down = 4 * 4 * 18,
                        second = 4 * 4 * 36, shortcut = 4 * 4 * 2;
    EXPECT_EQ(conv.productFlops(),
              2 * (2 * stem + 3 * (2 * first + down + second + shortcut) + 3 * 3 * 4));
}

TEST(FamilyData, RanksArePowerLawAndScatteredWithoutCollision) {
    std::set<std::int32_t> rows;
    for (int rank = 0; rank < 64; ++rank) {
        // The middle of each rank's share of the distribution, exponent 1/2.
        const double top = std::sqrt(65.0) - 1.0;
        const double from = (std::sqrt(rank + 1.0) - 1.0) / top;
        const double to = (std::sqrt(rank + 2.0) - 1.0) / top;
        rows.insert(scatteredRank((from + to) / 2, 64, 0.5));
    }
    EXPECT_EQ(rows.size(), 64U) << "every rank a row of its own";
    EXPECT_EQ(*rows.begin(), 0);
    EXPECT_EQ(*rows.rbegin(), 63);
    const DlrmConfig config{
        .tables = 2, .rows = 1024, .samples = 400, .perBag = 10, .bottom = {4}, .top = {4}};
    const DlrmBatch batch = dlrmBatch(config, 3);
    std::vector<int> counts(1024);
    for (const std::int32_t row : batch.indices) ++counts[static_cast<std::size_t>(row)];
    const auto hottest = *std::max_element(counts.begin(), counts.end());
    EXPECT_GT(hottest, 20 * 8000 / 1024) << "a few rows have most of the lookups";
    std::set<std::pair<std::size_t, std::int32_t>> named;
    for (std::size_t i = 0; i < batch.indices.size(); ++i)
        named.emplace(i / 10 % 2, batch.indices[i]);
    EXPECT_EQ(batch.distinct, std::ssize(named));
}

TEST(FamilyData, TheShuffledGraphIsTheSameGraph) {
    GcnConfig config{.nodes = 200, .links = 3, .reach = 6};
    const Graph ordered = makeGraph(config, 7);
    config.shuffled = true;
    const Graph shuffled = makeGraph(config, 7);
    EXPECT_TRUE(isSymmetric(ordered));
    EXPECT_TRUE(isSymmetric(shuffled));
    ASSERT_EQ(ordered.indices.size(), shuffled.indices.size());
    const auto degrees = [](const Graph& graph) {
        std::multiset<std::int32_t> all;
        for (std::size_t r = 0; r + 1 < graph.offsets.size(); ++r)
            all.insert(graph.offsets[r + 1] - graph.offsets[r]);
        return all;
    };
    EXPECT_EQ(degrees(ordered), degrees(shuffled));
    const auto spread = [](const Graph& graph) {
        double sum = 0;
        for (std::size_t r = 0; r + 1 < graph.offsets.size(); ++r)
            for (auto e = graph.offsets[r]; e < graph.offsets[r + 1]; ++e)
                sum += std::abs(graph.indices[static_cast<std::size_t>(e)] - static_cast<int>(r));
        return sum / static_cast<double>(graph.indices.size());
    };
    EXPECT_GT(spread(shuffled), 3 * spread(ordered));
    Graph crooked = ordered;
    crooked.values[1] += 0.1F;
    EXPECT_FALSE(isSymmetric(crooked));
}

}  // namespace
}  // namespace ridge::workloads
