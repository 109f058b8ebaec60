// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/classes.h"
#include "reports/common/escape.h"
#include "reports/html/parts.h"

namespace ridge::reports::page {
namespace {

using namespace analyzer;  // NOLINT: this file is about nothing else

constexpr std::size_t kMostRanges = 25;

const char* chipKind(Severity s) { return s == Severity::kError ? "bad" : s == Severity::kWarning ? "warn" : "good"; }

std::string environmentGroup(const Analysis& a, std::string_view fieldClass, std::string_view title) {
    std::string rows;
    for (const EnvironmentField& f : a.environment)
        if (f.fieldClass == fieldClass) rows += "<dt>" + html(f.name) + "</dt><dd>" + html(f.value) + "</dd>\n";
    if (rows.empty()) return {};
    return fmt::format("<details{}><summary>{}</summary><dl class=\"small\">\n{}</dl></details>\n",
                       fieldClass == "key" ? " open" : "", title, rows);
}

}  // namespace

std::string rangesSection(const Analysis& a) {
    if (a.ranges.empty()) return {};
    const bool device = std::any_of(a.ranges.begin(), a.ranges.end(), [](const RangeSummary& r) { return r.deviceNs > 0; });
    std::vector<HtmlTable::Column> columns{{"Range"}, {"Kind"}, {"Count", true}, {"Total", true}, {"Self", true}, {"Mean", true}};
    if (device) columns.insert(columns.end(), {{"On the device", true}, {"of its own", true}});
    HtmlTable table(std::move(columns));
    for (const RangeSummary& r : a.ranges)
        table.add({r.name.empty() ? "<span class=\"soft\">(no name)</span>" : nameCell(r.name), html(r.kind), std::to_string(r.count), formatDuration(r.totalNs),
                   formatDuration(r.selfNs), r.count > 0 ? formatDuration(r.totalNs / r.count) : "-", formatDuration(r.deviceNs), formatDuration(r.deviceSelfNs)});
    return section("ranges", "Time by range",
                   std::string("<p class=\"soft\">Parts of ranges that lie in the steps, summed over threads: sums may exceed the wall time.") +
                       (device ? " On the device: the work that was launched in the range." : "") + "</p>\n" + table.render(kMostRanges, a.rangesOmitted));
}

std::string captureSection(const Analysis& a) {
    std::string body;
    if (a.gate.empty()) {
        body = absent("No check of the capture was made.");
    } else {
        HtmlTable table({{"Check"}, {"State"}, {"Count", true}, {"Detail"}});
        std::vector<const GateCheck*> sorted;
        for (const GateCheck& g : a.gate) sorted.push_back(&g);
        std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->severity > y->severity; });
        for (const GateCheck* g : sorted)
            table.add({html(g->check), chip(g->severity == Severity::kInfo ? "passed" : name(g->severity), chipKind(g->severity)),
                       std::to_string(g->count), html(g->detail)});
        body = table.render();
    }
    body += "<h3>Losses</h3>\n";
    if (a.losses.empty()) return section("capture", "Capture", body + absent(nothingLost(a) ? "Nothing was lost: no source dropped or truncated a record." : "No source counted what it dropped; the checks above say what is missing."));
    HtmlTable losses({{"Source"}, {"Lost", true}, {"Unit"}});
    for (const Loss& l : a.losses) losses.add({html(l.source), std::to_string(l.count), l.inBytes() ? "bytes" : l.count == 1 ? "record" : "records"});
    return section("capture", "Capture", body + losses.render());
}

std::string environmentSection(const Analysis& a) {
    if (a.environment.empty())
        return section("environment", "Environment", absent("The trace says nothing about the machine it was taken on."));
    std::string body = environmentGroup(a, "key", "Decides whether runs may be compared") +
                       environmentGroup(a, "recorded", "Recorded") + environmentGroup(a, "volatile", "Changes from run to run");
    if (!a.ranks.empty()) {
        body += "<p class=\"small soft\">";
        for (std::size_t i = 0; i < std::min<std::size_t>(64, a.ranks.size()); ++i)
            body += fmt::format("{}rank {} on {}", i ? ", " : "", a.ranks[i].rank, html(a.ranks[i].host));
        body += "</p>\n";
    }
    return section("environment", "Environment", body);
}

}  // namespace ridge::reports::page
