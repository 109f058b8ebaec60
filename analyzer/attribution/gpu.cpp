// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/attribution/gpu.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "analyzer/kernels/classify.h"
#include "analyzer/roofline/measured.h"
#include "analyzer/threads.h"
#include "schemas/enums/op_kind.h"

namespace ridge::analyzer {
namespace {

enum Layer : std::uint8_t { kBound, kMemory, kLatency, kUnknown, kTransfer, kWait, kComm, kCopyLayer, kLayers };
constexpr std::array<WallClass, kLayers> kClassOfLayer{WallClass::kComputeBound, WallClass::kMemoryWall,
                                                       WallClass::kLatencyBound, WallClass::kComputeUnknown,
                                                       WallClass::kCommTransfer, WallClass::kCommWait,
                                                       WallClass::kCommUnsplit,  WallClass::kCopy};

enum ThreadLayer : std::uint8_t { kCheckpoint, kInput, kSyncLayer, kApiLayer, kThreadLayers };
constexpr std::array<WallClass, kThreadLayers> kClassOfThreadLayer{WallClass::kIoCheckpoint, WallClass::kIoInput,
                                                                   WallClass::kSync, WallClass::kApi};

// Looks into the segments of one thread. Gaps come in time, so a search begins where the last one ended.
struct ThreadCursor {
    const Segments& list;
    std::size_t last = 0;
    // The first segment that ends after the instant.
    Segments::const_iterator from(Ns instant) {
        if (last > 0 && list[last - 1].end > instant)
            last = static_cast<std::size_t>(std::upper_bound(list.begin(), list.end(), instant, [](Ns t, const Segment& s) { return t < s.end; }) - list.begin());
        while (last < list.size() && list[last].end <= instant) ++last;
        return list.begin() + static_cast<std::ptrdiff_t>(last);
    }
};

// What each launching thread did, as segments; what none covers is HOST.
std::vector<Segments> threadSegments(const Timeline& timeline, const std::vector<IoInterval>& io) {
    std::vector<std::vector<PaintRow>> rows(timeline.threads.size());
    std::vector<std::size_t> count(rows.size(), 0);
    for (const Call& call : timeline.calls) ++count[static_cast<std::size_t>(call.thread)];
    for (const IoInterval& i : io) ++count[static_cast<std::size_t>(i.thread)];
    for (std::size_t t = 0; t < rows.size(); ++t) rows[t].reserve(count[t]);
    for (const Call& call : timeline.calls)
        rows[static_cast<std::size_t>(call.thread)].push_back({call.start, call.end, call.blocking ? kSyncLayer : kApiLayer});
    for (const IoInterval& i : io)
        rows[static_cast<std::size_t>(i.thread)].push_back({i.start, i.end, i.checkpoint ? kCheckpoint : kInput});
    std::vector<Segments> segments(rows.size());
    parallelFor(rows.size(), [&](std::size_t t) {
        segments[t] = paint(rows[t], kClassOfThreadLayer);
        rows[t] = {};
    });
    return segments;
}

void push(Segments& out, Ns start, Ns end, WallClass c) {
    if (start < end) out.push_back({start, end, static_cast<std::uint8_t>(c)});
}

// [from, to) by what the thread did; HOST between its segments.
void splitByThread(Segments& out, ThreadCursor& thread, Ns from, Ns to) {
    auto it = thread.from(from);
    Ns at = from;
    for (; it != thread.list.end() && it->start < to; ++it) {
        push(out, at, std::max(at, it->start), WallClass::kHost);
        const Ns end = std::min(it->end, to);
        push(out, std::max(at, it->start), end, static_cast<WallClass>(it->layer));
        at = end;
    }
    push(out, at, to, WallClass::kHost);
}

void splitGap(Segments& out, Ns a, Ns b, const GpuRow& next, const Timeline& timeline,
              std::vector<ThreadCursor>& threads, const AnalyzeOptions& options) {
    if (next.launch == kNoIndex) return push(out, a, b, WallClass::kUnlinked);
    const Call& call = timeline.calls[static_cast<std::size_t>(next.launch)];
    if (call.start <= a) {
        const bool small = static_cast<double>(b - a) < options.gapNs;
        return push(out, a, b, small ? WallClass::kKernelGap : WallClass::kDependency);
    }
    const Ns launch = std::min(call.start, b);  // a launch after its kernel is a clock fault, told by the gate
    splitByThread(out, threads[static_cast<std::size_t>(call.thread)], a, launch);
    const bool pending = static_cast<double>(b - launch) > options.pendingNs;
    push(out, launch, b, pending ? WallClass::kDevicePending : WallClass::kLaunch);
}

// Cuts the flush times out of idle segments.
Segments markFlushes(const Segments& idle, const IntervalSet& flushes) {
    Segments out;
    out.reserve(idle.size());
    auto from = flushes.begin();
    for (const Segment& s : idle) {
        Ns at = s.start;
        while (from != flushes.end() && from->end <= at) ++from;
        for (auto f = from; f != flushes.end() && f->start < s.end; ++f) {
            push(out, at, std::max(at, f->start), static_cast<WallClass>(s.layer));
            const Ns end = std::min(f->end, s.end);
            push(out, std::max(at, f->start), end, WallClass::kUnknownCapture);
            at = std::max(at, end);
        }
        push(out, at, s.end, static_cast<WallClass>(s.layer));
    }
    return out;
}

Segments idleSegments(const Timeline& timeline, const GpuPartition& p, std::vector<ThreadCursor>& threads,
                      const AnalyzeOptions& options) {
    Segments idle;
    std::size_t row = 0;
    for (std::size_t i = 0; i + 1 < p.busy.size(); ++i) {
        const Ns a = p.busy[i].end;
        const Ns b = p.busy[i + 1].start;
        while (timeline.gpu[static_cast<std::size_t>(p.rows[row])].start < b) ++row;
        const GpuRow* next = nullptr;
        Ns latest = 0;
        for (std::size_t k = row; k < p.rows.size(); ++k) {
            const GpuRow& candidate = timeline.gpu[static_cast<std::size_t>(p.rows[k])];
            if (candidate.start != b) break;
            if (candidate.end == b) continue;  // of no length: ends no gap
            const Ns launched = candidate.launch == kNoIndex ? -kMaxTime * 2
                                                          : timeline.calls[static_cast<std::size_t>(candidate.launch)].start;
            if (!next || std::pair(launched, candidate.correlation) >= std::pair(latest, next->correlation)) {
                next = &candidate;
                latest = launched;
            }
        }
        if (next) splitGap(idle, a, b, *next, timeline, threads, options);
    }
    return idle;
}

void addRow(GpuPartition& p, const GpuRow& row, bool communication, std::optional<Ns> latestStart, std::int32_t group,
            std::uint8_t measured, const Ops& ops, std::vector<PaintRow>& paintRows, std::array<std::vector<Interval>, 3>& sets) {
    const bool moves = row.kind == GpuKind::kCopy || row.kind == GpuKind::kSet;
    p.kernels += moves ? 0 : 1;
    p.copies += moves ? 1 : 0;
    p.unlinked += row.launch == kNoIndex ? 1 : 0;
    std::uint8_t layer = kUnknown;
    std::size_t set = 0;
    if (moves) {
        layer = kCopyLayer;
        set = 2;
    } else if (communication) {
        layer = kComm;
        set = 1;
    } else if (measured < kUnknown) {
        layer = measured;
    } else if (group != kNoIndex) {
        layer = static_cast<std::uint8_t>(ops.groups[static_cast<std::size_t>(group)].answer.wallClass);
        if (layer > kUnknown) layer = kUnknown;
    }
    if (layer == kComm && latestStart) {
        const Ns turn = std::clamp(*latestStart, row.start, row.end);
        paintRows.push_back({row.start, turn, kWait});
        paintRows.push_back({turn, row.end, kTransfer});
    } else {
        paintRows.push_back({row.start, row.end, layer});
    }
    sets[set].push_back({row.start, row.end});
}

std::int64_t rankOf(const Timeline& timeline, const GpuPartition& p) {
    std::map<std::int32_t, std::int64_t> count;
    for (const std::int32_t row : p.rows)
        if (const std::int32_t process = timeline.gpu[static_cast<std::size_t>(row)].process; process != kNoIndex)
            ++count[process];
    std::int64_t best = 0, rank = 0;
    for (const auto& [process, n] : count)
        if (n > best) {
            best = n;
            rank = timeline.processes[static_cast<std::size_t>(process)].rank;
        }
    return rank;
}

}  // namespace

std::vector<std::int32_t> groupsOfRows(const Timeline& timeline, const Ops& ops) {
    std::vector<std::int32_t> result(timeline.gpu.size(), kNoIndex);
    if (ops.ofCall.empty()) return result;
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i) {
        const std::int32_t launch = timeline.gpu[i].launch;
        const std::int32_t op = launch == kNoIndex ? kNoIndex : ops.ofCall[static_cast<std::size_t>(launch)];
        if (op != kNoIndex) result[i] = ops.rows[static_cast<std::size_t>(op)].group;
    }
    return result;
}

