// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/communication/contention.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_map>
#include <utility>

namespace ridge::analyzer {
namespace {

constexpr std::size_t kFew = 5, kMostShown = 20;
constexpr double kNormal95 = 1.959964;
constexpr std::size_t kExactUpTo = 60;  // samples, beyond which a binomial is a normal distribution

struct Lists {
    std::vector<Ns> alone, overlapped;
};

// How much of instants that mostly rise is inside a set.
class Overlap {
public:
    explicit Overlap(const IntervalSet& set) : m_set(set) {}
    Ns of(Ns start, Ns end) {
        if (m_next > 0 && m_set[m_next - 1].end > start)
            m_next = static_cast<std::size_t>(std::partition_point(m_set.begin(), m_set.end(), [&](const Interval& i) { return i.end <= start; }) - m_set.begin());
        while (m_next < m_set.size() && m_set[m_next].end <= start) ++m_next;
        Ns sum = 0;
        for (std::size_t i = m_next; i < m_set.size() && m_set[i].start < end; ++i) sum += std::min(m_set[i].end, end) - std::max(m_set[i].start, start);
        return sum;
    }

private:
    const IntervalSet& m_set;
    std::size_t m_next = 0;
};

Ns costOf(const Lists& lists, Ns alone) {
    Ns sum = 0;
    for (const Ns d : lists.overlapped) sum = saturatingAdd(sum, d - alone);
    return sum;
}

// P(the m-th smallest of n drawn with replacement is among the i smallest) = P(Binomial(n, i/n) >= m).
double atMostTo(std::size_t n, std::size_t m, std::size_t i) {
    if (i == 0) return 0;
    if (i >= n) return 1;
    const double p = static_cast<double>(i) / static_cast<double>(n), count = static_cast<double>(n);
    if (n > kExactUpTo) {
        const double z = (static_cast<double>(m) - 0.5 - count * p) / std::sqrt(count * p * (1 - p));
        return 0.5 * std::erfc(z / std::sqrt(2.0));
    }
    double sum = 0, term = std::pow(1 - p, count);  // of k successes
    for (std::size_t k = 0; k < m; ++k) {
        sum += term;
        term *= (count - static_cast<double>(k)) / static_cast<double>(k + 1) * p / (1 - p);
    }
    return std::clamp(1 - sum, 0.0, 1.0);
}

// Of the lower median, what resampling without end would find (Maritz and Jarrett 1978). Sorts what
// it needs of the list.
double varianceOfMedian(std::vector<Ns>& list) {
    const std::size_t n = list.size(), m = (n - 1) / 2 + 1;
    const auto reach = static_cast<std::size_t>(3 * std::sqrt(static_cast<double>(n))) + 2;  // six standard deviations
    const std::size_t first = m > reach ? m - reach : 0, last = std::min(n, m + reach);
    const auto at = [&](std::size_t i) { return list.begin() + static_cast<std::ptrdiff_t>(i); };
    if (first > 0) std::nth_element(list.begin(), at(first), list.end());
    if (last < n) std::nth_element(at(first), at(last), list.end());
    std::sort(at(first), at(last));
    const double centre = static_cast<double>(list[m - 1]);
    double mean = 0, square = 0, before = atMostTo(n, m, first);
    for (std::size_t i = first + 1; i <= last; ++i) {
        const double upTo = atMostTo(n, m, i), weight = upTo - before, x = static_cast<double>(list[i - 1]) - centre;
        before = upTo;
        mean += weight * x;
        square += weight * x * x;
    }
    return std::max(0.0, square - mean * mean);
}

// Of the sum of as many drawn from the list.
double varianceOfSum(const std::vector<Ns>& list) {
    const double n = static_cast<double>(list.size());
    double sum = 0, square = 0;
    for (const Ns d : list) sum += static_cast<double>(d);
    const double mean = sum / n;
    for (const Ns d : list) square += (static_cast<double>(d) - mean) * (static_cast<double>(d) - mean);
    return square;
}

void addEntry(const Context& context, std::int64_t rank, std::int64_t device,
              const std::vector<TimedInstance>& instances, const IntervalSet& communication,
              Ns overlapNs, const std::function<NameId(std::uint64_t)>& nameOf, Analysis& answer) {
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
        entry.kernels.push_back({toValidUtf8(context.timeline.names.text(nameOf(s.signature))),
                                 s.alone, s.overlapped, s.medianAloneNs, s.medianOverlappedNs,
                                 s.costNs});
    }
    answer.contention.push_back(std::move(entry));
}

}  // namespace

