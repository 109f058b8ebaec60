// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/graph.h"
#include "analyzer/critical_path/indices.h"
#include "analyzer/critical_path/pieces.h"
#include "analyzer/intervals/sort_by_time.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

namespace ridge::analyzer {
namespace {

constexpr Ns kShortPause = 20'000;  // a shorter pause of a launching thread is its own, not a wait for another
constexpr int kLookBack = 64;
constexpr Ns kEventLatency = 25'000;  // from the end of a row to the start of one that waited for it; seen: 14 to 19 us

enum What : std::uint8_t { kSoft, kHard, kCall, kInput, kCheckpoint, kOpRow, kCollective };

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

class Builder {
public:
    Builder(const Context& context, const GraphPlan& plan, Interval span, bool partial)
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

    PathGraph build() {
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

private:
    // Nothing but nodes and edges is needed any more: this is where a graph takes most memory.
    void release() {
        for (Indices* indices : {&m_nodeOfCall, &m_headOfRow, &m_bodyOfRow, &m_headOfOp, &m_bodyOfOp}) *indices = Indices({0, 0});
        m_chain = {};
        m_issued = {};
        m_workDone = {};
        m_rowsDone = {};
        m_soft = m_blocking = m_handOffs = {};
        m_streamOfCall = {};
    }
    std::int32_t addNode(PathNode node) {
        m_nodes.push_back(node);
        return static_cast<std::int32_t>(m_nodes.size() - 1);
    }
    void addEdge(std::int32_t to, std::int32_t from, EdgeKind kind) {
        if (from != kNoIndex && to != kNoIndex) m_edges.push_back({to, {from, kind}});
    }
    [[nodiscard]] std::int32_t processOf(std::int32_t thread) const { return m_timeline.threads[at(thread)].process; }
    [[nodiscard]] bool inSpan(Ns start, Ns end) const { return start < m_span.end && end > m_span.start; }

    // Calls visit(thread, start, end, what, index) for all that threads did.
    template <typename Visit>
    void visitItems(const Visit& visit) const {
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

    void addThreads() {
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

    void addChain(std::int32_t thread, std::vector<PieceItem>& items) {
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

    std::int32_t append(std::int32_t thread, std::int32_t before, PathNode node) {
        const std::int32_t n = addNode(node);
        addEdge(n, before, EdgeKind::kThread);
        m_chain[at(thread)].push_back(n);
        return n;
    }

    // What a thread does of which nothing but annotation is known. Where a collective of another
    // thread of a process without a GPU begins meanwhile it ends: what came before handed that out,
    // only what comes after can wait for it.
    std::int32_t appendSoft(std::int32_t thread, std::int32_t before, PathNode node) {
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

    std::int32_t addPiece(std::int32_t thread, std::int32_t before, const Piece& piece, const PieceItem& item) {
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

    std::int32_t addCall(std::int32_t thread, std::int32_t before, PathNode node, std::int32_t index, bool whole) {
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

    std::int32_t addOp(std::int32_t thread, std::int32_t before, PathNode node, std::int32_t index, bool whole) {
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

    static PathNode headOf(PathNode node) {
        node.end = node.start;
        node.kind = PathKind::kCommWait;
        return node;
    }

    void done(std::int32_t n) {
        const PathNode& node = m_nodes[at(n)];
        m_workDone[at(processOf(node.lane))].push_back(n);
    }

    void addRows() {
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

    void sortDone() {
        for (auto* lists : {&m_workDone, &m_rowsDone})
            for (auto& list : *lists) stableSortByTime(list, [this](std::int32_t n) { return m_nodes[at(n)].end; });
        for (const SyncRow& sync : m_timeline.syncs)
            if (sync.launch != kNoIndex && (sync.kind == SyncKind::kStream || sync.kind == SyncKind::kEvent) && sync.stream >= 0)
                m_streamOfCall[sync.launch] = sync.stream;
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

    void addWaits() {
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
    [[nodiscard]] const GpuRow& rowOf(std::int32_t n) const { return m_timeline.gpu[at(m_nodes[at(n)].row)]; }
    void wait(std::int32_t n, std::int32_t work) {
        m_nodes[at(n)].start = m_nodes[at(work)].end;
        addEdge(n, work, EdgeKind::kWait);
    }

    void addHandOffs() {
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

    // What a row of a stream had to wait for: the row before, its launch, events of other streams.
    void addRowEdges() {
        struct Stream {
            std::int32_t last = kNoIndex;
            Ns end = std::numeric_limits<Ns>::min();
        };
        std::map<std::pair<std::int32_t, std::int64_t>, Stream> streams;
        struct Device : Stream {
            std::int64_t number = 0;  // of the stream that its last row was of
            Stream* stream = nullptr;
        };
        std::vector<Device> devices(m_timeline.devices.size());
        for (std::size_t i = m_headOfRow.first(); i < m_headOfRow.end(); ++i) {
            const std::int32_t head = m_headOfRow[i];
            if (head == kNoIndex) continue;
            const GpuRow& row = m_timeline.gpu[i];
            Device& device = devices[at(row.device)];
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

    // The last piece of a thread that ended by then.
    [[nodiscard]] std::int32_t chainBefore(std::int32_t thread, Ns time) const {
        if (thread == kNoIndex) return kNoIndex;
        const auto& chain = m_chain[at(thread)];
        const auto after = std::partition_point(chain.begin(), chain.end(), [&](std::int32_t n) { return m_nodes[at(n)].end <= time; });
        return after == chain.begin() ? kNoIndex : *std::prev(after);
    }

    // A row that its stream kept waiting, or its launch for longer than any launch takes, right after a row of
    // another stream ended: it waited for that one (an event that was not recorded, a copy engine, a full GPU).
    void inferWait(const GpuRow& row, std::int32_t head, Ns streamEnd) {
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
    void addEventEdges() {
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

    void addMeetings() {
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

}  // namespace

PathGraph buildPathGraph(const Context& context, const std::vector<Step>& steps, const GraphPlan& plan, const GraphPart& part) {
    Interval span = part.span;
    if (context.steps.whole()) {  // rows may reach beyond the window of their device
        for (const GpuPartition& p : context.gpus) span.start = std::min(span.start, p.firstStart);
        if (!context.timeline.calls.empty()) span.start = std::min(span.start, context.timeline.calls.front().start);
    }
    PathGraph graph = Builder(context, plan, span, plan.parts.size() > 1).build();
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
