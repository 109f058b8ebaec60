// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/communication/gpu_collectives.h"

#include "analyzer/intervals/intervals.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace ridge::analyzer {
namespace {

constexpr int kRounds = 8;  // of enforcing causality; more ranks than that in a chain keep their residual

std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

// Group, what is done, size of the group; ordinals count within a rank.
using Signature = std::tuple<std::uint32_t, std::uint32_t, std::int64_t>;
struct Key {
    Signature signature;
    std::int64_t number = 0;
    bool counted = false;  // the number is an ordinal of ours
    auto operator<=>(const Key&) const = default;
};

struct Found {
    std::map<Key, std::vector<GpuMember>> members;
    std::map<Signature, std::map<std::int64_t, std::int64_t>> counts;  // of ordinals, per rank
};

Found findMembers(const Timeline& timeline, const std::vector<bool>& communication) {
    Found found;
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i) {
        const GpuRow& row = timeline.gpu[i];
        if (!communication[i] || row.process == kNoIndex) continue;
        const Process& process = timeline.processes[at(row.process)];
        Key key;
        key.signature = {0, row.name.value, 0};
        const Collective* c = row.collective == kNoIndex ? nullptr : &timeline.collectives[at(row.collective)];
        if (c) key.signature = {c->group.value, c->name.value == 0 ? row.name.value : c->name.value, c->groupSize};
        key.counted = !c || c->sequence < 0;
        key.number = key.counted ? found.counts[key.signature][process.rank]++ : c->sequence;
        if (!key.counted) std::get<1>(key.signature) = 0;  // the number is unique in its group
        found.members[key].push_back({process.rank, clockOf(process), static_cast<std::int32_t>(i), row.start, row.end});
    }
    return found;
}

bool sameCounts(const std::map<std::int64_t, std::int64_t>& counts) {
    return std::all_of(counts.begin(), counts.end(), [&](const auto& c) { return c.second == counts.begin()->second; });
}

// Of how many ranks a collective of this signature is; 0: not known.
std::size_t worldOf(const Timeline& timeline) {
    std::int64_t world = 0;
    std::set<std::int64_t> ranks;
    for (const Process& p : timeline.processes) {
        if (!p.rankKnown) continue;
        world = std::max(world, p.worldSize);
        ranks.insert(p.rank);
    }
    return world > 0 ? static_cast<std::size_t>(world) : ranks.size();
}

Ns medianOf(std::vector<Ns> values) { return median(std::move(values)); }

Ns upperQuartileOf(std::vector<Ns> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() * 3 / 4];
}

}  // namespace

