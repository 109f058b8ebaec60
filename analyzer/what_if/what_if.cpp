// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/what_if.h"

#include "analyzer/what_if/changes.h"
#include "analyzer/what_if/lane_steps.h"
#include "analyzer/what_if/processor.h"
#include "analyzer/what_if/replay.h"

#include <algorithm>
#include <utility>

namespace ridge::analyzer {
namespace {

constexpr double kWorthSaying = 0.005;  // of the step
constexpr double kMostOverlapCost = 0.4;  // where nothing was measured

double real(Ns ns) { return static_cast<double>(ns); }

}  // namespace

// One workload: which changes are worth playing, and what its steps took in each, part by part.
class WhatIfReport::Workload {
public:
    Workload(const Context& context, const Analysis& answer, std::size_t summary, std::int32_t workload)
        : m_answer(answer), m_summary(answer.workloads[summary]), m_lane(context, answer, workload) {
        if (m_summary.medianStepNs <= 0) return;
        if (!m_lane.onDevice()) m_processorShare = processorShare(context.timeline, context.steps, workload);
        m_changes = std::make_unique<WorkloadChanges>(context, answer, m_summary, workload);
    }

    void add(const PathGraph& graph) {
        if (!m_changes) return;
        m_lane.find(graph);
        if (m_lane.size() == 0) return;
        m_plan = ReplayPlan(graph);
        m_changes->onGraph(graph);
        const std::vector<Ns> now = m_lane.lengths();
        m_now.insert(m_now.end(), now.begin(), now.end());
        for (Change& change : m_changes->all()) {
            change.apply(m_plan);
            if (m_plan.changes()) {
                replay(graph, m_plan, m_times);
                const std::vector<Ns> played = m_lane.lengths(m_times);
                change.played.insert(change.played.end(), played.begin(), played.end());
            } else {
                change.played.insert(change.played.end(), now.begin(), now.end());
            }
            if (change.floor) m_lane.takeBusiest(*change.floor, change.busiest);
            m_plan.undo(graph);
        }
    }

    void finish(std::vector<WhatIf>& out) {
        if (m_now.empty()) return;
        const Ns before = median(std::move(m_now)), step = m_summary.medianStepNs;
        for (Change& change : m_changes->all()) {
            Ns bound = change.bound;
            Ns cautious = change.floor ? static_cast<Ns>(m_processorShare * real(step)) : 0;  // the longer end at least
            const auto without = [&](double gainNs) { return step - static_cast<Ns>(std::clamp(gainNs / std::max(1.0, real(m_summary.steps)), 0.0, real(step))); };
            if (change.name == "fused") {
                if (m_changes->fused().ops == 0) continue;
                bound = without(m_changes->fused().atRoofNs);
                cautious = without(m_changes->fused().certainNs);
            } else if (change.name == "attention_fused") {
                bound = without(m_changes->maskedNs());
            }
            // The gain in the graph taken from the median of all steps.
            Ns replayNs = std::clamp<Ns>(step - (before - median(std::move(change.played))), 0, step);
            if (change.floor) {
                const Ns busy = std::min(median(std::move(change.busiest)), step);
                replayNs = std::max(replayNs, busy);
                if (*change.floor == PathKind::kCommunication) bound = std::max(bound, busy);
            }
            put(std::move(change.name), replayNs, bound, cautious, out);
        }
    }

private:
    void put(std::string change, Ns replayNs, Ns boundNs, Ns cautiousNs, std::vector<WhatIf>& out) const {
        WhatIf w;
        w.workload = m_summary.name;
        w.change = std::move(change);
        w.stepNs = m_summary.medianStepNs;
        w.replayNs = std::clamp<Ns>(replayNs, 0, w.stepNs);
        // Neither is a bound of the other: the closed form counts the class's own time only (a call that is hidden behind the
        // device costs none, and yet keeps the launches behind it waiting), the replay what the order of the work lets it gain.
        w.boundNs = std::clamp<Ns>(boundNs, 0, w.stepNs);
        w.stepNsLow = std::min(w.replayNs, w.boundNs);
        w.stepNsHigh = std::max({w.replayNs, w.boundNs, std::min(cautiousNs, w.stepNs)});
        if (w.change == "comm_hidden" || w.change == "copies_hidden")
            w.stepNsHigh +=
                static_cast<Ns>(overlapCost(m_answer).share * real(w.stepNs - w.stepNsHigh));
        if (real(w.stepNs - w.stepNsLow) < kWorthSaying * real(w.stepNs)) return;
        out.push_back(std::move(w));
    }

    const Analysis& m_answer;
    const WorkloadSummary& m_summary;
    LaneSteps m_lane;
    std::unique_ptr<WorkloadChanges> m_changes;  // none where there are no steps
    double m_processorShare = 0;                 // of the machine's CPUs that steps without a device used
    std::vector<Ns> m_now;                       // lengths of the lane's steps as they are
    ReplayPlan m_plan;
    ReplayTimes m_times;
};

WhatIfReport::WhatIfReport(const Context& context, Analysis& answer) : m_answer(answer) {
    for (std::size_t i = 0; i < answer.workloads.size(); ++i) {
        const auto it = std::find(context.steps.workloads.begin(), context.steps.workloads.end(), answer.workloads[i].name);
        m_workloads.push_back(std::make_unique<Workload>(context, answer, i, static_cast<std::int32_t>(it - context.steps.workloads.begin())));
    }
}
WhatIfReport::~WhatIfReport() = default;

void WhatIfReport::add(const PathGraph& graph) {
    for (auto& workload : m_workloads) workload->add(graph);
}

void WhatIfReport::finish() {
    for (auto& workload : m_workloads) workload->finish(m_answer.whatIf);
    std::stable_sort(m_answer.whatIf.begin(), m_answer.whatIf.end(), [](const WhatIf& a, const WhatIf& b) {
        return a.workload != b.workload ? a.workload < b.workload : a.stepNs - a.stepNsHigh > b.stepNs - b.stepNsHigh;
    });
}

OverlapCost overlapCost(const Analysis& answer) {
    OverlapCost cost{0, false};
    for (const Contention& c : answer.contention) {
        if (c.overlapNs <= 0) continue;
        cost.measured = true;
        cost.share = std::max(cost.share, std::min(1.0, real(c.costHighNs) / real(c.overlapNs)));
    }
    return cost.measured ? cost : OverlapCost{kMostOverlapCost, false};
}

void joinPairs(Analysis& analysis, const std::vector<WhatIfPair>& pairs) {
    for (const WhatIfPair& pair : pairs) {
        const auto fast = std::find_if(analysis.workloads.begin(), analysis.workloads.end(),
                                       [&](const WorkloadSummary& w) { return w.name == pair.fast; });
        if (fast == analysis.workloads.end() || fast->medianStepNs <= 0 || fast->check == "failed") continue;
        for (WhatIf& w : analysis.whatIf) {
            if (w.workload != pair.slow || w.change != pair.change) continue;
            w.measuredNs = fast->medianStepNs;
            w.comparedWith = pair.fast;
            w.error = real(w.replayNs - fast->medianStepNs) / real(fast->medianStepNs);
        }
    }
}

}  // namespace ridge::analyzer
