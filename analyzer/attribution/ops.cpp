// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/attribution/ops.h"

#include "analyzer/intervals/intervals.h"
#include "analyzer/threads.h"
#include "schemas/enums/op_kind.h"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>

namespace ridge::analyzer {
namespace {

OpFamily familyOf(const Work& work) {
    switch (work.opKind) {
        case kOpCopy:
            return OpFamily::kCopy;
        case kOpCollective:
            return OpFamily::kCommunication;
        case kOpIo:
            return OpFamily::kIo;
        default:
            return OpFamily::kCompute;
    }
}

// Marks the ranges with a payload that hold no other such range on their thread. Ranges come by
// start, the longer one first.
std::vector<bool> findLeaves(const Timeline& timeline) {
    const auto& ranges = timeline.ranges;
    std::vector<bool> leaf(ranges.size(), false);
    struct Open {
        Ns end = 0;
        std::size_t range = 0;
    };
    std::vector<std::vector<Open>> ofThread(timeline.threads.size());
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        const Range& range = ranges[i];
        if (range.work == kNoIndex || range.frame != Frame::kNone) continue;
        leaf[i] = true;
        if (!range.nests) continue;
        std::vector<Open>& stack = ofThread[static_cast<std::size_t>(range.thread)];
        while (!stack.empty() && stack.back().end <= range.start) stack.pop_back();
        if (!stack.empty()) leaf[stack.back().range] = false;
        stack.push_back({range.end, i});
    }
    return leaf;
}

// Per call the last op of its thread that began by then and runs still; kNoIndex: none. Calls come by start, and so do
// the ops of each thread: one walk over both.
std::vector<std::int32_t> opsOfCalls(const Timeline& timeline, const std::vector<OpRow>& rows) {
    std::vector<std::int32_t> result;
    if (rows.empty()) return result;
    struct Last {  // op of a thread that began
        Ns end = 0;
        std::int32_t row = kNoIndex;
    };
    std::vector<Last> lasts(timeline.threads.size());
    result.assign(timeline.calls.size(), kNoIndex);
    std::size_t next = 0;
    for (std::size_t i = 0; i < timeline.calls.size(); ++i) {
        const Call& call = timeline.calls[i];
        for (; next < rows.size() && rows[next].start <= call.start; ++next)
            lasts[static_cast<std::size_t>(rows[next].thread)] = {rows[next].end,
                                                                  static_cast<std::int32_t>(next)};
        const Last& last = lasts[static_cast<std::size_t>(call.thread)];
        if (last.row != kNoIndex && call.start < last.end) result[i] = last.row;
    }
    return result;
}

// For processes with a GPU: union of the kernels launched inside each op.
void addKernelTimes(const Timeline& timeline, const std::vector<bool>& processHasGpu, const std::vector<std::int32_t>& opOfCall,
                    std::vector<OpRow>& rows) {
    if (opOfCall.empty()) return;
    // GPU rows come by start, so the union grows at its end only.
    constexpr Ns kNothing = std::numeric_limits<Ns>::min();
    std::vector<Ns> covered(rows.size(), kNothing);
    for (const GpuRow& row : timeline.gpu) {
        const std::int32_t op = row.launch == kNoIndex ? kNoIndex : opOfCall[static_cast<std::size_t>(row.launch)];
        if (op == kNoIndex || !processHasGpu[static_cast<std::size_t>(rows[static_cast<std::size_t>(op)].process)]) continue;
        OpRow& r = rows[static_cast<std::size_t>(op)];
        Ns& until = covered[static_cast<std::size_t>(op)];
        if (until == kNothing) r.timeNs = 0;
        if (row.end <= until) continue;
        r.timeNs = saturatingAdd(r.timeNs, row.end - std::max(row.start, until));
        until = row.end;
    }
}

void findStepsOf(const StepSet& steps, std::vector<OpRow>& rows) {
    StepCursor cursor(steps);
    for (OpRow& row : rows) {
        if (steps.whole()) {
            row.workload = 0;
            continue;
        }
        row.step = cursor.at(row.process, row.thread, row.start);
        if (row.step != kNoIndex)
            row.workload = steps.steps[static_cast<std::size_t>(row.step)].workload;
    }
}

struct GroupKey {
    std::int32_t workload;
    std::uint32_t name;
    std::uint16_t kind, dtype;
    double flops, read, written, communicated;
    bool operator==(const GroupKey&) const = default;
};
struct GroupHash {
    std::size_t operator()(const GroupKey& k) const noexcept {
        std::size_t h = 1469598103934665603ULL;
        const auto mix = [&](std::size_t v) { h = (h ^ v) * 1099511628211ULL; };
        mix(static_cast<std::size_t>(k.workload));
        mix(k.name);
        mix((static_cast<std::size_t>(k.kind) << 16) | k.dtype);
        for (const double d : {k.flops, k.read, k.written, k.communicated})
            mix(std::hash<double>{}(d));
        return h;
    }
};

void group(const Timeline& timeline, Ops& ops) {
    std::unordered_map<GroupKey, std::int32_t, GroupHash> groups;
    std::vector<std::int32_t> lastOfName(ops.rows.empty() ? 0 : timeline.names.size(),
                                         kNoIndex);  // most ops of a name are of one shape
    const auto isOf = [&](std::int32_t index, const GroupKey& key) {
        if (index == kNoIndex) return false;
        const OpGroup& g = ops.groups[static_cast<std::size_t>(index)];
        return key == GroupKey{g.workload,          g.name.value,
                               g.work.opKind,       g.work.dtype,
                               g.work.flops,        g.work.bytesRead,
                               g.work.bytesWritten, g.work.bytesCommunicated};
    };
    std::vector<std::vector<Ns>> durations;
    for (OpRow& row : ops.rows) {
        if (row.workload == kNoIndex) continue;
        const Work& work = timeline.works[static_cast<std::size_t>(row.work)];
        const NameId name = timeline.ranges[static_cast<std::size_t>(row.range)].name;
        const GroupKey key{row.workload, name.value,     work.opKind,       work.dtype,
                           work.flops,   work.bytesRead, work.bytesWritten, work.bytesCommunicated};
        std::int32_t& last = lastOfName[name.value];
        if (!isOf(last, key)) {
            const auto [it, isNew] =
                groups.try_emplace(key, static_cast<std::int32_t>(ops.groups.size()));
            if (isNew) {
                OpGroup g;
                g.workload = row.workload;
                g.name = name;
                g.work = work;
                g.firstStart = row.start;
                g.lastEnd = row.end;
                ops.groups.push_back(g);
                durations.emplace_back();
            }
            last = it->second;
        }
        row.group = last;
        OpGroup& g = ops.groups[static_cast<std::size_t>(row.group)];
        ++g.count;
        g.timeNs = saturatingAdd(g.timeNs, row.timeNs);
        g.firstStart = std::min(g.firstStart, row.start);
        g.lastEnd = std::max(g.lastEnd, row.end);
        durations[static_cast<std::size_t>(row.group)].push_back(row.timeNs);
    }
    for (std::size_t i = 0; i < ops.groups.size(); ++i)
        ops.groups[i].medianNs = median(std::move(durations[i]));
}

}  // namespace

