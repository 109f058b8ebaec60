// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What is held in memory and by whom, and what memory bandwidth costs.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "gui/analysis/section.h"

namespace ridge::gui::sections {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostCurves = 8;

// Colours of owners: neighbours in the stack are of different families.
ColourId ownerColour(std::size_t i) {
    using W = WallClass;
    constexpr std::array<W, 8> kOrder{W::kComputeBound, W::kMemoryWall, W::kLatencyBound, W::kCommTransfer, W::kIoInput, W::kCopy, W::kHost, W::kSync};
    return colourOf(kOrder[i % kOrder.size()]);
}

// Owners from the largest at the peak; what they do not explain is "others".
Chart byOwner(const DeviceMemory& d, const std::string& where) {
    Chart chart{ChartKind::kArea, "Device memory of " + where + ", by owner", Unit::kBytes};
    Series others{"others", colourOf(WallClass::kComputeUnknown), {}};
    for (const OwnerCurve& owner : d.owners) chart.series.push_back({fmt::format("{} ({})", owner.name.empty() ? "no name" : owner.name, owner.kind), ownerColour(chart.series.size()), {}});
    bool any = false;
    for (std::size_t i = 0; i < d.times.size(); ++i) {
        double rest = d.total[i];
        for (std::size_t o = 0; o < d.owners.size(); ++o) {
            chart.series[o].samples.emplace_back(d.times[i], d.owners[o].bytes[i]);
            rest -= d.owners[o].bytes[i];
        }
        any = any || rest >= 1;
        others.samples.emplace_back(d.times[i], std::max(0.0, rest));
    }
    if (any) chart.series.push_back(std::move(others));
    return chart;
}

// The curves of a footprint's process and device; nullptr: the file has none.
const DeviceMemory* curvesOf(const Analysis& a, const DeviceFootprint& d, const MemoryPtr& curves) {
    if (!curves) return nullptr;
    for (const DeviceMemory& memory : *curves) {
        if (memory.device != d.device) continue;
        const auto rank = std::find_if(a.ranks.begin(), a.ranks.end(), [&](const Rank& r) { return std::find(r.pids.begin(), r.pids.end(), memory.pid) != r.pids.end(); });
        if (curves->size() == 1 || (rank != a.ranks.end() && rank->rank == d.rank)) return &memory;
    }
    return nullptr;
}

struct Owned {
    const DeviceFootprint* device;
    const MemoryOwner* owner;
};

struct Sample {
    std::string of;
    std::int64_t rank, device;
    Ns time;
    double value;
};

void addOwners(const AnalysisPtr& a, Section& s) {
    auto owners = std::make_shared<std::vector<Owned>>();
    for (const DeviceFootprint& d : a->memory.devices)
        for (const MemoryOwner& o : d.owners) owners->push_back({&d, &o});
    if (owners->empty()) return;
    Table t{"Who holds device memory", "Enter goes to the peak.", {}, owners->size()};
    const auto add = [&](const char* title, Unit unit, auto get) { t.columns.push_back({title, unit, [a, owners, get](std::size_t r) -> Value { return get((*owners)[r]); }}); };
    add("Held by", Unit::kText, [](const Owned& o) -> Value { return o.owner->name; });
    add("Kind", Unit::kText, [](const Owned& o) -> Value { return o.owner->kind; });
    add("Rank", Unit::kCount, [](const Owned& o) -> Value { return o.device->rank; });
    add("Device", Unit::kCount, [](const Owned& o) -> Value { return o.device->device; });
    add("At the peak", Unit::kBytes, [](const Owned& o) -> Value { return o.owner->atPeakBytes; });
    add("Share", Unit::kShare, [](const Owned& o) -> Value { return o.device->peakBytes > 0 ? Value(static_cast<double>(o.owner->atPeakBytes) / static_cast<double>(o.device->peakBytes)) : Value(); });
    add("Its own peak", Unit::kBytes, [](const Owned& o) -> Value { return o.owner->peakBytes; });
    add("Allocations", Unit::kCount, [](const Owned& o) -> Value { return o.owner->allocations; });
    add("Offloading costs", Unit::kDuration, [](const Owned& o) -> Value { return maybe(o.owner->offloadNs); });
    add("Recomputing costs", Unit::kDuration, [](const Owned& o) -> Value { return maybe(o.owner->recomputeNs); });
    t.target = [a, owners](std::size_t r) { return std::optional(Target{(*owners)[r].device->peakTimeNs, (*owners)[r].device->peakTimeNs}); };
    s.tables.push_back(std::move(t));
}

void addFootprints(const AnalysisPtr& a, const MemoryPtr& curves, Section& s) {
    const auto& list = a->memory.devices;
    if (list.empty()) return;
    for (std::size_t i = 0; i < std::min(kMostCurves, list.size()); ++i) {
        const std::string where = fmt::format("rank {}, device {}", list[i].rank, list[i].device);
        if (const DeviceMemory* memory = curvesOf(*a, list[i], curves); memory && memory->times.size() > 1) {
            s.charts.push_back(byOwner(*memory, where));
        } else if (list[i].samples.size() > 1) {
            s.charts.push_back({ChartKind::kArea, "Device memory of " + where, Unit::kBytes});
            s.charts.back().series.push_back({"allocated", ownerColour(0), list[i].samples});
        }
    }
    Table t{"Devices", "Enter goes to the peak.", {}, list.size()};
    t.columns = {column("Rank", Unit::kCount, a, list, [](const auto& d) { return d.rank; }),
                 column("Device", Unit::kCount, a, list, [](const auto& d) { return d.device; }),
                 column("Peak", Unit::kBytes, a, list, [](const auto& d) { return d.peakBytes; }),
                 column("at", Unit::kMoment, a, list, [](const auto& d) { return d.peakTimeNs; }),
                 column("At the end", Unit::kBytes, a, list, [](const auto& d) { return d.lastBytes; }),
                 column("Allocations", Unit::kCount, a, list, [](const auto& d) { return d.allocations; }),
                 column("Releases", Unit::kCount, a, list, [](const auto& d) { return d.releases; }),
                 column("of earlier memory", Unit::kCount, a, list, [](const auto& d) { return d.unmatchedReleases; }),
                 column("Link to the host", Unit::kByteRate, a, list, [](const auto& d) { return maybe(d.linkBandwidth); })};
    t.target = [a](std::size_t r) { return std::optional(Target{a->memory.devices[r].peakTimeNs, a->memory.devices[r].peakTimeNs}); };
    s.tables.push_back(std::move(t));
    addOwners(a, s);
}

void addCurves(const AnalysisPtr& a, Section& s) {
    const auto& list = a->memory.curves;
    std::vector<const MemoryCurve*> sorted;
    for (const MemoryCurve& c : list) sorted.push_back(&c);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->peakBytes > y->peakBytes; });
    Chart chart{ChartKind::kLines, "Memory held, as sampled", Unit::kBytes};
    for (std::size_t i = 0; i < std::min(kMostCurves, sorted.size()); ++i)
        if (sorted[i]->samples.size() > 1) chart.series.push_back({fmt::format("{} · rank {}", sorted[i]->name, sorted[i]->rank), ownerColour(chart.series.size()), sorted[i]->samples});
    if (chart.series.empty() && a->memory.rss.size() > 1) chart.series.push_back({"process.rss", ownerColour(0), a->memory.rss});
    if (!chart.series.empty()) s.charts.push_back(std::move(chart));
    if (list.empty()) return;
    Table t{"Curves", "Enter goes to the peak.", {}, list.size()};
    t.columns = {column("Counter", Unit::kText, a, list, [](const auto& c) { return c.name; }),
                 column("Rank", Unit::kCount, a, list, [](const auto& c) { return c.rank; }),
                 column("Peak", Unit::kBytes, a, list, [](const auto& c) { return c.peakBytes; }),
                 column("at", Unit::kMoment, a, list, [](const auto& c) { return c.peakTimeNs; }),
                 column("At the end", Unit::kBytes, a, list, [](const auto& c) { return c.lastBytes; })};
    t.target = [a](std::size_t r) { return std::optional(Target{a->memory.curves[r].peakTimeNs, a->memory.curves[r].peakTimeNs}); };
    s.tables.push_back(std::move(t));
}

