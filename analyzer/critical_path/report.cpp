// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/critical_path/path.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace ridge::analyzer {
namespace {

constexpr double kNearCritical = 0.95;
constexpr std::size_t kMostNames = 50, kMostSlack = 30;
constexpr std::uint32_t kUnnamed = 0xFFFFFF00;  // keys from here on: copies without a name, by direction
constexpr std::uint32_t kFirstIo = 0xF0000000;  // and from here: calls on files; no trace has so many names

struct Sum {
    Ns ns = 0;
    std::int64_t count = 0;
    void add(Ns length) {
        ns = saturatingAdd(ns, length);
        ++count;
    }
};
using KindSums = std::array<Sum, kPathKindCount>;

// A kind and a name as one number, in the order of the two.
std::uint64_t keyOf(PathKind kind, std::uint32_t name) {
    return static_cast<std::uint64_t>(kind) << 32 | name;
}
PathKind kindOf(std::uint64_t key) {
    return static_cast<PathKind>(key >> 32);
}
std::uint32_t nameOf(std::uint64_t key) {
    return static_cast<std::uint32_t>(key);
}

using LaneKey = std::tuple<std::int32_t, std::int64_t, std::int64_t>;  // workload, rank, device

std::vector<PathShare> kindTable(const KindSums& sums) {
    std::vector<PathShare> table;
    for (std::size_t k = 0; k < sums.size(); ++k)
        if (sums[k].count > 0) table.push_back({std::string(kPathKindNames[k]), "", sums[k].ns, sums[k].count});
    std::stable_sort(table.begin(), table.end(), [](const PathShare& a, const PathShare& b) { return a.ns > b.ns; });
    return table;
}

bool onDevice(PathKind kind) {
    switch (kind) {
        case PathKind::kCompute:
        case PathKind::kCommunication:
        case PathKind::kCommWait:
        case PathKind::kCopy:
        case PathKind::kKernelGap:
        case PathKind::kDependency: return true;
        default: return false;
    }
}

// "*.bin", or "file" where the name has no short ending.
std::string fileKind(std::string_view path) {
    constexpr std::size_t kLongest = 16;
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size() || name.size() - dot > kLongest) return "file";
    return "*" + std::string(name.substr(dot));
}

// What a thread did in a window, waits left out.
Ns busyOf(const std::vector<Interval>& pieces, Interval window) {
    auto it = std::partition_point(pieces.begin(), pieces.end(), [&](const Interval& i) { return i.end <= window.start; });
    Ns sum = 0;
    for (; it != pieces.end() && it->start < window.end; ++it)
        sum = saturatingAdd(sum, std::min(it->end, window.end) - std::max(it->start, window.start));
    return sum;
}

// The same of nodes of one thread.
Ns busyOf(const std::vector<PathNode>& nodes, const std::vector<std::int32_t>& pieces,
          Interval window) {
    const auto node = [&](std::int32_t n) -> const PathNode& {
        return nodes[static_cast<std::size_t>(n)];
    };
    auto it = std::partition_point(pieces.begin(), pieces.end(),
                                   [&](std::int32_t n) { return node(n).end <= window.start; });
    Ns sum = 0;
    for (; it != pieces.end() && node(*it).start < window.end; ++it)
        sum = saturatingAdd(
            sum, std::min(node(*it).end, window.end) - std::max(node(*it).start, window.start));
    return sum;
}

}  // namespace

class PathReport::State {
public:
    State(const Context& context, const GraphPlan& plan, Analysis& answer)
        : m_context(context), m_answer(answer), m_planned(answer.steps.size(), false) {
        for (const GraphPart& part : plan.parts)
            for (const std::size_t s : part.steps) m_planned[s] = true;
        m_shown = medianStep();
    }

    void add(const PathGraph& graph) {
        m_graph = &graph;
        m_onPath.assign(graph.nodes.size(), false);
        m_last = lastNodes(m_context, graph, m_answer.steps);
        for (std::size_t i = 0; i < m_answer.steps.size(); ++i)
            if (graph.hasStep[i]) addStep(i, i == m_shown);
        addSecond();
        addSlack();
    }

