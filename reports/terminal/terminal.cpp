// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/terminal/terminal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/common/roof_share.h"
#include "reports/common/starved.h"
#include "reports/common/summary.h"
#include "reports/terminal/table.h"

namespace ridge::reports {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else
using Align = Table::Align;

constexpr std::size_t kTopClasses = 3;
constexpr std::size_t kMostGroups = 40;
constexpr std::size_t kMostDevices = 16;
constexpr std::size_t kMostRanges = 12;
constexpr std::size_t kMostWhatIfs = 3;
constexpr std::size_t kMostPathKinds = 5;
constexpr std::size_t kMostStragglers = 5;

std::string heading(const std::string& title, const TerminalOptions& o) {
    return "\n" + painted(title, Paint::kBold, o.colour) + "\n";
}

// One line that is cut in its middle where the terminal ends.
std::string fitted(const std::string& text, Paint paint, std::size_t indent, const TerminalOptions& o) {
    const std::string shown = printable(text);
    const std::size_t room = o.width > indent ? o.width - indent : 0;
    return std::string(indent, ' ') + painted(room > 0 ? elideMiddle(shown, room) : shown, paint, o.colour) + "\n";
}

std::string more(std::size_t all, std::size_t shown) {
    return all > shown ? fmt::format("  and {} more; the JSON report has them\n", all - shown) : std::string();
}

std::string sourceLines(const Analysis& a, const TerminalOptions& o) {
    std::string out;
    for (const Source& s : a.sources)
        out += fitted(s.path, Paint::kBold, 0, o) +
               fitted(sourceText(s), Paint::kDim, 2, o);
    return out;
}

std::string devices(const Analysis& a, const TerminalOptions& o) {
    if (a.devices.empty()) return heading("Devices", o) + "  none: the trace has no rows of any device\n";
    Table table({{"rank", Align::kRight}, {"device", Align::kLeft, 12}, {"span", Align::kRight},
                 {"busy", Align::kRight}, {"compute", Align::kRight}, {"comm", Align::kRight},
                 {"exposed", Align::kRight}, {"copy", Align::kRight}, {"rows", Align::kRight}});
    for (std::size_t i = 0; i < std::min(kMostDevices, a.devices.size()); ++i) {
        const Device& d = a.devices[i];
        const double span = d.spanNs > 0 ? static_cast<double>(d.spanNs) : 1;
        const auto share = [&](Ns ns) { return d.spanNs > 0 ? formatShare(static_cast<double>(ns) / span) : "-"; };
        const std::string title = d.name.empty() ? fmt::format("{} {}", d.kind, d.id)
                                                 : fmt::format("{} {}: {}", d.kind, d.id, d.name);
        table.add({std::to_string(d.rank), title, formatDuration(d.spanNs), share(d.busyNs), share(d.computeNs),
                   share(d.commNs), share(d.exposedCommNs), share(d.copyNs),
                   std::to_string(d.kernels + d.copies)});
    }
    return heading("Devices", o) + table.render(o.width, o.colour, 2) + more(a.devices.size(), kMostDevices);
}

// Time by range name, where the trace has names to show.
std::string ranges(const Analysis& a, const TerminalOptions& o) {
    if (a.ranges.empty()) return {};
    const bool device = std::any_of(a.ranges.begin(), a.ranges.end(), [](const RangeSummary& r) { return r.deviceNs > 0; });
    std::vector<Table::Column> columns{{"range", Align::kLeft, 24}, {"count", Align::kRight}, {"total", Align::kRight},
                                       {"self", Align::kRight}, {"mean", Align::kRight}};
    if (device) columns.push_back({"on the device", Align::kRight});
    Table table(columns);
    for (std::size_t i = 0; i < std::min(kMostRanges, a.ranges.size()); ++i) {
        const RangeSummary& r = a.ranges[i];
        std::vector<Cell> row{Cell(r.name.empty() ? "(no name)" : r.name), Cell(std::to_string(r.count)), Cell(formatDuration(r.totalNs)),
                              Cell(formatDuration(r.selfNs)), Cell(r.count > 0 ? formatDuration(r.totalNs / r.count) : "-")};
        if (device) row.emplace_back(formatDuration(r.deviceNs));
        table.add(std::move(row));
    }
    return heading("Time by range, in the steps, summed over threads", o) + table.render(o.width, o.colour, 2) +
           more(a.ranges.size() + static_cast<std::size_t>(a.rangesOmitted), kMostRanges);
}

std::string topClasses(const ClassTimes& classes) {
    std::string out;
    const auto ranked = rankedClasses(classes);
    for (std::size_t i = 0; i < std::min(kTopClasses, ranked.size()); ++i)
        out += fmt::format("{}{} {}", i ? ", " : "", label(ranked[i].wallClass), formatShare(ranked[i].share));
    return out.empty() ? "-" : out;
}

std::string steps(const Analysis& a, const TerminalOptions& o) {
    if (a.steps.empty())
        return heading("Steps", o) + "  none found; name a range that repeats with --step NAME\n";
    const auto groups = groupSteps(a);
    const bool named = std::any_of(groups.begin(), groups.end(), [](const StepGroup& g) { return !g.workload.empty(); });
    std::vector<Table::Column> columns{{"rank", Align::kRight}, {"device", Align::kRight}, {"steps", Align::kRight},
                                       {"median", Align::kRight}, {"most time in", Align::kLeft, 14, true}};
    if (named) columns.insert(columns.begin(), {"workload", Align::kLeft, 20});
    Table table(columns);
    for (std::size_t i = 0; i < std::min(kMostGroups, groups.size()); ++i) {
        const StepGroup& g = groups[i];
        std::vector<Cell> row{Cell(std::to_string(g.rank)), Cell(std::to_string(g.device)), Cell(std::to_string(g.steps.size())),
                              Cell(formatDuration(g.medianNs)), Cell(topClasses(g.classes))};
        if (named) row.insert(row.begin(), Cell(g.workload.empty() ? "-" : g.workload));
        table.add(std::move(row));
    }
    std::string out = heading(printable(fmt::format("Steps (found by: {})", a.stepSource)), o) +
                      table.render(o.width, o.colour, 2);
    return out + more(groups.size(), kMostGroups);
}

std::string attribution(const Analysis& a, const TerminalOptions& o) {
    if (a.steps.empty()) return {};
    constexpr std::size_t kBar = 30;
    std::string out = heading("Where the time of all steps went", o);
    for (const ClassShare& c : rankedClasses(a.attribution)) {
        const auto blocks = static_cast<std::size_t>(c.share * kBar + 0.5);
        std::string bar;
        for (std::size_t i = 0; i < blocks; ++i) bar += "\xE2\x96\x88";
        out += fmt::format("  {:<16} {:>8} {:>10}  {}\n", label(c.wallClass), formatShare(c.share),
                           formatDuration(c.ns), painted256(bar, look(c.wallClass).terminal, o.colour));
    }
    return out;
}

Paint paintOf(Confidence c) {
    return c == Confidence::kHigh ? Paint::kGood : c == Confidence::kMedium ? Paint::kWarn : Paint::kDim;
}

std::string finding(const Finding& f, std::size_t number, const TerminalOptions& o) {
    std::string out = wrapped(fmt::format("{}. {}", number, printable(f.title)), o.width, 2);
    out += fmt::format("     {} of a step ({}); a fix saves {} to {}; confidence {}\n", formatDuration(f.costNs),
                       formatShare(f.share), formatDuration(f.savingLowNs), formatDuration(f.savingHighNs),
                       painted(std::string(name(f.confidence)), paintOf(f.confidence), o.colour));
    std::string where = verdictText({f.wallClass, f.cause});
    if (!f.workload.empty()) where += " in " + printable(f.workload);
    out += wrapped(where, o.width, 5);
    if (!f.tryThis.empty()) out += wrapped("try: " + printable(f.tryThis), o.width, 5);
    if (!f.verify.empty()) out += wrapped("verify: " + printable(f.verify), o.width, 5);
    return out;
}

std::string findings(const Analysis& a, const TerminalOptions& o) {
    std::string out = heading("Findings", o);
    const std::string below = belowFloorText(a);
    const std::string floor = below.empty() ? "" : wrapped(below, o.width, 2);
    if (a.findings.empty()) return out + "  none: no rule found a cost that can be avoided\n" + floor;
    const std::size_t shown = std::min(o.findings, a.findings.size());
    for (std::size_t i = 0; i < shown; ++i) out += finding(a.findings[i], i + 1, o);
    if (shown < a.findings.size())
        out += fmt::format("  and {} more; --json, --html and --markdown have them all\n", a.findings.size() - shown);
    return out + floor;
}

std::string whatIfs(const Analysis& a, const TerminalOptions& o) {
    if (a.whatIf.empty()) return {};
    const bool named = std::any_of(a.whatIf.begin(), a.whatIf.end(), [](const WhatIf& w) { return !w.workload.empty(); });
    const bool measured = std::any_of(a.whatIf.begin(), a.whatIf.end(), [](const WhatIf& w) { return w.measuredNs.has_value(); });
    std::vector<Table::Column> columns{{"change", Align::kLeft, 20}, {"step now", Align::kRight}, {"replay", Align::kRight}, {"closed form", Align::kRight}};
    if (measured) columns.push_back({"measured", Align::kRight});
    if (named) columns.push_back({"in", Align::kLeft, 14});
    Table table(columns);
    const auto ranked = rankedWhatIf(a);
    for (std::size_t i = 0; i < std::min(kMostWhatIfs, ranked.size()); ++i) {
        const WhatIf& w = *ranked[i];
        std::vector<Cell> row{Cell(changeText(w.change)), Cell(formatDuration(w.stepNs)), Cell(w.replayNs > 0 ? formatDuration(w.replayNs) : "-"),
                              Cell(w.boundNs > 0 ? formatDuration(w.boundNs) : "-")};
        if (measured) row.emplace_back(w.measuredNs ? formatDuration(*w.measuredNs) : "-");
        if (named) row.emplace_back(w.workload);
        table.add(std::move(row));
    }
    return heading("What a step would take", o) + table.render(o.width, o.colour, 2) + more(ranked.size(), kMostWhatIfs);
}

// The kinds with the most time, in one line.
std::string criticalPath(const Analysis& a, const TerminalOptions& o) {
    if (!a.criticalPath || a.criticalPath->byKind.empty() || a.criticalPath->coveredNs <= 0) return {};
    const CriticalPath& path = *a.criticalPath;
    std::string line;
    for (std::size_t i = 0; i < std::min(kMostPathKinds, path.byKind.size()); ++i)
        line += fmt::format("{}{} {}", i ? ", " : "", pathKindText(path.byKind[i].kind),
                            formatShare(static_cast<double>(path.byKind[i].ns) / static_cast<double>(path.coveredNs)));
    std::string out = heading("Critical path", o) + fitted(line, Paint::kNone, 2, o);
    const std::string second = secondChainText(path);
    return second.empty() ? out : out + wrapped(printable(second), o.width, 2);
}

std::string stragglers(const Analysis& a, const TerminalOptions& o) {
    if (a.stragglers.empty()) return {};
    Table table({{"late rank", Align::kRight}, {"delay it caused", Align::kRight}, {"its excess time", Align::kLeft},
                 {"collective", Align::kLeft, 16}, {"workload", Align::kLeft, 12}});
    for (std::size_t i = 0; i < std::min(kMostStragglers, a.stragglers.size()); ++i) {
        const Straggler& s = a.stragglers[i];
        table.add({std::to_string(s.rank), formatDuration(s.blameNs), pathKindText(s.excessClass), s.collective, s.workload});
    }
    return heading("Who the others waited for", o) + table.render(o.width, o.colour, 2) + more(a.stragglers.size(), kMostStragglers);
}

std::string capture(const Analysis& a, const TerminalOptions& o) {
    const std::size_t bad = countAtLeast(a, Severity::kWarning);
    std::string out = heading("Capture", o);
    out += fmt::format("  {} check{}, {} with a warning or an error\n", a.gate.size(), a.gate.size() == 1 ? "" : "s", bad);
    for (const GateCheck& g : a.gate) {
        if (g.severity == Severity::kInfo) continue;
        const Paint paint = g.severity == Severity::kError ? Paint::kBad : Paint::kWarn;
        out += "  " + painted(std::string(name(g.severity)), paint, o.colour) + "\n";
        out += wrapped(printable(fmt::format("{} ({}): {}", g.check, g.count, g.detail)), o.width, 4);
    }
    if (a.losses.empty()) return out + (nothingLost(a) ? "  nothing was lost\n" : "");
    for (const Loss& l : a.losses)
        out += "  " + painted(printable(fmt::format("lost: {} {} {}", l.count, l.inBytes() ? "bytes:" : l.count == 1 ? "record of" : "records of", l.source)),
                              l.count > 0 ? Paint::kWarn : Paint::kNone, o.colour) + "\n";
    return out;
}

Cell expectedCell(const WorkloadSummary& w) {
    switch (matchOf(w)) {
        case Match::kNoExpectation: return {"-"};
        case Match::kMatched: return wasStarved(w) ? Cell(fmt::format("as expected {}", kStarvedMark), Paint::kWarn) : Cell("as expected", Paint::kGood);
        case Match::kMissed: return {"expected " + shortVerdictText(*w.expected), Paint::kWarn};
    }
    return {"-"};
}

}  // namespace

