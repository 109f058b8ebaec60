// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/fusion.h"

#include "schemas/enums/op_kind.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace ridge::analyzer {
namespace {

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
double real(Ns ns) { return static_cast<double>(ns); }

class Runs {
public:
    Runs(const Context& context, const PathGraph& graph, const std::vector<std::int32_t>& groups, ReplayPlan& plan)
        : m_context(context), m_graph(graph), m_groups(groups), m_plan(plan) {}

    FusionGain fuse(std::int32_t workload) {
        std::vector<std::vector<std::int32_t>> open(m_context.timeline.threads.size());  // by thread
        for (std::size_t i = 0; i < m_graph.nodes.size(); ++i) {
            const PathNode& n = m_graph.nodes[i];
            if (n.row != kNoIndex || n.lane == kNoIndex || n.end == n.start) continue;
            auto& nodes = open[at(n.lane)];
            const auto index = static_cast<std::int32_t>(i);
            const bool elementwise = n.op != kNoIndex && m_groups[i] != kNoIndex && workOf(index).opKind == kOpElementwise &&
                                     m_context.ops.groups[at(m_groups[i])].workload == workload;
            if (!elementwise) {
                if (n.op != kNoIndex) close(nodes);  // another op between; host time does not part a run
                continue;
            }
            if (!nodes.empty() && (stepOf(nodes.back()) != stepOf(index) || !follows(workOf(nodes.back()), workOf(index)))) close(nodes);
            nodes.push_back(index);
        }
        for (auto& nodes : open) close(nodes);
        return m_gain;
    }

private:
    struct Fused {
        Ns timeNs = 0;
        double roofNs = 0, keep = 1;  // keep: of its bytes
    };

    static bool exactly(const Work& before, const Work& after) { return before.bytesWritten > 0 && before.bytesWritten == after.bytesRead; }
    static bool follows(const Work& before, const Work& after) {
        return exactly(before, after) || (before.bytesWritten > 0 && before.bytesWritten < after.bytesRead && before.bytesWritten == after.bytesWritten);
    }
    [[nodiscard]] const Work& workOf(std::int32_t n) const { return m_context.timeline.works[at(m_context.ops.rows[at(m_graph.nodes[at(n)].op)].work)]; }
    [[nodiscard]] std::int32_t stepOf(std::int32_t n) const { return m_context.ops.rows[at(m_graph.nodes[at(n)].op)].step; }

    [[nodiscard]] Fused asOne(std::span<const std::int32_t> nodes) const {
        Fused run;
        double bytes = 0, between = 0;
        for (const std::int32_t n : nodes) {
            const Work& work = workOf(n);
            bytes += work.bytesRead + work.bytesWritten;
            if (n != nodes.back()) between += 2 * work.bytesWritten;
            run.timeNs += m_graph.nodes[at(n)].end - m_graph.nodes[at(n)].start;
            run.roofNs += m_context.ops.groups[at(m_groups[at(n)])].answer.roofNs;
        }
        run.keep = bytes > 0 ? std::clamp(1 - between / bytes, 0.0, 1.0) : 1;
        return run;
    }

    void close(std::vector<std::int32_t>& nodes) {
        if (nodes.size() >= 2) {
            for (std::size_t first = 0, i = 1; i <= nodes.size(); ++i) {
                if (i < nodes.size() && exactly(workOf(nodes[i - 1]), workOf(nodes[i]))) continue;
                const Fused part = asOne(std::span(nodes).subspan(first, i - first));
                m_gain.certainNs += real(part.timeNs) * (1 - part.keep);
                first = i;
            }
            const Fused run = asOne(nodes);
            for (const std::int32_t n : nodes) m_plan.setDuration(at(n), static_cast<Ns>(real(m_plan.duration(at(n))) * run.keep));
            m_gain.atRoofNs += std::max(0.0, real(run.timeNs) - std::min(run.roofNs, real(run.timeNs)) * run.keep);
            m_gain.ops += static_cast<std::int64_t>(nodes.size());
        }
        nodes.clear();
    }

    const Context& m_context;
    const PathGraph& m_graph;
    const std::vector<std::int32_t>& m_groups;
    ReplayPlan& m_plan;
    FusionGain m_gain;
};

}  // namespace

FusionGain fuseElementwise(const Context& context, const PathGraph& graph, const std::vector<std::int32_t>& groups,
                           std::int32_t workload, ReplayPlan& plan) {
    return Runs(context, graph, groups, plan).fuse(workload);
}

std::optional<StoredScores> storedScores(const Work& work) {
    constexpr double kLeastScores = 1.5;  // of x: fewer are too few to matter
    // d, were elements of 4 bytes; of narrower ones it only looks larger. The first pass of an attention in three
    // (2x read, S written) has d/2.
    constexpr double kLeastHead = 40, kElementBytes = 4;
    if (work.opKind != kOpAttention || !(work.flops > 0) || !(work.bytesRead > 0)) return std::nullopt;
    const StoredScores stored{work.bytesRead / 3, work.bytesWritten - work.bytesRead / 3};
    if (stored.scores < kLeastScores * stored.row || work.flops < kLeastHead * 4 * stored.scores / kElementBytes) return std::nullopt;
    return stored;
}

bool isBackwardOf(const Work& work, const StoredScores& forward) {
    constexpr double kSame = 0.01;  // statistics per row, padding
    const auto same = [](double a, double b) { return std::abs(a - b) <= kSame * b; };
    return work.opKind == kOpAttention && same(work.bytesWritten, 3 * forward.row) && same(work.bytesRead, 4 * forward.row + forward.scores);
}

OnePass inOnePass(const StoredScores& stored, bool backward, bool memoryBound) {
    const double x = stored.row, now = (backward ? 7 : 4) * x + stored.scores;
    const double bytes = (backward ? 8 : 4) * x / now, flops = backward ? 1.25 : 1.0;
    return memoryBound ? OnePass{bytes, bytes} : OnePass{flops, flops / 2};
}

double fuseAttention(const Context& context, const std::vector<std::int32_t>& groups, std::int32_t workload, ReplayPlan& plan) {
    std::vector<std::optional<OnePass>> fused(context.ops.groups.size());
    std::vector<StoredScores> forwards;
    for (std::size_t g = 0; g < fused.size(); ++g) {
        const OpGroup& group = context.ops.groups[g];
        const auto stored = group.workload == workload ? storedScores(group.work) : std::nullopt;
        if (!stored) continue;
        forwards.push_back(*stored);
        fused[g] = inOnePass(*stored, false, group.answer.bound == "memory");
    }
    for (std::size_t g = 0; g < fused.size() && !forwards.empty(); ++g) {
        const OpGroup& group = context.ops.groups[g];
        const auto forward = std::find_if(forwards.begin(), forwards.end(), [&](const StoredScores& f) { return isBackwardOf(group.work, f); });
        if (!fused[g] && group.workload == workload && forward != forwards.end()) fused[g] = inOnePass(*forward, true, group.answer.bound == "memory");
    }
    double gain = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i] == kNoIndex || !fused[at(groups[i])]) continue;
        const double now = real(plan.duration(i));
        plan.setDuration(i, static_cast<Ns>(now * fused[at(groups[i])]->whole));
        gain += now * (1 - fused[at(groups[i])]->masked);
    }
    return gain;
}

}  // namespace ridge::analyzer
