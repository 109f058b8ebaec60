// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What one file's analysis leaves for the merge.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "analyzer/communication/report.h"
#include "analyzer/context.h"
#include "analyzer/summary/rank_summary.h"
#include "analyzer/timeline/load.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer {
namespace {

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

// Checks that a merge answers anew, or that are about one file's place among the others.
constexpr std::array<std::string_view, 6> kAnsweredByTheMerge{"withheld_findings", "missing_ranks", "incomplete_collectives", "assumed_ranks", "clock_alignment", "few_steps"};

// A fixed order of numbers that looks like none: which collectives are kept when there are too many.
std::uint64_t scattered(std::int64_t number) {
    auto x = static_cast<std::uint64_t>(number) + 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

class Collector {
public:
    Collector(const Context& context, const Analysis& answer) : m_context(context), m_answer(answer) {}
    Summary run();

private:
    RankSummary& rankOf(std::int64_t rank) {
        RankSummary& r = m_out.ranks[rank];
        r.rank = rank;
        return r;
    }
    void addRanks();
    void addLanes();
    void addVerdictParts(RankLane& lane, std::int32_t workload) const;
    void addExposed(RankLane& lane, const Segments& segments, const std::vector<const Step*>& steps) const;
    void addCollectives();
    void addStamp(std::int64_t rank, const RankCommunicator& communicator, CollectiveStamp stamp, const std::string& name, std::int32_t workload);
    void addOperations();
    void addFile();
    std::int32_t nameIn(RankSummary& rank, const std::string& name);

    const Context& m_context;
    const Analysis& m_answer;
    Summary m_out;
    std::map<std::pair<std::int64_t, std::string>, std::int32_t> m_names;
    std::map<std::pair<std::int64_t, std::string>, std::size_t> m_communicators;
};

std::int32_t Collector::nameIn(RankSummary& rank, const std::string& name) {
    const auto [it, isNew] = m_names.try_emplace({rank.rank, name}, static_cast<std::int32_t>(rank.names.size()));
    if (isNew) rank.names.push_back(toValidUtf8(name));
    return it->second;
}

void Collector::addRanks() {
    std::map<std::pair<std::int32_t, std::int64_t>, std::int64_t> lowest;
    for (const Rank& r : m_answer.ranks) {
        RankSummary& rank = rankOf(r.rank);
        rank.host = toValidUtf8(r.host);
        rank.pids = r.pids;
    }
    for (const Process& p : m_context.timeline.processes) {
        if (!m_out.ranks.contains(p.rank)) continue;
        RankSummary& rank = rankOf(p.rank);
        rank.rankKnown = rank.rankKnown || p.rankKnown;
        rank.utcOfZero = m_context.timeline.utcOfZero;
        m_out.worldSize = std::max(m_out.worldSize, p.worldSize);
        const auto [it, isNew] = lowest.try_emplace(clockOf(p), p.rank);
        it->second = std::min(it->second, p.rank);
    }
    for (const Process& p : m_context.timeline.processes)
        if (m_out.ranks.contains(p.rank)) rankOf(p.rank).clock = lowest[clockOf(p)];
    for (const Device& d : m_answer.devices) {
        Device device = d;
        device.name = toValidUtf8(d.name);
        rankOf(d.rank).devices.push_back(std::move(device));
    }
}

void Collector::addVerdictParts(RankLane& lane, std::int32_t workload) const {
    const auto summary = std::find_if(m_answer.workloads.begin(), m_answer.workloads.end(), [&](const WorkloadSummary& w) { return w.name == lane.workload; });
    if (summary == m_answer.workloads.end()) return;
    const VerdictInput input = verdictInputOf(m_context, *summary, workload);
    const auto above = [&](WallClass c, double slack) {
        return static_cast<Ns>(std::llround(std::clamp(slack, 0.0, 1.0) * static_cast<double>(lane.classes[static_cast<std::size_t>(c)])));
    };
    lane.computeAboveNs = above(WallClass::kComputeBound, input.computeSlack);
    lane.memoryAboveNs = above(WallClass::kMemoryWall, input.memorySlack);
    lane.latencyAboveNs = above(WallClass::kLatencyBound, input.latencySlack);
    lane.dispatchNs = input.dispatchLimited ? lane.classes[static_cast<std::size_t>(WallClass::kLatencyBound)] : 0;
}

void Collector::addExposed(RankLane& lane, const Segments& segments, const std::vector<const Step*>& steps) const {
    IntervalSet windows;
    for (const Step* s : steps) windows.push_back({s->startNs, s->endNs});
    IntervalSet exposed;
    for (const Segment& s : segments)
        if (static_cast<WallClass>(s.layer) == WallClass::kCommUnsplit) exposed.push_back({s.start, s.end});
    for (const Interval& i : intersect(normalize(std::move(exposed)), normalize(std::move(windows)))) {
        if (lane.exposed.size() < kMostExposed) lane.exposed.emplace_back(i.start, i.end);
        else ++lane.exposedLeftOut;
    }
}

void Collector::addLanes() {
    std::map<std::tuple<std::int64_t, std::int32_t, std::int32_t, std::int32_t>, std::vector<const Step*>> lanes;  // rank, workload, gpu, cpu
    for (std::size_t i = 0; i < m_answer.steps.size(); ++i) {
        const StepOrigin& o = m_context.origins[i];
        lanes[{m_answer.steps[i].rank, o.workload, o.gpu, o.cpu}].push_back(&m_answer.steps[i]);
    }
    for (auto& [key, steps] : lanes) {
        const auto& [rank, workload, gpu, cpu] = key;
        RankLane lane;
        lane.workload = toValidUtf8(steps.front()->workload);
        lane.device = steps.front()->device;
        lane.gpu = gpu != kNoIndex;
        lane.steps = static_cast<std::int64_t>(steps.size());
        WorkloadDistribution& distribution = m_out.workloads[lane.workload];
        lane.leastNs = steps.front()->endNs - steps.front()->startNs;
        for (const Step* s : steps) {
            const Ns length = s->endNs - s->startNs;
            lane.totalNs = saturatingAdd(lane.totalNs, length);
            lane.leastNs = std::min(lane.leastNs, length);
            lane.mostNs = std::max(lane.mostNs, length);
            distribution.steps.add(length);
            Ns communication = 0;
            for (std::size_t c = 0; c < kWallClassCount; ++c) {
                lane.classes[c] = saturatingAdd(lane.classes[c], s->classes[c]);
                const auto wallClass = static_cast<WallClass>(c);
                if (wallClass == WallClass::kCommTransfer || wallClass == WallClass::kCommWait || wallClass == WallClass::kCommUnsplit) communication += s->classes[c];
                else distribution.classes[c].add(s->classes[c]);
            }
            distribution.classes[static_cast<std::size_t>(WallClass::kCommUnsplit)].add(communication);
        }
        std::stable_sort(steps.begin(), steps.end(), [](const Step* a, const Step* b) {
            return std::tuple(a->endNs - a->startNs, a->startNs) < std::tuple(b->endNs - b->startNs, b->startNs);
        });
        lane.median = *steps[(steps.size() - 1) / 2];
        lane.median.workload = lane.workload;
        addVerdictParts(lane, workload);
        addExposed(lane, gpu != kNoIndex ? m_context.gpus[at(gpu)].segments : m_context.cpus[at(cpu)].segments, steps);
        rankOf(rank).lanes.push_back(std::move(lane));
    }
}

void Collector::addStamp(std::int64_t rankNumber, const RankCommunicator& of, CollectiveStamp stamp, const std::string& name, std::int32_t workload) {
    RankSummary& rank = rankOf(rankNumber);
    const auto [it, isNew] = m_communicators.try_emplace({rankNumber, of.id}, rank.communicators.size());
    if (isNew) rank.communicators.push_back(of);
    RankCommunicator& communicator = rank.communicators[it->second];
    if (of.counted) stamp.number = communicator.count;
    ++communicator.count;
    stamp.name = nameIn(rank, name);
    stamp.workload = workload == kNoIndex ? -1 : nameIn(rank, m_context.steps.workloads[at(workload)]);
    communicator.stamps.push_back(stamp);
}

void Collector::addCollectives() {
    const Timeline& timeline = m_context.timeline;
    for (const OpRow& row : m_context.ops.rows) {
        const Work& work = timeline.works[at(row.work)];
        const std::int64_t rank = timeline.processes[at(row.process)].rank;
        if (row.family != OpFamily::kCommunication || work.communicator == 0 || !m_out.ranks.contains(rank)) continue;
        const std::string label = fmt::format("{:x}", static_cast<std::uint64_t>(work.communicator));
        addStamp(rank, {"work " + label, label, false, 0, 0, {}}, {work.sequence, row.start, row.end, 0, 0, -1},
                 timeline.names.text(timeline.ranges[at(row.range)].name), row.workload);
    }
    const std::vector<bool> communication = findCommunicationRows(timeline);
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i) {
        const GpuRow& row = timeline.gpu[i];
        if (!communication[i] || row.process == kNoIndex) continue;
        const std::int64_t rank = timeline.processes[at(row.process)].rank;
        if (!m_out.ranks.contains(rank)) continue;
        const Collective* c = row.collective == kNoIndex ? nullptr : &timeline.collectives[at(row.collective)];
        const std::string& kernel = timeline.names.text(row.name);
        const bool counted = !c || c->sequence < 0;
        // As matchGpuCollectives() has it: within a group with numbers the number is enough.
        const std::string what = !counted ? "" : c && c->name.value != 0 ? timeline.names.text(c->name) : kernel;
        const std::string group = c ? toValidUtf8(timeline.names.text(c->group)) : std::string();
        const std::int64_t size = c ? std::max<std::int64_t>(0, c->groupSize) : 0;
        addStamp(rank, {toValidUtf8(fmt::format("gpu {} {} {}", group, size, what)), group, counted, size, 0, {}},
                 {counted ? 0 : c->sequence, row.start, row.end, 0, 0, timeline.devices[at(row.device)].id}, kernel, workloadOf(m_context, row));
    }
    for (auto& [number, rank] : m_out.ranks) {
        for (RankCommunicator& c : rank.communicators) {
            if (c.stamps.size() > kMostStamps) {
                std::nth_element(c.stamps.begin(), c.stamps.begin() + static_cast<std::ptrdiff_t>(kMostStamps), c.stamps.end(), [](const auto& a, const auto& b) {
                    return std::pair(scattered(a.number), a.start) < std::pair(scattered(b.number), b.start);
                });
                c.stamps.resize(kMostStamps);
            }
            std::sort(c.stamps.begin(), c.stamps.end(), [](const auto& a, const auto& b) { return std::tie(a.number, a.start, a.end) < std::tie(b.number, b.start, b.end); });
        }
        std::sort(rank.communicators.begin(), rank.communicators.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    }
}

// Every rank's own part cannot be told from a report of several ranks: it is kept with the lowest.
void Collector::addOperations() {
    if (m_out.ranks.empty()) return;
    RankSummary& first = m_out.ranks.begin()->second;
    for (const CommunicationOp& op : m_answer.communication) {
        RankOp out{toValidUtf8(op.name), toValidUtf8(op.communicator), toValidUtf8(op.workload), op.bytes.value_or(-1), op.count, op.busyNs, op.overlapNs};
        first.operations.push_back(std::move(out));
    }
}

void Collector::addFile() {
    m_out.files = 1;
    m_out.stepSource = toValidUtf8(m_answer.stepSource);
    for (const Source& s : m_answer.sources) {
        m_out.kind = s.kind;
        m_out.product = toValidUtf8(s.product);
    }
    for (const GateCheck& g : m_answer.gate) {
        if (std::find(kAnsweredByTheMerge.begin(), kAnsweredByTheMerge.end(), g.check) != kAnsweredByTheMerge.end()) continue;
        GateSum& sum = m_out.gate[toValidUtf8(g.check)];
        sum.severity = std::max(sum.severity, g.severity);
        sum.count = saturatingAdd(sum.count, std::max<std::int64_t>(0, g.count));
        sum.files = std::max<std::int64_t>(sum.files, g.count > 0 ? 1 : 0);
        if (sum.detail.empty() || toValidUtf8(g.detail) < sum.detail) sum.detail = toValidUtf8(g.detail);
    }
    for (const EnvironmentField& f : m_answer.environment) {
        const std::string value = toValidUtf8(f.value);
        m_out.environment.try_emplace(toValidUtf8(f.name), EnvironmentSum{toValidUtf8(f.fieldClass), value, value, 1});
    }
    for (const Loss& l : m_answer.losses) {
        std::int64_t& count = m_out.losses[toValidUtf8(l.source)];
        count = saturatingAdd(count, std::max<std::int64_t>(0, l.count));
    }
}

Summary Collector::run() {
    addFile();
    addRanks();
    addLanes();
    addCollectives();
    addOperations();
    return std::move(m_out);
}

}  // namespace

Result<Summary> summarizeTimeline(const Timeline& timeline, const AnalyzeOptions& options, Analysis* analysis) {
    Summary out;
    AnalyzeOptions own = options;
    own.onContext = [&](const Context& context, const Analysis& answer) {
        if (options.onContext) options.onContext(context, answer);
        out = Collector(context, answer).run();
    };
    RIDGE_TRY(Analysis answer, analyzeTimeline(timeline, own));
    if (analysis) *analysis = std::move(answer);
    return out;
}

Result<Summary> summarize(const std::vector<std::string>& paths, const AnalyzeOptions& options, Analysis* analysis) {
    RIDGE_TRY(const Timeline timeline, load(paths));
    return summarizeTimeline(timeline, options, analysis);
}

}  // namespace ridge::analyzer
