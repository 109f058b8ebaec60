// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A graph network of two layers (Kipf and Welling, arXiv:1609.02907) on the whole graph at once:
// logits = A relu(A X W1) W2, softmax cross-entropy over every node, SGD. A is the symmetric matrix
// D^-1/2 (adjacency + 1) D^-1/2, so the backward pass aggregates with it too.
//
// The graph is a ring on which nodes are linked with others up to `reach` away: neighbours stand
// near each other in memory. `shuffled` gives the same nodes random numbers: the same graph, the
// same work, and neighbours anywhere.

#include "workloads/families/family_model.h"

#include <memory>
#include <string>

namespace ridge::workloads {

struct GcnConfig {
    std::int64_t nodes = 1 << 17;
    std::int64_t links = 15;  // drawn per node; each counts for both its ends
    std::int64_t reach = 64;
    bool shuffled = false;
    std::int64_t inputs = 16;
    std::int64_t hidden = 16;
    std::int64_t classes = 16;

    // "131072 nodes 16-16-16"
    [[nodiscard]] std::string text() const;
    // Dense products, forward and backward.
    [[nodiscard]] std::uint64_t productFlops() const;
};

// Rows sorted by column, without repetitions.
struct Graph {
    std::vector<std::int32_t> offsets, indices;
    std::vector<float> values;

    [[nodiscard]] std::int64_t nodes() const { return std::ssize(offsets) - 1; }
};
// The number of the node at each place of the ring.
[[nodiscard]] std::vector<std::int32_t> nodeNumbers(const GcnConfig& config, std::uint64_t seed);
[[nodiscard]] Graph makeGraph(const GcnConfig& config, std::uint64_t seed);
// values(i, j) == values(j, i) for every element.
[[nodiscard]] bool isSymmetric(const Graph& graph);

struct GcnData {
    Graph graph;
    std::vector<float> features;
    std::vector<std::int32_t> labels;
};
[[nodiscard]] GcnData gcnData(const GcnConfig& config, std::uint64_t seed);

// Mean loss in double and plain loops; parameters: W1 (inputs x hidden), W2 (hidden x classes).
[[nodiscard]] double gcnReference(const GcnConfig& config, const GcnData& data,
                                  std::span<const double> parameters);

[[nodiscard]] Result<std::unique_ptr<FamilyModel>> makeGcn(Operators& ops, FamilyOperators& family,
                                                           const GcnConfig& config,
                                                           const GcnData& data);

}  // namespace ridge::workloads
