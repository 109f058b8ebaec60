// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/fusion.h"

#include "schemas/enums/op_kind.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <utility>

namespace ridge::analyzer {
namespace {

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
double real(Ns ns) { return static_cast<double>(ns); }

constexpr double kLeastScores = 1.5;  // of x: fewer are too few to matter

bool same(double a, double b) {
    constexpr double kSame = 0.01;  // statistics per row, padding
    return std::abs(a - b) <= kSame * b;
}

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
    // d, were elements of 4 bytes; of narrower ones it only looks larger. The first pass of an attention in three
    // (2x read, S written) has d/2.
    constexpr double kLeastHead = 40, kElementBytes = 4;
    if (work.opKind != kOpAttention || !(work.flops > 0) || !(work.bytesRead > 0)) return std::nullopt;
    const StoredScores stored{work.bytesRead / 3, work.bytesWritten - work.bytesRead / 3};
    if (stored.scores < kLeastScores * stored.row || work.flops < kLeastHead * 4 * stored.scores / kElementBytes) return std::nullopt;
    return stored;
}

bool isBackwardOf(const Work& work, const StoredScores& forward) {
    return work.opKind == kOpAttention && same(work.bytesWritten, 3 * forward.row) && same(work.bytesRead, 4 * forward.row + forward.scores);
}

OnePass inOnePass(const StoredScores& stored, bool backward, bool memoryBound) {
    const double x = stored.row, now = (backward ? 7 : 4) * x + stored.scores;
    const double bytes = (backward ? 8 : 4) * x / now, flops = backward ? 1.25 : 1.0;
    return memoryBound ? OnePass{bytes, bytes} : OnePass{flops, flops / 2};
}

std::optional<StoredScores> scoresAndValues(const Work& scores, const Work& values) {
    if (scores.opKind != kOpAttention || values.opKind != kOpAttention || !(scores.flops > 0)) return std::nullopt;
    const StoredScores passes{scores.bytesRead / 2, scores.bytesWritten};
    if (passes.scores < kLeastScores * passes.row || !same(values.flops, scores.flops)) return std::nullopt;
    if (!same(values.bytesRead, passes.row + passes.scores) || !same(values.bytesWritten, passes.row)) return std::nullopt;
    return passes;
}

bool isBetween(const Work& work, const StoredScores& passes) {
    return computes(work.opKind) && same(work.bytesRead, passes.scores) && same(work.bytesWritten, passes.scores);
}

OnePass productInOnePass(const StoredScores& passes, bool memoryBound) {
    const double bytes = 2 * passes.row / (2 * passes.row + passes.scores);
    return memoryBound ? OnePass{bytes, bytes} : OnePass{1, 0.5};
}

OnePass betweenInOnePass(bool memoryBound) { return memoryBound ? OnePass{0, 0} : OnePass{1, 0.5}; }

namespace {

bool boundByMemory(const OpGroup& group) { return group.answer.bound == "memory"; }

// Attention in three passes, by group: its two products, and, while a thread or device is between
// them, what reads the scores and writes as many.
class ThreePasses {
public:
    ThreePasses(const Context& context, std::int32_t workload) : m_context(context), m_ofGroup(context.ops.groups.size()) {
        const auto& all = context.ops.groups;
        for (std::size_t first = 0; first < all.size(); ++first)
            for (std::size_t second = 0; second < all.size() && all[first].workload == workload; ++second) {
                const auto found = all[second].workload == workload ? scoresAndValues(all[first].work, all[second].work) : std::nullopt;
                if (!found) continue;
                m_ofGroup[first] = {*found, Place::kScores};
                m_ofGroup[second] = {*found, Place::kValues};
            }
    }

    [[nodiscard]] bool has(std::size_t group) const { return m_ofGroup[group].place != Place::kNone; }

    // What is left of the op of a node; nodes come by start.
    std::optional<OnePass> next(const PathNode& node, std::int32_t group) {
        auto& between = m_between[{node.row != kNoIndex, node.lane}];
        const Member& member = m_ofGroup[at(group)];
        const OpGroup& ops = m_context.ops.groups[at(group)];
        if (member.place != Place::kNone) {
            between = member.place == Place::kScores ? std::optional(member.passes) : std::nullopt;
            return productInOnePass(member.passes, boundByMemory(ops));
        }
        if (between && isBetween(ops.work, *between)) return betweenInOnePass(boundByMemory(ops));
        return std::nullopt;
    }

private:
    enum class Place { kNone, kScores, kValues };
    struct Member {
        StoredScores passes;
        Place place = Place::kNone;
    };
    const Context& m_context;
    std::vector<Member> m_ofGroup;
    std::map<std::pair<bool, std::int32_t>, std::optional<StoredScores>> m_between;  // by device or thread
};

}  // namespace

double fuseAttention(const Context& context, const PathGraph& graph, const std::vector<std::int32_t>& groups, std::int32_t workload,
                     ReplayPlan& plan) {
    std::vector<std::optional<OnePass>> fused(context.ops.groups.size());
    std::vector<StoredScores> forwards;
    ThreePasses passes(context, workload);
    for (std::size_t g = 0; g < fused.size(); ++g) {
        const OpGroup& group = context.ops.groups[g];
        const auto stored = group.workload == workload && !passes.has(g) ? storedScores(group.work) : std::nullopt;
        if (!stored) continue;
        forwards.push_back(*stored);
        fused[g] = inOnePass(*stored, false, boundByMemory(group));
    }
    for (std::size_t g = 0; g < fused.size() && !forwards.empty(); ++g) {
        const OpGroup& group = context.ops.groups[g];
        const auto forward = std::find_if(forwards.begin(), forwards.end(), [&](const StoredScores& f) { return isBackwardOf(group.work, f); });
        if (!fused[g] && group.workload == workload && forward != forwards.end()) fused[g] = inOnePass(*forward, true, boundByMemory(group));
    }
    double gain = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i] == kNoIndex) continue;
        const auto left = fused[at(groups[i])] ? fused[at(groups[i])] : passes.next(graph.nodes[i], groups[i]);
        if (!left) continue;
        const double now = real(plan.duration(i));
        plan.setDuration(i, static_cast<Ns>(now * left->whole));
        gain += now * (1 - left->masked);
    }
    return gain;
}

}  // namespace ridge::analyzer
