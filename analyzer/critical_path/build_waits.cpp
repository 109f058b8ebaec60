// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/builder.h"
#include "analyzer/intervals/sort_by_time.h"

#include <map>

namespace ridge::analyzer {
namespace {

constexpr Ns kShortPause = 20'000;  // a shorter pause of a launching thread is its own, not a wait for another

}  // namespace

void GraphBuilder::sortDone() {
    for (auto* lists : {&m_workDone, &m_rowsDone})
        for (auto& list : *lists) stableSortByTime(list, [this](std::int32_t n) { return m_nodes[at(n)].end; });
    for (const SyncRow& sync : m_timeline.syncs)
        if (sync.launch != kNoIndex && (sync.kind == SyncKind::kStream || sync.kind == SyncKind::kEvent) && sync.stream >= 0)
            m_streamOfCall[sync.launch] = sync.stream;
}

void GraphBuilder::addWaits() {
    for (const std::int32_t n : m_blocking) {
        PathNode& node = m_nodes[at(n)];
        const auto& rows = m_rowsDone[at(processOf(node.lane))];
        const auto own = [&](std::int32_t done) { return rowOf(done).launch == node.call; };
        const auto stream = m_streamOfCall.find(node.call);
        const auto any = [&](std::int32_t done) { return stream == m_streamOfCall.end() || rowOf(done).stream == stream->second; };
        std::int32_t row = lastIn(rows, node.start, node.end, own);
        if (row == kNoIndex) row = lastIn(rows, node.start, node.end, any);
        if (row != kNoIndex) wait(n, row);
    }
    for (const std::int32_t n : m_soft) {
        PathNode& node = m_nodes[at(n)];
        const std::int32_t process = processOf(node.lane);
        if (m_hasGpu[at(process)] && node.end - node.start < kShortPause) continue;
        const std::int32_t work = lastIn(m_workDone[at(process)], node.start, node.end,
                                         [&](std::int32_t done) { return m_nodes[at(done)].lane != node.lane; });
        if (work != kNoIndex) wait(n, work);
    }
}

void GraphBuilder::wait(std::int32_t n, std::int32_t work) {
    m_nodes[at(n)].start = m_nodes[at(work)].end;
    addEdge(n, work, EdgeKind::kWait);
}

void GraphBuilder::addHandOffs() {
    std::map<std::int32_t, std::vector<const Flow*>> flows;
    for (const Flow& flow : m_timeline.flows)
        if (flow.toThread != kNoIndex && flow.fromThread != kNoIndex && flow.toThread != flow.fromThread)
            flows[flow.toThread].push_back(&flow);
    for (auto& [thread, list] : flows)
        std::stable_sort(list.begin(), list.end(), [](const Flow* a, const Flow* b) { return a->toTime < b->toTime; });
    for (const std::int32_t n : m_handOffs) {
        const PathNode& node = m_nodes[at(n)];
        std::int32_t giver = m_mainOf[at(processOf(node.lane))];
        if (const auto it = flows.find(node.lane); it != flows.end()) {
            const auto flow = std::lower_bound(it->second.begin(), it->second.end(), node.start,
                                               [](const Flow* f, Ns t) { return f->toTime < t; });
            if (flow != it->second.end() && (*flow)->toTime < std::max(node.end, node.start + 1)) giver = (*flow)->fromThread;
        }
        if (giver == kNoIndex || giver == node.lane) continue;
        const auto& chain = m_chain[at(giver)];
        const auto after = std::upper_bound(chain.begin(), chain.end(), node.start,
                                            [&](Ns t, std::int32_t c) { return t < m_nodes[at(c)].start; });
        if (after == chain.begin()) continue;
        const std::int32_t from = *std::prev(after);
        addEdge(n, from, m_nodes[at(from)].end <= node.start ? EdgeKind::kWait : EdgeKind::kHandOff);
    }
}

// The last piece of a thread that ended by then.
std::int32_t GraphBuilder::chainBefore(std::int32_t thread, Ns time) const {
    if (thread == kNoIndex) return kNoIndex;
    const auto& chain = m_chain[at(thread)];
    const auto after = std::partition_point(chain.begin(), chain.end(), [&](std::int32_t n) { return m_nodes[at(n)].end <= time; });
    return after == chain.begin() ? kNoIndex : *std::prev(after);
}

}  // namespace ridge::analyzer
