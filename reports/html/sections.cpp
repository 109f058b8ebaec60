// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/common/roof_share.h"
#include "reports/common/starved.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostSources = 12;
constexpr std::size_t kMostFindings = 60;

std::string headline(const Analysis& a) {
    if (a.sources.empty()) return "No trace was read";
    if (a.workloads.size() == 1 && a.workloads.front().steps > 0)
        return "The wall: " + verdictText(a.workloads.front().verdict) + (wasStarved(a.workloads.front()) ? ", measured on a busy machine" : "");
    if (a.workloads.size() > 1) {
        const auto missed = std::count_if(a.workloads.begin(), a.workloads.end(),
                                          [](const auto& w) { return matchOf(w) == Match::kMissed; });
        const auto failed = std::count_if(a.workloads.begin(), a.workloads.end(),
                                          [](const auto& w) { return w.check == "failed"; });
        std::string text = fmt::format("{} workloads", a.workloads.size());
        if (failed) text += fmt::format(", {} failed {} check", failed, failed == 1 ? "its" : "their");
        if (missed) text += fmt::format(", {} not as expected", missed);
        if (const std::string starved = starvedCount(a); !starved.empty()) text += ", " + starved;
        return text;
    }
    const auto ranked = rankedClasses(a.attribution);
    if (ranked.empty()) return "No steps to attribute";
    return fmt::format("Most time in: {} ({})", label(ranked.front().wallClass), formatShare(ranked.front().share));
}

std::string answerKey(const WorkloadSummary& w) {
    switch (matchOf(w)) {
        case Match::kNoExpectation: return "<span class=\"soft\">none</span>";
        case Match::kMatched: return wasStarved(w) ? chip(fmt::format("\xE2\x9C\x93 as expected {}", kStarvedMark), "warn") : chip("\xE2\x9C\x93 as expected", "good");
        case Match::kMissed:
            return chip("\xE2\x9C\x97 differs", "warn") +
                   fmt::format(" <span class=\"small\">expected {}</span>", html(verdictText(*w.expected)));
    }
    return {};
}

std::string workloadName(const WorkloadSummary& w) {
    std::string out = fmt::format("<span class=\"name\">{}</span>", w.name.empty() ? "(the trace)" : html(w.name));
    if (w.check == "failed") out += " " + chip("check failed", "bad");
    if (wasStarved(w)) out += " " + chip(starvedText(w), "warn");
    if (!w.checkDetail.empty() && skipReason(w).empty())  // that stands where the verdict would
        out += fmt::format("<details class=\"check\"{}><summary>{}</summary>{}</details>", w.check == "failed" ? " open" : "",
                           w.check == "failed" ? "why" : w.check == "passed" ? "check passed" : "note", html(w.checkDetail));
    return out;
}

std::string fact(std::string_view name, const std::string& value) {
    return fmt::format("<span>{} <b>{}</b></span>", name, value);
}

// Low to high saving as a part of the cost of the finding.
std::string savingBar(const Finding& f) {
    if (f.costNs <= 0 || f.savingHighNs <= 0) return {};
    const auto percent = [&](Ns ns) {
        return std::clamp(100.0 * static_cast<double>(ns) / static_cast<double>(f.costNs), 0.0, 100.0);
    };
    const double low = percent(f.savingLowNs), high = std::max(percent(f.savingHighNs), low);
    return fmt::format("<div class=\"savings\" title=\"part of the cost that a fix can save\"><i class=\"c{0}\" "
                       "style=\"left:0;width:{1:.1f}%;opacity:.45\"></i><i class=\"c{0}\" "
                       "style=\"left:0;width:{2:.1f}%\"></i></div>\n",
                       static_cast<int>(f.wallClass), high, low);
}