namespace {

std::vector<KernelClass> classesOfNames(const Timeline& timeline) {
    std::vector<KernelClass> classes(timeline.names.size(), KernelClass::kOther);
    std::vector<bool> known(timeline.names.size(), false);
    for (const GpuRow& row : timeline.gpu) {
        if (row.kind != GpuKind::kKernel || known[row.name.value]) continue;
        known[row.name.value] = true;
        classes[row.name.value] = classifyKernel(timeline.names.text(row.name));
    }
    return classes;
}

std::vector<bool> communicationRows(const Timeline& timeline, const std::vector<KernelClass>& classes) {
    std::vector<bool> result(timeline.gpu.size(), false);
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i)
        result[i] = timeline.gpu[i].kind == GpuKind::kKernel && classes[timeline.gpu[i].name.value] == KernelClass::kComm;
    return result;
}

}  // namespace

std::vector<bool> findCommunicationRows(const Timeline& timeline) { return communicationRows(timeline, classesOfNames(timeline)); }

RowFacts factsOfRows(const Timeline& timeline, const Ops& ops) {
    RowFacts facts;
    facts.classOfName = classesOfNames(timeline);
    facts.communication = communicationRows(timeline, facts.classOfName);
    facts.group = groupsOfRows(timeline, ops);
    return facts;
}

