// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// One report of all ranks: clocks aligned, communication split, stragglers named.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <set>
#include <tuple>

#include "analyzer/attribution/ops.h"
#include "analyzer/communication/gpu_collectives.h"
#include "analyzer/communication/pipeline.h"
#include "analyzer/intervals/paint.h"
#include "analyzer/summary/findings.h"
#include "analyzer/summary/rank_summary.h"
#include "analyzer/verdict/verdict.h"
#include "base/text.h"

namespace ridge::analyzer {
namespace {

constexpr std::size_t kTransfer = static_cast<std::size_t>(WallClass::kCommTransfer), kWait = static_cast<std::size_t>(WallClass::kCommWait),
                      kUnsplit = static_cast<std::size_t>(WallClass::kCommUnsplit);

struct Member {
    std::int64_t rank = 0;
    const CollectiveStamp* stamp = nullptr;
};
struct Group {
    std::vector<Member> members;  // by rank, one each
    bool gpu = false;
    std::string label;
};

class Reporter {
public:
    explicit Reporter(const Summary& summary) : m_summary(summary) {}
    Result<Analysis> run();

private:
    void findGroups();
    void addGroups(const std::string& id, const std::vector<const RankSummary*>& ranks);
    void splitGroups();
    void blame(const Group& group, const CollectiveSplit& split, Ns residual);
    void addLanes();
    void addRanks();
    void addOperations();
    void addStragglers();
    void addWorkloads();
    void addCapture();
    void addOneRun();
    void addPipeline();
    [[nodiscard]] Ns shiftOf(const RankSummary& rank) const;
    [[nodiscard]] const RankSummary& rankOf(std::int64_t rank) const { return m_summary.ranks.at(rank); }
    [[nodiscard]] std::string excessClass(const std::string& workload, std::int64_t rank) const;