std::string renderWorkloadTable(const Analysis& a, const TerminalOptions& o) {
    if (a.workloads.empty()) return {};
    // A trace that nobody has an answer key for gets no column for it.
    const bool answerKey = hasAnswerKey(a);
    std::vector<Table::Column> columns{{"workload", Align::kLeft, 24}, {"result", Align::kRight}, {"% of roof", Align::kRight},
                                       {"verdict", Align::kLeft}, {"cost of the wall", Align::kRight}};
    if (answerKey) columns.push_back({"answer key", Align::kLeft, 12, true});
    Table table(columns);
    std::string reasons;  // and what else stands below the table
    for (const WorkloadSummary& w : a.workloads) {
        const bool failed = w.check == "failed";
        const bool noSteps = w.steps == 0;
        const std::string skipped = skipReason(w);
        std::vector<Cell> row{Cell(w.name.empty() ? "(the trace)" : w.name),
                              failed ? Cell("failed", Paint::kBad) : !skipped.empty() ? Cell("skipped", Paint::kDim)
                              : wasStarved(w) ? Cell(fmt::format("{} {}", resultText(w), kStarvedMark), Paint::kWarn) : Cell(resultText(w)),
                              isAboveItsRoof(w) ? Cell(roofShareText(w), Paint::kWarn) : Cell(roofShareText(w)), Cell(noSteps ? "-" : shortVerdictText(w.verdict)),
                              Cell(noSteps ? "-" : fmt::format("{} ({})", formatDuration(wallCostNs(w)), formatShare(w.verdictShare)))};
        if (answerKey) row.push_back(noSteps ? Cell("-") : expectedCell(w));
        table.add(std::move(row));
        if (failed && !w.checkDetail.empty()) reasons += wrapped(printable(fmt::format("{}: {}", w.name, w.checkDetail)), o.width, 0);
        if (!skipped.empty()) reasons += wrapped(printable(fmt::format("{}: skipped: {}", w.name, skipped)), o.width, 0);
    }
    if (const std::string starved = starvedRows(a); !starved.empty()) reasons += wrapped(printable(fmt::format("{} {}", kStarvedMark, starved)), o.width, 0);
    if (const std::string above = aboveRoofNote(a); !above.empty()) reasons += wrapped(above, o.width, 0);
    return table.render(o.width, o.colour) + reasons;
}