std::vector<GpuPartition> partitionGpu(const Timeline& timeline, const Ops& ops, const std::vector<IoInterval>& io,
                                       const AnalyzeOptions& options, const std::vector<std::optional<Ns>>& latestStart,
                                       const std::vector<std::uint8_t>& measured, const RowFacts* facts) {
    RowFacts own;
    if (!facts) {
        own = factsOfRows(timeline, ops);
        facts = &own;
    }
    const std::vector<bool>& communication = facts->communication;
    const std::vector<std::int32_t>& groups = facts->group;
    const std::vector<Segments> threads = threadSegments(timeline, io);
    IntervalSet flushes;
    for (const auto& [start, end] : timeline.flushes) flushes.push_back({start, end});
    flushes = normalize(std::move(flushes));

    std::vector<GpuPartition> result(timeline.devices.size());
    for (std::size_t i = 0; i < timeline.gpu.size(); ++i)
        result[static_cast<std::size_t>(timeline.gpu[i].device)].rows.push_back(static_cast<std::int32_t>(i));
    parallelFor(result.size(), [&](std::size_t d) {
        GpuPartition& p = result[d];
        p.device = static_cast<std::int32_t>(d);
        if (p.rows.empty()) return;
        std::vector<ThreadCursor> cursors;
        for (const Segments& list : threads) cursors.push_back({list});
        std::vector<PaintRow> paintRows;
        std::array<std::vector<Interval>, 3> sets;
        paintRows.reserve(p.rows.size());
        p.firstStart = timeline.gpu[static_cast<std::size_t>(p.rows.front())].start;
        p.lastEnd = p.firstStart;
        for (const std::int32_t r : p.rows) {
            const auto i = static_cast<std::size_t>(r);
            const bool comm = communication[i] ||
                              (groups[i] != kNoIndex && ops.groups[static_cast<std::size_t>(groups[i])].work.opKind == kOpCollective);
            addRow(p, timeline.gpu[i], comm, i < latestStart.size() ? latestStart[i] : std::nullopt, groups[i],
                   i < measured.size() ? measured[i] : kNotMeasured, ops, paintRows, sets);
            p.lastEnd = std::max(p.lastEnd, timeline.gpu[i].end);
        }
        p.rank = rankOf(timeline, p);
        Beside<Segments> painted([&] { return paint(paintRows, kClassOfLayer); });
        p.compute = normalize(std::move(sets[0]));
        p.communication = normalize(std::move(sets[1]));
        p.copy = normalize(std::move(sets[2]));
        p.busy = unite(unite(p.compute, p.communication), p.copy);
        const Segments idle = markFlushes(idleSegments(timeline, p, cursors, options), flushes);
        p.segments = painted.get();
        Segments all;
        all.reserve(p.segments.size() + idle.size());
        std::merge(p.segments.begin(), p.segments.end(), idle.begin(), idle.end(), std::back_inserter(all),
                   [](const Segment& a, const Segment& b) { return a.start < b.start; });
        p.segments = std::move(all);
    });
    std::erase_if(result, [](const GpuPartition& p) { return p.rows.empty(); });
    return result;
}

std::vector<Window> deviceWindows(const Timeline& timeline, const StepSet& steps, const GpuPartition& device) {
    struct Seen {
        Ns first = 0, last = 0;
        bool any = false;
    };
    std::vector<Seen> seen(steps.steps.size());
    StepCursor cursor(steps);
    for (const std::int32_t r : device.rows) {
        const GpuRow& row = timeline.gpu[static_cast<std::size_t>(r)];
        if (row.launch == kNoIndex || row.process == kNoIndex) continue;
        const Call& call = timeline.calls[static_cast<std::size_t>(row.launch)];
        const std::int32_t s = cursor.at(row.process, call.thread, call.start);
        if (s == kNoIndex) continue;
        Seen& x = seen[static_cast<std::size_t>(s)];
        x.first = x.any ? std::min(x.first, row.start) : row.start;
        x.last = x.any ? std::max(x.last, row.end) : row.end;
        x.any = true;
    }
    std::vector<Window> windows;
    Ns end = 0;
    std::int32_t workload = kNoIndex;
    for (std::size_t s = 0; s < seen.size(); ++s) {
        if (!seen[s].any) continue;
        if (workload != steps.steps[s].workload) {  // another workload starts its own tiling
            end = windows.empty() ? seen[s].first : std::max(end, seen[s].first);
            workload = steps.steps[s].workload;
        }
        const Ns next = std::max(end, seen[s].last);
        if (next > end) windows.push_back({{end, next}, static_cast<std::int32_t>(s)});
        end = next;
    }
    return windows;
}

}  // namespace ridge::analyzer
