// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/what_if.h"

#include "analyzer/critical_path/path.h"
#include "analyzer/verdict/verdict.h"
#include "analyzer/what_if/fusion.h"
#include "analyzer/what_if/processor.h"
#include "analyzer/what_if/replay.h"
#include "base/text.h"
#include "schemas/enums/op_kind.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

namespace ridge::analyzer {
namespace {

constexpr double kWorthSaying = 0.005;  // of the step
constexpr std::size_t kMostOps = 3;
constexpr double kMostOverlapCost = 0.4;  // where nothing was measured

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
double real(Ns ns) { return static_cast<double>(ns); }

// The steps of one lane, in time, with the nodes that decide when they end.
struct LaneStep {
    std::size_t step = 0;  // into Analysis::steps
    std::vector<std::int32_t> nodes;  // device: those that end in the window; thread: the last
    std::int32_t before = kNoIndex;   // thread: the node that ends where the step begins; device: the first row
};

}  // namespace

// One workload: which changes are worth playing, and what its steps took in each, part by part.
class WhatIfReport::Workload {
public:
    Workload(const Context& context, const Analysis& answer, std::size_t summary, std::int32_t workload)
        : m_context(context), m_answer(answer), m_summary(answer.workloads[summary]), m_workload(workload) {
        if (m_summary.medianStepNs <= 0) return;
        findLane();
        if (!m_onDevice) m_processorShare = processorShare(context.timeline, context.steps, workload);
        using enum WallClass;
        const Ns step = m_summary.medianStepNs;
        if (const Ns ns = total({kCommTransfer, kCommWait, kCommUnsplit}); ns > 0) hidden("comm_hidden", PathKind::kCommunication, ns);
        if (const Ns ns = total({kIoInput}); ns > 0) hidden("input_hidden", PathKind::kIoInput, ns);
        if (const Ns ns = total({kIoCheckpoint}); ns > 0) hidden("checkpoint_hidden", PathKind::kIoCheckpoint, ns);
        if (const Ns ns = total({kCopy}); ns > 0) hidden("copies_hidden", PathKind::kCopy, ns);
        if (const Ns ns = total({kLaunch, kApi, kKernelGap}); ns > 0) m_changes.push_back({"no_launch_cost", step - ns, [this](ReplayPlan& plan) { noLaunch(plan); }});
        if (const Ns ns = total({kSync}); ns > 0) m_changes.push_back({"sync_removed", step - ns, [this](ReplayPlan& plan) { noSync(plan); }});
        straggler();
        roofs();
        m_changes.push_back({"fused", step, [this](ReplayPlan& plan) {
                                 const FusionGain gain = fuseElementwise(m_context, *m_graph, m_groups, m_workload, plan);
                                 m_fused.ops += gain.ops;
                                 m_fused.certainNs += gain.certainNs;
                                 m_fused.atRoofNs += gain.atRoofNs;
                             }});
        m_changes.push_back({"attention_fused", step, [this](ReplayPlan& plan) { m_maskedNs += fuseAttention(m_context, *m_graph, m_groups, m_workload, plan); }});
    }

    void add(const PathGraph& graph) {
        if (m_summary.medianStepNs <= 0) return;
        m_graph = &graph;
        findSteps();
        if (m_steps.empty()) return;
        m_plan = ReplayPlan(graph);
        findGroups();
        for (const LaneStep& lane : m_steps) m_now.push_back(m_answer.steps[lane.step].endNs - m_answer.steps[lane.step].startNs);
        for (Change& change : m_changes) {
            change.apply(m_plan);
            if (m_plan.changes()) {
                replay(graph, m_plan, m_times);
                const std::vector<Ns> played = lengths(m_times);
                change.played.insert(change.played.end(), played.begin(), played.end());
            } else {
                change.played.insert(change.played.end(), m_now.end() - static_cast<std::ptrdiff_t>(m_steps.size()), m_now.end());
            }
            if (change.floor) takeBusiest(*change.floor, change.busiest);
            m_plan.undo(graph);
        }
        m_graph = nullptr;
    }

