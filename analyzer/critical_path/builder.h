// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Makes the graph of one stretch of a trace (graph.h): nodes of threads (build_threads.cpp), rows of the GPU and what
// each had to wait for (build_rows.cpp), waits and hand-offs among threads (build_waits.cpp).

#include "analyzer/critical_path/graph.h"
#include "analyzer/critical_path/indices.h"
#include "analyzer/critical_path/pieces.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ridge::analyzer {

class GraphBuilder {
public:
    // partial: other steps are in other graphs. The plan is kept by reference.
    GraphBuilder(const Context& context, const GraphPlan& plan, Interval span, bool partial)
        : m_context(context),
          m_timeline(context.timeline),
          m_plan(plan),
          m_span(span),
          m_partial(partial),
          m_mainOf(plan.mainThread),
          m_nodeOfCall(plan.calls.bounds(m_timeline.calls, span)),
          m_headOfRow(plan.gpu.bounds(m_timeline.gpu, span)),
          m_bodyOfRow(plan.gpu.bounds(m_timeline.gpu, span)),
          m_headOfOp(plan.ops.bounds(context.ops.rows, span)),
          m_bodyOfOp(plan.ops.bounds(context.ops.rows, span)),
          m_chain(m_timeline.threads.size()),
          m_issued(m_timeline.processes.size()),
          m_workDone(m_timeline.processes.size()),
          m_rowsDone(m_timeline.processes.size()),
          m_hasGpu(plan.hasGpu) {}

    // Once.
    PathGraph build();

private:
    enum What : std::uint8_t { kSoft, kHard, kCall, kInput, kCheckpoint, kOpRow, kCollective };

    static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
    std::int32_t addNode(PathNode node) {
        m_nodes.push_back(node);
        return static_cast<std::int32_t>(m_nodes.size() - 1);
    }
    void addEdge(std::int32_t to, std::int32_t from, EdgeKind kind) {
        if (from != kNoIndex && to != kNoIndex) m_edges.push_back({to, {from, kind}});
    }
    [[nodiscard]] std::int32_t processOf(std::int32_t thread) const { return m_timeline.threads[at(thread)].process; }
    [[nodiscard]] bool inSpan(Ns start, Ns end) const { return start < m_span.end && end > m_span.start; }
    [[nodiscard]] const GpuRow& rowOf(std::int32_t n) const { return m_timeline.gpu[at(m_nodes[at(n)].row)]; }
    static PathNode headOf(PathNode node) {
        node.end = node.start;
        node.kind = PathKind::kCommWait;
        return node;
    }
    void done(std::int32_t n) {
        const PathNode& node = m_nodes[at(n)];
        m_workDone[at(processOf(node.lane))].push_back(n);
    }
    // The work that ended last in (from, to] and that the test takes.
    template <typename Test>
    std::int32_t lastIn(const std::vector<std::int32_t>& list, Ns from, Ns to, Test&& test) const {
        auto it = std::upper_bound(list.begin(), list.end(), to, [&](Ns t, std::int32_t n) { return t < m_nodes[at(n)].end; });
        for (int back = 0; it != list.begin() && back < kLookBack; ++back) {
            --it;
            if (m_nodes[at(*it)].end <= from) return kNoIndex;
            if (test(*it)) return *it;
        }
        return kNoIndex;
    }
    void release();

    template <typename Visit>
    void visitItems(const Visit& visit) const;
    void addThreads();
    void addChain(std::int32_t thread, std::vector<PieceItem>& items);
    std::int32_t append(std::int32_t thread, std::int32_t before, PathNode node);
    // What a thread does of which nothing but annotation is known. Where a collective of another
    // thread of a process without a GPU begins meanwhile it ends: what came before handed that out,
    // only what comes after can wait for it.
    std::int32_t appendSoft(std::int32_t thread, std::int32_t before, PathNode node);
    std::int32_t addPiece(std::int32_t thread, std::int32_t before, const Piece& piece, const PieceItem& item);
    std::int32_t addCall(std::int32_t thread, std::int32_t before, PathNode node, std::int32_t index, bool whole);
    std::int32_t addOp(std::int32_t thread, std::int32_t before, PathNode node, std::int32_t index, bool whole);

    void addRows();
    // What a row of a stream had to wait for: the row before, its launch, events of other streams.
    void addRowEdges();
    // A row that its stream kept waiting, or its launch for longer than any launch takes, right after a row of
    // another stream ended: it waited for that one (an event that was not recorded, a copy engine, a full GPU).
    void inferWait(const GpuRow& row, std::int32_t head, Ns streamEnd);
    // A stream that waited for an event: its first row launched after the wait waits for the last row of the
    // other stream launched before the event was recorded.
    void addEventEdges();
    void addMeetings();

    void sortDone();
    void addWaits();
    void wait(std::int32_t n, std::int32_t work);
    void addHandOffs();
    // The last piece of a thread that ended by then.
    [[nodiscard]] std::int32_t chainBefore(std::int32_t thread, Ns time) const;

    static constexpr int kLookBack = 64;

    const Context& m_context;
    const Timeline& m_timeline;
    const GraphPlan& m_plan;
    Interval m_span;
    bool m_partial;  // other steps are in other graphs
    const std::vector<std::int32_t>& m_mainOf;
    Indices m_nodeOfCall, m_headOfRow, m_bodyOfRow, m_headOfOp, m_bodyOfOp;
    std::vector<PathNode> m_nodes;
    std::vector<std::pair<std::int32_t, PathEdge>> m_edges;
    std::vector<std::vector<std::int32_t>> m_chain;        // nodes of each thread, in time
    std::vector<std::int32_t> m_soft, m_blocking, m_handOffs;
    std::vector<std::vector<Ns>> m_issued;  // by process: when its named collectives begin
    std::vector<std::vector<std::int32_t>> m_workDone, m_rowsDone;  // by process: nodes by their ends, what others may have waited for
    const std::vector<bool>& m_hasGpu;
    std::unordered_map<std::int32_t, std::int64_t> m_streamOfCall;
};

}  // namespace ridge::analyzer
