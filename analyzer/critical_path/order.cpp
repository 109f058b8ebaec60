// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/graph.h"

#include <algorithm>
#include <numeric>

namespace ridge::analyzer {

PathGraph orderGraph(std::vector<PathNode> nodes, std::vector<std::pair<std::int32_t, PathEdge>> edges,
                     std::vector<std::int32_t>* newIndex) {
    std::vector<std::int32_t> order(nodes.size());
    std::iota(order.begin(), order.end(), 0);
    const auto node = [&](std::int32_t i) -> const PathNode& { return nodes[static_cast<std::size_t>(i)]; };
    // At one instant: arrivals, their meeting, what follows it, and what that launches.
    const auto rank = [](const PathNode& n) {
        if (n.lane == kNoIndex) return 1;
        if (n.start == n.end && (n.row == kNoIndex || n.kind == PathKind::kCommWait)) return 0;
        return n.row == kNoIndex ? 2 : 3;
    };
    const auto less = [&](std::int32_t a, std::int32_t b) {
        if (node(a).start != node(b).start) return node(a).start < node(b).start;
        return rank(node(a)) < rank(node(b));
    };
    std::stable_sort(order.begin(), order.end(), less);
    std::vector<std::int32_t> place(nodes.size());
    PathGraph graph;
    graph.nodes.reserve(nodes.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        place[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
        graph.nodes.push_back(node(order[i]));
    }
    for (auto& [to, edge] : edges) {
        to = place[static_cast<std::size_t>(to)];
        edge.from = place[static_cast<std::size_t>(edge.from)];
    }
    const auto forbidden = [&](const std::pair<std::int32_t, PathEdge>& e) {
        return e.second.from >= e.first ||
               graph.contribution(e.second) > graph.nodes[static_cast<std::size_t>(e.first)].start;
    };
    graph.droppedEdges = static_cast<std::int64_t>(std::erase_if(edges, forbidden));
    graph.firstEdge.assign(nodes.size() + 1, 0);
    for (const auto& [to, edge] : edges) ++graph.firstEdge[static_cast<std::size_t>(to) + 1];
    std::partial_sum(graph.firstEdge.begin(), graph.firstEdge.end(), graph.firstEdge.begin());
    std::vector<std::uint32_t> next(graph.firstEdge.begin(), graph.firstEdge.end() - 1);
    graph.edges.resize(edges.size());
    for (const auto& [to, edge] : edges) graph.edges[next[static_cast<std::size_t>(to)]++] = edge;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        PathNode& n = graph.nodes[i];
        const auto list = graph.edgesOf(static_cast<std::int32_t>(i));
        n.residual = 0;
        if (list.empty()) continue;
        Ns latest = graph.contribution(list.front());
        for (const PathEdge& edge : list) latest = std::max(latest, graph.contribution(edge));
        n.residual = n.start - latest;
    }
    if (newIndex) *newIndex = std::move(place);
    return graph;
}

}  // namespace ridge::analyzer
