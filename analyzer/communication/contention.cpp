// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/communication/contention.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace ridge::analyzer {
namespace {

constexpr std::size_t kFew = 5, kMostInstances = 300, kMostShown = 20;
constexpr int kResamples = 400;

struct Lists {
    std::vector<Ns> alone, overlapped;
};

Ns overlapOf(const IntervalSet& set, Ns start, Ns end) {
    auto it = std::partition_point(set.begin(), set.end(), [&](const Interval& i) { return i.end <= start; });
    Ns sum = 0;
    for (; it != set.end() && it->start < end; ++it) sum += std::min(it->end, end) - std::max(it->start, start);
    return sum;
}

Ns costOf(const Lists& lists, Ns alone) {
    Ns sum = 0;
    for (const Ns d : lists.overlapped) sum = saturatingAdd(sum, d - alone);
    return sum;
}

// Every n-th of a long list: a bootstrap of thousands gains nothing.
std::vector<Ns> thinned(const std::vector<Ns>& list) {
    if (list.size() <= kMostInstances) return list;
    std::vector<Ns> few;
    for (std::size_t i = 0; i < kMostInstances; ++i) few.push_back(list[i * list.size() / kMostInstances]);
    return few;
}

std::vector<Ns> resample(const std::vector<Ns>& list, std::mt19937_64& random) {
    std::vector<Ns> sample(list.size());
    for (Ns& value : sample) value = list[random() % list.size()];
    return sample;
}

void addInterval(const std::map<std::uint64_t, Lists>& signatures, ContentionAnswer& answer) {
    std::mt19937_64 random(20260101);
    std::vector<double> costs;
    std::vector<std::pair<Lists, double>> few;  // with what one instance of the sample stands for
    for (const SignatureContention& s : answer.signatures) {
        const Lists& lists = signatures.at(s.signature);
        Lists thin{thinned(lists.alone), thinned(lists.overlapped)};
        const double weight = static_cast<double>(lists.overlapped.size()) / static_cast<double>(thin.overlapped.size());
        few.emplace_back(std::move(thin), weight);
    }
    for (int i = 0; i < kResamples; ++i) {
        double cost = 0;
        for (const auto& [lists, weight] : few) {
            const Ns alone = median(resample(lists.alone, random));
            for (const Ns d : resample(lists.overlapped, random)) cost += weight * static_cast<double>(d - alone);
        }
        costs.push_back(cost);
    }
    std::sort(costs.begin(), costs.end());
    const auto quantile = [&](double q) { return static_cast<Ns>(costs[static_cast<std::size_t>(q * (kResamples - 1))]); };
    answer.costLowNs = std::min(answer.costNs, quantile(0.025));
    answer.costHighNs = std::max(answer.costNs, quantile(0.975));
}

void addEntry(const Context& context, std::int64_t rank, std::int64_t device, const std::vector<TimedInstance>& instances,
              const IntervalSet& communication, Ns overlapNs, const std::map<std::uint64_t, NameId>& names, Analysis& answer) {
    if (overlapNs <= 0) return;
    const ContentionAnswer measured = measureContention(instances, communication);
    if (measured.signatures.empty()) return;
    Contention entry;
    entry.rank = rank;
    entry.device = device;
    entry.overlapNs = overlapNs;
    entry.costNs = measured.costNs;
    entry.costLowNs = measured.costLowNs;
    entry.costHighNs = measured.costHighNs;
    entry.netHiddenNs = overlapNs - measured.costNs;
    for (const SignatureContention& s : measured.signatures) {
        if (entry.kernels.size() >= kMostShown) break;
        entry.kernels.push_back({toValidUtf8(context.timeline.names.text(names.at(s.signature))), s.alone, s.overlapped, s.medianAloneNs,
                                 s.medianOverlappedNs, s.costNs});
    }
    answer.contention.push_back(std::move(entry));
}

}  // namespace

ContentionAnswer measureContention(const std::vector<TimedInstance>& instances, const IntervalSet& communication) {
    std::map<std::uint64_t, Lists> signatures;
    for (const TimedInstance& i : instances) {
        if (i.end <= i.start) continue;
        const Ns overlap = overlapOf(communication, i.start, i.end);
        if (overlap == 0)
            signatures[i.signature].alone.push_back(i.end - i.start);
        else if (2 * overlap > i.end - i.start)
            signatures[i.signature].overlapped.push_back(i.end - i.start);
    }
    ContentionAnswer answer;
    for (const auto& [signature, lists] : signatures) {
        if (lists.alone.size() < kFew || lists.overlapped.size() < kFew) continue;
        SignatureContention s;
        s.signature = signature;
        s.alone = static_cast<std::int64_t>(lists.alone.size());
        s.overlapped = static_cast<std::int64_t>(lists.overlapped.size());
        s.medianAloneNs = median(lists.alone);
        s.medianOverlappedNs = median(lists.overlapped);
        s.costNs = costOf(lists, s.medianAloneNs);
        answer.costNs = saturatingAdd(answer.costNs, s.costNs);
        answer.signatures.push_back(s);
    }
    if (answer.signatures.empty()) return answer;
    addInterval(signatures, answer);
    std::stable_sort(answer.signatures.begin(), answer.signatures.end(),
                     [](const SignatureContention& a, const SignatureContention& b) { return a.costNs > b.costNs; });
    return answer;
}

void addContention(const Context& context, Analysis& answer) {
    const Timeline& timeline = context.timeline;
    const std::vector<bool> communication = findCommunicationRows(timeline);
    for (const GpuPartition& p : context.gpus) {
        std::vector<TimedInstance> instances;
        std::map<std::uint64_t, NameId> names;
        for (const std::int32_t r : p.rows) {
            const GpuRow& row = timeline.gpu[static_cast<std::size_t>(r)];
            if (row.kind != GpuKind::kKernel || communication[static_cast<std::size_t>(r)]) continue;
            const std::uint64_t signature = (std::uint64_t{row.name.value} << 32) | static_cast<std::uint32_t>(row.blocks);
            instances.push_back({signature, row.start, row.end});
            names[signature] = row.name;
        }
        addEntry(context, p.rank, timeline.devices[static_cast<std::size_t>(p.device)].id, instances, p.communication,
                 length(intersect(p.communication, p.compute)), names, answer);
    }
    for (const CpuPartition& p : context.cpus) {
        std::vector<TimedInstance> instances;
        std::map<std::uint64_t, NameId> names;
        for (const OpRow& row : context.ops.rows) {
            if (row.process != p.process || row.family != OpFamily::kCompute || row.group == kNoIndex) continue;
            const auto signature = static_cast<std::uint64_t>(row.group);
            instances.push_back({signature, row.start, row.end});
            names[signature] = context.ops.groups[static_cast<std::size_t>(row.group)].name;
        }
        addEntry(context, timeline.processes[static_cast<std::size_t>(p.process)].rank, 0, instances, p.communication,
                 length(intersect(p.communication, p.compute)), names, answer);
    }
}

}  // namespace ridge::analyzer