ContentionAnswer measureContention(const std::vector<TimedInstance>& instances, const IntervalSet& communication) {
    std::unordered_map<std::uint64_t, std::size_t> numbers;
    std::vector<std::pair<std::uint64_t, Lists>> signatures;
    Overlap overlaps(communication);
    for (const TimedInstance& i : instances) {
        if (i.end <= i.start) continue;
        const auto [it, isNew] = numbers.try_emplace(i.signature, signatures.size());
        if (isNew) signatures.emplace_back(i.signature, Lists{});
        Lists& lists = signatures[it->second].second;
        const Ns overlap = overlaps.of(i.start, i.end);
        if (overlap == 0)
            lists.alone.push_back(i.end - i.start);
        else if (2 * overlap > i.end - i.start)
            lists.overlapped.push_back(i.end - i.start);
    }
    std::sort(signatures.begin(), signatures.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    ContentionAnswer answer;
    double variance = 0;
    for (auto& [signature, lists] : signatures) {
        if (lists.alone.size() < kFew || lists.overlapped.size() < kFew) continue;
        SignatureContention s;
        s.signature = signature;
        s.alone = static_cast<std::int64_t>(lists.alone.size());
        s.overlapped = static_cast<std::int64_t>(lists.overlapped.size());
        s.medianAloneNs = median(lists.alone);
        s.medianOverlappedNs = median(lists.overlapped);
        s.costNs = costOf(lists, s.medianAloneNs);
        answer.costNs = saturatingAdd(answer.costNs, s.costNs);
        const double count = static_cast<double>(lists.overlapped.size());
        variance += varianceOfSum(lists.overlapped) + count * count * varianceOfMedian(lists.alone);
        answer.signatures.push_back(s);
    }
    if (answer.signatures.empty()) return answer;
    const auto half = static_cast<Ns>(std::min(kNormal95 * std::sqrt(variance), 4e18));
    answer.costLowNs = saturatingAdd(answer.costNs, -half);
    answer.costHighNs = saturatingAdd(answer.costNs, half);
    std::stable_sort(answer.signatures.begin(), answer.signatures.end(),
                     [](const SignatureContention& a, const SignatureContention& b) { return a.costNs > b.costNs; });
    return answer;
}

void addContention(const Context& context, Analysis& answer) {
    const Timeline& timeline = context.timeline;
    const std::vector<bool>& communication = context.rows.communication;
    for (const GpuPartition& p : context.gpus) {
        const Ns overlapNs = length(intersect(p.communication, p.compute));
        if (overlapNs <= 0) continue;
        std::vector<TimedInstance> instances;
        for (const std::int32_t r : p.rows) {
            const GpuRow& row = timeline.gpu[static_cast<std::size_t>(r)];
            if (row.kind != GpuKind::kKernel || communication[static_cast<std::size_t>(r)]) continue;
            const std::uint64_t signature = (std::uint64_t{row.name.value} << 32) | static_cast<std::uint32_t>(row.blocks);
            instances.push_back({signature, row.start, row.end});
        }
        addEntry(
            context, p.rank, timeline.devices[static_cast<std::size_t>(p.device)].id, instances,
            p.communication, overlapNs,
            [](std::uint64_t signature) {
                return NameId{static_cast<std::uint32_t>(signature >> 32)};
            },
            answer);
    }
    for (const CpuPartition& p : context.cpus) {
        std::vector<TimedInstance> instances;
        for (const OpRow& row : context.ops.rows) {
            if (!p.holds(row.process) || row.family != OpFamily::kCompute || row.group == kNoIndex) continue;
            const auto signature = static_cast<std::uint64_t>(row.group);
            instances.push_back({signature, row.start, row.end});
        }
        addEntry(
            context, timeline.processes[static_cast<std::size_t>(p.process)].rank, 0, instances,
            p.communication, length(intersect(p.communication, p.compute)),
            [&](std::uint64_t signature) {
                return context.ops.groups[static_cast<std::size_t>(signature)].name;
            },
            answer);
    }
}

}  // namespace ridge::analyzer
