// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>

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

}  // namespace

std::string renderTerminal(const analyzer::Verdicts& v, const TerminalOptions& o) {
    std::string out;
    if (!v.results.empty()) {
        using Align = Table::Align;
        Table table({{"metric", Align::kLeft, 20}, {"baseline", Align::kRight}, {"candidate", Align::kRight}, {"change", Align::kRight}, {"99 % interval", Align::kRight}, {"n", Align::kRight},
                     {"verdict", Align::kLeft}, {"", Align::kLeft, 12, true}});
        std::size_t shown = 0;
        for (const auto& r : v.results) {
            if (shown >= o.findings && r.outcome == Outcome::kUnchanged) continue;
            ++shown;
            table.add({nameOf(r), valueText(r.baseline, r.unit), valueText(r.candidate, r.unit), changeText(r.ratio), intervalText(r),
                       fmt::format("{}+{}", r.baselineValues.size(), r.candidateValues.size()), Cell(std::string(name(r.outcome)), paintOf(r.outcome)), Cell(reasonText(r), Paint::kDim)});
        }
        out += table.render(o.width, o.colour);
        if (shown < v.results.size()) out += fmt::format("and {} more, unchanged\n", v.results.size() - shown);
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
