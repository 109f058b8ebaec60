// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// For a job summary or a merge request (limit 1 MiB): the verdict first, regressions on top, what is unchanged folded.
#include <fmt/format.h>

#include "reports/common/escape.h"
#include "reports/verdicts/parts.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::reports {
namespace {

using statistics::Outcome;
using namespace verdicts;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostRows = 400;  // of each table

std::string cell(const std::string& text) { return text.empty() ? "-" : markdown(elideMiddle(printable(text), 160)); }

std::string tableOf(const analyzer::Verdicts& v, bool unchanged) {
    std::string rows;
    std::size_t shown = 0, all = 0;
    for (const auto& r : v.results) {
        if ((r.outcome == Outcome::kUnchanged) != unchanged || ++all > kMostRows) continue;
        ++shown;
        const std::string mark = r.outcome == Outcome::kRegressed ? "**regressed**" : std::string(name(r.outcome));
        rows += fmt::format("| {} | {} | {} | {} | {} | {} | {}{} |\n", cell(r.benchmark), cell(r.metric), valueText(r.baseline, r.unit), valueText(r.candidate, r.unit), changeText(r.ratio),
                            intervalText(r), mark, reasonText(r).empty() ? "" : ": " + cell(reasonText(r)));
    }
    if (rows.empty()) return {};
    std::string out = "| Benchmark | Metric | Baseline | Candidate | Change | 99 % CI | Verdict |\n|---|---|---:|---:|---:|---:|---|\n" + rows;
    if (all > shown) out += fmt::format("\n{} more rows are in the JSON report.\n", all - shown);
    return out;
}

std::string list(const char* title, const std::vector<std::string>& items) {
    if (items.empty()) return {};
    std::string out = fmt::format("\n{}\n\n", title);
    std::size_t shown = 0;
    for (const auto& item : items) {
        if (++shown > 40) return out + fmt::format("- and {} more\n", items.size() - 40);
        out += "- " + cell(item) + "\n";
    }
    return out;
}

}  // namespace

std::string renderMarkdown(const analyzer::Verdicts& v) {
    const std::string mismatch = mismatchText(v);
    std::string out = fmt::format("## Ridgepoint: {}\n\n", mismatch.empty() ? summaryText(v) : "no verdict");
    if (!v.labelA.empty()) out += fmt::format("Baseline: {}; candidate: {}\n\n", cell(v.labelA), cell(v.labelB));
    if (!mismatch.empty()) return out + markdown(mismatch) + "\n";
    out += tableOf(v, false);
    const std::string unchanged = tableOf(v, true);
    if (!unchanged.empty()) out += fmt::format("\n<details><summary>{} unchanged</summary>\n\n{}\n</details>\n", v.count(Outcome::kUnchanged), unchanged);
    out += list("**Why**", v.why) + list("**Failed**", v.failed) + list("Only in the baseline", v.missing) + list("Only in the candidate", v.added) + list("Notes", v.notes);
    out += "\n" + markdown(methodText(v)) + "\n";
    if (!v.candidate.empty() && !v.candidate.front().environmentKey.empty()) out += fmt::format("\nEnvironment `{}`\n", v.candidate.front().environmentKey.substr(0, 16));
    if (!v.reproduce.empty()) out += "\n" + markdownFence(v.reproduce, "sh");
    return out;
}

}  // namespace ridge::reports
