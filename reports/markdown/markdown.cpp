// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/markdown/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/common/roof_share.h"
#include "reports/common/starved.h"
#include "reports/common/summary.h"

namespace ridge::reports {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

// Long strings would let one hostile name fill the page.
std::string cell(std::string_view text) { return text.empty() ? "-" : markdown(elideMiddle(printable(text), 120)); }

template <typename List, typename Row>
std::string table(const char* header, const char* rule, const List& list, Row row, std::size_t limit = kMarkdownRows) {
    std::string out = fmt::format("\n{}\n{}\n", header, rule);
    std::size_t shown = 0;
    for (const auto& item : list) {
        if (shown == limit) break;
        out += row(item) + "\n";
        ++shown;
    }
    if (list.size() > shown) out += fmt::format("\n{} more rows are in the JSON report.\n", list.size() - shown);
    return out;
}

std::string workloads(const Analysis& a) {
    if (a.workloads.empty()) return {};
    const bool answerKey = hasAnswerKey(a);  // a trace that nobody has one for gets no column for it
    const std::string header = std::string("| Workload | Result | % of roof | Verdict | Cost of the wall |") + (answerKey ? " Answer key |" : "");
    const std::string rule = std::string("|---|---:|---:|---|---:|") + (answerKey ? "---|" : "");
    std::string starved = starvedRows(a);
    if (!starved.empty()) starved = fmt::format("\n{} {}\n", markdown(kStarvedMark), markdown(printable(starved)));
    std::string above = aboveRoofNote(a);
    if (!above.empty()) above = fmt::format("\n{}\n", markdown(above));
    return "\n## Workloads\n" + table(header.c_str(), rule.c_str(), a.workloads, [&](const WorkloadSummary& w) {
               const Match match = matchOf(w);
               const std::string mark = wasStarved(w) ? " " + markdown(kStarvedMark) : "";
               const std::string key = match == Match::kNoExpectation ? "-"
                                       : match == Match::kMatched                     ? "as expected" + mark
                                                                                      : "expected " + verdictText(*w.expected);
               const std::string skipped = skipReason(w);
               const std::string result = w.check == "failed" ? "**check failed**" : skipped.empty() ? cell(resultText(w)) + mark : "skipped: " + cell(skipped);
               return fmt::format("| {} | {} | {} | {} | {} |{}", cell(w.name), result,
                                  markdown(roofShareText(w)), w.steps == 0 ? "-" : "**" + verdictText(w.verdict) + "**",
                                  w.steps == 0 ? "-" : fmt::format("{} ({})", formatDuration(wallCostNs(w)), formatShare(w.verdictShare)),
                                  answerKey ? " " + key + " |" : "");
           }) + starved + above;
}

std::string attribution(const Analysis& a) {
    std::string out = "\n## Where the time went\n";
    if (a.steps.empty()) return out + "\nNo steps were found, so there is nothing to attribute.\n";
    out += fmt::format("\n{} steps, found by: {}.\n", a.steps.size(), markdown(a.stepSource));
    return out + table("| Class | Share | Time |", "|---|---:|---:|", rankedClasses(a.attribution),
                       [](const ClassShare& c) {
                           return fmt::format("| {} | {} | {} |", label(c.wallClass), formatShare(c.share),
                                              formatDuration(c.ns));
                       });
}

std::string finding(const Finding& f, std::size_t number) {
    std::string out = fmt::format("\n### {}. {}\n\n", number, markdown(f.title));
    out += fmt::format("{}: costs {} of a step ({}); fixing it saves {} to {}. Confidence: {}.\n",
                       verdictText({f.wallClass, f.cause}), formatDuration(f.costNs), formatShare(f.share),
                       formatDuration(f.savingLowNs), formatDuration(f.savingHighNs), name(f.confidence));
    if (!f.workload.empty()) out += fmt::format("\nIn {}.\n", markdown(f.workload));
    if (!f.tryThis.empty()) out += fmt::format("\n**Try:** {}\n", markdown(f.tryThis));
    if (!f.verify.empty()) out += fmt::format("\n**Verify:** {}\n", markdown(f.verify));
    if (f.evidence.empty() && f.sql.empty()) return out;
    out += "\n<details><summary>Evidence</summary>\n\n";
    for (const Evidence& e : f.evidence)
        out += fmt::format("- {}: {}\n", markdown(e.name), markdown(formatValue(e.value, e.unit)));
    if (!f.sqlNote.empty()) out += fmt::format("- SQL: {}\n", markdown(f.sqlNote));
    if (!f.sql.empty()) out += "\n" + markdownFence(f.sql, "sql");
    return out + "\n</details>\n";
}

std::string findings(const Analysis& a) {
    std::string out = "\n## Findings\n";
    const std::string below = belowFloorText(a), floor = below.empty() ? "" : "\n" + below + ".\n";
    if (a.findings.empty()) return out + "\nNone: no rule found a cost that can be avoided.\n" + floor;
    const std::size_t shown = std::min(kMarkdownRows, a.findings.size());
    for (std::size_t i = 0; i < shown; ++i) out += finding(a.findings[i], i + 1);
    if (shown < a.findings.size())
        out += fmt::format("\n{} more findings are in the JSON report.\n", a.findings.size() - shown);
    return out + floor;
}

std::string durationOr(const std::optional<Ns>& ns) { return ns ? formatDuration(*ns) : std::string("-"); }

std::string share(Ns part, Ns whole) {
    return whole > 0 ? formatShare(static_cast<double>(part) / static_cast<double>(whole)) : std::string("-");
}

std::string whatIfs(const Analysis& a) {
    if (a.whatIf.empty()) return {};
    return "\n## What if\n\nMedian steps; replay: what the order of the work allows, closed form: the step less the class of time. Either may be the shorter; the truth is expected between them, or further where hidden work still takes processor time.\n" +
           table("| Change | Workload | Step now | Replay | Closed form | Measured | Replay error |", "|---|---|---:|---:|---:|---:|---:|", rankedWhatIf(a),
                 [&](const WhatIf* w) {
                     return fmt::format("| {} | {} | {} | {} | {} | {} | {} |", cell(changeText(w->change)), cell(w->workload), formatDuration(w->stepNs),
                                        w->replayNs > 0 ? formatDuration(w->replayNs) : "-", w->boundNs > 0 ? formatDuration(w->boundNs) : "-", durationOr(w->measuredNs) + (w->measuredNs && wasStarved(a, *w) ? " " + markdown(kStarvedMark) : ""),
                                        w->error ? fmt::format("{:+.1f} %", *w->error * 100) : "-");
                 }, 20);
}

std::string criticalPath(const Analysis& a) {
    if (!a.criticalPath || a.criticalPath->byKind.empty()) return {};
    const CriticalPath& path = *a.criticalPath;
    std::string out = fmt::format("\n## Critical path\n\n{} of {} step{}.", formatDuration(path.coveredNs), path.steps, path.steps == 1 ? "" : "s");
    if (path.stepsLeftOut > 0) out += fmt::format(" {} steps were left out: too many for the graph.", path.stepsLeftOut);
    const std::string second = secondChainText(path);
    if (!second.empty()) out += " Note: " + markdown(second) + ".";
    out += "\n" + table("| Kind | Share | Time | Segments |", "|---|---:|---:|---:|", path.byKind, [&](const PathShare& k) {
               return fmt::format("| {} | {} | {} | {} |", cell(pathKindText(k.kind)), share(k.ns, path.coveredNs), formatDuration(k.ns), k.count);
           });
    if (path.byName.empty()) return out;
    return out + table("| On the path | Kind | Share | Time |", "|---|---|---:|---:|", path.byName, [&](const PathShare& k) {
               return fmt::format("| {} | {} | {} | {} |", cell(k.name), cell(pathKindText(k.kind)), share(k.ns, path.coveredNs), formatDuration(k.ns));
           }, 10);
}

std::string threeWalls(const Analysis& a) {
    std::vector<const RidgelinePoint*> points;
    for (const RidgelinePoint& p : a.ridgeline)
        if (!p.bound.empty()) points.push_back(&p);
    if (points.empty()) return {};
    const auto wall = [](Ns ns) { return ns > 0 ? formatDuration(ns) : std::string("-"); };
    return "\n## Three walls\n\nOne step of one rank at each roof alone.\n" +
           table("| Workload | Wall | At compute roof | At memory roof | At network roof | Step |", "|---|---|---:|---:|---:|---:|", points, [&](const RidgelinePoint* p) {
               return fmt::format("| {} | {} | {} | {} | {} | {} |", cell(p->workload), cell(p->bound), wall(p->computeNs), wall(p->memoryNs), wall(p->networkNs),
                                  formatDuration(p->stepNs));
           });
}

std::string ranges(const Analysis& a) {
    if (a.ranges.empty()) return {};
    std::string out = "\n## Time by range\n\nIn the steps, summed over threads.\n" +
                      table("| Range | Kind | Count | Total | Self | On the device |", "|---|---|---:|---:|---:|---:|", a.ranges, [](const RangeSummary& r) {
                          return fmt::format("| {} | {} | {} | {} | {} | {} |", cell(r.name), cell(r.kind), r.count, formatDuration(r.totalNs), formatDuration(r.selfNs),
                                             formatDuration(r.deviceNs));
                      }, 20);
    if (a.rangesOmitted > 0) out += fmt::format("\n{} names with less time were counted and not kept.\n", a.rangesOmitted);
    return out;
}

std::string latecomers(const Analysis& a) {
    std::string out;
    if (!a.stragglers.empty())
        out += "\n### Who the others waited for\n" +
               table("| Late rank | Delay it caused | Its excess time | Collective | Workload |", "|---:|---:|---|---|---|", a.stragglers, [](const Straggler& s) {
                   return fmt::format("| {} | {} | {} | {} | {} |", s.rank, formatDuration(s.blameNs), cell(pathKindText(s.excessClass)), cell(s.collective), cell(s.workload));
               }, 20);
    if (a.unclaimedSkewNs > 0)
        out += fmt::format("\nDelays of {} in all are blamed on nobody: they are too small for how well the clocks agree.\n", formatDuration(a.unclaimedSkewNs));
    if (!a.contention.empty())
        out += "\n### What the overlap costs\n" +
               table("| Rank | Device | Overlap | Its cost | 95 % interval | Net hidden |", "|---:|---:|---:|---:|---:|---:|", a.contention, [](const Contention& c) {
                   return fmt::format("| {} | {} | {} | {} | {} to {} | {} |", c.rank, c.device, formatDuration(c.overlapNs), formatDuration(c.costNs),
                                      formatDuration(c.costLowNs), formatDuration(c.costHighNs), formatDuration(c.netHiddenNs));
               }, 20);
    if (!a.clocks.empty()) {
        const auto worst = std::max_element(a.clocks.begin(), a.clocks.end(), [](const auto& x, const auto& y) { return x.residualNs < y.residualNs; });
        out += fmt::format("\nThe clocks of {} ranks agree to {} after alignment (rank {} is the worst).\n", a.clocks.size(), formatDuration(worst->residualNs), worst->rank);
    }
    return out;
}

std::string memoryFacts(const MemorySummary& m) {
    const auto bytes = [](std::int64_t n) { return formatBytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, n))); };
    std::string out;
    if (m.peakRssBytes) out += "\n- peak resident memory: " + bytes(*m.peakRssBytes);
    if (m.deviceBytesPeak) out += "\n- peak device memory: " + bytes(*m.deviceBytesPeak);
    if (m.fragmentation) out += "\n- reserved and not allocated, at that peak: " + formatShare(*m.fragmentation);
    for (std::size_t i = 0; i < std::min<std::size_t>(8, m.curves.size()); ++i)
        out += fmt::format("\n- {} of rank {}: peak {}, {} at the end", markdown(elideMiddle(printable(m.curves[i].name), 60)), m.curves[i].rank, bytes(m.curves[i].peakBytes), bytes(m.curves[i].lastBytes));
    if (m.curves.size() > 8) out += fmt::format("\n- and {} more curves in the JSON report", m.curves.size() - 8);
    return out.empty() ? out : out + "\n";
}

