// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/timeline/link.h"

#include "analyzer/intervals/sort_by_time.h"
#include "analyzer/threads.h"
#include "schemas/enums/op_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace ridge::analyzer {
namespace {


// Calls with an id, by process and correlation; of one pair only the earliest call, of such the
// longest: the outer one. A process hands out its ids in order, so that there is mostly nothing to
// sort.
class CallIndex {
public:
    CallIndex(const Timeline& timeline, std::size_t firstCall)
        : m_processes(timeline.processes.size()) {
        const auto& calls = timeline.calls;
        const auto processOf = [&](const Call& call) {
            return static_cast<std::size_t>(
                timeline.threads[static_cast<std::size_t>(call.thread)].process);
        };
        std::vector<std::size_t> count(m_processes.size(), 0);
        for (std::size_t i = firstCall; i < calls.size(); ++i)
            count[processOf(calls[i])] += calls[i].correlation != 0 ? 1 : 0;
        for (std::size_t p = 0; p < m_processes.size(); ++p) m_processes[p].keys.reserve(count[p]);
        for (std::size_t i = firstCall; i < calls.size(); ++i)
            if (calls[i].correlation != 0)
                m_processes[processOf(calls[i])].keys.push_back(
                    {calls[i].correlation, static_cast<std::int32_t>(i)});
        const auto correlation = [](const Key& key) { return key.correlation; };
        parallelFor(m_processes.size(), [&](std::size_t p) {
            stableSortByTime(m_processes[p].keys, correlation);
            sortEqualTimes(m_processes[p].keys, correlation, [&](const Key& a, const Key& b) {
                const Call &x = calls[static_cast<std::size_t>(a.call)],
                           &y = calls[static_cast<std::size_t>(b.call)];
                if (x.start != y.start || x.end != y.end)
                    return std::tie(x.start, y.end) < std::tie(y.start, x.end);
                const int names = timeline.names.text(x.name).compare(timeline.names.text(y.name));
                return names != 0 ? names < 0 : a.call < b.call;
            });
        });
        for (std::size_t p = 0; p < m_processes.size(); ++p) {
            if (m_processes[p].keys.empty()) continue;
            m_several = m_only != kNoIndex;
            m_only = static_cast<std::int32_t>(p);
            if (m_several) break;
        }
    }
    // The only process that calls; kNoIndex: none or several.
    [[nodiscard]] std::int32_t onlyProcess() const { return m_several ? kNoIndex : m_only; }
    [[nodiscard]] std::int32_t find(std::int64_t correlation, std::int32_t process) const {
        return m_processes[static_cast<std::size_t>(process)].find(correlation);
    }
    // The process of an id that only one process has.
    [[nodiscard]] std::int32_t unambiguousProcess(std::int64_t correlation) const {
        std::int32_t found = kNoIndex;
        for (std::size_t p = 0; p < m_processes.size(); ++p) {
            if (m_processes[p].find(correlation) == kNoIndex) continue;
            if (found != kNoIndex) return kNoIndex;
            found = static_cast<std::int32_t>(p);
        }
        return found;
    }

private:
    struct Key {
        std::int64_t correlation;
        std::int32_t call;
    };
    struct OfProcess {
        std::vector<Key> keys;
        mutable std::size_t last = 0;
        // The first call of that id. Rows come about in the order of their ids, so the search
        // begins where the last one ended.
        [[nodiscard]] std::int32_t find(std::int64_t correlation) const {
            const auto before = [&](const Key& key) { return key.correlation < correlation; };
            std::size_t from = std::min(last, keys.size()), to = from, step = 1;
            while (from > 0 && !before(keys[from - 1])) {
                to = from - 1;
                from -= std::min(from, step);
                step *= 2;
            }
            for (step = 1; to < keys.size() && before(keys[to]); step *= 2) {
                from = to + 1;
                to += std::min(keys.size() - to, step);
            }
            const auto found =
                std::partition_point(keys.begin() + static_cast<std::ptrdiff_t>(from),
                                     keys.begin() + static_cast<std::ptrdiff_t>(to), before);
            last = static_cast<std::size_t>(found - keys.begin());
            return found != keys.end() && found->correlation == correlation ? found->call
                                                                            : kNoIndex;
        }
    };
    std::vector<OfProcess> m_processes;
    std::int32_t m_only = kNoIndex;
    bool m_several = false;
};

// Per device the process that most of its unambiguous rows were launched by.
std::map<std::int32_t, std::int32_t> processesOfDevices(const Timeline& timeline, std::size_t firstRow, const CallIndex& index) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> votes;
    for (std::size_t i = firstRow; i < timeline.gpu.size(); ++i) {
        const GpuRow& row = timeline.gpu[i];
        if (row.process != kNoIndex || row.correlation == 0) continue;
        if (const std::int32_t process = index.unambiguousProcess(row.correlation); process != kNoIndex)
            ++votes[{row.device, process}];
    }
    std::map<std::int32_t, std::int32_t> result;
    std::map<std::int32_t, std::int64_t> best;
    const auto globalPid = [&](std::int32_t process) { return timeline.processes[static_cast<std::size_t>(process)].globalPid; };
    for (const auto& [key, count] : votes) {  // of as many votes the process of the smallest id
        std::int64_t& most = best[key.first];
        if (count < most || (count == most && globalPid(key.second) > globalPid(result[key.first]))) continue;
        most = count;
        result[key.first] = key.second;
    }
    return result;
}