void addBandwidth(const AnalysisPtr& a, Section& s) {
    const auto& list = a->memory.bandwidth;
    if (list.empty()) return;
    Table t{"What memory bandwidth costs a step", "", {}, list.size()};
    t.columns = {column("Per step of", Unit::kText, a, list, [](const auto& b) { return b.workload.empty() ? std::string("the trace") : b.workload; }),
                 column("At the bandwidth wall", Unit::kDuration, a, list, [](const auto& b) { return b.timeNs; }),
                 column("Above the roof", Unit::kDuration, a, list, [](const auto& b) { return b.aboveRoofNs; }),
                 column("Bytes moved", Unit::kBytes, a, list, [](const auto& b) { return b.bytes; }),
                 column("Half the bytes saves", Unit::kDuration, a, list, [](const auto& b) { return b.halfTypeSavesNs; }),
                 column("Fusing saves", Unit::kDuration, a, list, [](const auto& b) { return maybe(b.fusionSavesNs); })};
    s.tables.push_back(std::move(t));
}

void addCaches(const AnalysisPtr& a, Section& s) {
    const auto& list = a->memory.kvCache;
    if (list.empty()) return;
    Table t{"KV caches", "How full they were; the mean is over time.", {}, list.size()};
    t.columns = {column("Cache", Unit::kText, a, list, [](const auto& c) { return c.name; }),
                 column("Rank", Unit::kCount, a, list, [](const auto& c) { return c.rank; }),
                 column("Peak", Unit::kOf, a, list, [](const auto& c) { return c.peak; }),
                 column("Mean", Unit::kOf, a, list, [](const auto& c) { return c.mean; }),
                 column("Unit", Unit::kText, a, list, [](const auto& c) { return c.unit; })};
    t.columns[2].of = t.columns[3].of = [a](std::size_t r) { return a->memory.kvCache[r].unit; };
    s.tables.push_back(std::move(t));
}