    void finish() {
        m_path.stepsLeftOut = static_cast<std::int64_t>(m_answer.steps.size()) - m_path.steps;
        if (m_path.steps == 0) return;
        finishTables();
        finishSecond();
        finishSlack();
        m_answer.criticalPath = std::move(m_path);
    }

private:
    // Of the first lane of the first workload: the step of median length.
    [[nodiscard]] std::size_t medianStep() const {
        std::vector<std::pair<Ns, std::size_t>> steps;
        for (std::size_t i = 0; i < m_answer.steps.size(); ++i) {
            const Step& s = m_answer.steps[i];
            if (!m_planned[i]) continue;
            if (!steps.empty()) {
                const Step& first = m_answer.steps[steps.front().second];
                if (std::tie(s.rank, s.device, s.workload) != std::tie(first.rank, first.device, first.workload)) continue;
            }
            steps.emplace_back(s.endNs - s.startNs, i);
        }
        if (steps.empty()) return 0;
        std::sort(steps.begin(), steps.end());
        return steps[(steps.size() - 1) / 2].second;
    }

    void addStep(std::size_t i, bool shown) {
        const Step& step = m_answer.steps[i];
        const auto segments = walkBack(*m_graph, m_context.options, m_last[i], {step.startNs, step.endNs});
        KindSums& lane = m_lanes[{m_context.origins[i].workload, step.rank, step.device}];
        LaneTotal& total = m_laneTotals[{m_context.origins[i].workload, step.rank, step.device}];
        ++total.steps;
        total.ns = saturatingAdd(total.ns, step.endNs - step.startNs);
        ++m_path.steps;
        for (const WalkSegment& s : segments) {
            const Ns length = s.end - s.start;
            m_path.coveredNs = saturatingAdd(m_path.coveredNs, length);
            m_kinds[static_cast<std::size_t>(s.kind)].add(length);
            lane[static_cast<std::size_t>(s.kind)].add(length);
            m_names[keyOf(s.kind, nameKey(s))].add(length);
            if (s.within && s.node != kNoIndex) m_onPath[static_cast<std::size_t>(s.node)] = true;
            if (shown) show(s);
        }
        if (!shown) return;
        m_path.workload = step.workload;
        m_path.rank = step.rank;
        m_path.device = step.device;
        m_path.stepIndex = step.index;
        m_path.totalNs = step.endNs - step.startNs;
    }

    void show(const WalkSegment& s) {
        PathSegment segment{s.start, s.end, std::string(name(s.kind)), textOf(nameKey(s))};
        auto& list = m_path.segments;
        if (!list.empty() && list.back().kind == segment.kind && list.back().name == segment.name)
            list.back().endNs = segment.endNs;
        else
            list.push_back(std::move(segment));
    }

    // nsys names no copies: then their direction is the name. I/O is named by its call and the kind of its file.
    [[nodiscard]] std::uint32_t nameKey(const WalkSegment& s) {
        if (s.name.value != 0 || s.node == kNoIndex) return s.name.value;
        const PathNode& node = m_graph->nodes[static_cast<std::size_t>(s.node)];
        if ((s.kind == PathKind::kIoInput || s.kind == PathKind::kIoCheckpoint) && node.kind == s.kind && node.call != kNoIndex)
            return ioKey(m_context.io[static_cast<std::size_t>(node.call)]);
        const std::int32_t row = m_graph->nodes[static_cast<std::size_t>(s.node)].row;
        if (row == kNoIndex) return s.name.value;
        const GpuRow& r = m_context.timeline.gpu[static_cast<std::size_t>(row)];
        if (r.kind == GpuKind::kSet) return kUnnamed + 255;
        return r.kind == GpuKind::kCopy ? kUnnamed + std::min<std::uint32_t>(r.copyKind, 254) : s.name.value;
    }
    [[nodiscard]] std::uint32_t ioKey(const IoInterval& io) {
        if (io.path == NameId{0}) return io.name.value;
        std::string text = fmt::format("{} ({})", m_context.timeline.names.text(io.name), fileKind(m_context.timeline.names.text(io.path)));
        const auto [it, isNew] = m_ioKeys.try_emplace(std::move(text), kFirstIo + static_cast<std::uint32_t>(m_ioTexts.size()));
        if (isNew) m_ioTexts.push_back(it->first);
        return it->second;
    }
    [[nodiscard]] std::string textOf(std::uint32_t key) const {
        if (key >= kFirstIo && key - kFirstIo < m_ioTexts.size()) return toValidUtf8(m_ioTexts[key - kFirstIo]);
        if (key < kUnnamed) return toValidUtf8(m_context.timeline.names.text(NameId{key}));
        switch (key - kUnnamed) {
            case 1: return "memcpy HtoD";
            case 2: return "memcpy DtoH";
            case 8: return "memcpy DtoD";
            case 10: return "memcpy PtoP";
            case 255: return "memset";
            default: return "memcpy";
        }
    }