std::vector<ClockOffset> alignClocks(const std::vector<std::vector<GpuMember>>& groups) {
    std::map<std::int64_t, std::vector<Ns>> differences;
    std::map<std::int64_t, std::set<std::pair<std::int32_t, std::int64_t>>> clocks;
    for (const auto& group : groups) {
        const auto reference = std::min_element(group.begin(), group.end(), [](const GpuMember& a, const GpuMember& b) { return a.rank < b.rank; });
        for (const GpuMember& m : group) {
            differences[m.rank].push_back(m.end - reference->end);
            clocks[m.rank].insert(m.clock);
        }
    }
    std::map<std::int64_t, ClockOffset> offsets;
    for (auto& [rank, list] : differences) {
        ClockOffset& o = offsets[rank];
        o.rank = rank;
        o.collectives = static_cast<std::int64_t>(list.size());
        o.applied = !offsets.empty() && clocks[rank] != clocks[offsets.begin()->first];
        o.offsetNs = medianOf(list);
        if (!o.applied) o.measuredNs = std::exchange(o.offsetNs, 0);
        else o.measuredNs = o.offsetNs;
    }
    // No rank ends a collective before the last has begun it: its clock is then behind by that much.
    for (int round = 0; round < kRounds; ++round) {
        std::map<std::int64_t, std::vector<Ns>> behind;
        for (const auto& group : groups) {
            Ns latest = std::numeric_limits<Ns>::min();
            for (const GpuMember& m : group) latest = std::max(latest, m.start - offsets[m.rank].offsetNs);
            for (const GpuMember& m : group) behind[m.rank].push_back(latest - (m.end - offsets[m.rank].offsetNs));
        }
        bool moved = false;
        for (auto& [rank, o] : offsets) {
            // The median: a single wrong group must not move a clock.
            const Ns most = o.applied ? medianOf(behind[rank]) : 0;
            if (most <= 0) continue;
            o.offsetNs -= most;
            moved = true;
        }
        if (!moved) break;
    }
    std::map<std::int64_t, std::vector<Ns>> left;
    for (const auto& group : groups) {
        std::vector<Ns> ends;
        for (const GpuMember& m : group) ends.push_back(m.end - offsets[m.rank].offsetNs);
        const Ns middle = medianOf(ends);
        for (std::size_t k = 0; k < group.size(); ++k) left[group[k].rank].push_back(std::abs(ends[k] - middle));
    }
    for (auto& [rank, o] : offsets) o.residualNs = upperQuartileOf(std::move(left[rank]));
    std::vector<ClockOffset> result;
    for (const auto& [rank, o] : offsets) result.push_back(o);
    return result;
}

void matchGpuCollectives(const Timeline& timeline, const std::vector<bool>& communicationRows, Collectives& result) {
    const Found found = findMembers(timeline, communicationRows);
    const std::size_t world = worldOf(timeline);
    std::vector<std::vector<GpuMember>> groups;
    for (const auto& [key, members] : found.members) {
        const auto size = static_cast<std::size_t>(std::max<std::int64_t>(0, std::get<2>(key.signature)));
        const std::size_t wanted = std::max<std::size_t>(2, size > 0 ? size : world);
        std::set<std::int64_t> ranks;
        for (const GpuMember& m : members) ranks.insert(m.rank);
        const auto counts = found.counts.find(key.signature);
        const bool counted = !key.counted || (counts != found.counts.end() && sameCounts(counts->second));
        if (members.size() == wanted && ranks.size() == wanted && counted)
            groups.push_back(members);
        else
            ++result.gpuIncomplete;
    }
    if (groups.empty()) return;
    result.clocks = alignClocks(groups);
    std::map<std::int64_t, Ns> offset;
    Ns residual = 0;
    for (const ClockOffset& o : result.clocks) {
        offset[o.rank] = o.offsetNs;
        if (o.applied) residual = std::max(residual, o.residualNs);
    }
    result.clockResidualNs = residual;
    result.gpuLatestStart.assign(timeline.gpu.size(), std::nullopt);
    for (const auto& group : groups) {
        std::vector<CollectiveMember> members;
        Ns latest = std::numeric_limits<Ns>::min(), firstEnd = std::numeric_limits<Ns>::max();
        for (const GpuMember& m : group) {
            members.push_back({m.rank, m.start - offset[m.rank], m.end - offset[m.rank]});
            latest = std::max(latest, members.back().start);
            firstEnd = std::min(firstEnd, members.back().end);
        }
        if (latest - firstEnd > 3 * residual + kNoCollectiveNs) {
            ++result.gpuIncomplete;
            continue;
        }
        Collectives::Instance instance;
        instance.split = splitCollective(members);
        if (instance.split.marginalNs < 3 * residual) {
            result.unclaimedSkewNs = saturatingAdd(result.unclaimedSkewNs, instance.split.marginalNs);
            instance.split.marginalNs = 0;
        }
        for (const GpuMember& m : group) {
            instance.rows.push_back(m.row);
            result.gpuLatestStart[at(m.row)] = instance.split.latestStart + offset[m.rank];
        }
        result.gpuInstances.push_back(std::move(instance));
    }
}

}  // namespace ridge::analyzer