std::string owners(const MemorySummary& m) {
    const auto bytes = [](std::int64_t n) { return formatBytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, n))); };
    std::string out;
    for (std::size_t i = 0; i < std::min<std::size_t>(8, m.devices.size()); ++i) {
        const DeviceFootprint& d = m.devices[i];
        out += fmt::format("\nRank {}, device {}: peak {}, {} at the end; {} allocations, {} releases.\n", d.rank, d.device, bytes(d.peakBytes), bytes(d.lastBytes), d.allocations, d.releases);
        if (!d.owners.empty())
            out += table("| Held by | Kind | At the peak | Its own peak | Offloading costs | Recomputing costs |", "|---|---|---:|---:|---:|---:|", d.owners, [&](const MemoryOwner& o) {
                return fmt::format("| {} | {} | {} | {} | {} | {} |", cell(o.name), cell(o.kind), bytes(o.atPeakBytes), bytes(o.peakBytes), durationOr(o.offloadNs), durationOr(o.recomputeNs));
            }, 10);
    }
    if (m.devices.size() > 8) out += fmt::format("\n{} more devices are in the JSON report.\n", m.devices.size() - 8);
    if (!m.kvCache.empty())
        out += table("| Cache | Rank | Peak | Mean over time |", "|---|---:|---:|---:|", m.kvCache, [](const CacheOccupancy& c) {
            return fmt::format("| {} | {} | {} | {} |", cell(c.name), c.rank, cell(formatValue(c.peak, c.unit)), cell(formatValue(c.mean, c.unit)));
        }, 10);
    return out;
}

