// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/communication/collectives.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

namespace ridge::analyzer {
namespace {

struct Key {
    std::int64_t communicator, sequence, rank;
    std::int32_t row;
};

// Every rank of the world has a process in the trace.
bool allRanksPresent(const Timeline& timeline) {
    std::set<std::int64_t> seen;
    std::int64_t world = 0;
    for (const Process& process : timeline.processes) {
        if (!process.rankKnown) continue;
        seen.insert(process.rank);
        world = std::max(world, process.worldSize);
    }
    return world > 0 && static_cast<std::int64_t>(seen.size()) >= world;
}

}  // namespace

CollectiveSplit splitCollective(const std::vector<CollectiveMember>& members) {
    CollectiveSplit split;
    split.latestStart = std::numeric_limits<Ns>::min();
    Ns second = std::numeric_limits<Ns>::min();
    for (const CollectiveMember& m : members) {
        if (m.start > split.latestStart) {
            second = split.latestStart;
            split.latestStart = m.start;
            split.lastRank = m.rank;
        } else {
            second = std::max(second, m.start);
        }
    }
    split.marginalNs = members.size() > 1 ? split.latestStart - second : 0;
    split.transferNs = std::numeric_limits<Ns>::max();
    for (const CollectiveMember& m : members) {
        split.waitNs.push_back(std::max<Ns>(0, std::min(split.latestStart, m.end) - m.start));
        split.transferNs = std::min(split.transferNs,
                                    std::max<Ns>(0, m.end - std::max(split.latestStart, m.start)));
    }
    return split;
}

Collectives matchCollectives(const Timeline& timeline, const Ops& ops) {
    Collectives result;
    result.latestStart.resize(ops.rows.size());
    std::vector<Key> keys;
    std::map<std::int64_t, std::set<std::int64_t>> members;  // communicator -> its ranks
    for (std::size_t i = 0; i < ops.rows.size(); ++i) {
        const OpRow& row = ops.rows[i];
        if (row.family != OpFamily::kCommunication) continue;
        const Work& work = timeline.works[static_cast<std::size_t>(row.work)];
        if (work.communicator == 0) continue;
        const std::int64_t rank = timeline.processes[static_cast<std::size_t>(row.process)].rank;
        keys.push_back({work.communicator, work.sequence, rank, static_cast<std::int32_t>(i)});
        members[work.communicator].insert(rank);
    }
    const bool anyRankKnown = std::any_of(timeline.processes.begin(), timeline.processes.end(),
                                          [](const Process& p) { return p.rankKnown; });
    const bool complete = !anyRankKnown || allRanksPresent(timeline);
    const std::size_t least = anyRankKnown ? 1 : 2;
    std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
        return std::tie(a.communicator, a.sequence, a.rank, a.row) <
               std::tie(b.communicator, b.sequence, b.rank, b.row);
    });
    for (std::size_t i = 0; i < keys.size();) {
        std::size_t j = i;
        std::vector<CollectiveMember> group;
        bool doubled = false;  // a rank twice under one number: the numbers say nothing
        for (; j < keys.size() && keys[j].communicator == keys[i].communicator &&
               keys[j].sequence == keys[i].sequence;
             ++j) {
            const OpRow& row = ops.rows[static_cast<std::size_t>(keys[j].row)];
            doubled = doubled || (!group.empty() && group.back().rank == keys[j].rank);
            group.push_back({keys[j].rank, row.start, row.end});
        }
        if (complete && !doubled && group.size() >= least &&
            group.size() == members[keys[i].communicator].size()) {
            Collectives::Instance instance;
            instance.split = splitCollective(group);
            for (std::size_t k = i; k < j; ++k) {
                instance.rows.push_back(keys[k].row);
                result.latestStart[static_cast<std::size_t>(keys[k].row)] =
                    instance.split.latestStart;
                instance.workload = std::max(
                    instance.workload, ops.rows[static_cast<std::size_t>(keys[k].row)].workload);
            }
            result.instances.push_back(std::move(instance));
        } else {
            ++result.incomplete;
        }
        i = j;
    }
    result.worldAssumed = !anyRankKnown && !result.instances.empty();
    return result;
}

}  // namespace ridge::analyzer
