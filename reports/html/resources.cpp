// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// What is held in memory, what memory bandwidth costs, and where the energy went.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostCurves = 8, kMostRows = 40, kMostOwners = 12;

std::string bytesOr(const std::optional<std::int64_t>& v) {
    return v && *v >= 0 ? formatBytes(static_cast<std::uint64_t>(*v)) : "<span class=\"soft\">not known</span>";
}

std::string bytesOf(std::int64_t bytes) { return formatBytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes))); }

std::string curve(const std::string& title, std::int64_t rank, const std::vector<std::pair<Ns, double>>& samples, const std::string& facts) {
    const std::string svg = sparkline(samples, "memory over time");
    if (svg.empty()) return {};
    return fmt::format("<div class=\"curve\"><div>{} <span class=\"soft small\">rank {}</span></div>\n{}<div class=\"soft small\">{}, over {}</div></div>\n", title, rank,
                       svg, facts, formatDuration(samples.back().first - samples.front().first));
}

// Curves that say how much memory is held, the largest first; of a trace that only has the resident memory, that.
std::string curves(const MemorySummary& m) {
    std::vector<const MemoryCurve*> sorted;
    for (const MemoryCurve& c : m.curves) sorted.push_back(&c);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->peakBytes > b->peakBytes; });
    std::string out;
    for (std::size_t i = 0; i < std::min(kMostCurves, sorted.size()); ++i) {
        const MemoryCurve& c = *sorted[i];
        out += curve(nameCell(c.name, 40), c.rank, c.samples, fmt::format("peak {} at {}, {} at the end", bytesOf(c.peakBytes), formatDuration(c.peakTimeNs), bytesOf(c.lastBytes)));
    }
    if (sorted.empty() && m.peakRssBytes) out += curve("process.rss", 0, m.rss, "peak " + bytesOf(*m.peakRssBytes));
    if (out.empty()) return {};
    out = "<div class=\"curves\">\n" + out + "</div>\n";
    if (sorted.size() > kMostCurves) out += fmt::format("<p class=\"soft small\">and {} more in the JSON report.</p>\n", sorted.size() - kMostCurves);
    return out;
}

std::string memoryFacts(const MemorySummary& m) {
    std::string rows;
    if (m.peakRssBytes) rows += "<dt>peak resident memory</dt><dd>" + bytesOr(m.peakRssBytes) + "</dd>";
    if (m.deviceBytesPeak) rows += "<dt>peak device memory</dt><dd>" + bytesOr(m.deviceBytesPeak) + "</dd>";
    if (m.fragmentation) rows += "<dt>reserved and not allocated, at that peak</dt><dd>" + formatShare(*m.fragmentation) + (m.reservedUnusedBytes ? " (" + bytesOr(m.reservedUnusedBytes) + ")" : "") + "</dd>";
    else if (m.reservedUnusedBytes) rows += "<dt>reserved and not allocated</dt><dd>" + bytesOr(m.reservedUnusedBytes) + "</dd>";
    return rows.empty() ? "" : "<dl>" + rows + "</dl>\n";
}

std::string ownerTable(const DeviceFootprint& d) {
    if (d.owners.empty()) return {};
    const bool ways = std::any_of(d.owners.begin(), d.owners.end(), [](const MemoryOwner& o) { return o.offloadNs || o.recomputeNs; });
    std::vector<HtmlTable::Column> columns{{"Held by"}, {"Kind"}, {"At the peak", true}, {"Share", true}, {"Its own peak", true}, {"Allocations", true}};
    if (ways) columns.insert(columns.end(), {{"Offloading costs", true}, {"Recomputing costs", true}});
    HtmlTable table(std::move(columns));
    const auto cost = [](const std::optional<Ns>& ns) { return ns ? formatDuration(*ns) : std::string("<span class=\"soft\">-</span>"); };
    for (const MemoryOwner& o : d.owners)
        table.add({o.name.empty() ? "<span class=\"soft\">(no name)</span>" : nameCell(o.name), html(o.kind), bytesOf(o.atPeakBytes),
                   d.peakBytes > 0 ? formatShare(static_cast<double>(o.atPeakBytes) / static_cast<double>(d.peakBytes)) : "-", bytesOf(o.peakBytes),
                   std::to_string(o.allocations), cost(o.offloadNs), cost(o.recomputeNs)});
    return table.render(kMostOwners);
}

