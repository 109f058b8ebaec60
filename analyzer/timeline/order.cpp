// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/timeline/order.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "analyzer/intervals/permute.h"
#include "analyzer/intervals/sort_by_time.h"
#include "analyzer/threads.h"

namespace ridge::analyzer {
namespace {

// The order of rows of one kind: total up to rows of which nothing but the row id differs, and of what the rows say
// alone, never of where they stood in a file. Owners and names are in order before (sortOwners, sortNames).
bool before(const GpuRow& a, const GpuRow& b) {
    if (a.start != b.start) return a.start < b.start;
    if (a.end != b.end) return a.end < b.end;
    const auto rest = [](const GpuRow& r) {
        return std::tie(r.device, r.process, r.stream, r.correlation, r.kind, r.name, r.bytes, r.copyKind, r.srcKind, r.dstKind, r.blocks);
    };
    return rest(a) < rest(b);
}

// Of calls that begin together the longer one is outside: what a program calls, before what that calls in the driver.
bool before(const Call& a, const Call& b) {
    if (a.start != b.start) return a.start < b.start;
    if (a.end != b.end) return a.end > b.end;
    return std::tie(a.thread, a.correlation, a.name) < std::tie(b.thread, b.correlation, b.name);
}

bool before(const SyncRow& a, const SyncRow& b) {
    const auto key = [](const SyncRow& r) {
        return std::tie(r.start, r.end, r.device, r.process, r.stream, r.correlation, r.kind, r.eventRecord, r.waitedStream);
    };
    return key(a) < key(b);
}

bool before(const IoRow& a, const IoRow& b) {
    const auto key = [](const IoRow& r) { return std::tie(r.start, r.end, r.thread, r.name, r.path, r.bytes, r.writes); };
    return key(a) < key(b);
}

bool before(const Preemption& a, const Preemption& b) { return std::tie(a.start, a.end, a.cpu) < std::tie(b.start, b.end, b.cpu); }

bool before(const Work& a, const Work& b) {
    const auto key = [](const Work& w) {
        return std::tie(w.opKind, w.dtype, w.flops, w.bytesRead, w.bytesWritten, w.bytesCommunicated, w.communicator, w.sequence);
    };
    return key(a) < key(b);
}

// Of ranges that begin together the longer one is outside; of equal ones frames, then functions, annotations, ops, and
// within these what has no payload.
class RangesBefore {
public:
    explicit RangesBefore(const std::vector<Work>& works) : m_works(works) {}
    bool operator()(const Range& a, const Range& b) const {
        if (a.start != b.start) return a.start < b.start;
        if (a.end != b.end) return a.end > b.end;
        const auto left = key(a), right = key(b);
        if (left != right) return left < right;
        if (a.work == kNoIndex || a.work == b.work) return false;
        return before(m_works[static_cast<std::size_t>(a.work)], m_works[static_cast<std::size_t>(b.work)]);
    }

private:
    static int depth(const Range& r) {
        if (r.frame != Frame::kNone) return static_cast<int>(r.frame);
        return 4 + (r.kind == RangeKind::kFunction ? 0 : r.kind == RangeKind::kAnnotation ? 1 : 2);
    }
    static std::tuple<std::int32_t, int, bool, NameId, NameId, std::uint64_t, bool, bool> key(const Range& r) {
        return {r.thread, depth(r), r.work != kNoIndex, r.name, r.shapes, r.index, r.nests, r.open};
    }
    const std::vector<Work>& m_works;
};

// Returns old index -> new index, empty when they were in order. Keys are sorted instead of rows, and rows change
// places within their vector: 20 bytes a row beside it.
template <typename Row, typename Less>
std::vector<std::int32_t> sortWithMapBy(std::vector<Row>& rows, const Less& less) {
    if (std::is_sorted(rows.begin(), rows.end(), less)) return {};
    auto keys = orderByTime(rows.size(), [&](std::size_t i) { return rows[i].start; });
    const auto row = [&](const bulk::IndexKey& key) -> const Row& { return rows[static_cast<std::size_t>(key.rowid)]; };
    sortEqualTimes(keys, [](const bulk::IndexKey& key) { return key.key; },
                   [&](const bulk::IndexKey& a, const bulk::IndexKey& b) { return less(row(a), row(b)); });
    return permute(rows, keys);
}

template <typename Row>
std::vector<std::int32_t> sortByTimeWithMap(std::vector<Row>& rows) {
    return sortWithMapBy(rows, [](const Row& a, const Row& b) { return before(a, b); });
}

template <typename Row>
void sortByTime(std::vector<Row>& rows) {
    sortByTimeWithMap(rows);
}

std::vector<std::int32_t> sortRangesWithMap(Timeline& timeline) { return sortWithMapBy(timeline.ranges, RangesBefore(timeline.works)); }

// Sorts few rows; returns old index -> new index, empty when they were in order.
template <typename Row, typename Less>
std::vector<std::int32_t> sortWithMap(std::vector<Row>& rows, const Less& less) {
    if (std::is_sorted(rows.begin(), rows.end(), less)) return {};
    std::vector<std::int32_t> order(rows.size()), newIndex(rows.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
        return less(rows[static_cast<std::size_t>(a)], rows[static_cast<std::size_t>(b)]);
    });
    std::vector<Row> sorted;
    sorted.reserve(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        newIndex[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
        sorted.push_back(std::move(rows[static_cast<std::size_t>(order[i])]));
    }
    rows = std::move(sorted);
    return newIndex;
}

void remap(std::int32_t& index, const std::vector<std::int32_t>& map) {
    if (index != kNoIndex) index = map[static_cast<std::size_t>(index)];
}

// newName: by old name.
void rename(Timeline& t, const std::vector<NameId>& newName) {
    const auto name = [&](NameId& id) { id = newName[id.value]; };
    parallelFor(4, [&](std::size_t i) {
        if (i == 0)
            for (GpuRow& row : t.gpu) name(row.name);
        if (i == 1)
            for (Call& row : t.calls) name(row.name);
        if (i == 2)
            for (Range& row : t.ranges) {
                name(row.name);
                name(row.shapes);
            }
        if (i != 3) return;
        for (Collective& row : t.collectives) {
            name(row.name);
            name(row.group);
            name(row.dtype);
        }
        for (IoRow& row : t.io) {
            name(row.name);
            name(row.path);
        }
        for (MemoryEvent& row : t.memoryEvents) name(row.owner);
    });
}

void remapThreads(Timeline& t, const std::vector<std::int32_t>& map) {
    for (Call& row : t.calls) remap(row.thread, map);
    for (Range& row : t.ranges) remap(row.thread, map);
    for (IoRow& row : t.io) remap(row.thread, map);
    for (Flow& row : t.flows) {
        remap(row.fromThread, map);
        remap(row.toThread, map);
    }
}

}  // namespace

void sortCalls(Timeline& timeline) {
    const auto map = sortByTimeWithMap(timeline.calls);
    if (map.empty()) return;
    for (GpuRow& row : timeline.gpu) remap(row.launch, map);
    for (SyncRow& row : timeline.syncs) remap(row.launch, map);
}

std::vector<std::int32_t> sortRanges(Timeline& timeline) {
    auto map = sortRangesWithMap(timeline);
    if (!map.empty())
        for (GpuRow& row : timeline.gpu) remap(row.op, map);
    return map;
}

namespace {

void sortFewRows(Timeline& timeline) {
    sortByTime(timeline.syncs);
    sortByTime(timeline.io);
    sortByTime(timeline.preemptions);
    std::sort(timeline.kernelMetrics.begin(), timeline.kernelMetrics.end(),
              [](const KernelMetrics& a, const KernelMetrics& b) { return std::tie(a.process, a.correlation) < std::tie(b.process, b.correlation); });
    const auto event = [](const MemoryEvent& e) {  // memory is given back before it is given anew
        return std::tuple(e.time, e.device, e.process, e.address, !e.frees, e.bytes, e.owner, e.kind);
    };
    std::stable_sort(timeline.memoryEvents.begin(), timeline.memoryEvents.end(), [&](const MemoryEvent& a, const MemoryEvent& b) { return event(a) < event(b); });
    for (std::vector<CounterSeries>* counters : {&timeline.counters, &timeline.processorTime}) {
        for (CounterSeries& series : *counters)
            if (!std::is_sorted(series.samples.begin(), series.samples.end())) std::sort(series.samples.begin(), series.samples.end());
        std::stable_sort(counters->begin(), counters->end(), [](const CounterSeries& a, const CounterSeries& b) {
            return std::tie(a.process, a.device, a.name, a.unit, a.samples) < std::tie(b.process, b.device, b.name, b.unit, b.samples);
        });
    }
    std::sort(timeline.flushes.begin(), timeline.flushes.end());
    std::sort(timeline.flows.begin(), timeline.flows.end(), [](const Flow& a, const Flow& b) {
        return std::tie(a.fromTime, a.toTime, a.fromThread, a.toThread) < std::tie(b.fromTime, b.toTime, b.fromThread, b.toThread);
    });
}

}  // namespace

void sortRows(Timeline& timeline) {
    sortByTime(timeline.gpu);
    sortFewRows(timeline);
}

void sortAll(Timeline& timeline) {
    std::vector<std::int32_t> calls, ranges;
    parallelFor(4, [&](std::size_t i) {
        if (i == 0) sortByTime(timeline.gpu);
        if (i == 1) calls = sortByTimeWithMap(timeline.calls);
        if (i == 2) ranges = sortRangesWithMap(timeline);
        if (i == 3) sortFewRows(timeline);
    });
    for (GpuRow& row : timeline.gpu) {
        if (!calls.empty()) remap(row.launch, calls);
        if (!ranges.empty()) remap(row.op, ranges);
    }
    if (!calls.empty())
        for (SyncRow& row : timeline.syncs) remap(row.launch, calls);
}

void sortOwners(Timeline& t) {
    const auto devices = sortWithMap(t.devices, [](const GpuDevice& a, const GpuDevice& b) {
        return std::tie(a.file, a.machine, a.id) < std::tie(b.file, b.machine, b.id);
    });
    if (!devices.empty()) {
        for (GpuRow& row : t.gpu) remap(row.device, devices);
        for (SyncRow& row : t.syncs) remap(row.device, devices);
        for (MemoryEvent& row : t.memoryEvents) remap(row.device, devices);
    }
    const auto processes = sortWithMap(t.processes, [](const Process& a, const Process& b) {
        return std::tie(a.file, a.globalPid) < std::tie(b.file, b.globalPid);
    });
    if (!processes.empty()) {
        for (GpuRow& row : t.gpu) remap(row.process, processes);
        for (SyncRow& row : t.syncs) remap(row.process, processes);
        for (Thread& thread : t.threads) remap(thread.process, processes);
        for (std::vector<CounterSeries>* counters : {&t.counters, &t.processorTime})
            for (CounterSeries& series : *counters) remap(series.process, processes);
        for (KernelMetrics& row : t.kernelMetrics) remap(row.process, processes);
        for (MemoryEvent& row : t.memoryEvents) remap(row.process, processes);
    }
    const auto threads = sortWithMap(t.threads, [](const Thread& a, const Thread& b) {
        return std::tie(a.process, a.globalTid) < std::tie(b.process, b.globalTid);
    });
    if (!threads.empty()) remapThreads(t, threads);
}

void sortNames(Timeline& t) {
    const auto text = [&](std::uint32_t id) -> const std::string& { return t.names.text(NameId{id}); };
    std::vector<std::uint32_t> order(t.names.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto less = [&](std::uint32_t a, std::uint32_t b) { return text(a) < text(b); };
    if (std::is_sorted(order.begin(), order.end(), less)) return;
    std::sort(order.begin(), order.end(), less);
    NamePool sorted;  // holds "", which is the first
    std::vector<NameId> newName(order.size());
    for (const std::uint32_t old : order) newName[old] = sorted.intern(text(old));
    t.names = std::move(sorted);
    rename(t, newName);
}

void append(Timeline& into, Timeline&& part, Ns shift) {
    std::vector<NameId> names;
    names.reserve(part.names.size());
    for (std::uint32_t i = 0; i < part.names.size(); ++i) names.push_back(into.names.intern(part.names.text(NameId{i})));
    rename(part, names);
    const auto base = [](const auto& rows) { return static_cast<std::int32_t>(rows.size()); };
    const auto move = [](std::int32_t& index, std::int32_t by) {
        if (index != kNoIndex) index += by;
    };
    const std::int32_t processes = base(into.processes), threads = base(into.threads), devices = base(into.devices),
                       calls = base(into.calls), collectives = base(into.collectives), ranges = base(into.ranges),
                       works = base(into.works);
    const auto place = [shift](auto& row) {
        row.start += shift;
        row.end += shift;
    };
    for (GpuRow& row : part.gpu) {
        place(row);
        move(row.device, devices);
        move(row.process, processes);
        move(row.launch, calls);
        move(row.collective, collectives);
        move(row.op, ranges);
    }
    for (Call& row : part.calls) {
        place(row);
        move(row.thread, threads);
    }
    for (SyncRow& row : part.syncs) {
        place(row);
        move(row.device, devices);
        move(row.process, processes);
        move(row.launch, calls);
    }
    for (Flow& row : part.flows) {
        row.fromTime += shift;
        row.toTime += shift;
        move(row.fromThread, threads);
        move(row.toThread, threads);
    }
    for (Range& row : part.ranges) {
        place(row);
        move(row.thread, threads);
        move(row.work, works);
    }
    for (IoRow& row : part.io) {
        place(row);
        move(row.thread, threads);
    }
    for (Thread& thread : part.threads) move(thread.process, processes);
    for (KernelMetrics& row : part.kernelMetrics) move(row.process, processes);
    for (MemoryEvent& row : part.memoryEvents) {
        row.time += shift;
        move(row.device, devices);
        move(row.process, processes);
    }
    for (std::vector<CounterSeries>* counters : {&part.counters, &part.processorTime})
        for (CounterSeries& series : *counters) {
            move(series.process, processes);
            for (auto& sample : series.samples) sample.first += shift;
        }
    for (Preemption& row : part.preemptions) place(row);
    for (auto& [start, end] : part.flushes) {
        start += shift;
        end += shift;
    }
    const auto add = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
        from = {};
    };
    add(into.sources, part.sources);
    add(into.processes, part.processes);
    add(into.threads, part.threads);
    add(into.devices, part.devices);
    add(into.gpu, part.gpu);
    add(into.calls, part.calls);
    add(into.collectives, part.collectives);
    add(into.syncs, part.syncs);
    add(into.flows, part.flows);
    add(into.ranges, part.ranges);
    add(into.works, part.works);
    add(into.io, part.io);
    add(into.preemptions, part.preemptions);
    add(into.flushes, part.flushes);
    add(into.ceilings, part.ceilings);
    add(into.counters, part.counters);
    add(into.processorTime, part.processorTime);
    add(into.kernelMetrics, part.kernelMetrics);
    add(into.memoryEvents, part.memoryEvents);
    into.graphMetrics += part.graphMetrics;
    if (into.environment.empty()) add(into.environment, part.environment);
    add(into.losses, part.losses);
    add(into.benchmarks, part.benchmarks);
    add(into.tables, part.tables);
    add(into.remarks, part.remarks);
    into.graphLaunches += part.graphLaunches;
    into.lastTime = std::max(into.lastTime, part.lastTime + shift);
}

}  // namespace ridge::analyzer