    void finishTables() {
        m_path.byKind = kindTable(m_kinds);
        const std::map<std::uint64_t, Sum> names(m_names.begin(), m_names.end());
        for (const auto& [key, sum] : names)
            m_path.byName.push_back(
                {std::string(name(kindOf(key))), textOf(nameOf(key)), sum.ns, sum.count});
        std::stable_sort(m_path.byName.begin(), m_path.byName.end(), [](const PathShare& a, const PathShare& b) { return a.ns > b.ns; });
        if (m_path.byName.size() > kMostNames) {
            m_path.namesOmitted = static_cast<std::int64_t>(m_path.byName.size() - kMostNames);
            m_path.byName.resize(kMostNames);
        }
        for (const auto& [key, sums] : m_lanes) {
            const LaneTotal& total = m_laneTotals[key];
            m_path.lanes.push_back({std::get<1>(key), std::get<2>(key), m_context.steps.workloads[static_cast<std::size_t>(std::get<0>(key))],
                                    total.steps, total.ns, kindTable(sums)});
        }
    }

    // The thread that steps beside a device, and when.
    struct HostPart {
        std::int32_t thread = kNoIndex;
        Interval span;
    };
    [[nodiscard]] HostPart hostPartOf(std::size_t i) const {
        const StepOrigin& origin = m_context.origins[i];
        if (origin.hostStep == kNoIndex)
            return {mainThreadOf(m_context.gpus[static_cast<std::size_t>(origin.gpu)]),
                    {m_answer.steps[i].startNs, m_answer.steps[i].endNs}};
        const HostStep& h = m_context.steps.steps[static_cast<std::size_t>(origin.hostStep)];
        return {h.thread, {h.start, h.end}};
    }

    // Both chains beside the path: only in the end it is known which of them the path is on.
    void addSecond() {
        std::vector<std::size_t> steps;
        std::vector<bool> asked(m_context.timeline.threads.size(), false);
        for (std::size_t i = 0; i < m_answer.steps.size(); ++i) {
            if (!m_graph->hasStep[i] || m_context.origins[i].gpu == kNoIndex) continue;
            steps.push_back(i);
            if (const std::int32_t thread = hostPartOf(i).thread; thread != kNoIndex)
                asked[static_cast<std::size_t>(thread)] = true;
        }
        std::vector<std::vector<std::int32_t>> pieces(
            asked.size());  // nodes of the threads that are asked for
        for (std::size_t i = 0; i < m_graph->nodes.size(); ++i) {
            const PathNode& n = m_graph->nodes[i];
            if (n.row == kNoIndex && n.lane != kNoIndex && n.end > n.start &&
                asked[static_cast<std::size_t>(n.lane)])
                pieces[static_cast<std::size_t>(n.lane)].push_back(static_cast<std::int32_t>(i));
        }
        for (const std::size_t i : steps) {
            const Step& step = m_answer.steps[i];
            const GpuPartition& p =
                m_context.gpus[static_cast<std::size_t>(m_context.origins[i].gpu)];
            const HostPart host = hostPartOf(i);
            const Ns onHost =
                host.thread == kNoIndex
                    ? 0
                    : busyOf(m_graph->nodes, pieces[static_cast<std::size_t>(host.thread)],
                             host.span);
            m_windows = saturatingAdd(m_windows, step.endNs - step.startNs);
            m_onDevice = saturatingAdd(m_onDevice, busyOf(p.busy, {step.startNs, step.endNs}));
            m_onHost = saturatingAdd(m_onHost, std::min(onHost, step.endNs - step.startNs));
        }
    }

    void finishSecond() {
        Ns device = 0;
        for (std::size_t k = 0; k < kPathKindCount; ++k)
            if (onDevice(static_cast<PathKind>(k))) device = saturatingAdd(device, m_kinds[k].ns);
        const bool pathOnDevice = static_cast<double>(device) > 0.5 * static_cast<double>(m_path.coveredNs);
        const Ns other = pathOnDevice ? m_onHost : m_onDevice;
        if (m_windows <= 0 || static_cast<double>(other) < kNearCritical * static_cast<double>(m_windows)) return;
        m_path.second = pathOnDevice ? "host" : "device";
        m_path.secondNs = other;
    }

    [[nodiscard]] std::int32_t mainThreadOf(const GpuPartition& p) const {
        for (const std::int32_t row : p.rows)
            if (const std::int32_t process = m_context.timeline.gpu[static_cast<std::size_t>(row)].process; process != kNoIndex)
                return m_graph->mainThread[static_cast<std::size_t>(process)];
        return kNoIndex;
    }