// What was allocated on each device, and by whom.
std::string footprints(const MemorySummary& m) {
    std::vector<const DeviceFootprint*> sorted;
    for (const DeviceFootprint& d : m.devices) sorted.push_back(&d);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->peakBytes > b->peakBytes; });
    std::string out = sorted.empty() ? "" : "<h3>Who holds device memory</h3>\n";
    for (std::size_t i = 0; i < std::min(kMostCurves, sorted.size()); ++i) {
        const DeviceFootprint& d = *sorted[i];
        std::string facts = fmt::format("rank {}, device {}: peak {} at {}, {} at the end; {} allocations, {} releases", d.rank, d.device, bytesOf(d.peakBytes),
                                        formatDuration(d.peakTimeNs), bytesOf(d.lastBytes), d.allocations, d.releases);
        if (d.unmatchedReleases > 0) facts += fmt::format(", {} of them of memory from before the recording", d.unmatchedReleases);
        if (d.linkBandwidth) facts += "; the link to the host moves " + html(formatValue(*d.linkBandwidth, "B/s"));
        out += "<p>" + facts + "</p>\n" + sparkline(d.samples, "allocated device memory over time") + ownerTable(d);
    }
    if (sorted.size() > kMostCurves) out += fmt::format("<p class=\"soft small\">and {} more in the JSON report.</p>\n", sorted.size() - kMostCurves);
    return out;
}

std::string cacheTable(const MemorySummary& m) {
    if (m.kvCache.empty()) return {};
    HtmlTable table({{"Cache"}, {"Rank", true}, {"Peak", true}, {"Mean over time", true}});
    for (const CacheOccupancy& c : m.kvCache)
        table.add({nameCell(c.name), std::to_string(c.rank), html(formatValue(c.peak, c.unit)), html(formatValue(c.mean, c.unit))});
    return "<h3>Caches</h3>\n" + table.render(kMostOwners);
}

std::string bandwidthWall(const MemorySummary& m) {
    if (m.bandwidth.empty()) return {};
    std::vector<const BandwidthWall*> sorted;
    for (const BandwidthWall& b : m.bandwidth) sorted.push_back(&b);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->timeNs > y->timeNs; });
    HtmlTable table({{"Per step of"}, {"At the bandwidth wall", true}, {"Above the roof", true}, {"Bytes moved", true}, {"Half the bytes saves", true}, {"Fusing saves", true}});
    for (const BandwidthWall* b : sorted)
        table.add({b->workload.empty() ? "the trace" : nameCell(b->workload), formatDuration(b->timeNs), formatDuration(b->aboveRoofNs), html(formatValue(b->bytes, "B")),
                   formatDuration(b->halfTypeSavesNs), b->fusionSavesNs ? formatDuration(*b->fusionSavesNs) : "<span class=\"soft\">-</span>"});
    return "<h3>What memory bandwidth costs</h3>\n" + table.render(kMostRows);
}

std::string energyTable(const EnergySummary& e) {
    if (e.workloads.empty()) return {};
    std::vector<const WorkloadEnergy*> sorted;
    for (const WorkloadEnergy& w : e.workloads) sorted.push_back(&w);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->joules > y->joules; });
    HtmlTable table({{"Steps of"}, {"Energy", true}, {"Per step", true}, {"Per token", true}, {"Steps", true}, {"Covered", true}, {"Most of it in"}});
    for (const WorkloadEnergy* w : sorted) {
        const std::string classes = energyClassesText(*w);
        table.add({w->workload.empty() ? "the trace" : nameCell(w->workload), html(formatValue(w->joules, "J")), html(formatValue(w->joulesPerStep, "J")),
                   w->joulesPerToken ? html(formatValue(*w->joulesPerToken, "J")) : "<span class=\"soft\">-</span>", std::to_string(w->steps), formatShare(w->coverage),
                   classes.empty() ? "<span class=\"soft\">not known</span>" : html(classes)});
    }
    return "<p class=\"soft small\">Covered: the part of the steps during which power was sampled.</p>\n" + table.render(kMostRows);
}

}  // namespace

std::string resourcesSection(const Analysis& a) {
    const std::string facts = memoryFacts(a.memory), drawn = curves(a.memory) + footprints(a.memory) + cacheTable(a.memory), wall = bandwidthWall(a.memory);
    std::string body = facts.empty() && drawn.empty() ? absent("Memory was not sampled in this trace.") : facts + drawn;
    body += wall;
    if (!a.energy.joules && a.energy.workloads.empty())
        return section("resources", "Memory and energy", body + absent("Energy was not sampled: it needs NVML on a GPU, or readable RAPL counters on the CPU."));
    body += "<h3>Energy</h3>\n";
    if (a.energy.joules) {
        body += fmt::format("<dl><dt>of the session</dt><dd>{}{}</dd>", html(formatValue(*a.energy.joules, "J")), a.energy.source.empty() ? "" : " (" + html(a.energy.source) + ")");
        if (a.energy.joulesPerStep) body += "<dt>per step</dt><dd>" + html(formatValue(*a.energy.joulesPerStep, "J")) + "</dd>";
        body += "</dl>\n";
    }
    return section("resources", "Memory and energy", body + energyTable(a.energy));
}

}  // namespace ridge::reports::page
