// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The covering critical path of one window: segments that lie side by side from its start to its end,
// each what had to end before the next could begin. Their lengths add up to the window, exactly.

#include "analyzer/critical_path/graph.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace ridge::analyzer {

struct WalkSegment {
    Ns start = 0, end = 0;
    PathKind kind = PathKind::kHost;
    NameId name;
    std::int32_t node = kNoIndex;  // the node whose time it is, or that began after it
    bool within = false;           // the node's own time; false: the time before it could begin
};

// The node that ends last in the window: of a device's rows, or of a thread. kNoIndex: none.
std::int32_t lastNode(const PathGraph& graph, bool gpu, std::int32_t lane, Interval window);

// From the end of the window back to its start, in order of time.
std::vector<WalkSegment> walkBack(const PathGraph& graph, const AnalyzeOptions& options, std::int32_t last,
                                  Interval window);

// How much later each node could end without any of the terminals ending later; at most until the end of
// the last terminal. Same length as the nodes.
std::vector<Ns> slackOf(const PathGraph& graph, const std::vector<std::int32_t>& terminals);

// The last node of one step; of a step that is not in the graph kNoIndex.
std::int32_t lastNodeOf(const Context& context, const PathGraph& graph, const std::vector<Step>& steps, std::size_t step);
// The last node of each step that is in the graph, on the device or the thread of the step; else kNoIndex.
std::vector<std::int32_t> lastNodes(const Context& context, const PathGraph& graph, const std::vector<Step>& steps);

// Fills Analysis::criticalPath from graph after graph: every step that a part of the plan holds.
class PathReport {
public:
    PathReport(const Context& context, const GraphPlan& plan, Analysis& answer);
    ~PathReport();
    PathReport(const PathReport&) = delete;
    PathReport& operator=(const PathReport&) = delete;
    void add(const PathGraph& graph);
    void finish();

private:
    class State;
    std::unique_ptr<State> m_state;
};

}  // namespace ridge::analyzer
