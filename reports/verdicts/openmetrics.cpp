// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <cmath>
#include <fmt/format.h>

#include "reports/run/formats.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::reports {

// Each verdict is a series of its own, 1 where it holds and 0 where not: what was regressed yesterday and is not today
// must go to 0, not stay.
std::string renderOpenMetrics(const analyzer::Verdicts& v) {
    using statistics::kOutcomeNames;
    std::string out = "# HELP ridge_verdict Whether this is what was said of the metric\n# TYPE ridge_verdict gauge\n";
    const auto labels = [](const analyzer::MetricVerdict& r) { return fmt::format("benchmark=\"{}\",metric=\"{}\"", openMetricsLabel(r.benchmark), openMetricsLabel(r.metric)); };
    for (const auto& r : v.results)
        for (const std::string_view verdict : kOutcomeNames) out += fmt::format("ridge_verdict{{{},verdict=\"{}\"}} {}\n", labels(r), verdict, verdict == name(r.outcome) ? 1 : 0);
    out += "# HELP ridge_change_ratio Candidate against baseline, and the 99 % interval of it\n# TYPE ridge_change_ratio gauge\n";
    for (const auto& r : v.results)
        for (const auto& [stat, value] : {std::pair("estimate", r.ratio), std::pair("ci_low", r.ciLow), std::pair("ci_high", r.ciHigh)})
            if (value && std::isfinite(*value)) out += fmt::format("ridge_change_ratio{{{},stat=\"{}\"}} {}\n", labels(r), stat, *value);
    out += fmt::format("# HELP ridge_failed_benchmarks Benchmarks of the candidate that gave an error\n# TYPE ridge_failed_benchmarks gauge\nridge_failed_benchmarks {}\n", v.failed.size());
    return out + "# EOF\n";
}

}  // namespace ridge::reports