    const Summary& m_summary;
    Analysis m_answer;
    std::int64_t m_origin = 0;  // UTC of the report's t = 0
    std::vector<Group> m_groups;
    std::int64_t m_incomplete = 0, m_leftOut = 0;
    std::map<const CollectiveStamp*, Ns> m_latest;  // L on the clock of the stamp's rank
    std::map<std::string, std::vector<LastRank>> m_last;                                       // by workload
    std::map<std::tuple<std::string, std::int64_t, std::string>, Ns> m_blame;                  // workload, rank, collective
    std::map<std::tuple<std::string, std::string, std::string>, std::array<Ns, 3>> m_waits;    // name, label, workload -> wait, transfer, members
    std::map<std::string, MergedWorkload> m_known;                                             // by workload
    std::map<std::pair<std::string, std::int64_t>, ClassTimes> m_classes;                      // workload, rank
};

Ns Reporter::shiftOf(const RankSummary& rank) const {
    if (rank.utcOfZero <= 0 || m_origin <= 0) return 0;
    const Ns shift = rank.utcOfZero - m_origin;
    return shift <= -kMaxTime / 2 || shift >= kMaxTime / 2 ? 0 : shift;
}

void Reporter::addGroups(const std::string& id, const std::vector<const RankSummary*>& ranks) {
    const bool gpu = id.starts_with("gpu ");
    const auto communicatorOf = [&](const RankSummary& rank) {
        return &*std::lower_bound(rank.communicators.begin(), rank.communicators.end(), id, [](const RankCommunicator& c, const std::string& x) { return c.id < x; });
    };
    const auto world = static_cast<std::size_t>(m_summary.worldSize > 0 ? m_summary.worldSize : static_cast<std::int64_t>(m_summary.ranks.size()));
    const RankCommunicator& first = *communicatorOf(*ranks.front());
    std::size_t wanted = ranks.size();
    if (gpu) wanted = std::max<std::size_t>(2, first.size > 0 ? static_cast<std::size_t>(first.size) : world);
    bool whole = gpu || m_summary.ranks.size() >= world;
    std::map<std::int64_t, Group> byNumber;
    for (const RankSummary* rank : ranks) {
        const RankCommunicator& c = *communicatorOf(*rank);
        m_leftOut += c.count - static_cast<std::int64_t>(c.stamps.size());
        whole = whole && (!c.counted || c.count == first.count);
        for (const CollectiveStamp& stamp : c.stamps) byNumber[stamp.number].members.push_back({rank->rank, &stamp});
    }
    for (auto& [number, group] : byNumber) {
        std::set<std::int64_t> members;
        for (const Member& m : group.members) members.insert(m.rank);
        if (!whole || group.members.size() != wanted || members.size() != wanted) {
            ++m_incomplete;
            continue;
        }
        group.gpu = gpu;
        group.label = first.label;
        m_groups.push_back(std::move(group));
    }
}

void Reporter::findGroups() {
    std::map<std::string, std::vector<const RankSummary*>> ranksOf;
    for (const auto& [number, rank] : m_summary.ranks)
        for (const RankCommunicator& c : rank.communicators) ranksOf[c.id].push_back(&rank);
    for (const auto& [id, ranks] : ranksOf) addGroups(id, ranks);
}

void Reporter::blame(const Group& group, const CollectiveSplit& split, Ns residual) {
    const RankSummary& first = rankOf(group.members.front().rank);
    const CollectiveStamp& stamp = *group.members.front().stamp;
    if (stamp.workload < 0) return;  // outside of the steps
    const std::string& workload = first.names[static_cast<std::size_t>(stamp.workload)];
    Ns marginal = split.marginalNs;
    if (marginal < 3 * residual) {
        m_answer.unclaimedSkewNs = saturatingAdd(m_answer.unclaimedSkewNs, marginal);
        marginal = 0;
    }
    if (group.members.size() < 2 || (group.gpu && marginal <= 0)) return;
    m_last[workload].push_back({split.lastRank, marginal});
    if (marginal <= 0) return;
    Ns& ns = m_blame[{workload, split.lastRank, first.names[static_cast<std::size_t>(stamp.name)]}];
    ns = saturatingAdd(ns, marginal);
}

void Reporter::splitGroups() {
    std::vector<std::vector<GpuMember>> shifted;
    for (const Group& group : m_groups) {
        shifted.emplace_back();
        for (const Member& m : group.members) {
            const RankSummary& rank = rankOf(m.rank);
            shifted.back().push_back({m.rank, {0, rank.clock}, 0, m.stamp->start + shiftOf(rank), m.stamp->end + shiftOf(rank)});
        }
    }
    std::map<std::int64_t, Ns> offset;
    Ns residual = 0;
    for (const ClockOffset& c : alignClocks(shifted)) {
        offset[c.rank] = c.offsetNs;
        if (c.applied) residual = std::max(residual, c.residualNs);
        m_answer.clocks.push_back({c.rank, c.measuredNs, c.offsetNs, c.residualNs, c.collectives});
    }
    for (std::size_t g = 0; g < m_groups.size(); ++g) {
        const Group& group = m_groups[g];
        std::vector<CollectiveMember> members;
        Ns latest = std::numeric_limits<Ns>::min(), firstEnd = std::numeric_limits<Ns>::max();
        for (const GpuMember& m : shifted[g]) {
            members.push_back({m.rank, m.start - offset[m.rank], m.end - offset[m.rank]});
            latest = std::max(latest, members.back().start);
            firstEnd = std::min(firstEnd, members.back().end);
        }
        if (group.gpu && latest - firstEnd > 3 * residual + kNoCollectiveNs) {
            ++m_incomplete;
            continue;
        }
        const CollectiveSplit split = splitCollective(members);
        for (std::size_t k = 0; k < group.members.size(); ++k) {
            const Member& m = group.members[k];
            const RankSummary& rank = rankOf(m.rank);
            m_latest[m.stamp] = split.latestStart + offset[m.rank] - shiftOf(rank);
            const std::string workload = m.stamp->workload < 0 ? std::string() : rank.names[static_cast<std::size_t>(m.stamp->workload)];
            auto& [wait, transfer, count] = m_waits[{rank.names[static_cast<std::size_t>(m.stamp->name)], group.label, workload}];
            wait = saturatingAdd(wait, split.waitNs[k]);
            transfer = saturatingAdd(transfer, std::max<Ns>(0, members[k].end - std::max(members[k].start, split.latestStart)));
            ++count;
        }
        blame(group, split, residual);
    }
}

// What was exposed and not split is split now that L is known; within the window, if one is given.
void Reporter::addLanes() {
    enum Layer : std::uint8_t { kTransferLayer, kWaitLayer, kUnsplitLayer };
    for (const auto& [number, rank] : m_summary.ranks) {
        for (const RankLane& lane : rank.lanes) {
            std::vector<PaintRow> rows;
            for (const RankCommunicator& c : rank.communicators)
                for (const CollectiveStamp& s : c.stamps) {
                    if (lane.gpu ? s.device != lane.device : s.device != -1) continue;
                    const auto latest = m_latest.find(&s);
                    if (latest == m_latest.end()) {
                        rows.push_back({s.start, s.end, kUnsplitLayer});
                        continue;
                    }
                    const Ns turn = std::clamp(latest->second, s.start, s.end);
                    rows.push_back({s.start, turn, kWaitLayer});
                    rows.push_back({turn, s.end, kTransferLayer});
                }
            const Segments segments = paint(rows);
            IntervalSet exposed, waits, transfers;
            for (const auto& [start, end] : lane.exposed) exposed.push_back({start, end});
            for (const Segment& s : segments)
                if (s.layer != kUnsplitLayer) (s.layer == kWaitLayer ? waits : transfers).push_back({s.start, s.end});
            waits = intersect(exposed, normalize(std::move(waits)));
            transfers = intersect(exposed, normalize(std::move(transfers)));
            const auto move = [&](ClassTimes& classes, Ns wait, Ns transfer) {
                classes[kWait] = saturatingAdd(classes[kWait], wait);
                classes[kTransfer] = saturatingAdd(classes[kTransfer], transfer);
                classes[kUnsplit] -= wait + transfer;
            };
            ClassTimes classes = lane.classes;
            move(classes, length(waits), length(transfers));
            Step median = lane.median;
            median.rank = number;
            const Interval window{median.startNs, median.endNs};
            move(median.classes, length(clip(waits, window)), length(clip(transfers, window)));
            const Ns shift = shiftOf(rank);
            median.startNs += shift;
            median.endNs += shift;
            ClassTimes& ofRank = m_classes[{lane.workload, number}];
            for (std::size_t c = 0; c < kWallClassCount; ++c) {
                ofRank[c] = saturatingAdd(ofRank[c], classes[c]);
                m_answer.attribution[c] = saturatingAdd(m_answer.attribution[c], classes[c]);
            }
            m_answer.steps.push_back(std::move(median));
        }
    }
}

void Reporter::addRanks() {
    for (const auto& [number, rank] : m_summary.ranks) {
        m_answer.ranks.push_back({number, rank.host, rank.pids});
        for (const Device& d : rank.devices) {
            m_answer.devices.push_back(d);
            m_answer.devices.back().rank = number;
        }
    }
}

void Reporter::addOperations() {
    std::map<std::tuple<std::string, std::string, std::string>, CommunicationOp> all;
    for (const auto& [number, rank] : m_summary.ranks)
        for (const RankOp& op : rank.operations) {
            const auto [it, isNew] = all.try_emplace({op.name, op.communicator, op.workload});
            CommunicationOp& to = it->second;
            if (isNew) {
                to.name = op.name;
                to.communicator = op.communicator;
                to.workload = op.workload;
                to.bytes = 0;
            }
            if (op.bytes < 0) to.bytes = std::nullopt;
            else if (to.bytes) to.bytes = saturatingAdd(*to.bytes, op.bytes);
            to.count = saturatingAdd(to.count, op.count);
            to.busyNs = saturatingAdd(to.busyNs, op.busyNs);
            to.overlapNs = saturatingAdd(to.overlapNs, op.overlapNs);
        }
    for (auto& [key, op] : all) {
        const auto waits = m_waits.find(key);
        if (waits != m_waits.end() && waits->second[2] == op.count) {
            op.waitNs = waits->second[0];
            op.transferNs = waits->second[1];
        }
        m_answer.communication.push_back(std::move(op));
    }
    std::stable_sort(m_answer.communication.begin(), m_answer.communication.end(), [](const CommunicationOp& a, const CommunicationOp& b) { return a.busyNs > b.busyNs; });
}

std::string Reporter::excessClass(const std::string& workload, std::int64_t rank) const {
    std::string best;
    Ns most = 0;
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        if (c == kWait || c == kTransfer || c == kUnsplit) continue;
        std::vector<Ns> peers;
        Ns own = 0;
        for (const auto& [key, times] : m_classes) {
            if (key.first != workload) continue;
            if (key.second == rank) own = times[c];
            else peers.push_back(times[c]);
        }
        const Ns excess = own - median(std::move(peers));
        if (excess <= most) continue;
        most = excess;
        best = name(static_cast<WallClass>(c));
    }
    return best;
}

void Reporter::addStragglers() {
    for (const auto& [key, ns] : m_blame) {
        const auto& [workload, rank, collective] = key;
        m_answer.stragglers.push_back({rank, workload, collective, ns, excessClass(workload, rank)});
    }
    std::stable_sort(m_answer.stragglers.begin(), m_answer.stragglers.end(), [](const Straggler& a, const Straggler& b) { return a.blameNs > b.blameNs; });
}

void Reporter::addWorkloads() {
    for (const auto& [workload, distribution] : m_summary.workloads) {
        WorkloadSummary out;
        out.name = workload;
        out.steps = distribution.steps.count;
        ClassTimes above{};
        std::int64_t firstRank = 0;
        Ns dispatch = 0;
        std::optional<std::int64_t> firstDevice, fewest;
        for (const auto& [number, rank] : m_summary.ranks)
            for (const RankLane& lane : rank.lanes) {
                if (lane.workload != workload) continue;
                // The lane that a report of all ranks together takes: the lowest device of the lowest rank.
                if (!firstDevice || (number == firstRank && lane.device < *firstDevice)) {
                    firstRank = number;
                    firstDevice = lane.device;
                    out.medianStepNs = lane.median.endNs - lane.median.startNs;
                }
                fewest = std::min(fewest.value_or(lane.steps), lane.steps);
                out.samples.push_back(lane.median.endNs - lane.median.startNs);
                above[static_cast<std::size_t>(WallClass::kComputeBound)] += lane.computeAboveNs;
                above[static_cast<std::size_t>(WallClass::kMemoryWall)] += lane.memoryAboveNs;
                above[static_cast<std::size_t>(WallClass::kLatencyBound)] += lane.latencyAboveNs;
                dispatch = saturatingAdd(dispatch, lane.dispatchNs);
            }
        for (const auto& [key, times] : m_classes)
            if (key.first == workload)
                for (std::size_t c = 0; c < kWallClassCount; ++c) out.classes[c] = saturatingAdd(out.classes[c], times[c]);
        const Histogram& steps = distribution.steps;
        for (const auto& [metric, ns] : {std::pair("step_p50", steps.quantile(0.5)), std::pair("step_p99", steps.quantile(0.99)), std::pair("step_min", steps.least), std::pair("step_max", steps.most)})
            out.metrics.push_back({metric, static_cast<double>(ns), "ns", "lower"});
        VerdictInput input;
        input.classes = out.classes;
        const auto slack = [&](WallClass c) {
            const auto i = static_cast<std::size_t>(c);
            return out.classes[i] > 0 ? static_cast<double>(above[i]) / static_cast<double>(out.classes[i]) : 0.0;
        };
        input.computeSlack = slack(WallClass::kComputeBound);
        input.memorySlack = slack(WallClass::kMemoryWall);
        input.latencySlack = slack(WallClass::kLatencyBound);
        const auto last = m_last.find(workload);
        input.straggler = last != m_last.end() && usuallyLast(last->second).has_value();
        const Ns latency = out.classes[static_cast<std::size_t>(WallClass::kLatencyBound)];
        input.dispatchLimited = latency > 0 && dispatch >= latency / 2;
        const VerdictAnswer verdict = judgeWall(input);
        out.verdict = verdict.verdict;
        out.verdictShare = verdict.share;
        m_answer.workloads.push_back(std::move(out));
        MergedWorkload& known = m_known[workload];
        known.fewestSteps = fewest.value_or(0);
        if (last != m_last.end()) known.usuallyLast = usuallyLast(last->second);
        for (std::size_t i = 0; i < known.aboveRoofNs.size(); ++i)
            known.aboveRoofNs[i] = above[static_cast<std::size_t>(std::array{WallClass::kComputeBound, WallClass::kMemoryWall, WallClass::kLatencyBound}[i])];
    }
}

// What speaks against the ranks being of one run.
void Reporter::addOneRun() {
    constexpr std::int64_t kApart = 60'000'000'000;  // longer than clocks of machines that can work together differ
    std::set<std::string> gpus;
    std::int64_t latestStart = 0, firstEnd = std::numeric_limits<std::int64_t>::max();
    for (const auto& [number, rank] : m_summary.ranks) {
        Ns span = 0;
        for (const Device& d : rank.devices) {
            if (d.kind == "gpu" && !d.name.empty()) gpus.insert(d.name);
            span = std::max(span, std::min(d.spanNs, kMaxTime));
        }
        if (rank.utcOfZero <= 0) continue;
        latestStart = std::max(latestStart, rank.utcOfZero);
        firstEnd = std::min(firstEnd, std::min(rank.utcOfZero, std::numeric_limits<std::int64_t>::max() - kMaxTime) + span);
    }
    std::string against;
    std::int64_t reasons = 0;
    if (gpus.size() > 1) {
        ++reasons;
        against = fmt::format("their GPUs differ ({}, {})", *gpus.begin(), *gpus.rbegin());
    }
    if (latestStart > 0 && firstEnd < latestStart - kApart) {
        ++reasons;
        against += fmt::format("{}one ends {} before another begins", against.empty() ? "" : "; ", formatDuration(latestStart - firstEnd));
    }
    if (m_summary.ranks.size() > 1)
        m_answer.gate.push_back({"one_run", reasons > 0 ? Severity::kWarning : Severity::kInfo, reasons,
                                 reasons > 0 ? "the summaries are taken for the ranks of one run, and may not be: " + against : std::string("none")});
}

// Waiting that may be the bubble of a pipeline: told from other waiting by who waits when in the step, which a summary
// does not hold.
void Reporter::addPipeline() {
    constexpr double kWorthSaying = 0.005;
    double exchanges = 0, all = 0;
    std::int64_t count = 0;
    for (const auto& [key, sum] : m_waits) {
        if (!saysExchange(std::get<0>(key))) continue;
        exchanges += static_cast<double>(sum[0]);
        count = saturatingAdd(count, sum[2]);
    }
    for (const Ns ns : m_answer.attribution) all += static_cast<double>(ns);
    if (exchanges <= kWorthSaying * all) return;
    m_answer.gate.push_back({"pipeline_bubble_not_told", Severity::kWarning, count,
                             "ranks wait in exchanges between two (send, receive): how much of it is the bubble of a pipeline cannot be told from summaries, which do "
                             "not hold the order of the step; analyze the traces together (finding pipeline_bubble)"});
}

void Reporter::addCapture() {
    const Summary& s = m_summary;
    const auto add = [&](std::string check, std::int64_t count, Severity whenSeen, std::string detail) {
        m_answer.gate.push_back({std::move(check), count > 0 ? whenSeen : Severity::kInfo, count, count > 0 ? std::move(detail) : std::string("none")});
    };
    // The text is of one file, whose numbers are its own; the count is over all.
    for (const auto& [check, sum] : s.gate) {
        const bool told = sum.count > 0 && s.files > 1;
        m_answer.gate.push_back({check, sum.severity, sum.count,
                                 !told ? sum.detail : fmt::format("in {} of {} files{}: {}", sum.files, s.files, sum.files > 1 ? ", in one of them" : "", sum.detail)});
    }
    addOneRun();
    addPipeline();
    const auto present = static_cast<std::int64_t>(s.ranks.size());
    add("missing_ranks", std::max<std::int64_t>(0, s.worldSize - present), Severity::kWarning,
        fmt::format("{} of {} ranks are in the summaries: waiting and transfer cannot be told apart", present, s.worldSize));
    add("incomplete_collectives", m_incomplete, Severity::kInfo, "collectives of which not all ranks were found count as unsplit communication");
    add("collectives_left_out", m_leftOut, Severity::kInfo,
        fmt::format("of more than {} collectives of a communicator a part was kept, the same on every rank; waiting and blame are of these", kMostStamps));
    std::int64_t exposed = 0;
    std::set<std::int64_t> clocks;
    for (const auto& [number, rank] : s.ranks) {
        clocks.insert(rank.clock);
        for (const RankLane& lane : rank.lanes) exposed = saturatingAdd(exposed, lane.exposedLeftOut);
    }
    add("exposed_left_out", exposed, Severity::kInfo, "stretches of exposed communication beyond what a summary keeps count as unsplit");
    if (clocks.size() > 1)
        m_answer.gate.push_back({"clock_alignment", Severity::kInfo, static_cast<std::int64_t>(clocks.size()),
                                 "several clocks are laid on one by their UTC anchors and by the ends of their collectives"});
    m_answer.gate.push_back({"merged_summaries", Severity::kInfo, s.files, "of every rank the median step is shown; times of classes are over all steps"});
    for (const auto& [name, sum] : s.environment) {
        const bool same = sum.least == sum.most && sum.files == s.files;
        m_answer.environment.push_back({name, sum.fieldClass, same ? sum.least : fmt::format("{} ... {} (not the same on all ranks)", sum.least, sum.most)});
    }
    for (const auto& [source, count] : s.losses) m_answer.losses.push_back({source, count});
}

Result<Analysis> Reporter::run() {
    const Summary& s = m_summary;
    if (s.ranks.empty()) return Error{ErrorCode::kBadInput, "the summaries hold no rank"};
    for (const auto& [number, rank] : s.ranks)
        if (rank.utcOfZero > 0 && (m_origin == 0 || rank.utcOfZero < m_origin)) m_origin = rank.utcOfZero;
    m_answer.sources.push_back({fmt::format("{} summar{} of {} rank{}", s.files, s.files == 1 ? "y" : "ies", s.ranks.size(), s.ranks.size() == 1 ? "" : "s"), s.kind,
                                fmt::format("summary {}", kSummarySchemaVersion), s.product});
    m_answer.stepSource = s.stepSource + "; of every rank the median step";
    findGroups();
    splitGroups();
    addLanes();
    addRanks();
    addOperations();
    addStragglers();
    addWorkloads();
    addCapture();
    addMergedFindings(s, m_known, m_answer);
    return std::move(m_answer);
}

}  // namespace

Result<Analysis> toAnalysis(const Summary& summary) { return Reporter(summary).run(); }

}  // namespace ridge::analyzer
