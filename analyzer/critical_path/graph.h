// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The graph of who waited for whom (metrics.md 1.5 and 1.6): one node per GPU row, API call, piece
// of host time and op, edges to what it could not begin before. The critical path is walked on it,
// and what-ifs are replayed on it.
//
//   contribution of an edge = the end of its source (kLaunch, kHandOff: its start)
//   residual of a node = its start - the largest contribution >= 0, kept as a constant in a replay
//
// Invariants: 1. nodes are sorted by start, and an edge comes from a node before its own, so the
// order of the nodes is a topological one. 2. every contribution is <= the start of its node; an
// edge that would break this (a clock fault, rows of one stream that overlap) is left out and
// counted. Therefore a replay that changes nothing gives the measured times, to the nanosecond.
//
// Threads are chains of pieces without gaps as long as they have ranges or calls (innermost wins).
// A blocking call is the wait for the GPU row that ended last in it, and what follows. A thread of
// which nothing but annotation is known while other threads of its process work waits for them;
// without a GPU a range that its name tells to be a collective is such work. Outside of any range a
// thread that is not the one that steps gets its work from that one (hand-off), or from the thread
// that a flow names.

#include "analyzer/context.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace ridge::analyzer {

// What a stretch of the path is. Closed; names as in report-1.json.
enum class PathKind : std::uint8_t {
    kCompute,
    kCommunication,
    kCommWait,
    kCopy,
    kKernelGap,
    kDependency,
    kLaunch,
    kDevicePending,
    kApi,
    kSync,
    kHost,
    kIoInput,
    kIoCheckpoint,
    kHandOff,
    kUnlinked,
    kIdle,
};
inline constexpr std::array<std::string_view, 16> kPathKindNames{
    "compute", "communication", "comm_wait", "copy",     "kernel_gap",    "dependency", "launch",   "device_pending",
    "api",     "sync",          "host",      "io_input", "io_checkpoint", "hand_off",   "unlinked", "idle"};
inline constexpr std::size_t kPathKindCount = kPathKindNames.size();
constexpr std::string_view name(PathKind kind) { return kPathKindNames[static_cast<std::size_t>(kind)]; }

enum class EdgeKind : std::uint8_t {
    kThread,   // the same thread, before
    kStream,   // the same stream, before
    kLaunch,   // the call that launched the row; counts from the call's start
    kEvent,    // a row of another stream that the stream waited for
    kWait,     // the GPU row or the other thread's work that a waiting thread waited for
    kHandOff,  // the thread that gave the work; counts from the start of what it did then
    kGroup,    // the ranks of one collective
    kInferred, // a row of another stream that ended just before, where nothing else explains the wait
    kAssumed,  // the row before on the device, for rows whose launch is not in the trace
};

struct PathEdge {
    std::int32_t from = kNoIndex;
    EdgeKind kind = EdgeKind::kThread;
};

struct PathNode {
    Ns start = 0, end = 0, residual = 0;
    NameId name;
    std::int32_t row = kNoIndex;   // into Timeline::gpu; kNoIndex: on a thread
    std::int32_t lane = kNoIndex;  // thread, or device for GPU rows; kNoIndex: meeting of a collective
    std::int32_t call = kNoIndex;  // into Timeline::calls; of I/O: into Context::io
    std::int32_t op = kNoIndex;    // into Ops::rows, of CPU ops
    PathKind kind = PathKind::kHost;
    bool waits = false;            // a blocking call, or what follows a wait in it
};

struct PathGraph {
    std::vector<PathNode> nodes;
    std::vector<std::uint32_t> firstEdge;  // nodes + 1
    std::vector<PathEdge> edges;
    std::int64_t droppedEdges = 0;  // that invariant 2 forbids
    Ns longestRow = 0;              // of the GPU's nodes
    Interval span;                  // what is in the graph: rows outside are cut or left out
    std::vector<bool> hasStep;      // per Analysis::steps: is the step in the graph?
    std::vector<std::int32_t> mainThread;  // per process: the thread that steps, else the busiest

    [[nodiscard]] std::span<const PathEdge> edgesOf(std::int32_t node) const {
        const auto n = static_cast<std::size_t>(node);
        return std::span(edges).subspan(firstEdge[n], firstEdge[n + 1] - firstEdge[n]);
    }
    [[nodiscard]] Ns contribution(const PathEdge& edge) const {
        const PathNode& from = nodes[static_cast<std::size_t>(edge.from)];
        return edge.kind == EdgeKind::kLaunch || edge.kind == EdgeKind::kHandOff ? from.start : from.end;
    }
};

inline constexpr std::size_t kMostPathNodes = 1'500'000;    // of one graph that holds all steps
inline constexpr std::size_t kPartPathNodes = 64'000;       // of each, where there are several
inline constexpr std::size_t kMostStepPathNodes = 6'000'000;  // of a graph of one step; a longer step is left out, and counted

