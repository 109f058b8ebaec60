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
        if (p.process == process) return &p.compute;
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

// Kernels that communicate, by name.
void addKernels(const Context& context, Analysis& answer) {
    const std::vector<bool> communication = findCommunicationRows(context.timeline);
    struct Totals {
        std::int64_t count = 0;
        std::map<std::size_t, std::vector<Interval>> intervals;
    };
    std::map<std::uint32_t, Totals> totals;
    for (std::size_t g = 0; g < context.gpus.size(); ++g)
        for (const std::int32_t r : context.gpus[g].rows) {
            if (!communication[static_cast<std::size_t>(r)]) continue;
            const GpuRow& row = context.timeline.gpu[static_cast<std::size_t>(r)];
            Totals& t = totals[row.name.value];
            ++t.count;
            t.intervals[g].push_back({row.start, row.end});
        }
    for (auto& [name, t] : totals) {
        CommunicationOp op;
        op.name = toValidUtf8(context.timeline.names.text(NameId{name}));
        op.count = t.count;
        for (auto& [g, intervals] : t.intervals) {
            const IntervalSet busy = normalize(std::move(intervals));
            op.busyNs = saturatingAdd(op.busyNs, length(busy));
            op.overlapNs = saturatingAdd(op.overlapNs, length(intersect(busy, context.gpus[g].compute)));
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
    std::stable_sort(answer.communication.begin(), answer.communication.end(),
                     [](const CommunicationOp& a, const CommunicationOp& b) { return a.busyNs > b.busyNs; });
    addStragglers(context, answer);
}

}  // namespace ridge::analyzer