namespace {

// By how much of itself the measured step is longer or shorter than every one that was predicted.
std::string outsideText(const WhatIf& w) {
    const std::int64_t nearest = std::clamp(*w.measuredNs, w.stepNsLow, w.stepNsHigh);
    return nearest == *w.measuredNs ? "no" : fmt::format("{:+.1f} %", static_cast<double>(*w.measuredNs - nearest) / static_cast<double>(*w.measuredNs) * 100);
}

}  // namespace

std::string renderPairTable(const Analysis& a, const TerminalOptions& o) {
    Table table({{"what if", Align::kLeft, 20}, {"change", Align::kLeft}, {"step", Align::kRight}, {"predicted", Align::kRight},
                 {"measured", Align::kRight}, {"gain predicted", Align::kRight}, {"gain measured", Align::kRight}, {"outside", Align::kRight}});
    bool any = false, starved = false;
    for (const WhatIf& w : a.whatIf) {
        if (!w.measuredNs || w.stepNs <= 0) continue;
        const auto gain = [&](std::int64_t stepNs) { return formatShare(static_cast<double>(w.stepNs - stepNs) / static_cast<double>(w.stepNs)); };
        const bool busy = wasStarved(a, w);
        any = true;
        starved = starved || busy;
        table.add({w.workload, w.change, formatDuration(w.stepNs),
                   fmt::format("{} to {}", formatDuration(w.stepNsLow), formatDuration(w.stepNsHigh)), fmt::format("{}{}{}", formatDuration(*w.measuredNs), busy ? " " : "", busy ? kStarvedMark : ""),
                   fmt::format("{} to {}", gain(w.stepNsHigh), gain(w.stepNsLow)), gain(*w.measuredNs), outsideText(w)});
    }
    if (!any) return {};
    const std::string note = starved ? wrapped(fmt::format("{} one of the two was measured on a busy machine", kStarvedMark), o.width, 0) : std::string();
    return heading("Predicted against measured", o) + table.render(o.width, o.colour) + note;
}

std::string renderTerminal(const Analysis& a, const TerminalOptions& o) {
    std::string out = sourceLines(a, o) + devices(a, o);
    if (!a.workloads.empty()) {
        TerminalOptions indented = o;
        out += heading("Workloads", o) + renderWorkloadTable(a, indented);
    }
    return out + steps(a, o) + attribution(a, o) + ranges(a, o) + findings(a, o) + whatIfs(a, o) + criticalPath(a, o) + stragglers(a, o) + capture(a, o);
}

}  // namespace ridge::reports
