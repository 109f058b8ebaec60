// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/path.h"

#include <algorithm>
#include <limits>

namespace ridge::analyzer {
namespace {

constexpr std::size_t kFarBack = 10'000;

// The edge that set the start: the latest contribution; of equals a launch, then anything but a meeting.
const PathEdge* bindingEdge(const PathGraph& graph, std::int32_t node) {
    const PathEdge* best = nullptr;
    const auto rank = [](EdgeKind kind) { return kind == EdgeKind::kLaunch ? 2 : kind == EdgeKind::kGroup ? 0 : 1; };
    for (const PathEdge& edge : graph.edgesOf(node)) {
        if (!best) {
            best = &edge;
            continue;
        }
        const Ns a = graph.contribution(edge), b = graph.contribution(*best);
        if (a > b || (a == b && rank(edge.kind) > rank(best->kind))) best = &edge;
    }
    return best;
}

PathKind waitKind(const PathGraph& graph, const PathEdge& edge, Ns length, const AnalyzeOptions& options) {
    const auto shorter = [&](double limit) { return static_cast<double>(length) < limit; };
    switch (edge.kind) {
        case EdgeKind::kStream:
        case EdgeKind::kInferred:
        case EdgeKind::kEvent: return shorter(options.gapNs) ? PathKind::kKernelGap : PathKind::kDependency;
        case EdgeKind::kLaunch: return shorter(options.pendingNs) ? PathKind::kLaunch : PathKind::kDevicePending;
        case EdgeKind::kAssumed: return PathKind::kUnlinked;
        case EdgeKind::kGroup: return PathKind::kCommWait;
        case EdgeKind::kWait:
            if (graph.nodes[static_cast<std::size_t>(edge.from)].row != kNoIndex) return PathKind::kSync;
            return PathKind::kHandOff;
        default: return PathKind::kHandOff;
    }
}

class Walk {
public:
    Walk(const PathGraph& graph, const AnalyzeOptions& options, Interval window)
        : m_graph(graph), m_options(options), m_window(window), m_at(window.end) {}

    std::vector<WalkSegment> run(std::int32_t node) {
        if (node == kNoIndex) {
            to(m_window.start, PathKind::kIdle, {}, kNoIndex, false);
        } else {
            to(std::min(of(node).end, m_at), PathKind::kIdle, {}, node, false);
            bool own = true;  // is the node's own time on the path?
            while (m_at > m_window.start) own = visit(node, own);
        }
        std::reverse(m_segments.begin(), m_segments.end());
        return std::move(m_segments);
    }

private:
    [[nodiscard]] const PathNode& of(std::int32_t n) const { return m_graph.nodes[static_cast<std::size_t>(n)]; }

    void to(Ns start, PathKind kind, NameId name, std::int32_t node, bool within) {
        start = std::max(start, m_window.start);
        if (start >= m_at) return;
        m_segments.push_back({start, m_at, kind, name, node, within});
        m_at = start;
    }

    // Moves to what the node waited for. Returns whether the time of the next node counts.
    bool visit(std::int32_t& node, bool own) {
        if (own) to(of(node).start, of(node).kind, of(node).name, node, true);
        const PathEdge* edge = bindingEdge(m_graph, node);
        if (!edge) {
            const bool row = of(node).row != kNoIndex;
            to(m_window.start, row ? PathKind::kUnlinked : PathKind::kIdle, row ? of(node).name : NameId{}, node, false);
            return true;
        }
        const PathEdge* next = edge;
        if (edge->kind == EdgeKind::kGroup)  // it waited for peers since it arrived itself
            for (const PathEdge& e : m_graph.edgesOf(node))
                if (e.kind != EdgeKind::kGroup) next = &e;
        const Ns from = m_graph.contribution(*next);
        NameId name = of(node).name;
        if (edge->kind == EdgeKind::kLaunch) name = of(edge->from).name;
        const Ns length = std::min(of(node).start, m_at) - from;
        if (edge->kind == EdgeKind::kHandOff) {  // until then the giver did this
            to(from, of(edge->from).kind, of(edge->from).name, edge->from, false);
            node = edge->from;
            return false;
        }
        to(from, edge->kind == EdgeKind::kGroup ? PathKind::kCommWait : waitKind(m_graph, *edge, length, m_options), name, node, false);
        node = next->from;
        return next->kind != EdgeKind::kLaunch;
    }

    const PathGraph& m_graph;
    const AnalyzeOptions& m_options;
    Interval m_window;
    Ns m_at;
    std::vector<WalkSegment> m_segments;
};

}  // namespace

std::int32_t lastNode(const PathGraph& graph, bool gpu, std::int32_t lane, Interval window) {
    std::int32_t best = kNoIndex;
    const auto from = std::partition_point(graph.nodes.begin(), graph.nodes.end(), [&](const PathNode& n) { return n.start < window.end; });
    std::size_t before = 0;  // nodes looked at that began before the window
    for (auto it = from; it != graph.nodes.begin();) {
        --it;
        if (gpu && best != kNoIndex && it->start + graph.longestRow < graph.nodes[static_cast<std::size_t>(best)].end) break;
        if (it->start < window.start && (best != kNoIndex || ++before > kFarBack)) break;
        if (it->lane != lane || (it->row != kNoIndex) != gpu) continue;
        if (gpu && it->end > window.end) continue;
        const auto i = static_cast<std::int32_t>(it - graph.nodes.begin());
        if (best == kNoIndex || it->end > graph.nodes[static_cast<std::size_t>(best)].end) best = i;
        if (!gpu) break;  // a thread is a chain: the last to begin is the last to end
    }
    return best;
}

std::vector<WalkSegment> walkBack(const PathGraph& graph, const AnalyzeOptions& options, std::int32_t last,
                                  Interval window) {
    if (window.end <= window.start) return {};
    return Walk(graph, options, window).run(last);
}

std::vector<Ns> slackOf(const PathGraph& graph, const std::vector<std::int32_t>& terminals) {
    constexpr Ns kFree = std::numeric_limits<Ns>::max();
    std::vector<Ns> latestEnd(graph.nodes.size(), kFree);
    Ns horizon = std::numeric_limits<Ns>::min();
    for (const std::int32_t t : terminals) {
        const auto i = static_cast<std::size_t>(t);
        latestEnd[i] = std::min(latestEnd[i], graph.nodes[i].end);
        horizon = std::max(horizon, graph.nodes[i].end);
    }
    for (std::size_t i = graph.nodes.size(); i-- > 0;) {
        const PathNode& node = graph.nodes[i];
        if (latestEnd[i] == kFree) latestEnd[i] = std::max(horizon, node.end);
        const Ns latestStart = latestEnd[i] - (node.end - node.start) - node.residual;
        for (const PathEdge& edge : graph.edgesOf(static_cast<std::int32_t>(i))) {
            const auto f = static_cast<std::size_t>(edge.from);
            const PathNode& from = graph.nodes[f];
            const bool fromStart = edge.kind == EdgeKind::kLaunch || edge.kind == EdgeKind::kHandOff;
            const Ns limit = fromStart ? latestStart + (from.end - from.start) : latestStart;
            latestEnd[f] = std::min(latestEnd[f], limit);
        }
    }
    for (std::size_t i = 0; i < latestEnd.size(); ++i) latestEnd[i] -= graph.nodes[i].end;
    return latestEnd;
}

}  // namespace ridge::analyzer
