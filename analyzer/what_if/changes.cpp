// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/changes.h"

#include "analyzer/verdict/verdict.h"
#include "base/text.h"
#include "schemas/enums/op_kind.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <utility>

namespace ridge::analyzer {
namespace {

constexpr std::size_t kMostOps = 3;

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
double real(Ns ns) { return static_cast<double>(ns); }

}  // namespace

WorkloadChanges::WorkloadChanges(const Context& context, const Analysis& answer, const WorkloadSummary& summary, std::int32_t workload)
    : m_context(context), m_answer(answer), m_summary(summary), m_workload(workload) {
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

Ns WorkloadChanges::total(std::initializer_list<WallClass> classes) const {
    double sum = 0, all = 0;
    for (const WallClass c : classes) sum += real(m_summary.classes[static_cast<std::size_t>(c)]);
    for (const Ns ns : m_summary.classes) all += real(ns);
    return all > 0 ? static_cast<Ns>(sum / all * real(m_summary.medianStepNs)) : 0;
}

void WorkloadChanges::free(ReplayPlan& plan, PathKind kind) const {
    for (const std::int32_t n : m_ofKind[static_cast<std::size_t>(kind)])
        plan.setDuration(at(n), 0);
}

void WorkloadChanges::hidden(const char* change, PathKind kind, Ns exposed) {
    m_hides[static_cast<std::size_t>(kind)] = true;
    m_changes.push_back({change, m_summary.medianStepNs - exposed, [this, kind](ReplayPlan& plan) { free(plan, kind); }, kind});
}

void WorkloadChanges::noLaunch(ReplayPlan& plan) const {
    for (std::size_t i = 0; i < m_graph->nodes.size(); ++i) {
        const PathNode& n = m_graph->nodes[i];
        if (n.kind == PathKind::kApi) plan.setDuration(i, 0);
        if (n.row != kNoIndex && real(n.residual) < std::max(m_context.options.gapNs, m_context.options.pendingNs)) plan.setResidual(i, 0);
    }
}

// The calls go on at once; what needs their result is not known, so this is the best case.
void WorkloadChanges::noSync(ReplayPlan& plan) const {
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
void WorkloadChanges::straggler() {
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

void WorkloadChanges::faster(ReplayPlan& plan, std::int64_t rank, double factor) const {
    for (std::size_t i = 0; i < m_graph->nodes.size(); ++i) {
        const PathNode& n = m_graph->nodes[i];
        if (n.kind == PathKind::kCommunication || n.kind == PathKind::kCommWait || rankOf(n) != rank) continue;
        plan.setDuration(i, static_cast<Ns>(real(plan.duration(i)) * factor));
        plan.setResidual(i, static_cast<Ns>(real(plan.residual(i)) * factor));
    }
}

std::int64_t WorkloadChanges::rankOf(const PathNode& n) const {
    std::int32_t process = kNoIndex;
    if (n.row != kNoIndex) process = m_context.timeline.gpu[at(n.row)].process;
    else if (n.lane != kNoIndex) process = m_context.timeline.threads[at(n.lane)].process;
    return process == kNoIndex ? -1 : m_context.timeline.processes[at(process)].rank;
}

// The group of each node's op: of the CPU op itself, or of the op that launched the row.
std::int32_t WorkloadChanges::groupOf(const PathNode& n) const {
    if (n.op != kNoIndex) return m_context.ops.rows[at(n.op)].group;
    return n.row == kNoIndex || n.kind != PathKind::kCompute ? kNoIndex : m_context.rows.group[at(n.row)];
}

void WorkloadChanges::onGraph(const PathGraph& graph) {
    m_graph = &graph;
    m_groups.clear();
    m_groups.reserve(m_graph->nodes.size());
    for (const PathNode& n : m_graph->nodes) m_groups.push_back(groupOf(n));
    for (auto& nodes : m_ofKind) nodes.clear();
    for (std::size_t i = 0; i < m_graph->nodes.size(); ++i)
        if (const auto kind = static_cast<std::size_t>(m_graph->nodes[i].kind); m_hides[kind])
            m_ofKind[kind].push_back(static_cast<std::int32_t>(i));
}

void WorkloadChanges::roofs() {
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

void WorkloadChanges::atRoof(ReplayPlan& plan, std::int32_t g) const {
    const OpGroup& group = m_context.ops.groups[at(g)];
    const double factor = std::min(1.0, group.answer.roofNs / std::max(real(group.medianNs), 1.0));
    for (std::size_t i = 0; i < m_groups.size(); ++i)
        if (m_groups[i] == g) plan.setDuration(i, static_cast<Ns>(real(plan.duration(i)) * factor));
}

}  // namespace ridge::analyzer
