// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The graph of who waited for whom (metrics.md 1.5 and 1.6): one node per GPU row, API call, piece of
// host time and op, edges to what it could not begin before. The critical path is walked on it, and
// what-ifs are replayed on it.
//
//   contribution of an edge = the end of its source (kLaunch, kHandOff: its start)
//   residual of a node = its start - the largest contribution >= 0, kept as a constant in a replay
//
// Invariants: 1. nodes are sorted by start, and an edge comes from a node before its own, so the order of
// the nodes is a topological one. 2. every contribution is <= the start of its node; an edge that would
// break this (a clock fault, rows of one stream that overlap) is left out and counted. Therefore a replay
// that changes nothing gives the measured times, to the nanosecond.
//
// Threads are chains of pieces without gaps as long as they have ranges or calls (innermost wins). A
// blocking call is the wait for the GPU row that ended last in it, and what follows. A thread of which
// nothing but annotation is known while other threads of its process work waits for them. Outside of any
// range a thread that is not the one that steps gets its work from that one (hand-off), or from the
// thread that a flow names.

#include "analyzer/context.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
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
    std::int32_t call = kNoIndex;  // into Timeline::calls
    std::int32_t op = kNoIndex;    // into Ops::rows, of CPU ops
    PathKind kind = PathKind::kHost;
    bool waits = false;            // a blocking call, or what follows a wait in it
};

struct PathGraph {
    std::vector<PathNode> nodes;
    std::vector<std::uint32_t> firstEdge;  // nodes + 1
    std::vector<PathEdge> edges;
    std::int64_t droppedEdges = 0;  // that invariant 2 forbids
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

inline constexpr std::size_t kMostPathNodes = 1'500'000;

// Of a trace with more rows than mostNodes the graph takes the first steps that fit.
PathGraph buildPathGraph(const Context& context, const std::vector<Step>& steps, std::size_t mostNodes = kMostPathNodes);

// Puts nodes and edges in order, drops the edges that invariant 2 forbids, and computes the residuals.
// Edges: per node of `nodes`, in its order. Exposed for tests. newIndex: where each node went.
PathGraph orderGraph(std::vector<PathNode> nodes, std::vector<std::pair<std::int32_t, PathEdge>> edges,
                     std::vector<std::int32_t>* newIndex = nullptr);

}  // namespace ridge::analyzer
