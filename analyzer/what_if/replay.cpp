// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/replay.h"

#include <algorithm>

namespace ridge::analyzer {

ReplayPlan::ReplayPlan(const PathGraph& graph) : m_cut(graph.edges.size(), false) {
    m_duration.reserve(graph.nodes.size());
    m_residual.reserve(graph.nodes.size());
    for (const PathNode& node : graph.nodes) {
        m_duration.push_back(node.end - node.start);
        m_residual.push_back(node.residual);
    }
}

void ReplayPlan::undo(const PathGraph& graph) {
    for (const std::int32_t n : m_nodes) {
        const auto i = static_cast<std::size_t>(n);
        m_duration[i] = graph.nodes[i].end - graph.nodes[i].start;
        m_residual[i] = graph.nodes[i].residual;
    }
    for (const std::uint32_t e : m_cutEdges) m_cut[e] = false;
    m_nodes.clear();
    m_cutEdges.clear();
}

ReplayTimes replay(const PathGraph& graph, const ReplayPlan& plan) {
    ReplayTimes times;
    replay(graph, plan, times);
    return times;
}

namespace {

template <bool kCuts>
void play(const PathGraph& graph, const ReplayPlan& plan, ReplayTimes& times) {
    times.start.resize(graph.nodes.size());
    times.end.resize(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        Ns latest = 0;
        bool any = false;
        for (std::uint32_t e = graph.firstEdge[i]; e < graph.firstEdge[i + 1]; ++e) {
            if (kCuts && plan.cut(e)) continue;
            const PathEdge& edge = graph.edges[e];
            const auto from = static_cast<std::size_t>(edge.from);
            const bool fromStart = edge.kind == EdgeKind::kLaunch || edge.kind == EdgeKind::kHandOff;
            const Ns time = fromStart ? times.start[from] : times.end[from];
            latest = any ? std::max(latest, time) : time;
            any = true;
        }
        times.start[i] = any ? latest + plan.residual(i) : graph.nodes[i].start;
        times.end[i] = times.start[i] + plan.duration(i);
    }
}

}  // namespace

void replay(const PathGraph& graph, const ReplayPlan& plan, ReplayTimes& times) {
    if (plan.cutsAny())
        play<true>(graph, plan, times);
    else
        play<false>(graph, plan, times);
}

}  // namespace ridge::analyzer