    void addSlack() {
        std::vector<std::int32_t> terminals;
        for (const std::int32_t n : m_last)
            if (n != kNoIndex) terminals.push_back(n);
        const std::vector<Ns> slack = slackOf(*m_graph, terminals);
        for (std::size_t i = 0; i < m_graph->nodes.size(); ++i) {
            const PathNode& n = m_graph->nodes[i];
            if (m_onPath[i] || n.end <= n.start ||
                (n.row == kNoIndex && n.op == kNoIndex && n.kind != PathKind::kCommunication))
                continue;
            auto& [busy, list] = m_slack[keyOf(n.kind, n.name.value)];
            busy = saturatingAdd(busy, n.end - n.start);
            list.push_back(slack[i]);
        }
    }

    void finishSlack() {
        std::map<std::uint64_t, std::pair<Ns, std::vector<Ns>>> slack(
            std::make_move_iterator(m_slack.begin()), std::make_move_iterator(m_slack.end()));
        for (auto& [key, row] : slack) {
            PathSlack s{std::string(name(kindOf(key))),
                        toValidUtf8(m_context.timeline.names.text(NameId{nameOf(key)})),
                        static_cast<std::int64_t>(row.second.size()),
                        row.first,
                        *std::min_element(row.second.begin(), row.second.end()),
                        0};
            s.medianSlackNs = median(std::move(row.second));
            m_path.slack.push_back(std::move(s));
        }
        std::stable_sort(m_path.slack.begin(), m_path.slack.end(), [](const PathSlack& a, const PathSlack& b) { return a.busyNs > b.busyNs; });
        if (m_path.slack.size() > kMostSlack) {
            m_path.slackOmitted = static_cast<std::int64_t>(m_path.slack.size() - kMostSlack);
            m_path.slack.resize(kMostSlack);
        }
    }

    struct LaneTotal {
        std::int64_t steps = 0;
        Ns ns = 0;
    };
    const Context& m_context;
    const PathGraph* m_graph = nullptr;  // the part that is looked at
    Analysis& m_answer;
    std::vector<bool> m_planned;  // per step: is it in any part?
    std::size_t m_shown = 0;
    CriticalPath m_path;
    std::vector<std::int32_t> m_last;
    std::vector<bool> m_onPath;
    Ns m_windows = 0, m_onDevice = 0, m_onHost = 0;
    std::unordered_map<std::uint64_t, std::pair<Ns, std::vector<Ns>>>
        m_slack;  // busy, slack of each
    KindSums m_kinds{};
    std::map<LaneKey, KindSums> m_lanes;
    std::map<LaneKey, LaneTotal> m_laneTotals;
    std::unordered_map<std::uint64_t, Sum> m_names;
    std::map<std::string, std::uint32_t> m_ioKeys;
    std::vector<std::string> m_ioTexts;
};

PathReport::PathReport(const Context& context, const GraphPlan& plan, Analysis& answer) : m_state(std::make_unique<State>(context, plan, answer)) {}
PathReport::~PathReport() = default;
void PathReport::add(const PathGraph& graph) { m_state->add(graph); }
void PathReport::finish() { m_state->finish(); }

std::int32_t lastNodeOf(const Context& context, const PathGraph& graph, const std::vector<Step>& steps, std::size_t step) {
    if (!graph.hasStep[step]) return kNoIndex;
    const StepOrigin& origin = context.origins[step];
    const Interval window{steps[step].startNs, steps[step].endNs};
    if (origin.gpu != kNoIndex) return lastNode(graph, true, context.gpus[static_cast<std::size_t>(origin.gpu)].device, window);
    std::int32_t thread = kNoIndex;
    if (origin.hostStep != kNoIndex)
        thread = context.steps.steps[static_cast<std::size_t>(origin.hostStep)].thread;
    else if (origin.cpu != kNoIndex)
        thread = graph.mainThread[static_cast<std::size_t>(context.cpus[static_cast<std::size_t>(origin.cpu)].process)];
    return thread == kNoIndex ? kNoIndex : lastNode(graph, false, thread, window);
}

std::vector<std::int32_t> lastNodes(const Context& context, const PathGraph& graph, const std::vector<Step>& steps) {
    std::vector<std::int32_t> last(steps.size(), kNoIndex);
    for (std::size_t i = 0; i < steps.size(); ++i) last[i] = lastNodeOf(context, graph, steps, i);
    return last;
}

}  // namespace ridge::analyzer
