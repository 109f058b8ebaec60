// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/regression/judge.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analyzer/regression/sessions.h"
#include "analyzer/statistics/power.h"

namespace ridge::analyzer {
namespace {

using statistics::Evidence;
using statistics::Outcome;

// Back from ln, in the metric's own sense.
void describe(MetricVerdict& v, const Evidence& e) {
    const bool higher = v.direction == "higher";
    v.tested = true;
    v.ratio = std::exp(higher ? -e.shift : e.shift);
    if (std::isfinite(e.reported.low)) (higher ? v.ciHigh : v.ciLow) = std::exp(higher ? -e.reported.low : e.reported.low);
    if (std::isfinite(e.reported.high)) (higher ? v.ciLow : v.ciHigh) = std::exp(higher ? -e.reported.high : e.reported.high);
    v.p = e.twoSided();
    v.mde = e.mde;
}

std::optional<std::vector<double>> costs(const std::vector<double>& values, const std::string& direction) {
    std::vector<double> out;
    for (const double value : values) {
        const auto cost = costOf(value, direction);
        if (!cost) return std::nullopt;
        out.push_back(*cost);
    }
    return out;
}

// Values without a logarithm: equal ones are equal, of others there is no ratio.
void withoutRatio(MetricVerdict& v) {
    std::set<double> all(v.baselineValues.begin(), v.baselineValues.end());
    all.insert(v.candidateValues.begin(), v.candidateValues.end());
    if (all.size() == 1) {
        v.outcome = Outcome::kUnchanged;
        v.reason = "every value is the same";
    } else {
        v.reason = "values that are not positive have no ratio";
    }
}

const RunMetric* metricIn(const RunReport& run, const std::string& benchmark, const std::string& metric) {
    for (const RunBenchmark& b : run.benchmarks)
        if (b.id == benchmark)
            for (const RunMetric& m : b.metrics)
                if (m.name == metric) return &m;
    return nullptr;
}

using Key = std::pair<std::string, std::string>;

std::set<Key> keysOf(const std::vector<StoredRun>& runs) {
    std::set<Key> keys;
    for (const StoredRun& r : runs)
        for (const RunBenchmark& b : r.run.benchmarks)
            for (const RunMetric& m : b.metrics)
                if (m.direction != "none" && !validValues(m).empty()) keys.emplace(b.id, m.name);
    return keys;
}

std::string unitIn(const std::vector<StoredRun>& runs, const Key& key, std::string& direction) {
    for (const StoredRun& r : runs)
        if (const RunMetric* m = metricIn(r.run, key.first, key.second)) {
            direction = m->direction;
            return m->unit;
        }
    return {};
}

std::string plural(std::size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

MetricVerdict prepared(const Key& key, const std::vector<StoredRun>& baseline, const std::vector<StoredRun>& candidate) {
    MetricVerdict v;
    v.benchmark = key.first;
    v.metric = key.second;
    std::string other;
    v.unit = unitIn(candidate, key, v.direction);
    const std::string before = unitIn(baseline, key, other);
    v.baselineValues = sessionMedians(baseline, key.first, key.second);
    v.candidateValues = sessionMedians(candidate, key.first, key.second);
    if (!v.baselineValues.empty()) v.baseline = statistics::median(v.baselineValues);
    if (!v.candidateValues.empty()) v.candidate = statistics::median(v.candidateValues);
    if (before != v.unit || other != v.direction) v.reason = "its unit or direction changed (" + before + ", " + other + " -> " + v.unit + ", " + v.direction + ")";
    return v;
}

std::vector<JudgedRun> judgedRuns(const std::vector<StoredRun>& runs) {
    std::vector<JudgedRun> out;
    for (const StoredRun& r : runs) {
        const auto sha = r.run.subject.find("git_sha");
        out.push_back({r.run.id, r.run.sessionId, r.path, r.run.environmentKey, sha == r.run.subject.end() ? "" : sha->second});
    }
    return out;
}

void noteFailures(Verdicts& all, const std::vector<StoredRun>& candidate) {
    std::set<std::string> said;
    for (const StoredRun& r : candidate)
        for (const RunBenchmark& b : r.run.benchmarks)
            if (b.status == "error" && said.insert(b.id).second) all.failed.push_back(b.id + ": " + (b.reason.empty() ? "failed" : b.reason));
}

void noteRepetitions(Verdicts& all, const std::vector<StoredRun>& runs) {
    for (const StoredRun& r : runs)
        for (const RunBenchmark& b : r.run.benchmarks)
            if (b.suite == "google-benchmark") {
                all.notes.push_back(r.path + ": Google Benchmark's repetitions inside one process count as one session");
                return;
            }
}

// Told of the metric that has the most sessions: where it cannot be accused, none can.
void noteWhatCannotBeDecided(Verdicts& all, const std::vector<Evidence>& evidence, const statistics::Rules& rules) {
    const auto best = std::min_element(evidence.begin(), evidence.end(), [](const Evidence& a, const Evidence& b) {
        return statistics::leastTwoSidedP(a.baseline, a.candidate) < statistics::leastTwoSidedP(b.baseline, b.candidate);
    });
    if (best == evidence.end()) return;
    if (std::string note = whatCannotBeDecided(best->baseline, best->candidate, evidence.size(), rules.alpha); !note.empty()) all.notes.push_back(std::move(note));
}

}  // namespace

std::string whatCannotBeDecided(std::size_t baseline, std::size_t candidate, std::size_t metrics, double alpha) {
    if (metrics == 0 || statistics::canAccuseOne(baseline, candidate, metrics, alpha)) return {};
    const std::size_t most = statistics::mostMetrics(baseline, candidate, alpha);
    const auto enough = statistics::leastBaseline(candidate, metrics, alpha);
    return plural(baseline, "session") + " against " + std::to_string(candidate) + " cannot accuse one of " + plural(metrics, "metric") + " alone, however much it changed: " +
           (enough ? "a baseline of " + plural(std::max(*enough, statistics::kLeastSessions), "session") + " can" : std::string("no baseline can against so few")) +
           (most > 0 ? ", or " + plural(most, "metric") + " at the most" : std::string());
}

std::size_t judgedMetrics(const std::vector<StoredRun>& runs, const std::vector<std::string>& benchmarks) {
    const std::set<Key> keys = keysOf(runs);
    return static_cast<std::size_t>(std::count_if(keys.begin(), keys.end(), [&](const Key& key) { return std::find(benchmarks.begin(), benchmarks.end(), key.first) != benchmarks.end(); }));
}

std::vector<EnvironmentMismatch> mismatchesOf(const RunReport& a, const RunReport& b, const std::vector<std::string>& allowed) {
    std::vector<EnvironmentMismatch> out;
    const auto walk = [&](const std::map<std::string, std::string>& x, const std::map<std::string, std::string>& y, const char* fieldClass) {
        std::set<std::string> names;
        for (const auto& [name, value] : x) names.insert(name);
        for (const auto& [name, value] : y) names.insert(name);
        for (const std::string& name : names) {
            const auto left = x.find(name), right = y.find(name);
            const std::string l = left == x.end() ? "" : left->second, r = right == y.end() ? "" : right->second;
            if (l == r || name == "environment.key") continue;
            const bool may = std::find(allowed.begin(), allowed.end(), name) != allowed.end() || std::find(allowed.begin(), allowed.end(), "*") != allowed.end();
            out.push_back({name, l, r, fieldClass, may});
        }
    };
    walk(a.keyFields, b.keyFields, "key");
    walk(a.recorded, b.recorded, "recorded");
    return out;
}

Verdicts judgeStored(const std::vector<StoredRun>& baseline, const std::vector<StoredRun>& candidate, const JudgeOptions& options) {
    Verdicts all;
    all.title = "compare";
    all.method = {"mann_whitney_sessions", "benjamini_hochberg", options.rules.alpha, options.rules.minEffect, options.rules.floor(), std::nullopt, 0, 0};
    all.baseline = judgedRuns(baseline);
    all.candidate = judgedRuns(candidate);
    std::set<std::string> seen;
    for (const auto* side : {&baseline, &candidate})
        for (const StoredRun& other : *side)
            for (auto& m : mismatchesOf(baseline.front().run, other.run, options.allowedMismatches))
                if (seen.insert(m.fieldClass + m.field).second) all.mismatches.push_back(std::move(m));
    noteFailures(all, candidate);
    noteRepetitions(all, candidate);
    if (!all.comparable()) return all;
    const std::set<Key> before = keysOf(baseline), after = keysOf(candidate);
    for (const Key& key : before)
        if (!after.count(key)) all.missing.push_back(key.first + " " + key.second);
    for (const Key& key : after)
        if (!before.count(key)) all.added.push_back(key.first + " " + key.second);
    std::vector<Evidence> evidence;
    std::vector<std::size_t> tested;
    for (const Key& key : after) {
        if (!before.count(key)) continue;
        MetricVerdict v = prepared(key, baseline, candidate);
        const auto x = costs(v.baselineValues, v.direction), y = costs(v.candidateValues, v.direction);
        const std::size_t least = std::min(v.baselineValues.size(), v.candidateValues.size());
        if (v.reason.empty() && (!x || !y)) {
            withoutRatio(v);
        } else if (v.reason.empty()) {
            const Evidence e = statistics::evidenceOf(*x, *y, options.rules);
            describe(v, e);
            if (least >= statistics::kLeastSessions) {
                tested.push_back(all.results.size());
                evidence.push_back(e);
            } else {
                v.reason = "only " + plural(least, "session") + " on one side; " + std::to_string(statistics::kLeastSessions) + " are needed for a verdict";
            }
        }
        all.results.push_back(std::move(v));
    }
    noteWhatCannotBeDecided(all, evidence, options.rules);
    std::vector<double> p;
    for (const Evidence& e : evidence) p.push_back(e.twoSided());
    const std::vector<Outcome> outcomes = statistics::decideAtOnce(evidence, options.rules);
    const std::vector<double> adjusted = statistics::adjustedForDiscoveries(p);
    for (std::size_t i = 0; i < tested.size(); ++i) {
        all.results[tested[i]].outcome = outcomes[i];
        all.results[tested[i]].pAdjusted = adjusted[i];
    }
    sortResults(all.results);
    return all;
}

namespace {

std::optional<std::vector<statistics::Block>> logBlocks(const BlockedMetric& m) {
    std::vector<statistics::Block> out;
    for (const auto& values : m.blocks) {
        statistics::Block block;
        for (std::size_t i = 0; i < 2; ++i) {
            const auto a = costOf(values.a[i], m.direction), b = costOf(values.b[i], m.direction);
            if (!a || !b) return std::nullopt;
            block.a[i] = *a;
            block.b[i] = *b;
        }
        out.push_back(block);
    }
    return out;
}

MetricVerdict verdictShell(const BlockedMetric& m) {
    MetricVerdict v;
    v.benchmark = m.benchmark;
    v.metric = m.metric;
    v.unit = m.unit;
    v.direction = m.direction;
    for (const auto& values : m.blocks) {
        v.baselineValues.insert(v.baselineValues.end(), values.a.begin(), values.a.end());
        v.candidateValues.insert(v.candidateValues.end(), values.b.begin(), values.b.end());
    }
    if (!v.baselineValues.empty()) {
        v.baseline = statistics::median(v.baselineValues);
        v.candidate = statistics::median(v.candidateValues);
    }
    return v;
}

}  // namespace

std::vector<std::size_t> flagged(const std::vector<BlockedMetric>& metrics, const statistics::Rules& rules) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < metrics.size(); ++i) {
        const auto blocks = logBlocks(metrics[i]);
        if (metrics[i].direction == "none" || !blocks || blocks->size() < statistics::kLeastBlocks) continue;
        const Evidence e = statistics::evidenceOf(*blocks, rules, statistics::Intervals::kNo);
        if (statistics::screened(e, rules) != statistics::Direction::kNone) out.push_back(i);
    }
    return out;
}

