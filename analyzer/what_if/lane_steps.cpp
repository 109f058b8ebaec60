// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/what_if/lane_steps.h"

#include "analyzer/critical_path/path.h"

#include <algorithm>
#include <map>
#include <utility>

namespace ridge::analyzer {
namespace {

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

}  // namespace

LaneSteps::LaneSteps(const Context& context, const Analysis& answer, std::int32_t workload)
    : m_context(context), m_answer(answer), m_workload(workload) {
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

void LaneSteps::find(const PathGraph& graph) {
    m_graph = &graph;
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

void LaneSteps::addDeviceNodes(LaneStep& lane, std::int32_t device, Interval window) const {
    const auto& nodes = m_graph->nodes;
    auto it = std::partition_point(nodes.begin(), nodes.end(), [&](const PathNode& n) { return n.start < window.start; });
    for (; it != nodes.end() && it->start < window.end; ++it) {
        if (it->row == kNoIndex || it->lane != device) continue;
        const auto i = static_cast<std::int32_t>(it - nodes.begin());
        if (lane.before == kNoIndex) lane.before = i;
        if (it->end <= window.end) lane.nodes.push_back(i);
    }
}

std::vector<Ns> LaneSteps::lengths() const {
    std::vector<Ns> result;
    for (const LaneStep& lane : m_steps) result.push_back(m_answer.steps[lane.step].endNs - m_answer.steps[lane.step].startNs);
    return result;
}

std::vector<Ns> LaneSteps::lengths(const ReplayTimes& times) const {
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

void LaneSteps::takeBusiest(PathKind kind, std::vector<Ns>& busiest) const {
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

std::int32_t LaneSteps::processOf(const LaneStep& lane) const {
    const PathNode& node = m_graph->nodes[at(lane.nodes.front())];
    if (node.row != kNoIndex) return m_context.timeline.gpu[at(node.row)].process;
    return m_context.timeline.threads[at(node.lane)].process;
}

bool LaneSteps::ofProcess(const PathNode& n, std::int32_t process) const {
    if (n.row != kNoIndex) return m_context.timeline.gpu[at(n.row)].process == process;
    return n.lane != kNoIndex && m_context.timeline.threads[at(n.lane)].process == process;
}

}  // namespace ridge::analyzer