// Ranges of one thread that enclose an instant, innermost first, for instants that never go back.
class RangeStack {
public:
    explicit RangeStack(const Timeline& timeline) : m_timeline(timeline) {}
    void add(std::int32_t range) { m_list.push_back(range); }
    // The innermost range that holds the instant; kNoIndex: none.
    std::int32_t at(Ns instant) {
        while (m_next < m_list.size() && of(m_list[m_next]).start <= instant) {
            closeBefore(of(m_list[m_next]).start);
            m_open.push_back(m_list[m_next++]);
        }
        closeBefore(instant);
        return m_open.empty() ? kNoIndex : m_open.back();
    }

private:
    [[nodiscard]] const Range& of(std::int32_t range) const { return m_timeline.ranges[static_cast<std::size_t>(range)]; }
    void closeBefore(Ns instant) {
        while (!m_open.empty() && of(m_open.back()).end <= instant) m_open.pop_back();
    }
    const Timeline& m_timeline;
    std::vector<std::int32_t> m_list;  // by start, the longer one first
    std::vector<std::int32_t> m_open;
    std::size_t m_next = 0;
};

// The stacks of all threads over the ranges that `wanted` takes.
template <typename Wanted>
std::vector<RangeStack> stacksOf(const Timeline& timeline, const Wanted& wanted) {
    std::vector<RangeStack> stacks(timeline.threads.size(), RangeStack(timeline));  // of one start the longer one is outside, and comes first
    for (std::size_t i = 0; i < timeline.ranges.size(); ++i)
        if (wanted(timeline.ranges[i])) stacks[static_cast<std::size_t>(timeline.ranges[i].thread)].add(static_cast<std::int32_t>(i));
    return stacks;
}

// For every call that launched something: the innermost wanted range around its start.
template <typename Wanted>
std::vector<std::int32_t> rangesOfCalls(const Timeline& timeline, const Wanted& wanted) {
    std::vector<RangeStack> stacks = stacksOf(timeline, wanted);
    std::vector<std::int32_t> result(timeline.calls.size(), kNoIndex);
    for (std::size_t i = 0; i < timeline.calls.size(); ++i)  // sorted by start
        result[i] = stacks[static_cast<std::size_t>(timeline.calls[i].thread)].at(timeline.calls[i].start);
    return result;
}

