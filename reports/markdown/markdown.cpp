// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/markdown/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/common/summary.h"

namespace ridge::reports {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

// Long strings would let one hostile name fill the page.
std::string cell(std::string_view text) { return text.empty() ? "-" : markdown(elideMiddle(printable(text), 120)); }

template <typename List, typename Row>
std::string table(const char* header, const char* rule, const List& list, Row row) {
    std::string out = fmt::format("\n{}\n{}\n", header, rule);
    std::size_t shown = 0;
    for (const auto& item : list) {
        if (shown == kMarkdownRows) break;
        out += row(item) + "\n";
        ++shown;
    }
    if (list.size() > shown) out += fmt::format("\n{} more rows are in the JSON report.\n", list.size() - shown);
    return out;
}

std::string workloads(const Analysis& a) {
    if (a.workloads.empty()) return {};
    return "\n## Workloads\n" +
           table("| Workload | Result | % of roof | Verdict | Cost of the wall | Answer key |",
                 "|---|---:|---:|---|---:|---|", a.workloads, [](const WorkloadSummary& w) {
                     const Match match = matchOf(w);
                     const std::string key = w.steps == 0 || match == Match::kNoExpectation ? "-"
                                             : match == Match::kMatched ? "as expected"
                                                                        : "expected " + verdictText(*w.expected);
                     return fmt::format(
                         "| {} | {} | {} | {} | {} | {} |", cell(w.name),
                         w.check == "failed" ? "**check failed**" : cell(resultText(w)),
                         w.roofShare ? formatShare(*w.roofShare) : "-",
                         w.steps == 0 ? "-" : "**" + verdictText(w.verdict) + "**",
                         w.steps == 0 ? "-"
                                      : fmt::format("{} ({})", formatDuration(wallCostNs(w)), formatShare(w.verdictShare)),
                         key);
                 });
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
    if (!f.sql.empty()) out += "\n" + markdownFence(f.sql, "sql");
    return out + "\n</details>\n";
}

std::string findings(const Analysis& a) {
    std::string out = "\n## Findings\n";
    if (a.findings.empty()) return out + "\nNone: no rule found a cost that can be avoided.\n";
    const std::size_t shown = std::min(kMarkdownRows, a.findings.size());
    for (std::size_t i = 0; i < shown; ++i) out += finding(a.findings[i], i + 1);
    if (shown < a.findings.size())
        out += fmt::format("\n{} more findings are in the JSON report.\n", a.findings.size() - shown);
    return out;
}

std::string communication(const Analysis& a) {
    if (a.communication.empty()) return {};
    const auto duration = [](const std::optional<Ns>& ns) { return ns ? formatDuration(*ns) : std::string("-"); };
    const auto rate = [](const std::optional<double>& v) { return v ? formatRate(*v, "B/s") : std::string("-"); };
    return "\n## Communication\n" +
           table("| Collective | Bytes | Count | Busy | Hidden | Wait | Transfer | Bus bandwidth |",
                 "|---|---:|---:|---:|---:|---:|---:|---:|", a.communication, [&](const CommunicationOp& c) {
                     return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", cell(c.name),
                                        c.bytes && *c.bytes >= 0 ? formatBytes(static_cast<std::uint64_t>(*c.bytes)) : "-",
                                        c.count, formatDuration(c.busyNs), formatDuration(c.overlapNs),
                                        duration(c.waitNs), duration(c.transferNs), rate(c.busbw));
                 });
}

std::string capture(const Analysis& a) {
    std::string out = "\n## Capture\n\n";
    const std::size_t bad = countAtLeast(a, Severity::kWarning);
    out += fmt::format("{} checks, {} with a warning or an error.", a.gate.size(), bad);
    out += a.losses.empty() ? " Nothing was lost.\n" : "\n";
    for (const GateCheck& g : a.gate)
        if (g.severity != Severity::kInfo)
            out += fmt::format("\n- **{}** {} ({}): {}", name(g.severity), markdown(g.check), g.count, markdown(g.detail));
    if (bad > 0) out += "\n";
    for (const Loss& l : a.losses) out += fmt::format("\n- lost: {} records of {}", l.count, markdown(l.source));
    return out + (a.losses.empty() ? "" : "\n");
}

}  // namespace

std::string renderMarkdown(const Analysis& a) {
    std::string out = "# Ridgepoint report\n";
    if (a.sources.empty()) out += "\nNo trace was read.\n";
    out += "\n";
    for (std::size_t i = 0; i < std::min(kMarkdownRows, a.sources.size()); ++i) {
        const Source& s = a.sources[i];
        out += fmt::format("- {} ({}, schema {}, {})\n", markdown(s.path), markdown(s.kind), markdown(s.schema),
                           markdown(s.product));
    }
    if (a.sources.size() > kMarkdownRows) out += fmt::format("- and {} more\n", a.sources.size() - kMarkdownRows);
    return out + workloads(a) + attribution(a) + findings(a) + communication(a) + capture(a);
}

}  // namespace ridge::reports
