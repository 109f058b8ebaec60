// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/run/merge.h"

#include <fmt/format.h>

#include <algorithm>

#include "analyzer/ranges/ranges.h"

namespace ridge::cli {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

// Checks that passed everywhere are one line; what failed says where.
void mergeGate(Analysis& all, const Analysis& part) {
    const std::string where = part.workloads.empty() ? "" : part.workloads.front().name + ": ";
    for (const GateCheck& check : part.gate) {
        if (check.severity != Severity::kInfo) {
            all.gate.push_back({check.check, check.severity, check.count, where + check.detail});
            continue;
        }
        const auto same = std::find_if(all.gate.begin(), all.gate.end(),
                                       [&](const GateCheck& g) { return g.check == check.check && g.severity == Severity::kInfo; });
        if (same == all.gate.end()) {
            all.gate.push_back(check);
        } else {
            same->count += check.count;
            if (same->detail != check.detail) same->detail.clear();
        }
    }
}

void mergeRanks(Analysis& all, const Analysis& part) {
    for (const Rank& rank : part.ranks) {
        const auto same = std::find_if(all.ranks.begin(), all.ranks.end(), [&](const Rank& r) { return r.rank == rank.rank && r.host == rank.host; });
        if (same == all.ranks.end())
            all.ranks.push_back(rank);
        else
            append(same->pids, rank.pids);
    }
}

void mergeDevices(Analysis& all, const Analysis& part) {
    for (const Device& d : part.devices) {
        const auto same = std::find_if(all.devices.begin(), all.devices.end(),
                                       [&](const Device& o) { return o.id == d.id && o.rank == d.rank && o.kind == d.kind && o.name == d.name; });
        if (same == all.devices.end()) {
            all.devices.push_back(d);
            continue;
        }
        for (const auto member : {&Device::spanNs, &Device::busyNs, &Device::idleNs, &Device::computeNs, &Device::commNs, &Device::copyNs,
                                  &Device::overlapNs, &Device::exposedCommNs, &Device::exposedCopyNs, &Device::kernels, &Device::copies, &Device::unlinked})
            (*same).*member += d.*member;
    }
}

void mergeEnvironment(Analysis& all, const Analysis& part) {
    for (const EnvironmentField& field : part.environment)
        if (std::none_of(all.environment.begin(), all.environment.end(), [&](const auto& f) { return f.name == field.name && f.fieldClass == field.fieldClass; }))
            all.environment.push_back(field);
}

void mergeLosses(Analysis& all, const Analysis& part) {
    for (const Loss& loss : part.losses) {
        const auto same = std::find_if(all.losses.begin(), all.losses.end(), [&](const Loss& l) { return l.source == loss.source; });
        if (same == all.losses.end())
            all.losses.push_back(loss);
        else
            same->count += loss.count;
    }
}

void mergeRanges(Analysis& all, const Analysis& part) {
    for (const RangeSummary& range : part.ranges) {
        const auto same = std::find_if(all.ranges.begin(), all.ranges.end(), [&](const RangeSummary& r) { return r.name == range.name && r.kind == range.kind; });
        if (same == all.ranges.end()) {
            all.ranges.push_back(range);
            continue;
        }
        same->count += range.count;
        same->totalNs += range.totalNs;
        same->selfNs += range.selfNs;
        same->deviceNs += range.deviceNs;
        same->deviceSelfNs += range.deviceSelfNs;
    }
    all.rangesOmitted += part.rangesOmitted;
}

void mergeCriticalPath(Analysis& all, const Analysis& part) {
    if (!part.criticalPath) return;
    if (!all.criticalPath) {  // segments are those of one step: the first workload's
        all.criticalPath = part.criticalPath;
        return;
    }
    CriticalPath& to = *all.criticalPath;
    const CriticalPath& from = *part.criticalPath;
    to.steps += from.steps;
    to.stepsLeftOut += from.stepsLeftOut;
    to.coveredNs += from.coveredNs;
    to.namesOmitted += from.namesOmitted;
    to.slackOmitted += from.slackOmitted;
    for (const auto member : {&CriticalPath::byKind, &CriticalPath::byName}) {
        for (const PathShare& share : from.*member) {
            auto& list = to.*member;
            const auto same = std::find_if(list.begin(), list.end(), [&](const PathShare& s) { return s.kind == share.kind && s.name == share.name; });
            if (same == list.end()) {
                list.push_back(share);
            } else {
                same->ns += share.ns;
                same->count += share.count;
            }
        }
        std::stable_sort((to.*member).begin(), (to.*member).end(), [](const PathShare& a, const PathShare& b) { return a.ns > b.ns; });
    }
    to.second.clear();  // of one timeline, not of several
    to.secondNs = 0;
    append(to.slack, from.slack);  // rows of one name are not put together: medians do not add up
    std::stable_sort(to.slack.begin(), to.slack.end(), [](const PathSlack& a, const PathSlack& b) { return a.busyNs > b.busyNs; });
    append(to.lanes, from.lanes);
}

// Each timeline has clocks of its own; the report keeps, of each rank, those that agree worst.
void mergeClocks(Analysis& all, const Analysis& part) {
    for (const ClockAlignment& clock : part.clocks) {
        const auto same = std::find_if(all.clocks.begin(), all.clocks.end(), [&](const ClockAlignment& c) { return c.rank == clock.rank; });
        if (same == all.clocks.end())
            all.clocks.push_back(clock);
        else if (clock.residualNs > same->residualNs)
            *same = clock;
    }
}

// As devices: added up. The ends of the intervals too, which makes them wider than 95 %, never narrower.
void mergeContention(Analysis& all, const Analysis& part) {
    for (const Contention& c : part.contention) {
        const auto same = std::find_if(all.contention.begin(), all.contention.end(), [&](const Contention& o) { return o.rank == c.rank && o.device == c.device; });
        if (same == all.contention.end()) {
            all.contention.push_back(c);
            continue;
        }
        for (const auto member : {&Contention::overlapNs, &Contention::costNs, &Contention::costLowNs, &Contention::costHighNs, &Contention::netHiddenNs})
            (*same).*member += c.*member;
        append(same->kernels, c.kernels);
        std::stable_sort(same->kernels.begin(), same->kernels.end(), [](const ContendedKernel& a, const ContendedKernel& b) { return a.costNs > b.costNs; });
    }
}

template <typename T>
void keepLarger(std::optional<T>& to, const std::optional<T>& from) {
    if (from && (!to || *from > *to)) to = from;
}

void mergeMemory(MemorySummary& all, const MemorySummary& part, bool alone) {
    append(all.bandwidth, part.bandwidth);
    keepLarger(all.peakRssBytes, part.peakRssBytes);
    keepLarger(all.deviceBytesPeak, part.deviceBytesPeak);
    if (part.fragmentation && (!all.fragmentation || *part.fragmentation > *all.fragmentation)) {
        all.fragmentation = part.fragmentation;  // of the timeline where it is worst, with its bytes
        all.reservedUnusedBytes = part.reservedUnusedBytes;
    }
    append(all.kvCache, part.kvCache);
    for (const DeviceFootprint& d : part.devices) {  // of a device, the timeline in which it held most
        const auto same = std::find_if(all.devices.begin(), all.devices.end(), [&](const DeviceFootprint& o) { return o.rank == d.rank && o.device == d.device; });
        if (same == all.devices.end())
            all.devices.push_back(d);
        else if (d.peakBytes > same->peakBytes)
            *same = d;
    }
    if (!alone) return;  // curves of different timelines have no common axis; each timeline's own report has them
    all.rss = part.rss;
    all.curves = part.curves;
}

void mergeEnergy(EnergySummary& all, const EnergySummary& part) {
    append(all.workloads, part.workloads);
    if (!part.joules) return;
    all.joules = all.joules.value_or(0) + *part.joules;
    if (all.source.empty())
        all.source = part.source;
    else if (!part.source.empty() && all.source != part.source)
        all.source = "several";
}

}  // namespace

