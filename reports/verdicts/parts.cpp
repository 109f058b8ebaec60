// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/verdicts/parts.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "reports/common/summary.h"

namespace ridge::reports::verdicts {

using analyzer::MetricVerdict;
using statistics::Outcome;

std::string valueText(const std::optional<double>& value, const std::string& unit) {
    if (!value || !std::isfinite(*value)) return "-";
    if ((unit == "ns" || unit == "s") && std::abs(*value) < 9e17) return formatDuration(static_cast<std::int64_t>(std::llround(unit == "s" ? *value * 1e9 : *value)));
    if (unit == "share") return formatShare(*value);
    if (unit == "B" && *value >= 0 && *value < 1e18) return formatBytes(static_cast<std::uint64_t>(*value));
    if (unit == "1" || unit.empty()) return formatNumber(*value);
    return formatRate(*value, unit);
}

std::string changeText(const std::optional<double>& ratio) { return ratio ? fmt::format("{:+.1f} %", 100 * (*ratio - 1)) : "-"; }

std::string intervalText(const MetricVerdict& v) {
    if (!v.ciLow && !v.ciHigh) return "-";
    const auto side = [](const std::optional<double>& x) { return x ? fmt::format("{:+.1f}", 100 * (*x - 1)) : std::string("..."); };
    return fmt::format("{} to {} %", side(v.ciLow), side(v.ciHigh));
}

std::string nameOf(const MetricVerdict& v) { return v.benchmark.empty() ? v.metric : v.benchmark + " " + v.metric; }

std::string summaryText(const analyzer::Verdicts& v) {
    std::string out;
    for (const Outcome o : {Outcome::kRegressed, Outcome::kImproved, Outcome::kInconclusive, Outcome::kUnchanged})
        if (const std::size_t n = v.count(o); n > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, name(o));
    if (out.empty()) out = "nothing was judged";
    else if (v.results.size() > 1) out += fmt::format(" of {} metrics", v.results.size());
    if (!v.missing.empty()) out += fmt::format("; {} only in the baseline", v.missing.size());
    if (!v.added.empty()) out += fmt::format("; {} only in the candidate", v.added.size());
    if (!v.failed.empty()) out += fmt::format("; {} failed", v.failed.size());
    if (v.interrupted) out += "; interrupted";
    return out;
}

std::string mismatchText(const analyzer::Verdicts& v) {
    std::string out;
    std::size_t shown = 0, all = 0;
    constexpr std::size_t kMost = 6;
    for (const auto& m : v.mismatches) {
        if (m.fieldClass != "key" || m.allowed) continue;
        if (++all <= kMost) {
            out += fmt::format("{}{} ({} -> {})", shown++ ? ", " : "", m.field, m.baseline.empty() ? "nothing" : m.baseline, m.candidate.empty() ? "nothing" : m.candidate);
        }
    }
    if (all == 0) return {};
    if (all > kMost) out += fmt::format(" and {} more", all - kMost);
    return fmt::format("the environments differ: {}; compare runs of one environment, or allow it with --allow-env-mismatch FIELD", out);
}

std::string reasonText(const MetricVerdict& v) {
    std::string out = v.reason;
    if (v.outcome == Outcome::kInconclusive && v.tested && v.mde) {
        if (!out.empty()) out += "; ";
        out += fmt::format("a change of {:.1f} % would have been found", 100 * *v.mde);
    } else if (v.outcome == Outcome::kInconclusive && v.tested && out.empty()) {
        out = "too few values";
    }
    return out;
}

std::string methodText(const analyzer::Verdicts& v) {
    const auto& m = v.method;
    std::string how = m.name == "block_rank" ? fmt::format("{} randomised blocks of 2 + 2 fresh processes", m.blocks) : std::string("session medians, exact Mann-Whitney U");
    if (m.correction == "screen_and_confirm") how += fmt::format(", what stood out measured again in {} fresh blocks", m.confirmBlocks);
    else how += ", Benjamini-Hochberg over all metrics";
    if (m.seed) how += fmt::format(", seed {}", *m.seed);
    return fmt::format("{}. Smallest change of interest {:.3g} %; {}.", how, 100 * m.minEffect, falseAlarmBound(m));
}

}  // namespace ridge::reports::verdicts