std::vector<MetricVerdict> judgeBlocks(const BlockedJob& job, const statistics::Rules& rules) {
    std::vector<MetricVerdict> results;
    const std::vector<std::size_t> suspects = flagged(job.screen, rules);
    std::vector<Evidence> atOnce;
    std::vector<std::size_t> ofResult;
    for (std::size_t i = 0; i < job.screen.size(); ++i) {
        const BlockedMetric& metric = job.screen[i];
        if (metric.direction == "none") continue;
        const bool suspect = std::find(suspects.begin(), suspects.end(), i) != suspects.end();
        const bool fresh = suspect && job.confirm && i < job.confirm->size() && (*job.confirm)[i].blocks.size() >= statistics::kLeastBlocks;
        MetricVerdict v = verdictShell(fresh ? (*job.confirm)[i] : metric);
        const auto blocks = logBlocks(fresh ? (*job.confirm)[i] : metric);
        if (!blocks) {
            withoutRatio(v);
        } else if (blocks->size() < statistics::kLeastBlocks) {
            v.reason = "only " + plural(blocks->size(), "block") + " measured; " + std::to_string(statistics::kLeastBlocks) + " are the least that can decide";
        } else {
            const Evidence e = statistics::evidenceOf(*blocks, rules);
            describe(v, e);
            if (fresh) {
                const Evidence first = statistics::evidenceOf(*logBlocks(metric), rules, statistics::Intervals::kNo);
                v.outcome = statistics::confirmed(e, statistics::screened(first, rules), suspects.size(), rules);
                v.confirmed = v.outcome == Outcome::kRegressed || v.outcome == Outcome::kImproved;
                v.reason = v.confirmed ? "found, and confirmed on fresh blocks" : "suspected, and not confirmed on fresh blocks";
            } else if (job.confirm) {
                v.outcome = suspect ? Outcome::kInconclusive : statistics::undecided(e, rules);
                if (suspect) v.reason = "suspected; the fresh blocks that would confirm it are missing";
            } else {
                atOnce.push_back(e);
                ofResult.push_back(results.size());
            }
        }
        results.push_back(std::move(v));
    }
    const std::vector<Outcome> outcomes = statistics::decideAtOnce(atOnce, rules);
    std::vector<double> p;
    for (const Evidence& e : atOnce) p.push_back(e.twoSided());
    const std::vector<double> adjusted = statistics::adjustedForDiscoveries(p);
    for (std::size_t i = 0; i < ofResult.size(); ++i) {
        results[ofResult[i]].outcome = outcomes[i];
        results[ofResult[i]].pAdjusted = adjusted[i];
    }
    if (job.identical)
        for (MetricVerdict& v : results)
            if (v.outcome == Outcome::kInconclusive && v.tested) v.outcome = Outcome::kUnchanged, v.reason = "both sides are the same code";
    sortResults(results);
    return results;
}

}  // namespace ridge::analyzer
