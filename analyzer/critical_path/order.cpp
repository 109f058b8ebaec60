// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/graph.h"

#include <algorithm>
#include <numeric>

#include "analyzer/intervals/permute.h"
#include "analyzer/intervals/sort_by_time.h"

namespace ridge::analyzer {

PathGraph orderGraph(std::vector<PathNode> nodes,
                     std::vector<std::pair<std::int32_t, PathEdge>> edges,
                     std::vector<std::int32_t>* newIndex, bool quick) {
    // At one instant: arrivals, their meeting, what follows it, and what that launches.
    const auto rank = [](const PathNode& n) {
        if (n.lane == kNoIndex) return 1;
        if (n.start == n.end && (n.row == kNoIndex || n.kind == PathKind::kCommWait)) return 0;
        return n.row == kNoIndex ? 2 : 3;
    };
    std::vector<std::int32_t> place;
    PathGraph graph;
    {
        auto order = orderByTime(nodes.size(), [&](std::size_t i) { return nodes[i].start; });
        const auto node = [&](const bulk::IndexKey& key) -> const PathNode& { return nodes[static_cast<std::size_t>(key.rowid)]; };
        sortEqualTimes(order, [](const bulk::IndexKey& key) { return key.key; },
                       [&](const bulk::IndexKey& a, const bulk::IndexKey& b) { return rank(node(a)) < rank(node(b)); });
        place = permute(nodes, order, quick ? 0 : kFewRows);
        graph.nodes = std::move(nodes);
    }
    graph.firstEdge.assign(graph.nodes.size() + 1, 0);
    std::size_t kept = 0;
    for (auto& [to, edge] : edges) {
        to = place[static_cast<std::size_t>(to)];
        edge.from = place[static_cast<std::size_t>(edge.from)];
        if (edge.from >= to ||
            graph.contribution(edge) > graph.nodes[static_cast<std::size_t>(to)].start)
            continue;
        ++graph.firstEdge[static_cast<std::size_t>(to) + 1];
        edges[kept++] = {to, edge};
    }
    graph.droppedEdges = static_cast<std::int64_t>(edges.size() - kept);
    edges.resize(kept);
    std::partial_sum(graph.firstEdge.begin(), graph.firstEdge.end(), graph.firstEdge.begin());
    std::vector<std::uint32_t> next(graph.firstEdge.begin(), graph.firstEdge.end() - 1);
    graph.edges.resize(edges.size());
    for (const auto& [to, edge] : edges) graph.edges[next[static_cast<std::size_t>(to)]++] = edge;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        PathNode& n = graph.nodes[i];
        const auto list = graph.edgesOf(static_cast<std::int32_t>(i));
        n.residual = 0;
        if (n.row != kNoIndex) graph.longestRow = std::max(graph.longestRow, n.end - n.start);
        if (list.empty()) continue;
        Ns latest = graph.contribution(list.front());
        for (const PathEdge& edge : list) latest = std::max(latest, graph.contribution(edge));
        n.residual = n.start - latest;
    }
    if (newIndex) *newIndex = std::move(place);
    return graph;
}

}  // namespace ridge::analyzer