Analysis mergeAnalyses(const std::vector<Analysis>& parts) {
    Analysis all;
    for (const Analysis& part : parts) {
        append(all.sources, part.sources);
        mergeGate(all, part);
        mergeEnvironment(all, part);
        mergeRanks(all, part);
        mergeDevices(all, part);
        if (all.stepSource.empty()) all.stepSource = part.stepSource;
        append(all.steps, part.steps);
        for (std::size_t c = 0; c < kWallClassCount; ++c) all.attribution[c] += part.attribution[c];
        if (all.ceilings.empty()) all.ceilings = part.ceilings;
        append(all.roofline, part.roofline);
        append(all.ridgeline, part.ridgeline);
        mergeMemory(all.memory, part.memory, parts.size() == 1);
        mergeEnergy(all.energy, part.energy);
        all.findingsBelowFloor += part.findingsBelowFloor;
        append(all.communication, part.communication);
        append(all.stragglers, part.stragglers);
        mergeCriticalPath(all, part);
        append(all.whatIf, part.whatIf);
        mergeClocks(all, part);
        mergeContention(all, part);
        all.unclaimedSkewNs += part.unclaimedSkewNs;
        append(all.findings, part.findings);
        append(all.workloads, part.workloads);
        mergeLosses(all, part);
        mergeRanges(all, part);
    }
    std::stable_sort(all.ranges.begin(), all.ranges.end(), [](const RangeSummary& a, const RangeSummary& b) {
        return std::max(a.totalNs, a.deviceNs) > std::max(b.totalNs, b.deviceNs);
    });
    if (all.ranges.size() > kMostRangeNames) {
        all.rangesOmitted += static_cast<std::int64_t>(all.ranges.size() - kMostRangeNames);
        all.ranges.resize(kMostRangeNames);
    }
    if (parts.size() == 1) all.energy.joulesPerStep = parts.front().energy.joulesPerStep;
    // A finding of low confidence never stands above a better one; then the larger share of its step first.
    std::stable_sort(all.findings.begin(), all.findings.end(), [](const Finding& a, const Finding& b) {
        const bool lowA = a.confidence == Confidence::kLow, lowB = b.confidence == Confidence::kLow;
        return lowA != lowB ? lowB : a.share > b.share;
    });
    for (std::size_t i = 0; i < all.findings.size(); ++i) all.findings[i].id = fmt::format("F{}", i + 1);
    return all;
}

}  // namespace ridge::cli