    void finish(std::vector<WhatIf>& out) {
        if (m_now.empty()) return;
        const Ns before = median(std::move(m_now)), step = m_summary.medianStepNs;
        for (Change& change : m_changes) {
            Ns bound = change.bound;
            Ns cautious = change.floor ? static_cast<Ns>(m_processorShare * real(step)) : 0;  // the longer end at least
            const auto without = [&](double gainNs) { return step - static_cast<Ns>(std::clamp(gainNs / std::max(1.0, real(m_summary.steps)), 0.0, real(step))); };
            if (change.name == "fused") {
                if (m_fused.ops == 0) continue;
                bound = without(m_fused.atRoofNs);
                cautious = without(m_fused.certainNs);
            } else if (change.name == "attention_fused") {
                bound = without(m_maskedNs);
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
    struct Change {
        std::string name;
        Ns bound = 0;
        std::function<void(ReplayPlan&)> apply;  // to the plan that changes nothing
        std::optional<PathKind> floor = {};  // what must still take its time, hidden or not
        std::vector<Ns> played = {}, busiest = {};
    };

    [[nodiscard]] Ns total(std::initializer_list<WallClass> classes) const {
        double sum = 0, all = 0;
        for (const WallClass c : classes) sum += real(m_summary.classes[static_cast<std::size_t>(c)]);
        for (const Ns ns : m_summary.classes) all += real(ns);
        return all > 0 ? static_cast<Ns>(sum / all * real(m_summary.medianStepNs)) : 0;
    }

    // The lane that the summary took the median of.
    void findLane() {
        bool first = true;
        for (std::size_t i = 0; i < m_answer.steps.size(); ++i) {
            const Step& s = m_answer.steps[i];
            if (m_context.origins[i].workload != m_workload) continue;
            if (first || std::pair(s.rank, s.device) < std::pair(m_rank, m_device)) {
                m_rank = s.rank;
                m_device = s.device;
                m_onDevice = m_context.origins[i].gpu != kNoIndex;
            }
            first = false;
        }
    }

    void findSteps() {
        m_steps.clear();
        for (std::size_t i = 0; i < m_answer.steps.size(); ++i) {
            const Step& s = m_answer.steps[i];
            if (m_context.origins[i].workload != m_workload || s.rank != m_rank || s.device != m_device) continue;
            const std::int32_t last = lastNodeOf(m_context, *m_graph, m_answer.steps, i);
            if (last == kNoIndex) continue;
            LaneStep lane{i, {last}, kNoIndex};
            const PathNode& end = m_graph->nodes[at(last)];
            const Interval window{s.startNs, s.endNs};
            if (end.row != kNoIndex)
                addDeviceNodes(lane, end.lane, window);
            else
                lane.before = lastNode(*m_graph, false, end.lane, {window.start - 1, window.start});
            m_steps.push_back(std::move(lane));
        }
    }
    void addDeviceNodes(LaneStep& lane, std::int32_t device, Interval window) const {
        const auto& nodes = m_graph->nodes;
        auto it = std::partition_point(nodes.begin(), nodes.end(), [&](const PathNode& n) { return n.start < window.start; });
        for (; it != nodes.end() && it->start < window.end; ++it) {
            if (it->row == kNoIndex || it->lane != device) continue;
            const auto i = static_cast<std::int32_t>(it - nodes.begin());
            if (lane.before == kNoIndex) lane.before = i;
            if (it->end <= window.end) lane.nodes.push_back(i);
        }
    }

    // Lengths of the steps in a replay; for the unchanged one, the measured lengths exactly.
    [[nodiscard]] std::vector<Ns> lengths(const ReplayTimes& times) const {
        std::vector<Ns> result;
        Ns end = 0, measuredEnd = 0;
        for (std::size_t i = 0; i < m_steps.size(); ++i) {
            const LaneStep& lane = m_steps[i];
            const Step& step = m_answer.steps[lane.step];
            const bool gpu = m_graph->nodes[at(lane.nodes.front())].row != kNoIndex;
            Ns start = step.startNs;
            if (gpu && i > 0)
                start = end + (step.startNs - measuredEnd);
            else if (lane.before != kNoIndex)
                start += gpu ? times.start[at(lane.before)] - m_graph->nodes[at(lane.before)].start
                             : times.end[at(lane.before)] - m_graph->nodes[at(lane.before)].end;
            Ns finish = times.end[at(lane.nodes.front())], measured = m_graph->nodes[at(lane.nodes.front())].end;
            for (const std::int32_t n : lane.nodes) {
                finish = std::max(finish, times.end[at(n)]);
                measured = std::max(measured, m_graph->nodes[at(n)].end);
            }
            end = finish + (step.endNs - measured);
            measuredEnd = step.endNs;
            result.push_back(std::max<Ns>(0, end - start));
        }
        return result;
    }

    // Time of such nodes per step of this lane: the busiest thread or stream of them.
    void takeBusiest(PathKind kind, std::vector<Ns>& busiest) const {
        const auto& nodes = m_graph->nodes;
        const std::int32_t process = processOf(m_steps.front());
        for (const LaneStep& lane : m_steps) {
            const Step& step = m_answer.steps[lane.step];
            auto it = std::partition_point(nodes.begin(), nodes.end(), [&](const PathNode& n) { return n.start < step.startNs; });
            using Key = std::pair<std::int32_t, std::int64_t>;
            std::map<Key, Ns> busy;
            std::pair<const Key, Ns>* last =
                nullptr;  // most nodes are of the lane of the one before
            for (; it != nodes.end() && it->start < step.endNs; ++it) {
                if (it->kind != kind || !ofProcess(*it, process)) continue;
                const std::int64_t stream = it->row == kNoIndex ? -1 : m_context.timeline.gpu[at(it->row)].stream;
                const Key key{it->lane, stream};
                if (!last || last->first != key) last = &*busy.try_emplace(key, 0).first;
                last->second =
                    saturatingAdd(last->second, std::min(it->end, step.endNs) - it->start);
            }
            Ns most = 0;
            for (const auto& [key, ns] : busy) most = std::max(most, ns);
            busiest.push_back(most);
        }
    }
    [[nodiscard]] std::int32_t processOf(const LaneStep& lane) const {
        const PathNode& node = m_graph->nodes[at(lane.nodes.front())];
        if (node.row != kNoIndex) return m_context.timeline.gpu[at(node.row)].process;
        return m_context.timeline.threads[at(node.lane)].process;
    }
    [[nodiscard]] bool ofProcess(const PathNode& n, std::int32_t process) const {
        if (n.row != kNoIndex) return m_context.timeline.gpu[at(n.row)].process == process;
        return n.lane != kNoIndex && m_context.timeline.threads[at(n.lane)].process == process;
    }

    void free(ReplayPlan& plan, PathKind kind) const {
        for (const std::int32_t n : m_ofKind[static_cast<std::size_t>(kind)])
            plan.setDuration(at(n), 0);
    }
    void hidden(const char* change, PathKind kind, Ns exposed) {
        m_hides[static_cast<std::size_t>(kind)] = true;
        m_changes.push_back({change, m_summary.medianStepNs - exposed, [this, kind](ReplayPlan& plan) { free(plan, kind); }, kind});
    }

    void noLaunch(ReplayPlan& plan) const {
        for (std::size_t i = 0; i < m_graph->nodes.size(); ++i) {
            const PathNode& n = m_graph->nodes[i];
            if (n.kind == PathKind::kApi) plan.setDuration(i, 0);
            if (n.row != kNoIndex && real(n.residual) < std::max(m_context.options.gapNs, m_context.options.pendingNs)) plan.setResidual(i, 0);
        }
    }

    // The calls go on at once; what needs their result is not known, so this is the best case.
    void noSync(ReplayPlan& plan) const {
        for (std::size_t i = 0; i < m_graph->nodes.size(); ++i) {
            if (!m_graph->nodes[i].waits) continue;
            plan.setDuration(i, 0);
            bool threadLeft = false;
            for (std::uint32_t e = m_graph->firstEdge[i]; e < m_graph->firstEdge[i + 1]; ++e)
                threadLeft = threadLeft || m_graph->edges[e].kind == EdgeKind::kThread;
            if (!threadLeft) continue;
            plan.setResidual(i, 0);
            for (std::uint32_t e = m_graph->firstEdge[i]; e < m_graph->firstEdge[i + 1]; ++e)
                if (m_graph->edges[e].kind == EdgeKind::kWait) plan.cutEdge(e);
        }
    }

    // The rank that is last takes, outside communication, the median time of its peers.
    void straggler() {
        const auto last = systematicallyLast(m_context, m_workload);
        if (!last) return;
        Ns blame = 0;
        for (const Straggler& s : m_answer.stragglers)
            if (s.workload == m_summary.name && s.rank == *last) blame = saturatingAdd(blame, s.blameNs);
        std::map<std::int64_t, std::pair<double, double>> work;  // rank -> time outside communication, steps
        for (std::size_t i = 0; i < m_answer.steps.size(); ++i) {
            if (m_context.origins[i].workload != m_workload) continue;
            const Step& s = m_answer.steps[i];
            double own = real(s.endNs - s.startNs);
            for (const WallClass c : {WallClass::kCommTransfer, WallClass::kCommWait, WallClass::kCommUnsplit})
                own -= real(s.classes[static_cast<std::size_t>(c)]);
            work[s.rank].first += own;
            work[s.rank].second += 1;
        }
        std::vector<double> peers;
        for (const auto& [rank, w] : work)
            if (rank != *last) peers.push_back(w.first / w.second);
        if (peers.empty() || work[*last].first <= 0) return;
        std::sort(peers.begin(), peers.end());
        const double factor = std::min(1.0, peers[(peers.size() - 1) / 2] * work[*last].second / work[*last].first);
        const double steps = work[*last].second;
        m_changes.push_back({"straggler_removed", m_summary.medianStepNs - static_cast<Ns>(real(blame) / std::max(steps, 1.0)),
                             [this, factor, rank = *last](ReplayPlan& plan) { faster(plan, rank, factor); }});
    }
    void faster(ReplayPlan& plan, std::int64_t rank, double factor) const {
        for (std::size_t i = 0; i < m_graph->nodes.size(); ++i) {
            const PathNode& n = m_graph->nodes[i];
            if (n.kind == PathKind::kCommunication || n.kind == PathKind::kCommWait || rankOf(n) != rank) continue;
            plan.setDuration(i, static_cast<Ns>(real(plan.duration(i)) * factor));
            plan.setResidual(i, static_cast<Ns>(real(plan.residual(i)) * factor));
        }
    }
    [[nodiscard]] std::int64_t rankOf(const PathNode& n) const {
        std::int32_t process = kNoIndex;
        if (n.row != kNoIndex) process = m_context.timeline.gpu[at(n.row)].process;
        else if (n.lane != kNoIndex) process = m_context.timeline.threads[at(n.lane)].process;
        return process == kNoIndex ? -1 : m_context.timeline.processes[at(process)].rank;
    }

    // The group of each node's op: of the CPU op itself, or of the op that launched the row.
    [[nodiscard]] std::int32_t groupOf(const PathNode& n) const {
        if (n.op != kNoIndex) return m_context.ops.rows[at(n.op)].group;
        return n.row == kNoIndex || n.kind != PathKind::kCompute ? kNoIndex : m_context.rows.group[at(n.row)];
    }

    void findGroups() {
        m_groups.clear();
        m_groups.reserve(m_graph->nodes.size());
        for (const PathNode& n : m_graph->nodes) m_groups.push_back(groupOf(n));
        for (auto& nodes : m_ofKind) nodes.clear();
        for (std::size_t i = 0; i < m_graph->nodes.size(); ++i)
            if (const auto kind = static_cast<std::size_t>(m_graph->nodes[i].kind); m_hides[kind])
                m_ofKind[kind].push_back(static_cast<std::int32_t>(i));
    }

    void roofs() {
        std::vector<std::pair<double, std::int32_t>> above;
        for (std::size_t g = 0; g < m_context.ops.groups.size(); ++g) {
            const OpGroup& group = m_context.ops.groups[g];
            if (group.workload != m_workload || !computes(group.work.opKind) || group.answer.roofNs <= 0 || group.answer.bound == "unreliable") continue;
            const double gain = (real(group.medianNs) - group.answer.roofNs) * static_cast<double>(group.count);
            if (gain > 0) above.emplace_back(gain, static_cast<std::int32_t>(g));
        }
        std::sort(above.rbegin(), above.rend());
        for (std::size_t k = 0; k < std::min(above.size(), kMostOps); ++k) {
            const auto [gain, g] = above[k];
            const double steps = std::max<double>(1, static_cast<double>(m_summary.steps));
            m_changes.push_back({"at_roof:" + toValidUtf8(m_context.timeline.names.text(m_context.ops.groups[at(g)].name)),
                                 m_summary.medianStepNs - static_cast<Ns>(std::min(gain / steps, real(m_summary.medianStepNs))),
                                 [this, group = g](ReplayPlan& plan) { atRoof(plan, group); }});
        }
    }
    void atRoof(ReplayPlan& plan, std::int32_t g) const {
        const OpGroup& group = m_context.ops.groups[at(g)];
        const double factor = std::min(1.0, group.answer.roofNs / std::max(real(group.medianNs), 1.0));
        for (std::size_t i = 0; i < m_groups.size(); ++i)
            if (m_groups[i] == g) plan.setDuration(i, static_cast<Ns>(real(plan.duration(i)) * factor));
    }

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

    const Context& m_context;
    const Analysis& m_answer;
    const WorkloadSummary& m_summary;
    std::int32_t m_workload;
    std::int64_t m_rank = 0, m_device = 0;  // the lane
    std::vector<Change> m_changes;
    bool m_onDevice = false;
    double m_processorShare = 0;  // of the machine's CPUs that steps without a device used
    std::vector<Ns> m_now;  // lengths of the lane's steps as they are
    FusionGain m_fused;      // over all steps
    double m_maskedNs = 0;   // gained by attention in one pass under a mask, over all steps
    const PathGraph* m_graph = nullptr;  // the part that is played
    ReplayPlan m_plan;
    std::vector<std::int32_t> m_groups;  // per node
    std::array<bool, kPathKindCount> m_hides{};                      // kinds that some change hides
    std::array<std::vector<std::int32_t>, kPathKindCount> m_ofKind;  // and the nodes of these
    ReplayTimes m_times;
    std::vector<LaneStep> m_steps;
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
