// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/communication/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"

namespace ridge::analyzer {
namespace {

struct OpTotals {
    CommunicationOp op;
    double wireBytes = 0;  // of one instance
    std::map<std::int32_t, std::vector<Interval>> intervals;  // by process or device
    std::vector<Ns> times;
    std::set<std::int64_t> ranks;
    bool split = true;
};

using OpKey = std::tuple<std::int32_t, std::uint32_t, std::int64_t, double>;

const IntervalSet* computeOf(const Context& context, std::int32_t process) {
    for (const CpuPartition& p : context.cpus)
        if (p.holds(process)) return &p.compute;
    return nullptr;
}

OpKey keyOf(const Context& context, const OpRow& row) {
    const Work& work = context.timeline.works[static_cast<std::size_t>(row.work)];
    return {row.workload, context.timeline.ranges[static_cast<std::size_t>(row.range)].name.value, work.communicator,
            work.bytesCommunicated};
}

void collectPayload(const Context& context, std::map<OpKey, OpTotals>& totals) {
    for (std::size_t i = 0; i < context.ops.rows.size(); ++i) {
        const OpRow& row = context.ops.rows[i];
        if (row.family != OpFamily::kCommunication || row.workload == kNoIndex) continue;
        const Work& work = context.timeline.works[static_cast<std::size_t>(row.work)];
        OpTotals& t = totals[keyOf(context, row)];
        t.wireBytes = work.bytesCommunicated;
        ++t.op.count;
        t.intervals[row.process].push_back({row.start, row.end});
        t.ranks.insert(context.timeline.processes[static_cast<std::size_t>(row.process)].rank);
        if (!context.collectives.latestStart[i]) {
            t.split = false;
            t.times.push_back(row.timeNs);
        }
    }
    for (const Collectives::Instance& instance : context.collectives.instances) {
        for (std::size_t k = 0; k < instance.rows.size(); ++k) {
            const OpRow& row = context.ops.rows[static_cast<std::size_t>(instance.rows[k])];
            const auto it = row.workload == kNoIndex ? totals.end() : totals.find(keyOf(context, row));
            if (it == totals.end()) continue;
            OpTotals& t = it->second;
            t.times.push_back(instance.split.transferNs);
            t.op.waitNs = saturatingAdd(t.op.waitNs.value_or(0), instance.split.waitNs[k]);
            const Ns transfer = std::max<Ns>(0, row.end - std::max(row.start, instance.split.latestStart));
            t.op.transferNs = saturatingAdd(t.op.transferNs.value_or(0), transfer);
        }
    }
}

void finishPayload(const Context& context, const OpKey& key, OpTotals& t, Analysis& answer) {
    CommunicationOp& op = t.op;
    op.name = toValidUtf8(context.timeline.names.text(NameId{std::get<1>(key)}));
    op.workload = context.steps.workloads[static_cast<std::size_t>(std::get<0>(key))];
    if (const std::int64_t communicator = std::get<2>(key); communicator != 0)
        op.communicator = fmt::format("{:x}", static_cast<std::uint64_t>(communicator));
    for (auto& [process, intervals] : t.intervals) {
        const IntervalSet busy = normalize(std::move(intervals));
        op.busyNs = saturatingAdd(op.busyNs, length(busy));
        if (const IntervalSet* compute = computeOf(context, process))
            op.overlapNs = saturatingAdd(op.overlapNs, length(intersect(busy, *compute)));
    }
    if (!t.split) op.waitNs = op.transferNs = std::nullopt;
    const Ns time = median(std::move(t.times));
    if (t.wireBytes > 0) op.bytes = static_cast<std::int64_t>(std::min(t.wireBytes * static_cast<double>(op.count), 9e18));
    if (t.wireBytes > 0 && time > 0) {
        op.busbw = t.wireBytes / (static_cast<double>(time) / 1e9);
        if (const auto factor = wireFactor(op.name, static_cast<std::int64_t>(t.ranks.size())))
            op.algbw = *op.busbw / *factor;
    }
    answer.communication.push_back(std::move(op));
}

// Message bytes as NCCL's tests count them: the whole array.
std::int64_t messageBytes(const Collective& c) { return std::max(c.bytesIn, c.bytesOut); }

struct KernelTotals {
    std::int64_t count = 0, ranks = 0;
    std::map<std::size_t, std::vector<Interval>> intervals;  // by device
    std::vector<Ns> times;
    Ns waitNs = 0, transferNs = 0;
    bool split = true;
};
// workload, kernel, group, what is done, message bytes
using KernelKey = std::tuple<std::int32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::int64_t>;

void finishKernels(const Context& context, const KernelKey& key, KernelTotals& t, Analysis& answer) {
    const auto& [workload, kernel, group, what, bytes] = key;
    const NamePool& names = context.timeline.names;
    CommunicationOp op;
    op.name = toValidUtf8(names.text(NameId{kernel}));
    op.communicator = toValidUtf8(names.text(NameId{group}));
    if (workload != kNoIndex) op.workload = context.steps.workloads[static_cast<std::size_t>(workload)];
    op.count = t.count;
    for (auto& [g, intervals] : t.intervals) {
        const IntervalSet busy = normalize(std::move(intervals));
        op.busyNs = saturatingAdd(op.busyNs, length(busy));
        op.overlapNs = saturatingAdd(op.overlapNs, length(intersect(busy, context.gpus[g].compute)));
    }
    if (t.split) {
        op.waitNs = t.waitNs;
        op.transferNs = t.transferNs;
    }
    const Ns time = median(std::move(t.times));
    if (bytes > 0) {
        op.bytes = static_cast<std::int64_t>(std::min(static_cast<double>(bytes) * static_cast<double>(t.count), 9e18));
        if (time > 0) {
            op.algbw = static_cast<double>(bytes) / (static_cast<double>(time) / 1e9);
            const auto factor = wireFactor(what != 0 ? names.text(NameId{what}) : op.name, t.ranks);
            if (factor) op.busbw = *op.algbw * *factor;
        }
    }
    answer.communication.push_back(std::move(op));
}

// Kernels that communicate, by name, group and size.
void addKernels(const Context& context, Analysis& answer) {
    const std::vector<bool>& communication = context.rows.communication;
    const auto& latest = context.collectives.gpuLatestStart;
    std::map<std::int32_t, std::pair<Ns, Ns>> splitOf;  // row -> wait, transfer of its collective
    std::map<std::int32_t, std::int64_t> ranksOf;
    for (const Collectives::Instance& instance : context.collectives.gpuInstances)
        for (std::size_t k = 0; k < instance.rows.size(); ++k) {
            splitOf[instance.rows[k]] = {instance.split.waitNs[k], instance.split.transferNs};
            ranksOf[instance.rows[k]] = static_cast<std::int64_t>(instance.rows.size());
        }
    std::map<KernelKey, KernelTotals> totals;
    for (std::size_t g = 0; g < context.gpus.size(); ++g)
        for (const std::int32_t r : context.gpus[g].rows) {
            if (!communication[static_cast<std::size_t>(r)]) continue;
            const GpuRow& row = context.timeline.gpu[static_cast<std::size_t>(r)];
            const Collective* c =
                row.collective == kNoIndex ? nullptr : &context.timeline.collectives[static_cast<std::size_t>(row.collective)];
            KernelTotals& t = totals[{workloadOf(context, row), row.name.value, c ? c->group.value : 0, c ? c->name.value : 0,
                                      c ? messageBytes(*c) : 0}];
            ++t.count;
            t.intervals[g].push_back({row.start, row.end});
            t.ranks = std::max(t.ranks, c ? c->groupSize : 0);
            const auto split = splitOf.find(r);
            if (split == splitOf.end()) {
                t.split = false;
                t.times.push_back(row.end - row.start);
                continue;
            }
            t.ranks = std::max(t.ranks, ranksOf[r]);
            t.times.push_back(split->second.second);
            t.waitNs = saturatingAdd(t.waitNs, split->second.first);
            const Ns transfer = std::max<Ns>(0, row.end - std::max(row.start, *latest[static_cast<std::size_t>(r)]));
            t.transferNs = saturatingAdd(t.transferNs, transfer);
        }
    for (auto& [key, t] : totals) finishKernels(context, key, t, answer);
}

// Ranges of CPUs that only their name tells to communicate, by name.
void addNamed(const Context& context, Analysis& answer) {
    const Timeline& timeline = context.timeline;
    const std::vector<bool> collective = namedCollectives(timeline);
    struct Totals {
        std::int64_t count = 0;
        std::map<const CpuPartition*, std::vector<Interval>> intervals;
    };
    std::map<std::pair<std::int32_t, std::uint32_t>, Totals> totals;  // workload, name
    for (const Range& range : timeline.ranges) {
        if (!collective[range.name.value]) continue;
        const std::int32_t process = timeline.threads[static_cast<std::size_t>(range.thread)].process;
        const auto lane = std::find_if(context.cpus.begin(), context.cpus.end(), [&](const CpuPartition& p) { return p.holds(process); });
        if (lane == context.cpus.end()) continue;
        std::int32_t workload = 0;
        if (!context.steps.whole()) {
            const std::int32_t step = context.steps.at(process, range.thread, range.start);
            if (step == kNoIndex) continue;
            workload = context.steps.steps[static_cast<std::size_t>(step)].workload;
        }
        Totals& t = totals[{workload, range.name.value}];
        ++t.count;
        t.intervals[&*lane].push_back({range.start, range.end});
    }
    for (auto& [key, t] : totals) {
        CommunicationOp op;
        op.name = toValidUtf8(timeline.names.text(NameId{key.second}));
        op.workload = context.steps.workloads[static_cast<std::size_t>(key.first)];
        op.count = t.count;
        for (auto& [lane, intervals] : t.intervals) {
            const IntervalSet busy = normalize(std::move(intervals));
            op.busyNs = saturatingAdd(op.busyNs, length(busy));
            op.overlapNs = saturatingAdd(op.overlapNs, length(intersect(busy, lane->compute)));
        }
        answer.communication.push_back(std::move(op));
    }
}

// The class in which a rank spends most more than the median of its peers, communication left out.
std::string excessClass(const Context& context, const Analysis& answer, std::int32_t workload, std::int64_t rank) {
    std::map<std::int64_t, ClassTimes> ofRank;
    for (std::size_t i = 0; i < answer.steps.size(); ++i)
        if (context.origins[i].workload == workload)
            for (std::size_t c = 0; c < kWallClassCount; ++c)
                ofRank[answer.steps[i].rank][c] = saturatingAdd(ofRank[answer.steps[i].rank][c], answer.steps[i].classes[c]);
    std::string best;
    Ns most = 0;
    for (std::size_t c = 0; c < kWallClassCount; ++c) {
        const auto wallClass = static_cast<WallClass>(c);
        if (wallClass == WallClass::kCommWait || wallClass == WallClass::kCommTransfer || wallClass == WallClass::kCommUnsplit)
            continue;
        std::vector<Ns> peers;
        for (const auto& [other, times] : ofRank)
            if (other != rank) peers.push_back(times[c]);
        const Ns excess = ofRank[rank][c] - median(std::move(peers));
        if (excess > most) {
            most = excess;
            best = name(wallClass);
        }
    }
    return best;
}

void addStragglers(const Context& context, Analysis& answer) {
    std::map<std::tuple<std::int32_t, std::int64_t, std::uint32_t>, Ns> blame;
    for (const Collectives::Instance& instance : context.collectives.instances) {
        if (instance.workload == kNoIndex || instance.rows.size() < 2 || instance.split.marginalNs <= 0) continue;
        const OpRow& row = context.ops.rows[static_cast<std::size_t>(instance.rows.front())];
        const NameId name = context.timeline.ranges[static_cast<std::size_t>(row.range)].name;
        Ns& ns = blame[{instance.workload, instance.split.lastRank, name.value}];
        ns = saturatingAdd(ns, instance.split.marginalNs);
    }
    for (const Collectives::Instance& instance : context.collectives.gpuInstances) {
        const GpuRow& row = context.timeline.gpu[static_cast<std::size_t>(instance.rows.front())];
        const std::int32_t workload = workloadOf(context, row);
        if (workload == kNoIndex || instance.split.marginalNs <= 0) continue;
        Ns& ns = blame[{workload, instance.split.lastRank, row.name.value}];
        ns = saturatingAdd(ns, instance.split.marginalNs);
    }
    for (const auto& [key, ns] : blame) {
        const auto& [workload, rank, nameId] = key;
        answer.stragglers.push_back({rank, context.steps.workloads[static_cast<std::size_t>(workload)],
                                     toValidUtf8(context.timeline.names.text(NameId{nameId})), ns,
                                     excessClass(context, answer, workload, rank)});
    }
    std::stable_sort(answer.stragglers.begin(), answer.stragglers.end(),
                     [](const Straggler& a, const Straggler& b) { return a.blameNs > b.blameNs; });
}

}  // namespace

std::int32_t workloadOf(const Context& context, const GpuRow& row) {
    if (context.steps.whole()) return 0;
    if (row.launch == kNoIndex) return kNoIndex;
    const Call& call = context.timeline.calls[static_cast<std::size_t>(row.launch)];
    const std::int32_t step = context.steps.at(row.process, call.thread, call.start);
    return step == kNoIndex ? kNoIndex : context.steps.steps[static_cast<std::size_t>(step)].workload;
}

std::optional<double> wireFactor(std::string_view name, std::int64_t ranks) {
    if (ranks < 2) return std::nullopt;
    std::string letters;  // all_reduce, AllReduce and all-reduce are one
    for (const char c : name)
        if (std::isalpha(static_cast<unsigned char>(c))) letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const double n = static_cast<double>(ranks);
    const auto has = [&](const char* word) { return letters.find(word) != std::string::npos; };
    if (has("allreduce")) return 2 * (n - 1) / n;
    if (has("allgather") || has("reducescatter") || has("alltoall")) return (n - 1) / n;
    return std::nullopt;
}

void addCommunication(const Context& context, Analysis& answer) {
    std::map<OpKey, OpTotals> totals;
    collectPayload(context, totals);
    for (auto& [key, t] : totals) finishPayload(context, key, t, answer);
    addKernels(context, answer);
    addNamed(context, answer);
    std::stable_sort(answer.communication.begin(), answer.communication.end(),
                     [](const CommunicationOp& a, const CommunicationOp& b) { return a.busyNs > b.busyNs; });
    addStragglers(context, answer);
    for (const ClockOffset& c : context.collectives.clocks)
        answer.clocks.push_back({c.rank, c.measuredNs, c.offsetNs, c.residualNs, c.collectives});
    answer.unclaimedSkewNs = context.collectives.unclaimedSkewNs;
}

}  // namespace ridge::analyzer
