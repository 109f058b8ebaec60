// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/compare/profile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "analyzer/compare/lane_builder.h"
#include "analyzer/compare/names.h"
#include "analyzer/compare/tree.h"
#include "analyzer/timeline/load.h"
#include "schemas/enums/op_kind.h"

namespace ridge::analyzer {
namespace {

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

// Everything that one run needs once.
class Profiler {
public:
    Profiler(const Context& context, const Analysis& answer) : m_context(context), m_answer(answer), m_tree(context) {}
    void run(RunProfile& out);

private:
    struct Leaf {
        std::int32_t node = 0;
        std::int32_t thread = kNoIndex;
        Ns start = 0, end = 0;
    };
    void findIoLeaves();
    void findCallLeaves(const std::vector<bool>& wanted);
    std::vector<bool> launchingThreads() const;
    std::int32_t nodeOfRow(std::size_t row);
    std::vector<OwnedRow> ownersOfGpu(const GpuPartition& p);
    void addGaps(const GpuPartition& p, LaneBuilder& lane);
    void addGap(const GpuPartition& p, Interval gap, std::size_t next, LaneBuilder& lane);
    void addHostPiece(const Segment& s, std::int32_t thread, LaneBuilder& lane);
    template <typename NodeOf>
    void addStretches(const Segment& s, const std::vector<Stretch>& stretches, std::int32_t thread, NodeKind otherKind, const char* other, NodeOf nodeOf,
                      LaneBuilder& lane);
    void countHost(std::int32_t process, LaneBuilder& lane);
    void addCpuRows(const CpuPartition& p, std::vector<OwnedRow>& rows);
    ProfileLane emptyLane(bool gpu, std::size_t index, std::int32_t workload) const;