std::string resources(const Analysis& a) {
    std::string out = memoryFacts(a.memory) + owners(a.memory);
    if (!a.memory.bandwidth.empty())
        out += table("| Memory bandwidth, per step of | At the wall | Above the roof | Half the bytes saves | Fusing saves |", "|---|---:|---:|---:|---:|", a.memory.bandwidth,
                     [](const BandwidthWall& b) {
                         return fmt::format("| {} | {} | {} | {} | {} |", cell(b.workload), formatDuration(b.timeNs), formatDuration(b.aboveRoofNs),
                                            formatDuration(b.halfTypeSavesNs), durationOr(b.fusionSavesNs));
                     });
    if (a.energy.joules) out += fmt::format("\nEnergy of the session: {} ({}).\n", markdown(formatValue(*a.energy.joules, "J")), markdown(a.energy.source));
    if (!a.energy.workloads.empty())
        out += table("| Energy of the steps of | In all | Per step | Per token | Covered | Most of it in |", "|---|---:|---:|---:|---:|---|", a.energy.workloads, [](const WorkloadEnergy& w) {
            return fmt::format("| {} | {} | {} | {} | {} | {} |", cell(w.workload), formatValue(w.joules, "J"), formatValue(w.joulesPerStep, "J"),
                               w.joulesPerToken ? formatValue(*w.joulesPerToken, "J") : "-", formatShare(w.coverage), cell(energyClassesText(w)));
        });
    return out.empty() ? out : "\n## Memory and energy\n" + out;
}