Ns median(std::vector<Ns> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

Ops findOps(const Timeline& timeline, const StepSet& steps,
            const std::vector<bool>& processHasGpu) {
    Ops ops;
    const std::vector<bool> leaf = findLeaves(timeline);
    ops.rows.reserve(static_cast<std::size_t>(std::count(leaf.begin(), leaf.end(), true)));
    for (std::size_t i = 0; i < timeline.ranges.size(); ++i) {
        if (!leaf[i]) continue;
        const Range& range = timeline.ranges[i];
        OpRow row;
        row.start = range.start;
        row.end = range.end;
        row.timeNs = range.end - range.start;
        row.range = static_cast<std::int32_t>(i);
        row.work = range.work;
        row.thread = range.thread;
        row.process = timeline.threads[static_cast<std::size_t>(range.thread)].process;
        row.family = familyOf(timeline.works[static_cast<std::size_t>(range.work)]);
        if (processHasGpu[static_cast<std::size_t>(row.process)] && row.family != OpFamily::kIo)
            row.timeNs = 0;
        ops.rows.push_back(row);
    }
    {  // Each fills its own members of the rows.
        Beside<void> besideSteps([&] { findStepsOf(steps, ops.rows); });
        ops.ofCall = opsOfCalls(timeline, ops.rows);
        addKernelTimes(timeline, processHasGpu, ops.ofCall, ops.rows);
        besideSteps.get();
    }
    group(timeline, ops);
    return ops;
}

void judgeGroups(Ops& ops, const StepSet& steps, const Roofs& roofs,
                 const std::vector<CpuShare>& cpuShare) {
    std::vector<double> bytes(steps.workloads.size(), 0), stepCount(steps.workloads.size(), 0);
    for (const HostStep& step : steps.steps)
        stepCount[static_cast<std::size_t>(step.workload)] += 1;
    for (const OpGroup& g : ops.groups)
        bytes[static_cast<std::size_t>(g.workload)] +=
            (g.work.bytesRead + g.work.bytesWritten) * static_cast<double>(g.count);
    for (OpGroup& g : ops.groups) {
        const auto w = static_cast<std::size_t>(g.workload);
        g.answer = roofs.judge(g.work, static_cast<double>(g.medianNs),
                               bytes[w] / std::max(stepCount[w], 1.0), cpuShare[w].onCpu);
    }
}

}  // namespace ridge::analyzer