    const Context& m_context;
    const Analysis& m_answer;
    NodeTree m_tree;
    std::vector<Leaf> m_io, m_calls;                                 // leaves of I/O intervals and of calls
    std::vector<std::vector<Stretch>> m_ioOf, m_callsOf;             // by thread; row into m_io, m_calls
    std::vector<bool> m_communication;
    std::vector<std::int32_t> m_groups, m_nodeOfRow;
};

std::vector<bool> Profiler::launchingThreads() const {
    std::vector<bool> wanted(m_context.timeline.threads.size(), false);
    for (const GpuRow& row : m_context.timeline.gpu)
        if (row.launch != kNoIndex)
            if (const std::int32_t thread = m_context.timeline.calls[at(row.launch)].thread; thread != kNoIndex) wanted[at(thread)] = true;
    return wanted;
}

// I/O by what it was: a call on a file, or a range that says so.
void Profiler::findIoLeaves() {
    const Timeline& timeline = m_context.timeline;
    std::map<std::tuple<std::int32_t, Ns, Ns>, std::int32_t> calls, ranges;
    for (std::size_t i = 0; i < timeline.io.size(); ++i) calls.emplace(std::tuple(timeline.io[i].thread, timeline.io[i].start, timeline.io[i].end), static_cast<std::int32_t>(i));
    std::set<std::tuple<std::int32_t, Ns, Ns>> wanted;
    for (const IoInterval& io : m_context.io) wanted.emplace(io.thread, io.start, io.end);
    for (std::size_t i = 0; i < timeline.ranges.size(); ++i) {
        const Range& r = timeline.ranges[i];
        if (r.frame == Frame::kNone && wanted.contains({r.thread, r.start, r.end})) ranges.emplace(std::tuple(r.thread, r.start, r.end), static_cast<std::int32_t>(i));
    }
    m_ioOf.resize(timeline.threads.size());
    for (const IoInterval& io : m_context.io) {
        const std::tuple key(io.thread, io.start, io.end);
        Leaf leaf{0, io.thread, io.start, io.end};
        if (const auto call = calls.find(key); call != calls.end()) {
            const IoRow& row = timeline.io[at(call->second)];
            std::string name = m_tree.rangeName(row.name);
            if (const std::string& path = timeline.names.text(row.path); !path.empty()) name += " " + normalFileName(path);
            leaf.node = m_tree.leaf(m_tree.scopeAt(io.thread, io.start), NodeKind::kIo, name);
        } else if (const auto range = ranges.find(key); range != ranges.end()) {
            leaf.node = m_tree.leaf(m_tree.scopeAround(range->second), NodeKind::kIo, m_tree.rangeName(timeline.ranges[at(range->second)].name));
        } else {
            leaf.node = m_tree.leaf(m_tree.scopeAt(io.thread, io.start), NodeKind::kIo, "I/O");
        }
        m_ioOf[at(io.thread)].push_back({io.start, io.end, static_cast<std::int32_t>(m_io.size())});
        m_io.push_back(leaf);
    }
    for (auto& list : m_ioOf) list = innermost(std::move(list));
}

void Profiler::findCallLeaves(const std::vector<bool>& wanted) {
    const Timeline& timeline = m_context.timeline;
    m_callsOf.resize(timeline.threads.size());
    for (const Call& call : timeline.calls) {
        if (call.thread == kNoIndex || !wanted[at(call.thread)]) continue;
        const Leaf leaf{m_tree.leaf(m_tree.scopeAt(call.thread, call.start), NodeKind::kCall, m_tree.rangeName(call.name)), call.thread, call.start, call.end};
        m_callsOf[at(call.thread)].push_back({call.start, call.end, static_cast<std::int32_t>(m_calls.size())});
        m_calls.push_back(leaf);
    }
    for (auto& list : m_callsOf) list = innermost(std::move(list));
}

std::int32_t Profiler::nodeOfRow(std::size_t row) {
    std::int32_t& node = m_nodeOfRow[row];
    if (node != kNoIndex) return node;
    const Timeline& timeline = m_context.timeline;
    const GpuRow& r = timeline.gpu[row];
    std::int32_t scope = 0;
    std::string shape;
    if (r.launch != kNoIndex) {
        const Call& call = timeline.calls[at(r.launch)];
        const std::int32_t range = m_tree.rangeAt(call.thread, call.start);
        scope = m_tree.scopeAt(call.thread, call.start);
        const std::int32_t op = r.op != kNoIndex ? r.op : range;
        if (op != kNoIndex) shape = shapeOf(timeline, timeline.ranges[at(op)]);
    }
    const bool moves = r.kind == GpuKind::kCopy || r.kind == GpuKind::kSet;
    std::string name = m_tree.kernelName(r.name);
    if (name.empty()) name = moves ? "copy" : "kernel";
    return node = m_tree.leaf(scope, moves ? NodeKind::kCopy : NodeKind::kKernel, name, shape);
}

// The same classes and order as partitionGpu(): what it painted, with the name of who painted it.
std::vector<OwnedRow> Profiler::ownersOfGpu(const GpuPartition& p) {
    std::vector<OwnedRow> rows;
    const auto add = [&](Ns start, Ns end, WallClass c, std::int32_t node) {
        static constexpr std::array<WallClass, 8> kOrder{WallClass::kComputeBound, WallClass::kMemoryWall,   WallClass::kLatencyBound, WallClass::kComputeUnknown,
                                                         WallClass::kCommTransfer, WallClass::kCommWait, WallClass::kCommUnsplit,  WallClass::kCopy};
        const auto layer = std::find(kOrder.begin(), kOrder.end(), c) - kOrder.begin();
        rows.push_back({start, end, static_cast<std::uint8_t>(layer), c, node});
    };
    const auto& latest = m_context.collectives.gpuLatestStart;
    const auto& measured = m_context.measured.classOfRow;
    for (const std::int32_t r : p.rows) {
        const auto i = at(r);
        const GpuRow& row = m_context.timeline.gpu[i];
        const OpGroup* group = m_groups[i] == kNoIndex ? nullptr : &m_context.ops.groups[at(m_groups[i])];
        const std::int32_t node = nodeOfRow(i);
        if (row.kind == GpuKind::kCopy || row.kind == GpuKind::kSet) {
            add(row.start, row.end, WallClass::kCopy, node);
        } else if (m_communication[i] || (group && group->work.opKind == kOpCollective)) {
            if (i < latest.size() && latest[i]) {
                const Ns turn = std::clamp(*latest[i], row.start, row.end);
                add(row.start, turn, WallClass::kCommWait, node);
                add(turn, row.end, WallClass::kCommTransfer, node);
            } else {
                add(row.start, row.end, WallClass::kCommUnsplit, node);
            }
        } else {
            auto c = static_cast<std::uint8_t>(WallClass::kComputeUnknown);
            if (i < measured.size() && measured[i] < c) c = measured[i];
            else if (group) c = std::min(c, static_cast<std::uint8_t>(group->answer.wallClass));
            add(row.start, row.end, static_cast<WallClass>(c), node);
        }
    }
    return rows;
}

template <typename NodeOf>
void Profiler::addStretches(const Segment& s, const std::vector<Stretch>& stretches, std::int32_t thread, NodeKind otherKind, const char* other, NodeOf nodeOf,
                            LaneBuilder& lane) {
    const auto wallClass = static_cast<WallClass>(s.layer);
    Ns from = s.start;
    const auto rest = [&](Ns until) {
        if (until > from) lane.addPiece({from, until, wallClass, m_tree.leaf(m_tree.scopeAt(thread, from), otherKind, other)});
    };
    auto it = std::upper_bound(stretches.begin(), stretches.end(), s.start, [](Ns t, const Stretch& x) { return t < x.end; });
    for (; it != stretches.end() && it->start < s.end; ++it) {
        rest(std::min(it->start, s.end));
        const Ns start = std::max(from, it->start), end = std::min(it->end, s.end);
        if (end > start) lane.addPiece({start, end, wallClass, nodeOf(it->row)});
        from = std::max(from, end);
    }
    rest(s.end);
}

void Profiler::addHostPiece(const Segment& s, std::int32_t thread, LaneBuilder& lane) {
    switch (static_cast<WallClass>(s.layer)) {
        case WallClass::kSync:
        case WallClass::kApi:
            return addStretches(s, m_callsOf[at(thread)], thread, NodeKind::kCall, "call", [&](std::int32_t c) { return m_calls[at(c)].node; }, lane);
        case WallClass::kIoInput:
        case WallClass::kIoCheckpoint:
            return addStretches(s, m_ioOf[at(thread)], thread, NodeKind::kIo, "I/O", [&](std::int32_t i) { return m_io[at(i)].node; }, lane);
        default:
            return addStretches(
                s, m_tree.stretches(thread), thread, NodeKind::kHost, "host code",
                [&](std::int32_t range) { return m_tree.leaf(m_tree.scopeOfRange(range), NodeKind::kHost, "host code"); }, lane);
    }
}

// The idle segments of [gap): those of the host by what the thread did that launched the row `next`, the others that row's.
void Profiler::addGap(const GpuPartition& p, Interval gap, std::size_t next, LaneBuilder& lane) {
    const GpuRow& row = m_context.timeline.gpu[next];
    const std::int32_t thread = row.launch == kNoIndex ? kNoIndex : m_context.timeline.calls[at(row.launch)].thread;
    auto it = std::upper_bound(p.segments.begin(), p.segments.end(), gap.start, [](Ns t, const Segment& s) { return t < s.end; });
    for (; it != p.segments.end() && it->start < gap.end; ++it) {
        const Segment s{std::max(it->start, gap.start), std::min(it->end, gap.end), it->layer};
        const auto c = static_cast<WallClass>(s.layer);
        const bool host = c == WallClass::kSync || c == WallClass::kApi || c == WallClass::kIoInput || c == WallClass::kIoCheckpoint || c == WallClass::kHost;
        if (host && thread != kNoIndex) addHostPiece(s, thread, lane);
        else if (c == WallClass::kUnknownCapture) lane.addPiece({s.start, s.end, c, m_tree.leaf(0, NodeKind::kOther, "records were flushed")});
        else lane.addPiece({s.start, s.end, c, nodeOfRow(next)});
    }
}

void Profiler::addGaps(const GpuPartition& p, LaneBuilder& lane) {
    const Timeline& timeline = m_context.timeline;
    std::size_t row = 0;
    for (std::size_t i = 0; i + 1 < p.busy.size(); ++i) {
        const Interval gap{p.busy[i].end, p.busy[i + 1].start};
        while (timeline.gpu[at(p.rows[row])].start < gap.end) ++row;
        if (!lane.touches(gap.start, gap.end)) continue;
        std::int32_t next = kNoIndex;
        Ns latest = 0;
        for (std::size_t k = row; k < p.rows.size(); ++k) {  // as partitionGpu() chooses it
            const GpuRow& candidate = timeline.gpu[at(p.rows[k])];
            if (candidate.start != gap.end) break;
            if (candidate.end == gap.end) continue;
            const Ns launched = candidate.launch == kNoIndex ? -kMaxTime * 2 : timeline.calls[at(candidate.launch)].start;
            if (next == kNoIndex || std::pair(launched, candidate.correlation) >= std::pair(latest, timeline.gpu[at(next)].correlation)) {
                next = p.rows[k];
                latest = launched;
            }
        }
        if (next != kNoIndex) addGap(p, gap, at(next), lane);
    }
}

// Calls and ranges of the process whose nodes own time, and its I/O: how many there were, hidden or not.
void Profiler::countHost(std::int32_t process, LaneBuilder& lane) {
    const Timeline& timeline = m_context.timeline;
    const auto mine = [&](std::int32_t thread) { return thread != kNoIndex && timeline.threads[at(thread)].process == process; };
    for (const Leaf& leaf : m_calls)
        if (mine(leaf.thread) && lane.owns(leaf.node)) lane.count(leaf.node, leaf.start, leaf.end);
    // I/O also where other work hides all of it: the other run may not.
    for (const Leaf& leaf : m_io)
        if (mine(leaf.thread)) lane.count(leaf.node, leaf.start, leaf.end);
    std::map<std::int32_t, std::int32_t> hostLeaf;  // of the scopes
    for (std::size_t i = 0; i < m_tree.nodes().size(); ++i)
        if (m_tree.nodes()[i].kind == NodeKind::kHost && m_tree.nodes()[i].parent != 0) hostLeaf[m_tree.nodes()[i].parent] = static_cast<std::int32_t>(i);
    if (hostLeaf.empty()) return;
    for (std::size_t i = 0; i < timeline.ranges.size(); ++i) {
        const Range& r = timeline.ranges[i];
        if (!mine(r.thread) || !m_tree.isScope(static_cast<std::int32_t>(i))) continue;
        const auto leaf = hostLeaf.find(m_tree.scopeOfRange(static_cast<std::int32_t>(i)));
        if (leaf != hostLeaf.end() && lane.owns(leaf->second)) lane.count(leaf->second, r.start, r.end);
    }
}

ProfileLane Profiler::emptyLane(bool gpu, std::size_t index, std::int32_t workload) const {
    ProfileLane lane;
    lane.gpu = gpu;
    lane.workload = m_context.steps.workloads[at(workload)];
    for (std::size_t i = 0; i < m_answer.steps.size(); ++i) {
        const StepOrigin& origin = m_context.origins[i];
        if (origin.workload != workload || (gpu ? origin.gpu : origin.cpu) != static_cast<std::int32_t>(index)) continue;
        const Step& step = m_answer.steps[i];
        lane.rank = step.rank;
        lane.device = step.device;
        if (step.endNs <= step.startNs) continue;
        lane.steps.push_back({step.index, step.startNs, step.endNs, step.classes, {}, {}});
    }
    std::stable_sort(lane.steps.begin(), lane.steps.end(), [](const ProfileStep& a, const ProfileStep& b) { return a.startNs < b.startNs; });
    for (const Device& d : m_answer.devices)
        if (d.rank == lane.rank && d.id == lane.device && (d.kind == "gpu") == gpu) lane.deviceName = d.name;
    return lane;
}

void Profiler::addCpuRows(const CpuPartition& p, std::vector<OwnedRow>& rows) {
    const Timeline& timeline = m_context.timeline;
    enum Layer : std::uint8_t { kTransfer = 4, kWait, kUnsplit, kCopyLayer, kStepCheckpoint, kStepInput, kOtherInput, kOtherCheckpoint, kPreemptedLayer, kHostLayer, kOtherRange };
    std::vector<bool> stepThread(timeline.threads.size(), m_context.steps.whole());
    for (const HostStep& step : m_context.steps.steps) stepThread[at(step.thread)] = true;
    for (std::size_t i = 0; i < m_context.ops.rows.size(); ++i) {
        const OpRow& op = m_context.ops.rows[i];
        if (!p.holds(op.process) || op.family == OpFamily::kIo) continue;
        const Range& range = timeline.ranges[at(op.range)];
        const std::int32_t node = m_tree.leaf(m_tree.scopeAround(op.range), NodeKind::kOp, m_tree.rangeName(range.name), shapeOf(timeline, range));
        if (op.family == OpFamily::kCompute) {
            const WallClass c = op.group == kNoIndex ? WallClass::kComputeUnknown : m_context.ops.groups[at(op.group)].answer.wallClass;
            rows.push_back({op.start, op.end, static_cast<std::uint8_t>(c), c, node});
        } else if (op.family == OpFamily::kCopy) {
            rows.push_back({op.start, op.end, kCopyLayer, WallClass::kCopy, node});
        } else if (const auto& latest = m_context.collectives.latestStart[i]) {
            const Ns turn = std::clamp(*latest, op.start, op.end);
            rows.push_back({op.start, turn, kWait, WallClass::kCommWait, node});
            rows.push_back({turn, op.end, kTransfer, WallClass::kCommTransfer, node});
        } else {
            rows.push_back({op.start, op.end, kUnsplit, WallClass::kCommUnsplit, node});
        }
    }
    for (std::size_t i = 0; i < m_context.io.size(); ++i) {
        const IoInterval& io = m_context.io[i];
        if (!p.holds(io.process)) continue;
        const bool own = stepThread[at(io.thread)];
        const std::uint8_t layer = own ? (io.checkpoint ? kStepCheckpoint : kStepInput) : (io.checkpoint ? kOtherCheckpoint : kOtherInput);
        rows.push_back({io.start, io.end, layer, io.checkpoint ? WallClass::kIoCheckpoint : WallClass::kIoInput, m_io[i].node, true});
    }
    for (const Preemption& gap : timeline.preemptions)
        rows.push_back({gap.start, gap.end, kPreemptedLayer, WallClass::kPreempted, m_tree.leaf(0, NodeKind::kOther, "the machine ran something else")});
    for (std::size_t t = 0; t < timeline.threads.size(); ++t) {
        if (!p.holds(timeline.threads[t].process) || !stepThread[t]) continue;
        for (const Stretch& s : m_tree.stretches(static_cast<std::int32_t>(t)))
            rows.push_back({s.start, s.end, kHostLayer, WallClass::kHost, m_tree.leaf(m_tree.scopeOfRange(s.row), NodeKind::kHost, "host code")});
    }
    for (std::size_t i = 0; i < timeline.ranges.size(); ++i) {  // ranges that are no scopes hold the host's time all the same
        const Range& r = timeline.ranges[i];
        if (r.frame != Frame::kNone || r.thread == kNoIndex || !stepThread[at(r.thread)] || !p.holds(timeline.threads[at(r.thread)].process)) continue;
        const auto index = static_cast<std::int32_t>(i);
        if (!m_tree.isScope(index) && !m_tree.isStep(index))
            rows.push_back({r.start, r.end, kOtherRange, WallClass::kHost, m_tree.leaf(m_tree.scopeAround(index), NodeKind::kHost, "host code")});
    }
}

void Profiler::run(RunProfile& out) {
    m_communication = findCommunicationRows(m_context.timeline);
    m_groups = groupsOfRows(m_context.timeline, m_context.ops);
    m_nodeOfRow.assign(m_context.timeline.gpu.size(), kNoIndex);
    findIoLeaves();
    findCallLeaves(launchingThreads());
    for (std::size_t g = 0; g < m_context.gpus.size(); ++g) {
        const GpuPartition& p = m_context.gpus[g];
        const std::vector<OwnedPiece> pieces = ownersOf(ownersOfGpu(p));
        for (std::size_t w = 0; w < m_context.steps.workloads.size(); ++w) {
            ProfileLane empty = emptyLane(true, g, static_cast<std::int32_t>(w));
            if (empty.steps.empty()) continue;
            LaneBuilder lane(std::move(empty), m_tree);
            for (const OwnedPiece& piece : pieces) lane.addPiece(piece);
            addGaps(p, lane);
            std::set<std::int32_t> processes;
            for (const std::int32_t r : p.rows) {
                const GpuRow& row = m_context.timeline.gpu[at(r)];
                lane.count(nodeOfRow(at(r)), row.start, row.end);
                if (row.process != kNoIndex) processes.insert(row.process);
            }
            for (const std::int32_t process : processes) countHost(process, lane);
            out.lanes.push_back(lane.finish());
        }
    }
    for (std::size_t c = 0; c < m_context.cpus.size(); ++c) {
        const CpuPartition& p = m_context.cpus[c];
        std::vector<OwnedRow> rows;
        addCpuRows(p, rows);
        const std::vector<OwnedPiece> pieces = ownersOf(rows);
        for (std::size_t w = 0; w < m_context.steps.workloads.size(); ++w) {
            ProfileLane empty = emptyLane(false, c, static_cast<std::int32_t>(w));
            if (empty.steps.empty()) continue;
            LaneBuilder lane(std::move(empty), m_tree);
            for (const OwnedPiece& piece : pieces) lane.addPiece(piece);
            for (std::size_t i = 0; i < m_context.ops.rows.size(); ++i) {
                const OpRow& op = m_context.ops.rows[i];
                if (!p.holds(op.process) || op.family == OpFamily::kIo) continue;
                const Range& range = m_context.timeline.ranges[at(op.range)];
                lane.count(m_tree.leaf(m_tree.scopeAround(op.range), NodeKind::kOp, m_tree.rangeName(range.name), shapeOf(m_context.timeline, range)), op.start, op.end);
            }
            for (const std::int32_t process : p.processes) countHost(process, lane);
            out.lanes.push_back(lane.finish());
        }
    }
    std::stable_sort(out.lanes.begin(), out.lanes.end(), [](const ProfileLane& a, const ProfileLane& b) {
        return std::tie(a.workload, a.rank, a.device, a.gpu) < std::tie(b.workload, b.rank, b.device, b.gpu);
    });
    out.nodes = m_tree.takeNodes();
}

bool tellsState(const std::string& name) {
    constexpr std::array<std::string_view, 5> kWords{"clock", "power", "temp", "throttle", "freq"};
    return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

// Medians over the time of the steps.
std::vector<ProfileCounter> countersOf(const Context& context, const Analysis& answer) {
    std::vector<ProfileCounter> counters;
    if (answer.steps.empty()) return counters;
    Ns first = answer.steps.front().startNs, last = answer.steps.front().endNs;
    for (const Step& step : answer.steps) {
        first = std::min(first, step.startNs);
        last = std::max(last, step.endNs);
    }
    std::map<std::tuple<std::string, std::int64_t, std::string>, std::vector<double>> values;
    for (const CounterSeries& series : context.timeline.counters) {
        if (!tellsState(series.name)) continue;
        auto& list = values[{series.name, series.device, series.unit}];
        for (const auto& [time, value] : series.samples)
            if (time >= first && time < last && std::isfinite(value)) list.push_back(value);
    }
    for (auto& [key, list] : values) {
        if (list.empty()) continue;
        const auto middle = list.begin() + static_cast<std::ptrdiff_t>((list.size() - 1) / 2);
        std::nth_element(list.begin(), middle, list.end());
        counters.push_back({std::get<0>(key), std::get<2>(key), std::get<1>(key), *middle, static_cast<std::int64_t>(list.size())});
    }
    return counters;
}

}  // namespace

Result<RunProfile> profileTimeline(const Timeline& timeline, const AnalyzeOptions& options, Analysis* analysis) {
    RunProfile out;
    AnalyzeOptions own = options;
    own.onContext = [&](const Context& context, const Analysis& answer) {
        if (options.onContext) options.onContext(context, answer);
        Profiler(context, answer).run(out);
        out.counters = countersOf(context, answer);
    };
    RIDGE_TRY(Analysis answer, analyzeTimeline(timeline, own));
    for (const Process& process : timeline.processes) out.worldSize = std::max(out.worldSize, process.worldSize);
    out.sources = answer.sources;
    out.gate = answer.gate;
    out.environment = answer.environment;
    out.ranks = answer.ranks;
    out.devices = answer.devices;
    out.losses = answer.losses;
    out.stepSource = answer.stepSource;
    if (analysis) *analysis = std::move(answer);
    return out;
}

Result<RunProfile> profileRun(const std::vector<std::string>& paths, const AnalyzeOptions& options, Analysis* analysis) {
    RIDGE_TRY(const Timeline timeline, load(paths, options.stop));
    return profileTimeline(timeline, options, analysis);
}

std::string pathOf(const RunProfile& run, std::int32_t node) {
    std::vector<const std::string*> parts;
    for (std::int32_t n = run.nodes[at(node)].parent; n > 0; n = run.nodes[at(n)].parent) parts.push_back(&run.nodes[at(n)].name);
    std::string path;
    for (auto it = parts.rbegin(); it != parts.rend(); ++it) path += (path.empty() ? "" : " / ") + **it;
    return path;
}

}  // namespace ridge::analyzer
