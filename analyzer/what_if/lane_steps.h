// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The steps of one workload on the lane that its summary took the median of (the first rank's first
// device, or its thread), and how long they are in a replay. One graph at a time: find(), then the
// rest for that graph.

#include "analyzer/critical_path/graph.h"
#include "analyzer/what_if/replay.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ridge::analyzer {

class LaneSteps {
public:
    LaneSteps(const Context& context, const Analysis& answer, std::int32_t workload);

    [[nodiscard]] bool onDevice() const { return m_onDevice; }
    // Those steps of the lane that are in the graph, which outlives what follows.
    void find(const PathGraph& graph);
    [[nodiscard]] std::size_t size() const { return m_steps.size(); }
    // As measured.
    [[nodiscard]] std::vector<Ns> lengths() const;
    // In a replay; in that of the unchanged plan they are the measured ones exactly.
    [[nodiscard]] std::vector<Ns> lengths(const ReplayTimes& times) const;
    // Adds, per step, the time of such nodes on their busiest thread or stream.
    void takeBusiest(PathKind kind, std::vector<Ns>& busiest) const;

private:
    // With the nodes that decide when it ends.
    struct LaneStep {
        std::size_t step = 0;             // into Analysis::steps
        std::vector<std::int32_t> nodes;  // device: those that end in the window; thread: the last
        std::int32_t before = kNoIndex;   // thread: the node that ends where the step begins; device: the first row
    };

    void addDeviceNodes(LaneStep& lane, std::int32_t device, Interval window) const;
    [[nodiscard]] std::int32_t processOf(const LaneStep& lane) const;
    [[nodiscard]] bool ofProcess(const PathNode& n, std::int32_t process) const;

    const Context& m_context;
    const Analysis& m_answer;
    std::int32_t m_workload;
    std::int64_t m_rank = 0, m_device = 0;  // the lane
    bool m_onDevice = false;
    const PathGraph* m_graph = nullptr;
    std::vector<LaneStep> m_steps;
};

}  // namespace ridge::analyzer
