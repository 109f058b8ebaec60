// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A recommender as DLRM is built (Naumov et al., arXiv:1906.00091): a bottom MLP over the dense
// features, bags of embeddings for the sparse ones, products of all pairs of these vectors, a top
// MLP that ends in one logit. Trained with SGD; the embeddings' gradient is never made, its rows
// are updated in place.
//
// Which rows are looked up follows a power law (rank to the minus `exponent`), with the ranks
// scattered over the table. Batches are made once, with the number of rows that each names.

#include "workloads/families/family_model.h"

#include <memory>
#include <string>

namespace ridge::workloads {

struct DlrmConfig {
    std::int64_t tables = 8;
    std::int64_t rows = 1 << 11;  // of a table; a power of two
    std::int64_t width = 16;
    std::int64_t samples = 2048;
    std::int64_t perBag = 32;
    std::int64_t dense = 13;
    std::vector<std::int64_t> bottom{64};  // hidden layers; `width` follows
    std::vector<std::int64_t> top{64};     // hidden layers; 1 follows
    double exponent = 0.9;
    std::int64_t batches = 8;

    [[nodiscard]] std::int64_t tableBytes() const { return 4 * tables * rows * width; }
    [[nodiscard]] std::int64_t interactionWidth() const {
        return width + (tables + 1) * tables / 2;
    }
    // "B2048 13-64-16 8x1048576x16 bags of 32 52-64-1"
    [[nodiscard]] std::string text() const;
    // Products and interactions, forward and backward, without elementwise work and embeddings.
    [[nodiscard]] std::uint64_t productFlops() const;
};

struct DlrmBatch {
    std::vector<float> dense, labels;   // samples x dense, samples
    std::vector<std::int32_t> indices;  // as BagArgs says
    std::int64_t distinct = 0;
};
[[nodiscard]] DlrmBatch dlrmBatch(const DlrmConfig& config, std::uint64_t seed);
// The row of a draw in [0, 1): power-law rank, scattered. rows is a power of two.
[[nodiscard]] std::int32_t scatteredRank(double draw, std::int64_t rows, double exponent);

// Mean loss in double and plain loops; parameters: bottom weights (out x in) and biases layer by
// layer, top likewise, tables.
[[nodiscard]] double dlrmReference(const DlrmConfig& config, const DlrmBatch& batch,
                                   std::span<const double> parameters);

[[nodiscard]] Result<std::unique_ptr<FamilyModel>> makeDlrm(Operators& ops, FamilyOperators& family,
                                                            const DlrmConfig& config,
                                                            std::uint64_t dataSeed);

}  // namespace ridge::workloads
