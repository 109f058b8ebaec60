// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/builder.h"

namespace ridge::analyzer {

// Calls visit(thread, start, end, what, index) for all that threads did.
template <typename Visit>
void GraphBuilder::visitItems(const Visit& visit) const {
    m_plan.ranges.visit(m_timeline.ranges, m_span, [&](std::size_t i) {
        const Range& range = m_timeline.ranges[i];
        if (!range.nests || range.frame == Frame::kWorkload || range.frame == Frame::kWarmup ||
            !inSpan(range.start, range.end))
            return;
        const bool collective =
            m_plan.collective[range.name.value] && !m_hasGpu[at(processOf(range.thread))];
        visit(range.thread, range.start, range.end,
              collective                     ? kCollective
              : range.kind == RangeKind::kOp ? kHard
                                             : kSoft,
              i);
    });
    m_plan.calls.visit(m_timeline.calls, m_span, [&](std::size_t i) {
        const Call& call = m_timeline.calls[i];
        if (inSpan(call.start, call.end)) visit(call.thread, call.start, call.end, kCall, i);
    });
    for (std::size_t i = 0; i < m_context.io.size(); ++i) {
        const IoInterval& io = m_context.io[i];
        if (inSpan(io.start, io.end))
            visit(io.thread, io.start, io.end, io.checkpoint ? kCheckpoint : kInput, i);
    }
    m_plan.ops.visit(m_context.ops.rows, m_span, [&](std::size_t i) {
        const OpRow& op = m_context.ops.rows[i];
        if (op.family != OpFamily::kIo && !m_hasGpu[at(op.process)] && inSpan(op.start, op.end))
            visit(op.thread, op.start, op.end, kOpRow, i);
    });
}

void GraphBuilder::addThreads() {
    std::vector<std::vector<PieceItem>> items(m_timeline.threads.size());
    if (!m_partial) {  // all of a trace at once: what it takes, and no more
        std::vector<std::size_t> count(items.size(), 0);
        visitItems(
            [&](std::int32_t thread, Ns, Ns, What, std::size_t) { ++count[at(thread)]; });
        for (std::size_t t = 0; t < items.size(); ++t) items[t].reserve(count[t]);
    }
    visitItems([&](std::int32_t thread, Ns start, Ns end, What what, std::size_t index) {
        if (what == kCollective) m_issued[at(processOf(thread))].push_back(start);
        items[at(thread)].push_back({std::max(start, m_span.start), std::min(end, m_span.end),
                                     what, what != kSoft && what != kHard,
                                     static_cast<std::int32_t>(index)});
    });
    for (std::size_t t = 0; t < items.size(); ++t) {
        addChain(static_cast<std::int32_t>(t), items[t]);
        items[t] = {};
    }
}

void GraphBuilder::addChain(std::int32_t thread, std::vector<PieceItem>& items) {
    const bool main = m_mainOf[at(processOf(thread))] == thread;
    std::int32_t before = kNoIndex;
    cutPieces(items, [&](const Piece& piece) {
        bool fresh = before == kNoIndex;
        if (before != kNoIndex && m_nodes[at(before)].end < piece.start) {
            if (main) {
                const Ns from = m_nodes[at(before)].end;
                before =
                    appendSoft(thread, before, {from, piece.start, 0, {}, kNoIndex, thread});
            } else {
                fresh = true;
            }
        }
        const std::int32_t first = static_cast<std::int32_t>(m_nodes.size());
        before = addPiece(thread, before, piece, items[at(piece.item)]);
        if (fresh && !main) m_handOffs.push_back(first);
    });
}

std::int32_t GraphBuilder::append(std::int32_t thread, std::int32_t before, PathNode node) {
    const std::int32_t n = addNode(node);
    addEdge(n, before, EdgeKind::kThread);
    m_chain[at(thread)].push_back(n);
    return n;
}

// What a thread does of which nothing but annotation is known. Where a collective of another
// thread of a process without a GPU begins meanwhile it ends: what came before handed that out,
// only what comes after can wait for it.
std::int32_t GraphBuilder::appendSoft(std::int32_t thread, std::int32_t before, PathNode node) {
    const auto& issued = m_issued[at(processOf(thread))];
    for (auto it = std::upper_bound(issued.begin(), issued.end(), node.start);
         it != issued.end() && *it < node.end; ++it) {
        if (*it == node.start) continue;
        PathNode head = node;
        head.end = node.start = *it;
        before = append(thread, before, head);
        m_soft.push_back(before);
    }
    before = append(thread, before, node);
    m_soft.push_back(before);
    return before;
}

std::int32_t GraphBuilder::addPiece(std::int32_t thread, std::int32_t before, const Piece& piece, const PieceItem& item) {
    PathNode node{piece.start, piece.end, 0, {}, kNoIndex, thread};
    const bool whole = piece.start == item.start;
    switch (item.what) {
        case kSoft:
        case kHard: {
            const Range& range = m_timeline.ranges[at(item.index)];
            if (range.frame == Frame::kNone) node.name = range.name;
            if (item.what == kSoft) return appendSoft(thread, before, node);
            const std::int32_t n = append(thread, before, node);
            done(n);
            return n;
        }
        case kCollective: {
            node.name = m_timeline.ranges[at(item.index)].name;
            node.kind = PathKind::kCommunication;
            const std::int32_t n = append(thread, before, node);
            done(n);
            return n;
        }
        case kCall: return addCall(thread, before, node, item.index, whole);
        case kOpRow: return addOp(thread, before, node, item.index, whole);
        default: break;
    }
    node.call = item.index;
    node.kind = item.what == kCheckpoint ? PathKind::kIoCheckpoint : PathKind::kIoInput;
    const std::int32_t n = append(thread, before, node);
    done(n);
    return n;
}

std::int32_t GraphBuilder::addCall(std::int32_t thread, std::int32_t before, PathNode node, std::int32_t index, bool whole) {
    const Call& call = m_timeline.calls[at(index)];
    node.call = index;
    node.name = call.name;
    node.kind = call.blocking ? PathKind::kSync : PathKind::kApi;
    node.waits = call.blocking;
    if (call.blocking && whole) {  // its beginning, and what follows the wait
        PathNode head = node;
        head.end = head.start;
        before = append(thread, before, head);
        if (m_nodeOfCall[at(index)] == kNoIndex) m_nodeOfCall.set(at(index), before);
    }
    const std::int32_t n = append(thread, before, node);
    if (m_nodeOfCall[at(index)] == kNoIndex) m_nodeOfCall.set(at(index), n);
    if (call.blocking) m_blocking.push_back(n);
    done(n);
    return n;
}

std::int32_t GraphBuilder::addOp(std::int32_t thread, std::int32_t before, PathNode node, std::int32_t index, bool whole) {
    const OpRow& op = m_context.ops.rows[at(index)];
    node.op = index;
    node.name = m_timeline.ranges[at(op.range)].name;
    node.kind = op.family == OpFamily::kCompute ? PathKind::kCompute
                : op.family == OpFamily::kCopy  ? PathKind::kCopy
                                                : PathKind::kCommunication;
    const auto& latest = m_context.collectives.latestStart;
    const bool complete = whole && node.end == op.end && node.start == op.start;
    if (complete && at(index) < latest.size() && latest[at(index)] && *latest[at(index)] < node.end) {
        before = append(thread, before, headOf(node));
        m_headOfOp.set(at(index), before);
        node.start = std::max(node.start, *latest[at(index)]);
        m_bodyOfOp.set(at(index), static_cast<std::int32_t>(m_nodes.size()));
    }
    const std::int32_t n = append(thread, before, node);
    done(n);
    return n;
}

}  // namespace ridge::analyzer
