// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/graph.h"

#include <algorithm>
#include <numeric>

namespace ridge::analyzer {
namespace {

std::size_t at(std::int32_t i) {
    return static_cast<std::size_t>(i);
}

// Start of what belongs to the step: its window, and the host's step that launched it.
Interval extentOf(const Context& context, const Step& step, const StepOrigin& origin) {
    Interval extent{step.startNs, step.endNs};
    if (origin.hostStep != kNoIndex)
        extent.start = std::min(extent.start, context.steps.steps[at(origin.hostStep)].start);
    return extent;
}

std::size_t rowsBefore(const Timeline& timeline, Ns end) {
    const auto count = [&](const auto& rows) {
        return static_cast<std::size_t>(
            std::partition_point(rows.begin(), rows.end(),
                                 [&](const auto& r) { return r.start < end; }) -
            rows.begin());
    };
    return count(timeline.gpu) + count(timeline.calls) + 2 * count(timeline.ranges) +
           count(timeline.io);
}

// The thread that steps; else the one that launches most; else the one with most ranges and file
// calls.
std::vector<std::int32_t> mainThreads(const Context& context, const std::vector<bool>& collective) {
    const Timeline& timeline = context.timeline;
    std::vector<std::int64_t> weight(timeline.threads.size(), 0);
    std::vector<std::int64_t> communicates(timeline.threads.size(),
                                           0);  // a thread that only does this serves another
    for (const Range& range : timeline.ranges)
        ++(collective[range.name.value] ? communicates : weight)[at(range.thread)];
    for (const IoRow& row : timeline.io) ++weight[at(row.thread)];
    for (const Call& call : timeline.calls) weight[at(call.thread)] += 1'000'000;
    if (!context.steps.whole()) {
        for (const HostStep& step : context.steps.steps) weight[at(step.thread)] += Ns{1} << 50;
    }
    std::vector<std::int32_t> mainOf(timeline.processes.size(), kNoIndex);
    const auto choose = [&](const std::vector<std::int64_t>& by) {
        std::vector<std::int32_t> best(mainOf.size(), kNoIndex);
        for (std::size_t t = 0; t < by.size(); ++t) {
            std::int32_t& main = best[at(timeline.threads[t].process)];
            if (by[t] > 0 && (main == kNoIndex || by[t] > by[at(main)]))
                main = static_cast<std::int32_t>(t);
        }
        for (std::size_t p = 0; p < best.size(); ++p)
            if (mainOf[p] == kNoIndex) mainOf[p] = best[p];
    };
    choose(weight);
    choose(communicates);
    return mainOf;
}

// The steps in the order of their ends, as many together as fit.
void cutParts(const Timeline& timeline, const std::vector<Interval>& extents, std::size_t partNodes,
              std::size_t mostOfStep, GraphPlan& plan) {
    std::vector<std::size_t> order(extents.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return extents[a].end < extents[b].end; });
    const auto rowsIn = [&](Ns start, Ns end) {
        return rowsBefore(timeline, end) - rowsBefore(timeline, start);
    };
    for (const std::size_t s : order) {
        const Interval e = extents[s];
        if (!plan.parts.empty()) {
            GraphPart& part = plan.parts.back();
            const Ns start = std::min(part.span.start, e.start);
            if (rowsIn(start, e.end) <= partNodes) {
                part.span = {start, e.end};
                part.steps.push_back(s);
                continue;
            }
        }
        if (rowsIn(e.start, e.end) > mostOfStep)
            ++plan.stepsLeftOut;
        else
            plan.parts.push_back({e, {s}});
    }
}

}  // namespace

GraphPlan planGraphs(const Context& context, const std::vector<Step>& steps, std::size_t mostNodes,
                     std::size_t partNodes, std::size_t mostOfStep) {
    const Timeline& timeline = context.timeline;
    GraphPlan plan;
    plan.calls = Reach(timeline.calls);
    plan.ranges = Reach(timeline.ranges);
    plan.gpu = Reach(timeline.gpu);
    plan.ops = Reach(context.ops.rows);
    const auto lists = [](const std::vector<Collectives::Instance>& all) {
        const auto first = [&](std::size_t i) {
            return *std::min_element(all[i].rows.begin(), all[i].rows.end());
        };
        const auto last = [&](std::size_t i) {
            return *std::max_element(all[i].rows.begin(), all[i].rows.end());
        };
        return RowLists(all.size(), first, last);
    };
    plan.instances = lists(context.collectives.instances);
    plan.gpuInstances = lists(context.collectives.gpuInstances);
    plan.collective = namedCollectives(timeline);
    plan.mainThread = mainThreads(context, plan.collective);
    plan.hasGpu.assign(timeline.processes.size(), false);
    for (const GpuRow& row : timeline.gpu)
        if (row.process != kNoIndex) plan.hasGpu[at(row.process)] = true;
    if (steps.empty()) return plan;
    std::vector<Interval> extents;
    for (std::size_t i = 0; i < steps.size(); ++i)
        extents.push_back(extentOf(context, steps[i], context.origins[i]));
    Interval all = extents.front();
    for (const Interval& e : extents)
        all = {std::min(all.start, e.start), std::max(all.end, e.end)};
    const std::size_t rows = rowsBefore(timeline, all.end) - rowsBefore(timeline, all.start);
    if (rows <= mostNodes) {
        plan.parts.push_back({all, std::vector<std::size_t>(steps.size())});
        std::iota(plan.parts.front().steps.begin(), plan.parts.front().steps.end(), std::size_t{0});
    } else {
        cutParts(timeline, extents, partNodes, mostOfStep, plan);
    }
    return plan;
}

}  // namespace ridge::analyzer
