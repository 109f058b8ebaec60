// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/regression/verdicts.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace ridge::analyzer {
namespace {

using statistics::Outcome;

// The order in which a reader wants them.
int place(Outcome o) {
    switch (o) {
        case Outcome::kRegressed: return 0;
        case Outcome::kImproved: return 1;
        case Outcome::kInconclusive: return 2;
        case Outcome::kUnchanged: return 3;
    }
    return 4;
}

double size(const MetricVerdict& v) { return v.ratio && *v.ratio > 0 ? std::abs(std::log(*v.ratio)) : 0; }

}  // namespace

bool Verdicts::comparable() const {
    return std::none_of(mismatches.begin(), mismatches.end(), [](const EnvironmentMismatch& m) { return m.fieldClass == "key" && !m.allowed; });
}

std::size_t Verdicts::count(Outcome outcome) const {
    return static_cast<std::size_t>(std::count_if(results.begin(), results.end(), [outcome](const MetricVerdict& v) { return v.outcome == outcome; }));
}

Outcome Verdicts::overall() const {
    for (const Outcome o : {Outcome::kRegressed, Outcome::kInconclusive, Outcome::kImproved, Outcome::kUnchanged})
        if (count(o) > 0) return o;
    return Outcome::kInconclusive;
}

void sortResults(std::vector<MetricVerdict>& results) {
    std::stable_sort(results.begin(), results.end(), [](const MetricVerdict& a, const MetricVerdict& b) {
        if (place(a.outcome) != place(b.outcome)) return place(a.outcome) < place(b.outcome);
        if (size(a) != size(b)) return size(a) > size(b);
        return std::pair(a.benchmark, a.metric) < std::pair(b.benchmark, b.metric);
    });
}

std::string falseAlarmBound(const Method& method) {
    std::ostringstream percent;
    percent << 100 * method.alpha;
    if (method.correction == "benjamini_hochberg" && method.name == "mann_whitney_sessions")
        return "at most " + percent.str() + " % of the accusations are expected to be false, if sessions are independent";
    return "at most " + percent.str() + " % of jobs in which nothing changed are accused";
}

}  // namespace ridge::analyzer
