// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/builder.h"

#include <limits>

namespace ridge::analyzer {

PathGraph GraphBuilder::build() {
    // Address space only: pages count when they are written.
    const auto [firstRange, endRange] = m_plan.ranges.bounds(m_timeline.ranges, m_span);
    const std::size_t rows = m_headOfRow.size() + 2 * m_nodeOfCall.size() +
                             2 * m_headOfOp.size() + 2 * (endRange - firstRange);
    m_nodes.reserve(std::min(rows * 2, kMostStepPathNodes));
    m_edges.reserve(std::min(rows * 3, kMostStepPathNodes));
    addThreads();
    addRows();
    sortDone();
    addWaits();
    addHandOffs();
    addRowEdges();
    addMeetings();
    release();
    PathGraph graph = orderGraph(std::move(m_nodes), std::move(m_edges), nullptr, m_partial);
    graph.span = m_span;
    graph.mainThread = m_mainOf;
    return graph;
}

// Nothing but nodes and edges is needed any more: this is where a graph takes most memory.
void GraphBuilder::release() {
    for (Indices* indices : {&m_nodeOfCall, &m_headOfRow, &m_bodyOfRow, &m_headOfOp, &m_bodyOfOp}) *indices = Indices({0, 0});
    m_chain = {};
    m_issued = {};
    m_workDone = {};
    m_rowsDone = {};
    m_soft = m_blocking = m_handOffs = {};
    m_streamOfCall = {};
}

PathGraph buildPathGraph(const Context& context, const std::vector<Step>& steps, const GraphPlan& plan, const GraphPart& part) {
    Interval span = part.span;
    if (context.steps.whole()) {  // rows may reach beyond the window of their device
        for (const GpuPartition& p : context.gpus) span.start = std::min(span.start, p.firstStart);
        if (!context.timeline.calls.empty()) span.start = std::min(span.start, context.timeline.calls.front().start);
    }
    PathGraph graph = GraphBuilder(context, plan, span, plan.parts.size() > 1).build();
    graph.hasStep.assign(steps.size(), false);
    for (const std::size_t s : part.steps) graph.hasStep[s] = steps[s].endNs <= span.end && span.end > span.start;
    return graph;
}

PathGraph buildPathGraph(const Context& context, const std::vector<Step>& steps) {
    const GraphPlan plan = planGraphs(context, steps, std::numeric_limits<std::size_t>::max());
    if (!plan.parts.empty()) return buildPathGraph(context, steps, plan, plan.parts.front());
    PathGraph graph;
    graph.firstEdge.assign(1, 0);
    graph.mainThread = plan.mainThread;
    return graph;
}

}  // namespace ridge::analyzer