std::string communication(const Analysis& a) {
    const std::string late = latecomers(a);
    if (a.communication.empty()) return late.empty() ? late : "\n## Communication\n" + late;
    const auto rate = [](const std::optional<double>& v) { return v ? formatRate(*v, "B/s") : std::string("-"); };
    return "\n## Communication\n" +
           table("| Collective | Bytes | Count | Busy | Hidden | Wait | Transfer | Alg. bandwidth | Bus bandwidth |",
                 "|---|---:|---:|---:|---:|---:|---:|---:|---:|", a.communication, [&](const CommunicationOp& c) {
                     return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |", cell(c.name),
                                        c.bytes && *c.bytes >= 0 ? formatBytes(static_cast<std::uint64_t>(*c.bytes)) : "-",
                                        c.count, formatDuration(c.busyNs), formatDuration(c.overlapNs),
                                        durationOr(c.waitNs), durationOr(c.transferNs), rate(c.algbw), rate(c.busbw));
                 }) + late;
}

std::string capture(const Analysis& a) {
    std::string out = "\n## Capture\n\n";
    const std::size_t bad = countAtLeast(a, Severity::kWarning);
    out += fmt::format("{} checks, {} with a warning or an error.", a.gate.size(), bad);
    out += nothingLost(a) ? " Nothing was lost.\n" : "\n";
    for (const GateCheck& g : a.gate)
        if (g.severity != Severity::kInfo)
            out += fmt::format("\n- **{}** {} ({}): {}", name(g.severity), markdown(g.check), g.count, markdown(g.detail));
    if (bad > 0) out += "\n";
    for (const Loss& l : a.losses) out += fmt::format("\n- lost: {} {} {}", l.count, l.inBytes() ? "bytes:" : l.count == 1 ? "record of" : "records of", markdown(l.source));
    return out + (a.losses.empty() ? "" : "\n");
}

}  // namespace

std::string renderMarkdown(const Analysis& a) {
    std::string out = "# Ridgepoint report\n";
    if (a.sources.empty()) out += "\nNo trace was read.\n";
    out += "\n";
    for (std::size_t i = 0; i < std::min(kMarkdownRows, a.sources.size()); ++i) {
        const Source& s = a.sources[i];
        out += fmt::format("- {} ({})\n", markdown(s.path), markdown(sourceText(s)));
    }
    if (a.sources.size() > kMarkdownRows) out += fmt::format("- and {} more\n", a.sources.size() - kMarkdownRows);
    return out + workloads(a) + attribution(a) + findings(a) + whatIfs(a) + criticalPath(a) + threeWalls(a) + ranges(a) + communication(a) + resources(a) + capture(a);
}

}  // namespace ridge::reports