void addSamples(const AnalysisPtr& a, Section& s) {
    auto list = std::make_shared<std::vector<Sample>>();
    const auto add = [&](const std::string& of, std::int64_t rank, std::int64_t device, const auto& samples) {
        for (const auto& [time, value] : samples) list->push_back({of, rank, device, time, value});
    };
    add("resident memory", 0, -1, a->memory.rss);
    for (const MemoryCurve& c : a->memory.curves) add(c.name, c.rank, -1, c.samples);
    for (const DeviceFootprint& d : a->memory.devices) add("allocated", d.rank, d.device, d.samples);
    if (list->empty()) return;
    Table t{"Samples of the curves", "Thinned for drawing; the counters in the timeline have all of them.", {}, list->size()};
    t.columns = {{"Curve", Unit::kText, [list](std::size_t r) -> Value { return (*list)[r].of; }},
                 {"Rank", Unit::kCount, [list](std::size_t r) -> Value { return (*list)[r].rank; }},
                 {"Device", Unit::kCount, [list](std::size_t r) -> Value { return (*list)[r].device < 0 ? Value() : Value((*list)[r].device); }},
                 {"Time", Unit::kMoment, [list](std::size_t r) -> Value { return (*list)[r].time; }},
                 {"Bytes", Unit::kBytes, [list](std::size_t r) -> Value { return (*list)[r].value; }}};
    t.target = [list](std::size_t r) { return std::optional(Target{(*list)[r].time, (*list)[r].time}); };
    s.tables.push_back(std::move(t));
}

}  // namespace

Section memory(const AnalysisPtr& a, const MemoryPtr& curves) {
    Section s{"memory", "Memory", ""};
    const MemorySummary& m = a->memory;
    if (m.peakRssBytes) s.facts.push_back({"peak resident memory", maybe(m.peakRssBytes), Unit::kBytes});
    if (m.deviceBytesPeak) s.facts.push_back({"peak device memory", maybe(m.deviceBytesPeak), Unit::kBytes});
    if (m.fragmentation) s.facts.push_back({"reserved and not allocated, at that peak (fragmentation)", maybe(m.fragmentation), Unit::kShare});
    if (m.reservedUnusedBytes) s.facts.push_back({"reserved and not allocated", maybe(m.reservedUnusedBytes), Unit::kBytes});
    addFootprints(a, curves, s);
    addCurves(a, s);
    addCaches(a, s);
    addBandwidth(a, s);
    addSamples(a, s);
    if (s.facts.empty() && s.charts.empty() && s.tables.empty()) s.absent = "Memory was not sampled in this trace.";
    return s;
}

}  // namespace ridge::gui::sections
