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

#include <vector>

namespace ridge::analyzer {

struct ReplayPlan {
    std::vector<Ns> duration, residual;  // per node
    std::vector<bool> withoutEdge;       // per edge
    ReplayPlan() = default;
    explicit ReplayPlan(const PathGraph& graph);
};

struct ReplayTimes {
    std::vector<Ns> start, end;  // per node
};

// One pass over nodes and edges.
ReplayTimes replay(const PathGraph& graph, const ReplayPlan& plan);
// The same into times that were used before: no new memory.
void replay(const PathGraph& graph, const ReplayPlan& plan, ReplayTimes& times);

}  // namespace ridge::analyzer
