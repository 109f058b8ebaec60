// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The graph played again with other durations (metrics.md 1.6):
//   start' = max over the edges that are left (contribution') + residual'      end' = start' + duration'
// A node without edges keeps its measured start.
//
// Invariants: 1. the unchanged plan gives the measured times of every node, with 0 ns error. 2. a shorter
// duration, a smaller residual or an edge less never makes any node later. 3. What a step gains is at most
// what its measured path was shortened by, as long as no edge is taken away. Combined gains may be larger
// or smaller than the sum of the single ones.

#include "analyzer/critical_path/graph.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ridge::analyzer {

class ReplayPlan {
public:
    ReplayPlan() = default;
    explicit ReplayPlan(const PathGraph& graph);
    [[nodiscard]] Ns duration(std::size_t node) const { return m_duration[node]; }
    [[nodiscard]] Ns residual(std::size_t node) const { return m_residual[node]; }
    [[nodiscard]] bool cut(std::size_t edge) const { return m_cut[edge]; }
    [[nodiscard]] bool cutsAny() const { return !m_cutEdges.empty(); }
    // Does it differ from what was measured?
    [[nodiscard]] bool changes() const { return !m_nodes.empty() || !m_cutEdges.empty(); }
    void setDuration(std::size_t node, Ns duration) {
        if (m_duration[node] != duration) m_nodes.push_back(static_cast<std::int32_t>(node));
        m_duration[node] = duration;
    }
    void setResidual(std::size_t node, Ns residual) {
        if (m_residual[node] != residual) m_nodes.push_back(static_cast<std::int32_t>(node));
        m_residual[node] = residual;
    }
    void cutEdge(std::size_t edge) {
        if (!m_cut[edge]) m_cutEdges.push_back(static_cast<std::uint32_t>(edge));
        m_cut[edge] = true;
    }
    // Back to what was measured.
    void undo(const PathGraph& graph);

private:
    std::vector<Ns> m_duration, m_residual;  // per node
    std::vector<bool> m_cut;                 // per edge
    std::vector<std::int32_t> m_nodes;       // that were changed; some more than once
    std::vector<std::uint32_t> m_cutEdges;
};

struct ReplayTimes {
    std::vector<Ns> start, end;  // per node
};

// One pass over nodes and edges.
ReplayTimes replay(const PathGraph& graph, const ReplayPlan& plan);
// The same into times that were used before: no new memory.
void replay(const PathGraph& graph, const ReplayPlan& plan, ReplayTimes& times);

}  // namespace ridge::analyzer
