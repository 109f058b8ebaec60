// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "reports/common/escape.h"
#include "reports/terminal/table.h"
#include "reports/verdicts/parts.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::reports {
namespace {

using statistics::Outcome;
using namespace verdicts;  // NOLINT: this file is about nothing else

Paint paintOf(Outcome o) {
    switch (o) {
        case Outcome::kRegressed: return Paint::kBad;
        case Outcome::kImproved: return Paint::kGood;
        case Outcome::kInconclusive: return Paint::kWarn;
        case Outcome::kUnchanged: return Paint::kDim;
    }
    return Paint::kNone;
}

std::size_t widest(const std::string& text) {
    std::size_t most = 0;
    for (const std::string_view line : split(text, '\n')) most = std::max(most, displayWidth(line));
    return most;
}

using Shown = std::vector<const analyzer::MetricVerdict*>;

Table tableOf(const Shown& results) {
    using Align = Table::Align;
    Table table({{"metric"}, {"baseline", Align::kRight}, {"candidate", Align::kRight}, {"change", Align::kRight}, {"99 % interval", Align::kRight}, {"n", Align::kRight}, {"verdict"}, {""}});
    for (const auto* r : results)
        table.add({nameOf(*r), valueText(r->baseline, r->unit), valueText(r->candidate, r->unit), changeText(r->ratio), intervalText(*r), fmt::format("{}+{}", r->baselineValues.size(), r->candidateValues.size()),
                   Cell(std::string(name(r->outcome)), paintOf(r->outcome)), Cell(reasonText(*r), Paint::kDim)});
    return table;
}

// Where the table is wider than the terminal: the name, and below it the same words, broken at spaces.
std::string listOf(const Shown& results, const TerminalOptions& o) {
    std::string out;
    for (const auto* r : results) {
        out += wrapped(printable(nameOf(*r)), o.width, 0);
        std::string line = fmt::format("{}  {} -> {}, {} ({}), n {}+{}", name(r->outcome), valueText(r->baseline, r->unit), valueText(r->candidate, r->unit), changeText(r->ratio), intervalText(*r),
                                       r->baselineValues.size(), r->candidateValues.size());
        if (const std::string reason = reasonText(*r); !reason.empty()) line += "; " + printable(reason);
        line = wrapped(line, o.width, 2);
        const std::string word(name(r->outcome));
        out += "  " + painted(word, paintOf(r->outcome), o.colour) + line.substr(2 + word.size());
    }
    return out;
}

}  // namespace

std::string renderTerminal(const analyzer::Verdicts& v, const TerminalOptions& o) {
    std::string out;
    if (!v.results.empty()) {
        Shown shown;
        for (const auto& r : v.results)
            if (shown.size() < o.findings || r.outcome != Outcome::kUnchanged) shown.push_back(&r);
        const Table table = tableOf(shown);
        out += o.width == 0 || widest(table.render(0, false)) <= o.width ? table.render(0, o.colour) : listOf(shown, o);
        if (shown.size() < v.results.size()) out += fmt::format("and {} more, unchanged\n", v.results.size() - shown.size());
    }
    for (const auto& failed : v.failed) out += wrapped(painted("failed", Paint::kBad, o.colour) + "  " + printable(failed), o.width, 0);
    for (const auto& name : v.missing) out += wrapped("missing in the candidate: " + printable(name), o.width, 0);
    if (!v.why.empty()) {
        out += "\n" + painted("Why", Paint::kBold, o.colour) + "\n";
        for (const auto& line : v.why) out += wrapped(printable(line), o.width, 2);
    }
    out += "\n" + painted(summaryText(v), Paint::kBold, o.colour) + "\n";
    out += wrapped(methodText(v), o.width, 0);
    for (const auto& note : v.notes) out += wrapped(printable(note), o.width, 0);
    return out;
}

}  // namespace ridge::reports