std::string evidenceOf(const Finding& f) {
    if (f.evidence.empty() && f.sql.empty() && f.where.empty() && f.assumptions.empty())
        return "<p class=\"soft small\">No evidence was attached to this finding.</p>\n";
    std::string out = "<details><summary>Evidence</summary>\n<dl>";
    for (const Evidence& e : f.evidence)
        out += fmt::format("<dt>{}</dt><dd>{}</dd>", html(e.name), html(formatValue(e.value, e.unit)));
    if (!f.ops.empty()) {
        std::string ops;
        for (std::size_t i = 0; i < std::min<std::size_t>(12, f.ops.size()); ++i) ops += (i ? ", " : "") + html(f.ops[i]);
        if (f.ops.size() > 12) ops += fmt::format(" and {} more", f.ops.size() - 12);
        out += "<dt>ops</dt><dd>" + ops + "</dd>";
    }
    if (!f.where.empty()) {
        const TimeRange& w = f.where.front();
        out += fmt::format("<dt>where</dt><dd>{} place{}, the first on rank {}, device {}, from {} to {}</dd>", f.where.size(),
                           f.where.size() == 1 ? "" : "s", w.rank, w.device, formatDuration(w.startNs), formatDuration(w.endNs));
    }
    for (const std::string& assumption : f.assumptions) out += "<dt>assumes</dt><dd>" + html(assumption) + "</dd>";
    out += "</dl>\n";
    if (!f.sqlNote.empty()) out += "<p class=\"small soft\">SQL: " + html(f.sqlNote) + "</p>\n";
    if (!f.sql.empty()) out += "<p class=\"small soft\">This query gives the number on the trace:</p><pre>" + htmlLines(f.sql) + "</pre>\n";
    return out + "</details>\n";
}

std::string finding(const Finding& f, std::size_t number) {
    const char* kind = f.confidence == Confidence::kHigh ? "good" : f.confidence == Confidence::kMedium ? "warn" : "plain";
    std::string out = fmt::format("<article class=\"finding\" style=\"border-left-color:var(--c{})\">\n<h3>{}. {}</h3>\n",
                                  static_cast<int>(f.wallClass), number, html(f.title));
    out += "<div class=\"facts\">" + fmt::format("<span>{}</span>", classMark(f.wallClass)) +
           fact("cause", html(label(f.cause))) + fact("costs", fmt::format("{} per step ({})", formatDuration(f.costNs), formatShare(f.share))) +
           fact("a fix saves", fmt::format("{} to {}", formatDuration(f.savingLowNs), formatDuration(f.savingHighNs))) +
           chip(fmt::format("{} confidence", name(f.confidence)), kind);
    if (!f.workload.empty()) out += fmt::format("<span class=\"soft name\">in {}</span>", html(f.workload));
    out += "</div>\n" + savingBar(f);
    if (!f.tryThis.empty()) out += "<p><b>Try:</b> " + html(f.tryThis) + "</p>\n";
    if (!f.verify.empty()) out += "<p><b>Verify:</b> " + html(f.verify) + "</p>\n";
    return out + evidenceOf(f) + "</article>\n";
}

}  // namespace

std::string headerSection(const Analysis& a, std::string_view body) {
    std::string out = fmt::format("<header>\n<h1>{}</h1>\n", html(headline(a)));
    const bool fold = a.sources.size() > 2;
    if (fold) out += fmt::format("<details><summary>{} timelines</summary>\n", a.sources.size());
    for (std::size_t i = 0; i < std::min(kMostSources, a.sources.size()); ++i) {
        const Source& s = a.sources[i];
        out += fmt::format("<div class=\"soft small name\"><span class=\"mono\">{}</span> ({})</div>\n",
                           html(s.path), html(sourceText(s)));
    }
    if (a.sources.size() > kMostSources)
        out += fmt::format("<div class=\"soft small\">and {} more traces</div>\n", a.sources.size() - kMostSources);
    if (fold) out += "</details>\n";
    const std::size_t errors = countAtLeast(a, Severity::kError), worse = countAtLeast(a, Severity::kWarning);
    std::string state = errors ? chip(fmt::format("{} capture error{}", errors, errors == 1 ? "" : "s"), "bad") + " " : "";
    if (worse > errors) state += chip(fmt::format("{} capture warning{}", worse - errors, worse - errors == 1 ? "" : "s"), "warn") + " ";
    if (!a.losses.empty()) state += chip("records were lost", "warn");
    if (state.empty() && !a.gate.empty()) state = chip("capture checks passed", "good");
    if (!state.empty()) out += "<p>" + state + "</p>\n";
    out += "<nav>";
    for (const auto& [id, title] : {std::pair{"workloads", "Workloads"}, {"attribution", "Time"}, {"findings", "Findings"},
                                    {"whatif", "What if"}, {"path", "Critical path"}, {"roofline", "Roofline"}, {"steps", "Steps"},
                                    {"ranges", "Ranges"}, {"devices", "Devices"}, {"communication", "Communication"},
                                    {"resources", "Memory and energy"}, {"capture", "Capture"}, {"environment", "Environment"}})
        if (body.find(fmt::format("<section id=\"{}\">", id)) != std::string_view::npos)  // text of the trace has no such tag
            out += fmt::format("<a href=\"#{}\">{}</a>", id, title);
    return out + "</nav>\n</header>\n";
}

