// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/regression/acceptance.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analyzer/regression/sessions.h"
#include "analyzer/statistics/ranks.h"

namespace ridge::analyzer {
namespace {

constexpr double kMadToSd = 1.4826;  // of a normal law

std::vector<EnvironmentMismatch> ofKind(const RunReport& node, const RunReport& reference, const std::vector<std::string>& allowed) {
    std::vector<EnvironmentMismatch> out;
    for (auto& m : mismatchesOf(reference, node, allowed))
        if (m.fieldClass == "key" && !m.allowed) out.push_back(std::move(m));
    return out;
}

// How much slower is too slow, in ln; the references' costs are not empty.
double limitOf(const std::vector<double>& costs, double tolerance) {
    if (costs.size() < kLeastFleet) return std::log1p(tolerance);
    return std::max(kFleetZ * kMadToSd * statistics::medianAbsoluteDeviation(costs), std::log1p(kFleetFloor));
}

void judgeOne(AcceptanceCheck& check, const std::optional<double>& cost, const std::vector<double>& references, double tolerance) {
    check.references = references.size();
    if (!references.empty()) {
        const double centre = statistics::median(references), limit = limitOf(references, tolerance);
        check.reference = valueOf(centre, check.direction);
        check.limit = std::expm1(limit);
        if (cost) {
            check.slower = std::expm1(*cost - centre);
            check.fitness = *cost - centre > limit ? Fitness::kSlow : Fitness::kFit;
        }
    }
    if (!cost) check.reason = "it was not measured";
    else if (references.empty()) check.reason = "no reference has it";
}

std::vector<double> costsIn(const std::vector<StoredRun>& runs, const AcceptanceCheck& check) {
    std::vector<double> costs;
    for (const double value : sessionMedians(runs, check.benchmark, check.metric))
        if (const auto cost = costOf(value, check.direction)) costs.push_back(*cost);
    return costs;
}

}  // namespace

std::size_t Acceptance::count(Fitness fitness) const {
    return static_cast<std::size_t>(std::count_if(checks.begin(), checks.end(), [&](const auto& c) { return c.fitness == fitness; }));
}

Fitness Acceptance::overall() const {
    if (count(Fitness::kSlow) > 0) return Fitness::kSlow;
    if (checks.empty() || count(Fitness::kUnknown) > 0) return Fitness::kUnknown;
    return Fitness::kFit;
}

std::vector<StoredRun> referencesFor(const RunReport& node, const std::vector<StoredRun>& all, const AcceptanceOptions& options, Acceptance& result) {
    std::vector<StoredRun> own;
    for (const StoredRun& reference : all) {
        auto differ = ofKind(node, reference.run, options.allowedMismatches);
        if (differ.empty()) {
            own.push_back(reference);
            continue;
        }
        ++result.otherKinds;
        if (result.mismatches.empty() || differ.size() < result.mismatches.size()) result.mismatches = std::move(differ);
    }
    result.references = own.size();
    if (!own.empty()) {
        result.mismatches.clear();
        if (result.otherKinds > 0) result.notes.push_back(std::to_string(result.otherKinds) + " of " + std::to_string(all.size()) + " references are of another kind of node and were put aside");
    }
    return own;
}

void judgeNode(const RunReport& node, const std::vector<StoredRun>& references, const AcceptanceOptions& options, Acceptance& result) {
    std::set<std::pair<std::string, std::string>> seen;
    std::set<std::string> failed;
    const std::vector<StoredRun> own{{node, ""}};
    const auto add = [&](const RunBenchmark& b, const RunMetric& m, bool measured) {
        if (m.direction == "none" || !seen.emplace(b.id, m.name).second) return;
        AcceptanceCheck check;
        check.benchmark = b.id;
        check.metric = m.name;
        check.unit = m.unit;
        check.direction = m.direction;
        const std::vector<double> values = measured ? sessionMedians(own, b.id, m.name) : std::vector<double>{};
        std::optional<double> cost;
        if (!values.empty()) {
            check.value = values.front();
            cost = costOf(values.front(), m.direction);
        }
        judgeOne(check, cost, costsIn(references, check), options.tolerance);
        result.checks.push_back(std::move(check));
    };
    for (const RunBenchmark& b : node.benchmarks) {
        if (b.status == "error" && failed.insert(b.id).second) result.failed.push_back(b.id + ": " + (b.reason.empty() ? "failed" : b.reason));
        for (const RunMetric& m : b.metrics) add(b, m, true);
    }
    for (const StoredRun& reference : references)
        for (const RunBenchmark& b : reference.run.benchmarks)
            for (const RunMetric& m : b.metrics) add(b, m, false);
    const auto order = [](Fitness f) { return f == Fitness::kSlow ? 0 : f == Fitness::kUnknown ? 1 : 2; };
    std::stable_sort(result.checks.begin(), result.checks.end(), [&](const auto& a, const auto& b) {
        if (order(a.fitness) != order(b.fitness)) return order(a.fitness) < order(b.fitness);
        return a.slower.value_or(0) > b.slower.value_or(0);
    });
}

}  // namespace ridge::analyzer
