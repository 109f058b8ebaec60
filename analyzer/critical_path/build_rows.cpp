// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/builder.h"

#include <limits>
#include <map>

namespace ridge::analyzer {
namespace {

constexpr Ns kEventLatency = 25'000;  // from the end of a row to the start of one that waited for it; seen: 14 to 19 us

}  // namespace

void GraphBuilder::addRows() {
    const std::vector<bool>& communication = m_context.rows.communication;
    for (std::size_t i = m_headOfRow.first(); i < m_headOfRow.end(); ++i) {
        const GpuRow& row = m_timeline.gpu[i];
        if (row.start < m_span.start || row.end > m_span.end) continue;
        PathNode node{row.start, row.end, 0, row.name, static_cast<std::int32_t>(i), row.device, row.launch};
        const bool moves = row.kind == GpuKind::kCopy || row.kind == GpuKind::kSet;
        node.kind = moves ? PathKind::kCopy : communication[i] ? PathKind::kCommunication : PathKind::kCompute;
        const auto& latest = m_context.collectives.gpuLatestStart;
        if (i < latest.size() && latest[i] && *latest[i] < row.end) {
            m_headOfRow.set(i, addNode(headOf(node)));
            node.start = std::max(node.start, *latest[i]);
            m_bodyOfRow.set(i, addNode(node));
            addEdge(m_bodyOfRow[i], m_headOfRow[i], EdgeKind::kThread);
        } else {
            m_headOfRow.set(i, addNode(node));
            m_bodyOfRow.set(i, m_headOfRow[i]);
        }
        if (row.process != kNoIndex) m_rowsDone[at(row.process)].push_back(m_bodyOfRow[i]);
    }
}

// What a row of a stream had to wait for: the row before, its launch, events of other streams.
void GraphBuilder::addRowEdges() {
    struct Stream {
        std::int32_t last = kNoIndex;
        Ns end = std::numeric_limits<Ns>::min();
    };
    std::map<std::pair<std::int32_t, std::int64_t>, Stream> streams;
    struct LastOfDevice : Stream {
        std::int64_t number = 0;  // of the stream that its last row was of
        Stream* stream = nullptr;
    };
    std::vector<LastOfDevice> devices(m_timeline.devices.size());
    for (std::size_t i = m_headOfRow.first(); i < m_headOfRow.end(); ++i) {
        const std::int32_t head = m_headOfRow[i];
        if (head == kNoIndex) continue;
        const GpuRow& row = m_timeline.gpu[i];
        LastOfDevice& device = devices[at(row.device)];
        if (!device.stream || device.number != row.stream) {
            device.number = row.stream;
            device.stream = &streams[{row.device, row.stream}];
        }
        Stream& stream = *device.stream;
        addEdge(head, stream.last, EdgeKind::kStream);
        if (row.launch != kNoIndex)
            addEdge(head, m_nodeOfCall[at(row.launch)], EdgeKind::kLaunch);
        else
            addEdge(head, device.last, EdgeKind::kAssumed);
        inferWait(row, head, stream.end);
        // A row of which nothing is known moves with what its process did.
        const std::int32_t call = row.launch == kNoIndex ? kNoIndex : m_nodeOfCall[at(row.launch)];
        const auto ended = [&](const Stream& s) { return s.last != kNoIndex && s.end <= row.start; };
        const bool launched = call != kNoIndex && m_nodes[at(call)].start <= row.start;
        const bool alone = !ended(stream) && !launched && (row.launch != kNoIndex || !ended(device));
        if (alone && row.process != kNoIndex) addEdge(head, chainBefore(m_mainOf[at(row.process)], row.start), EdgeKind::kAssumed);
        for (Stream* s : {&stream, static_cast<Stream*>(&device)}) {
            if (row.end < s->end) continue;
            s->last = m_bodyOfRow[i];
            s->end = row.end;
        }
    }
    addEventEdges();
}

// A row that its stream kept waiting, or its launch for longer than any launch takes, right after a row of
// another stream ended: it waited for that one (an event that was not recorded, a copy engine, a full GPU).
void GraphBuilder::inferWait(const GpuRow& row, std::int32_t head, Ns streamEnd) {
    if (row.process == kNoIndex) return;
    const auto gap = static_cast<Ns>(m_context.options.gapNs), pending = static_cast<Ns>(m_context.options.pendingNs);
    const std::int32_t call = row.launch == kNoIndex ? kNoIndex : m_nodeOfCall[at(row.launch)];
    if (call == kNoIndex) return;
    const Ns launched = m_nodes[at(call)].start;
    const bool byStream = streamEnd > launched;
    if (row.start - (byStream ? streamEnd : launched) <= (byStream ? gap : pending)) return;
    const std::int32_t before = lastIn(m_rowsDone[at(row.process)], row.start - kEventLatency, row.start,
                                       [&](std::int32_t done) { return rowOf(done).device == row.device && rowOf(done).stream != row.stream; });
    if (before != kNoIndex) addEdge(head, before, EdgeKind::kInferred);
}

// A stream that waited for an event: its first row launched after the wait waits for the last row of the
// other stream launched before the event was recorded.
void GraphBuilder::addEventEdges() {
    std::map<std::pair<std::int32_t, std::int64_t>, std::int32_t> record;  // (process, correlation) -> call
    std::map<std::pair<std::int32_t, std::int64_t>, std::vector<std::int32_t>> rowsOf;  // (process, stream)
    const auto inPart = [&](const SyncRow& sync) { return !m_partial || inSpan(sync.start, sync.end + 1); };
    for (const SyncRow& sync : m_timeline.syncs)
        if (sync.kind == SyncKind::kStreamWaitEvent && sync.eventRecord != 0 && inPart(sync)) record[{sync.process, sync.eventRecord}] = kNoIndex;
    if (record.empty()) return;
    for (std::size_t i = m_partial ? m_nodeOfCall.first() : 0; i < (m_partial ? m_nodeOfCall.end() : m_timeline.calls.size()); ++i) {
        const auto it = record.find({processOf(m_timeline.calls[i].thread), m_timeline.calls[i].correlation});
        if (it != record.end()) it->second = static_cast<std::int32_t>(i);
    }
    for (std::size_t i = m_headOfRow.first(); i < m_headOfRow.end(); ++i) {
        const GpuRow& row = m_timeline.gpu[i];
        if (m_headOfRow[i] != kNoIndex && row.launch != kNoIndex) rowsOf[{row.process, row.stream}].push_back(static_cast<std::int32_t>(i));
    }
    const auto launched = [&](std::int32_t row) { return m_timeline.calls[at(m_timeline.gpu[at(row)].launch)].start; };
    for (auto& [key, list] : rowsOf)
        std::stable_sort(list.begin(), list.end(), [&](std::int32_t a, std::int32_t b) { return launched(a) < launched(b); });
    for (const SyncRow& sync : m_timeline.syncs) {
        if (sync.kind != SyncKind::kStreamWaitEvent || !inPart(sync)) continue;
        const auto recorded = record.find({sync.process, sync.eventRecord});
        const auto waiting = rowsOf.find({sync.process, sync.stream});
        const auto waited = rowsOf.find({sync.process, sync.waitedStream});
        if (recorded == record.end() || recorded->second == kNoIndex || waiting == rowsOf.end() || waited == rowsOf.end()) continue;
        const Ns waitAt = sync.launch != kNoIndex ? m_timeline.calls[at(sync.launch)].start : sync.start;
        const Ns recordAt = m_timeline.calls[at(recorded->second)].start;
        const auto first = std::partition_point(waiting->second.begin(), waiting->second.end(),
                                                [&](std::int32_t r) { return launched(r) < waitAt; });
        const auto after = std::partition_point(waited->second.begin(), waited->second.end(),
                                                [&](std::int32_t r) { return launched(r) < recordAt; });
        if (first == waiting->second.end() || after == waited->second.begin()) continue;
        addEdge(m_headOfRow[at(*first)], m_bodyOfRow[at(*std::prev(after))], EdgeKind::kEvent);
    }
}

void GraphBuilder::addMeetings() {
    const auto meet = [&](const std::vector<std::int32_t>& rows, const Indices& heads, const Indices& bodies, Ns latest) {
        if (m_partial && std::none_of(rows.begin(), rows.end(), [&](std::int32_t r) { return heads[at(r)] != kNoIndex; })) return;
        PathNode meeting;
        meeting.start = meeting.end = latest;
        meeting.kind = PathKind::kCommWait;
        const std::int32_t g = addNode(meeting);
        for (const std::int32_t r : rows) {
            if (heads[at(r)] == kNoIndex || heads[at(r)] == bodies[at(r)]) continue;
            addEdge(g, heads[at(r)], EdgeKind::kGroup);
            addEdge(bodies[at(r)], g, EdgeKind::kGroup);
        }
    };
    const Collectives& all = m_context.collectives;
    for (const std::int32_t i : m_plan.instances.in(m_headOfOp.first(), m_headOfOp.end()))
        meet(all.instances[at(i)].rows, m_headOfOp, m_bodyOfOp,
             all.instances[at(i)].split.latestStart);
    for (const std::int32_t i : m_plan.gpuInstances.in(m_headOfRow.first(), m_headOfRow.end()))
        meet(all.gpuInstances[at(i)].rows, m_headOfRow, m_bodyOfRow,
             all.gpuInstances[at(i)].split.latestStart);
}

}  // namespace ridge::analyzer
