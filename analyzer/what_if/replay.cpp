// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/replay.h"

#include <algorithm>

namespace ridge::analyzer {

ReplayPlan::ReplayPlan(const PathGraph& graph) : withoutEdge(graph.edges.size(), false) {
    duration.reserve(graph.nodes.size());
    residual.reserve(graph.nodes.size());
    for (const PathNode& node : graph.nodes) {
        duration.push_back(node.end - node.start);
        residual.push_back(node.residual);
    }
}

ReplayTimes replay(const PathGraph& graph, const ReplayPlan& plan) {
    ReplayTimes times;
    replay(graph, plan, times);
    return times;
}

void replay(const PathGraph& graph, const ReplayPlan& plan, ReplayTimes& times) {
    times.start.resize(graph.nodes.size());
    times.end.resize(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        Ns latest = 0;
        bool any = false;
        for (std::uint32_t e = graph.firstEdge[i]; e < graph.firstEdge[i + 1]; ++e) {
            if (plan.withoutEdge[e]) continue;
            const PathEdge& edge = graph.edges[e];
            const auto from = static_cast<std::size_t>(edge.from);
            const bool fromStart = edge.kind == EdgeKind::kLaunch || edge.kind == EdgeKind::kHandOff;
            const Ns time = fromStart ? times.start[from] : times.end[from];
            latest = any ? std::max(latest, time) : time;
            any = true;
        }
        times.start[i] = any ? latest + plan.residual[i] : graph.nodes[i].start;
        times.end[i] = times.start[i] + plan.duration[i];
    }
}

}  // namespace ridge::analyzer