// Where the rows that reach into a stretch of time begin: the latest end of each block of rows sorted by start.
class Reach {
public:
    static constexpr std::size_t kBlock = 1024;
    Reach() = default;
    template <typename Rows>
    explicit Reach(const Rows& rows) : m_size(rows.size()) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (i % kBlock == 0) m_latest.push_back(rows[i].end);
            m_latest.back() = std::max<Ns>(m_latest.back(), rows[i].end);
        }
    }
    // Calls visit(i) for the rows that may touch the span, in order; some that do not are among them.
    template <typename Rows, typename Visit>
    void visit(const Rows& rows, Interval span, const Visit& visit) const {
        for (std::size_t block = 0; block < m_latest.size(); ++block) {
            const std::size_t from = block * kBlock, to = std::min(m_size, from + kBlock);
            if (rows[from].start >= span.end) return;
            if (m_latest[block] <= span.start) continue;
            for (std::size_t i = from; i < to; ++i) visit(i);
        }
    }
    // The first of them, and the end of the last.
    template <typename Rows>
    [[nodiscard]] std::pair<std::size_t, std::size_t> bounds(const Rows& rows, Interval span) const {
        std::size_t first = 0;
        while (first < m_latest.size() && m_latest[first] < span.start) ++first;
        const auto end = std::partition_point(rows.begin(), rows.end(), [&](const auto& row) { return row.start <= span.end; });
        const std::size_t from = std::min(first * kBlock, rows.size());
        return {from, std::max<std::size_t>(from, static_cast<std::size_t>(end - rows.begin()))};
    }

private:
    std::vector<Ns> m_latest;
    std::size_t m_size = 0;
};

// Which lists of rows have one in a stretch of rows.
class RowLists {
public:
    RowLists() = default;
    // first(i), last(i): the smallest and the largest row of list i.
    template <typename First, typename Last>
    RowLists(std::size_t lists, const First& first, const Last& last) {
        for (std::size_t i = 0; i < lists; ++i)
            m_lists.push_back({first(i), last(i) + 1, static_cast<std::int32_t>(i)});
        std::sort(m_lists.begin(), m_lists.end(), [](const List& a, const List& b) {
            return std::pair(a.start, a.index) < std::pair(b.start, b.index);
        });
        m_reach = Reach(m_lists);
    }
    // Those that may have a row in [from, to), in their order.
    [[nodiscard]] std::vector<std::int32_t> in(std::size_t from, std::size_t to) const {
        std::vector<std::int32_t> result;
        const Interval rows{static_cast<Ns>(from), static_cast<Ns>(to)};
        m_reach.visit(m_lists, rows, [&](std::size_t i) {
            if (m_lists[i].start < rows.end && m_lists[i].end > rows.start)
                result.push_back(m_lists[i].index);
        });
        std::sort(result.begin(), result.end());
        return result;
    }

private:
    struct List {
        Ns start = 0, end = 0;  // rows
        std::int32_t index = kNoIndex;
    };
    std::vector<List> m_lists;
    Reach m_reach;
};

// Whole steps whose rows fit into one graph.
struct GraphPart {
    Interval span;
    std::vector<std::size_t> steps;  // into Analysis::steps
};

// How a trace is cut into graphs: one where it fits, else parts of whole steps, in the order of their ends. A path never
// leaves the window of its step, so parts give the same paths; slack ends, and replays begin, with the part.
struct GraphPlan {
    std::vector<GraphPart> parts;
    std::int64_t stepsLeftOut = 0;  // alone too long for a graph
    Reach calls, ranges, gpu, ops;
    RowLists instances, gpuInstances;      // of Collectives
    std::vector<std::int32_t> mainThread;  // per process
    std::vector<bool> hasGpu;              // per process
    std::vector<bool> collective;          // per name: namedCollectives()
};
GraphPlan planGraphs(const Context& context, const std::vector<Step>& steps, std::size_t mostNodes = kMostPathNodes,
                     std::size_t partNodes = kPartPathNodes, std::size_t mostOfStep = kMostStepPathNodes);

PathGraph buildPathGraph(const Context& context, const std::vector<Step>& steps, const GraphPlan& plan, const GraphPart& part);
// All steps in one graph.
PathGraph buildPathGraph(const Context& context, const std::vector<Step>& steps);

// Puts nodes and edges in order, drops the edges that invariant 2 forbids, and computes the
// residuals. Edges: per node of `nodes`, in its order. Exposed for tests. newIndex: where each node
// went. quick: twice the memory of the nodes meanwhile.
PathGraph orderGraph(std::vector<PathNode> nodes,
                     std::vector<std::pair<std::int32_t, PathEdge>> edges,
                     std::vector<std::int32_t>* newIndex = nullptr, bool quick = false);

}  // namespace ridge::analyzer
