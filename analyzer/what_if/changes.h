// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What could be otherwise in one workload: each change says what it does to the plan of a replay, and
// what the closed form (what_if.h) gives. A change that gains nothing by its class of time is not
// listed. onGraph() first, for each graph that plans are made for.

#include "analyzer/critical_path/graph.h"
#include "analyzer/what_if/fusion.h"
#include "analyzer/what_if/replay.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ridge::analyzer {

struct Change {
    std::string name;
    Ns bound = 0;
    std::function<void(ReplayPlan&)> apply;  // to the plan that changes nothing
    std::optional<PathKind> floor = {};      // what must still take its time, hidden or not
    std::vector<Ns> played = {}, busiest = {};
};

class WorkloadChanges {
public:
    WorkloadChanges(const Context& context, const Analysis& answer, const WorkloadSummary& summary, std::int32_t workload);
    WorkloadChanges(const WorkloadChanges&) = delete;  // the changes refer to it
    WorkloadChanges& operator=(const WorkloadChanges&) = delete;

    [[nodiscard]] std::vector<Change>& all() { return m_changes; }
    // The graph outlives every plan that is changed until the next call.
    void onGraph(const PathGraph& graph);
    // Gained by "fused" and, under a mask, by "attention_fused", over all steps played so far.
    [[nodiscard]] const FusionGain& fused() const { return m_fused; }
    [[nodiscard]] double maskedNs() const { return m_maskedNs; }

private:
    // Of the median step, by the shares of all steps.
    [[nodiscard]] Ns total(std::initializer_list<WallClass> classes) const;
    void hidden(const char* change, PathKind kind, Ns exposed);
    void free(ReplayPlan& plan, PathKind kind) const;
    void noLaunch(ReplayPlan& plan) const;
    void noSync(ReplayPlan& plan) const;
    void straggler();
    void faster(ReplayPlan& plan, std::int64_t rank, double factor) const;
    void roofs();
    void atRoof(ReplayPlan& plan, std::int32_t g) const;
    [[nodiscard]] std::int64_t rankOf(const PathNode& n) const;
    [[nodiscard]] std::int32_t groupOf(const PathNode& n) const;

    const Context& m_context;
    const Analysis& m_answer;
    const WorkloadSummary& m_summary;
    std::int32_t m_workload;
    std::vector<Change> m_changes;
    const PathGraph* m_graph = nullptr;
    std::vector<std::int32_t> m_groups;                              // per node
    std::array<bool, kPathKindCount> m_hides{};                      // kinds that some change hides
    std::array<std::vector<std::int32_t>, kPathKindCount> m_ofKind;  // and the nodes of these
    FusionGain m_fused;
    double m_maskedNs = 0;
};

}  // namespace ridge::analyzer
