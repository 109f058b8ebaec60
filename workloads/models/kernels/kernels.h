// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Single kernels as workloads: gemm/* (a product by type, shape and layout), attention/* (the
// textbook's three passes or fused, forward and backward), elementwise/* beyond the chain of
// elementwise.h (bias + gelu + residual apart and fused, layer norm), launch/* (the same work as
// many small operators, as these recorded in a graph, or as one).
//
// What each is built to hit follows from its intensity, FLOP per byte, against the ridge point of a
// processor's thread (about 6 for float, 4 times that for int8): products of large squares are far
// above it, products of few rows far below, vector operators below 2. A type without instructions
// of its own is skipped, not emulated.

#include "workloads/harness/workload.h"
#include "workloads/models/backend.h"

#include <vector>

namespace ridge::workloads {

struct GemmCase {
    ridge_dtype type = RIDGE_DTYPE_F32;
    GemmLayout layout = GemmLayout::kNN;
    std::int64_t m = 0, n = 0, k = 0;
};
[[nodiscard]] std::unique_ptr<Workload> makeGemmWorkload(const Backend& backend,
                                                         const GemmCase& shape);

struct AttentionCase {
    AttentionArgs shape;
    bool fused = false;
    bool backward = false;
};
[[nodiscard]] std::unique_ptr<Workload> makeAttentionWorkload(const Backend& backend,
                                                              const AttentionCase& options);

enum class VectorCase { kBiasGeluResidual, kBiasGeluResidualFused, kLayerNorm };
[[nodiscard]] std::unique_ptr<Workload> makeVectorWorkload(const Backend& backend, VectorCase which,
                                                           std::int64_t rows, std::int64_t width);

// `pieces` products of `rows` x 64 by 64 x 64: as so many operators, as the same recorded once in a
// graph and started together (skipped where the backend records none), or as one over all rows.
enum class LaunchCase { kSingle, kGraph, kBatched };
[[nodiscard]] std::unique_ptr<Workload> makeLaunchWorkload(const Backend& backend, LaunchCase which,
                                                           std::int64_t pieces, std::int64_t rows);

[[nodiscard]] std::vector<WorkloadSpec> gemmSpecs(const Backend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> attentionSpecs(const Backend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> vectorSpecs(const Backend& backend = {});
[[nodiscard]] std::vector<WorkloadSpec> launchSpecs(const Backend& backend = {});

}  // namespace ridge::workloads