void collectivesFromWork(Timeline& timeline) {
    const auto isCollective = [&](const Range& range) {
        return range.work != kNoIndex && timeline.works[static_cast<std::size_t>(range.work)].opKind == kOpCollective;
    };
    if (std::none_of(timeline.ranges.begin(), timeline.ranges.end(), isCollective)) return;
    const std::vector<std::int32_t> around = rangesOfCalls(timeline, isCollective);
    std::map<std::int32_t, std::int32_t> made;  // range -> collective
    for (GpuRow& row : timeline.gpu) {
        if (row.kind != GpuKind::kKernel || row.collective != kNoIndex || row.launch == kNoIndex) continue;
        const std::int32_t r = around[static_cast<std::size_t>(row.launch)];
        if (r == kNoIndex) continue;
        const auto [it, isNew] = made.try_emplace(r, static_cast<std::int32_t>(timeline.collectives.size()));
        if (isNew) {
            const Range& range = timeline.ranges[static_cast<std::size_t>(r)];
            const Work& work = timeline.works[static_cast<std::size_t>(range.work)];
            Collective collective;
            collective.name = range.name;
            collective.group = timeline.names.intern(fmt::format("{:x}", static_cast<std::uint64_t>(work.communicator)));
            collective.dtype = timeline.names.intern(kDtypeNames[work.dtype]);
            collective.sequence = work.sequence;
            timeline.collectives.push_back(collective);
        }
        row.collective = it->second;
    }
}

}  // namespace

bool isBlockingCall(std::string_view name) {
    if (name.find("Synchronize") != std::string_view::npos) return true;
    const bool copy = name.starts_with("cudaMemcpy") || name.starts_with("cuMemcpy") || name.starts_with("hipMemcpy");
    return copy && name.find("Async") == std::string_view::npos;
}

void linkLaunches(Timeline& timeline, const FirstRows& first) {
    const CallIndex index(timeline, first.calls);
    std::int32_t fallback = index.onlyProcess();
    std::map<std::int32_t, std::int32_t> ofDevice;
    if (fallback == kNoIndex) ofDevice = processesOfDevices(timeline, first.gpu, index);
    const auto processFor = [&](std::int32_t device) {
        if (fallback != kNoIndex) return fallback;
        const auto it = ofDevice.find(device);
        return it == ofDevice.end() ? kNoIndex : it->second;
    };
    for (std::size_t i = first.gpu; i < timeline.gpu.size(); ++i) {
        GpuRow& row = timeline.gpu[i];
        if (row.process == kNoIndex) row.process = processFor(row.device);
        if (row.correlation != 0 && row.process != kNoIndex) row.launch = index.find(row.correlation, row.process);
    }
    for (std::size_t i = first.syncs; i < timeline.syncs.size(); ++i) {
        SyncRow& row = timeline.syncs[i];
        if (row.process == kNoIndex) row.process = processFor(row.device);
        if (row.correlation != 0 && row.process != kNoIndex) row.launch = index.find(row.correlation, row.process);
    }
}

void linkOps(Timeline& timeline) {
    const auto isOp = [](const Range& range) { return range.kind == RangeKind::kOp; };
    if (std::any_of(timeline.ranges.begin(), timeline.ranges.end(), isOp)) {
        const std::vector<std::int32_t> around = rangesOfCalls(timeline, isOp);
        for (GpuRow& row : timeline.gpu)
            if (row.launch != kNoIndex) row.op = around[static_cast<std::size_t>(row.launch)];
    }
    collectivesFromWork(timeline);
}

void numberCollectives(Timeline& timeline) {
    std::map<std::pair<std::int32_t, std::uint32_t>, std::int64_t> next;
    std::vector<bool> numbered(timeline.collectives.size(), false);
    for (const GpuRow& row : timeline.gpu) {  // by start
        if (row.collective == kNoIndex) continue;
        const auto c = static_cast<std::size_t>(row.collective);
        Collective& collective = timeline.collectives[c];
        if (numbered[c] || collective.sequence >= 0 || collective.group == NameId{0}) continue;
        numbered[c] = true;
        collective.sequence = next[{row.process, collective.group.value}]++;
    }
}

}  // namespace ridge::analyzer
