// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/attribution/cpu.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string_view>
#include <tuple>

namespace ridge::analyzer {
namespace {

enum Layer : std::uint8_t {
    kBound, kMemory, kLatency, kUnknown, kTransfer, kWait, kUnsplit, kCopyLayer,
    kStepCheckpoint, kStepInput, kOtherInput, kOtherCheckpoint, kPreemptedLayer, kHostLayer, kLayers
};
constexpr std::array<WallClass, kLayers> kClassOfLayer{
    WallClass::kComputeBound, WallClass::kMemoryWall, WallClass::kLatencyBound, WallClass::kComputeUnknown,
    WallClass::kCommTransfer, WallClass::kCommWait, WallClass::kCommUnsplit, WallClass::kCopy,
    WallClass::kIoCheckpoint, WallClass::kIoInput, WallClass::kIoInput, WallClass::kIoCheckpoint,
    WallClass::kPreempted, WallClass::kHost};

std::uint8_t layerOfBound(const Ops& ops, const OpRow& op) {
    if (op.group == kNoIndex) return kUnknown;
    return static_cast<std::uint8_t>(ops.groups[static_cast<std::size_t>(op.group)].answer.wallClass);
}
static_assert(static_cast<int>(WallClass::kComputeUnknown) == kUnknown && static_cast<int>(WallClass::kComputeBound) == kBound);

}  // namespace

std::vector<bool> namedCollectives(const Timeline& timeline) {
    constexpr std::array<std::string_view, 3> kPrefixes{"gloo:", "mpi:", "ucc:"};
    std::vector<bool> result(timeline.names.size(), false);
    if (!timeline.works.empty()) return result;
    for (std::uint32_t i = 0; i < result.size(); ++i)
        result[i] = std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) { return timeline.names.text(NameId{i}).starts_with(prefix); });
    return result;
}

namespace {

struct Building {
    CpuPartition out;
    std::vector<PaintRow> rows;
    std::vector<Interval> compute, communication, copy, other;
};

void see(Building& w, Ns start, Ns end) {
    w.out.firstStart = std::min(w.out.firstStart, start);
    w.out.lastEnd = std::max(w.out.lastEnd, end);
}

void addOp(Building& w, const Ops& ops, std::size_t index, const Collectives& collectives) {
    const OpRow& op = ops.rows[index];
    switch (op.family) {
        case OpFamily::kCompute:
            w.rows.push_back({op.start, op.end, layerOfBound(ops, op)});
            w.compute.push_back({op.start, op.end});
            ++w.out.computeRows;
            break;
        case OpFamily::kCommunication:
            w.communication.push_back({op.start, op.end});
            if (const auto& latest = collectives.latestStart[index]) {
                const Ns turn = std::clamp(*latest, op.start, op.end);
                w.rows.push_back({op.start, turn, kWait});
                w.rows.push_back({turn, op.end, kTransfer});
            } else {
                w.rows.push_back({op.start, op.end, kUnsplit});
            }
            break;
        case OpFamily::kCopy:
            w.rows.push_back({op.start, op.end, kCopyLayer});
            w.copy.push_back({op.start, op.end});
            ++w.out.copyRows;
            break;
        case OpFamily::kIo: break;  // comes with the I/O intervals
    }
}

}  // namespace

std::vector<CpuPartition> partitionCpu(const Timeline& timeline, const StepSet& steps, const Ops& ops,
                                       const Collectives& collectives, const std::vector<IoInterval>& io,
                                       const std::vector<std::vector<std::int32_t>>& groups) {
    std::vector<Building> all(groups.size());
    std::vector<std::int32_t> slot(timeline.processes.size(), kNoIndex);
    for (std::size_t i = 0; i < groups.size(); ++i) {
        for (const std::int32_t process : groups[i]) slot[static_cast<std::size_t>(process)] = static_cast<std::int32_t>(i);
        all[i].out.process = groups[i].front();
        all[i].out.processes = groups[i];
        all[i].out.firstStart = std::numeric_limits<Ns>::max();
        all[i].out.lastEnd = std::numeric_limits<Ns>::min();
    }
    const auto of = [&](std::int32_t process) -> Building* {
        const std::int32_t s = slot[static_cast<std::size_t>(process)];
        return s == kNoIndex ? nullptr : &all[static_cast<std::size_t>(s)];
    };
    std::vector<bool> isStepThread(timeline.threads.size(), steps.whole());
    for (const HostStep& step : steps.steps) isStepThread[static_cast<std::size_t>(step.thread)] = true;

    // A step that --step or ProfilerStep# found is frame too, not host work.
    std::set<std::tuple<std::int32_t, Ns, Ns>> frames;
    if (steps.source != "ridge")
        for (const HostStep& step : steps.steps) frames.emplace(step.thread, step.start, step.end);
    const std::vector<bool> collective = namedCollectives(timeline);
    for (const Range& range : timeline.ranges) {
        Building* w = of(timeline.threads[static_cast<std::size_t>(range.thread)].process);
        if (!w) continue;
        see(*w, range.start, range.end);
        if (collective[range.name.value]) {
            w->communication.push_back({range.start, range.end});
            w->rows.push_back({range.start, range.end, kUnsplit});
            continue;
        }
        const bool frame = range.frame != Frame::kNone ||
                           (!frames.empty() && frames.contains({range.thread, range.start, range.end}));
        if (!frame && isStepThread[static_cast<std::size_t>(range.thread)])
            w->rows.push_back({range.start, range.end, kHostLayer});
    }
    for (std::size_t i = 0; i < ops.rows.size(); ++i)
        if (Building* w = of(ops.rows[i].process)) addOp(*w, ops, i, collectives);
    for (const IoInterval& row : io) {
        Building* w = of(row.process);
        if (!w) continue;
        see(*w, row.start, row.end);
        const bool stepThread = isStepThread[static_cast<std::size_t>(row.thread)];
        const Layer layer = stepThread ? (row.checkpoint ? kStepCheckpoint : kStepInput)
                                       : (row.checkpoint ? kOtherCheckpoint : kOtherInput);
        w->rows.push_back({row.start, row.end, layer});
        w->other.push_back({row.start, row.end});
    }
    std::vector<CpuPartition> result;
    for (Building& w : all) {
        for (const Preemption& gap : timeline.preemptions) w.rows.push_back({gap.start, gap.end, kPreemptedLayer});
        w.out.segments = paint(w.rows, kClassOfLayer);
        w.out.compute = normalize(std::move(w.compute));
        w.out.communication = normalize(std::move(w.communication));
        w.out.copy = normalize(std::move(w.copy));
        w.out.busy = unite(unite(w.out.compute, w.out.communication), unite(w.out.copy, normalize(std::move(w.other))));
        if (w.out.firstStart > w.out.lastEnd) w.out.firstStart = w.out.lastEnd = 0;
        result.push_back(std::move(w.out));
    }
    return result;
}

}  // namespace ridge::analyzer