std::string workloadsSection(const Analysis& a) {
    if (a.workloads.empty())
        return section("workloads", "Workloads", absent("The trace names no workload and has no steps to make a verdict of."));
    std::vector<HtmlTable::Column> columns{{"Workload"}, {"Result", true}, {"% of roof", true}, {"Verdict"}, {"Cost of the wall", true}};
    if (hasAnswerKey(a)) columns.push_back({"Answer key"});
    HtmlTable table(std::move(columns));  // cells beyond its columns are dropped
    for (const WorkloadSummary& w : a.workloads) {
        const bool judged = w.steps > 0;
        const WorkloadMetric* metric = resultMetric(w);
        const std::string skipped = skipReason(w);
        const std::string result = skipped.empty() ? fmt::format("<span title=\"{}\">{}</span>", html(metric ? metric->name : "median step"), html(resultText(w)))
                                                   : "<span class=\"soft\">-</span>";
        table.add({workloadName(w), result,
                   w.roofShare ? roofShareText(w) : "<span class=\"soft\">-</span>",
                   judged ? fmt::format("<span class=\"mark c{}\"></span>{}", static_cast<int>(w.verdict.wallClass), html(shortVerdictText(w.verdict)))
                          : fmt::format("<span class=\"soft\">{}</span>", skipped.empty() ? "no steps" : "skipped: " + html(skipped)),
                   judged ? fmt::format("{} ({})", formatDuration(wallCostNs(w)), formatShare(w.verdictShare)) : "-",
                   judged ? answerKey(w) : "<span class=\"soft\">-</span>"});
    }
    const std::string starved = starvedRows(a);
    std::string notes = starved.empty() ? "" : fmt::format("<p class=\"soft small\">{} {}</p>\n", kStarvedMark, html(starved));
    if (const std::string above = aboveRoofNote(a); !above.empty()) notes += "<p class=\"soft small\">" + html(above) + "</p>\n";
    return section("workloads", "Workloads", table.render() + notes);
}

std::string devicesSection(const Analysis& a) {
    if (a.devices.empty())
        return section("devices", "Devices", absent("The trace has no rows of any device: no kernels, copies or work ranges."));
    HtmlTable table({{"Device"}, {"Rank", true}, {"Span", true}, {"Busy", true}, {"Compute", true}, {"Communication", true},
                     {"exposed", true}, {"Copies", true}, {"Rows", true}, {"Unlinked", true}});
    for (const Device& d : a.devices) {
        const auto share = [&](Ns ns) {
            return d.spanNs > 0 ? formatShare(static_cast<double>(ns) / static_cast<double>(d.spanNs)) : std::string("-");
        };
        table.add({fmt::format("{} {} <span class=\"soft\">{}</span>", html(d.kind), d.id, html(d.name)), std::to_string(d.rank),
                   formatDuration(d.spanNs), share(d.busyNs), share(d.computeNs), share(d.commNs), share(d.exposedCommNs),
                   share(d.copyNs), std::to_string(d.kernels + d.copies), std::to_string(d.unlinked)});
    }
    return section("devices", "Devices", "<p class=\"soft\">Shares of the span from the first to the last row.</p>\n" + table.render());
}

std::string findingsSection(const Analysis& a) {
    const std::string below = belowFloorText(a);
    const std::string floor = below.empty() ? "" : fmt::format("<p class=\"soft small\">{}.</p>\n", html(below));
    if (a.findings.empty())
        return section("findings", "Findings", absent(a.steps.empty() ? "Findings are costs per step, and the trace has no steps."
                                                                      : "No rule found a cost that can be avoided.") + floor);
    std::string body;
    const std::size_t shown = std::min(kMostFindings, a.findings.size());
    for (std::size_t i = 0; i < shown; ++i) body += finding(a.findings[i], i + 1);
    if (shown < a.findings.size())
        body += fmt::format("<p class=\"soft\">{} more are in the JSON report.</p>\n", a.findings.size() - shown);
    return section("findings", "Findings", body + floor);
}

}  // namespace ridge::reports::page
