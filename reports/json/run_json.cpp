// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/json/run_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/text.h"

namespace ridge::reports {
namespace {

using Json = nlohmann::ordered_json;

Json text(std::string_view value) { return toValidUtf8(value); }
Json textOrNull(std::string_view value) { return value.empty() ? Json(nullptr) : text(value); }
Json number(const std::optional<double>& value) {
    return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

Json object(const std::map<std::string, std::string>& fields) {
    Json out = Json::object();
    for (const auto& [key, value] : fields) out[toValidUtf8(key)] = text(value);
    return out;
}

// Of sorted values, by linear interpolation between the two nearest ranks.
double percentile(const std::vector<double>& sorted, double p) {
    const double at = p * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// The narrowest symmetric pair of ranks [k, n-k+1] that covers the median with at least 95 %; none when
// even the extremes do not (n < 6). Coverage = 1 - 2 P(Binomial(n, 1/2) < k).
void medianInterval(const std::vector<double>& sorted, SampleStats& stats) {
    const std::size_t n = sorted.size();
    double cumulative = 0;  // P(X <= k-1) while testing rank k
    double logChoose = 0;
    std::optional<std::size_t> best;
    double bestCoverage = 0;
    for (std::size_t k = 1; 2 * k <= n; ++k) {
        const std::size_t j = k - 1;
        if (j > 0) logChoose += std::log(static_cast<double>(n - j + 1)) - std::log(static_cast<double>(j));
        cumulative += std::exp(logChoose - static_cast<double>(n) * std::log(2.0));
        const double coverage = 1 - 2 * cumulative;
        if (coverage < 0.95) break;
        best = k;
        bestCoverage = coverage;
    }
    if (!best) return;
    stats.ciLow = sorted[*best - 1];
    stats.ciHigh = sorted[n - *best];
    stats.ciLevel = bestCoverage;
}

Json statsJson(const SampleStats& s) {
    return {{"n", s.n},
            {"median", number(s.median)},
            {"mean", number(s.mean)},
            {"stddev", number(s.stddev)},
            {"mad", number(s.mad)},
            {"min", number(s.min)},
            {"max", number(s.max)},
            {"p05", number(s.p05)},
            {"p95", number(s.p95)},
            {"cv", number(s.cv)},
            {"ci_low", number(s.ciLow)},
            {"ci_high", number(s.ciHigh)},
            {"ci_level", number(s.ciLevel)}};
}

Json metricJson(const RunMetric& metric) {
    std::vector<double> values;
    Json samples = Json::array();
    for (const RunSample& s : metric.samples) {
        const bool finite = s.value && std::isfinite(*s.value);
        const bool valid = s.valid && finite;
        if (valid) values.push_back(*s.value);
        const std::string cause = !s.cause.empty() ? s.cause : finite ? "" : "not a number";
        Json sample{{"value", number(s.value)},
                    {"process", s.process},
                    {"block", s.block},
                    {"slot", s.slot},
                    {"t_ns", s.tNs},
                    {"iterations", s.iterations},
                    {"valid", valid},
                    {"cause", textOrNull(cause)}};
        if (s.preemptedNs) sample["preempted_ns"] = *s.preemptedNs;
        samples.push_back(std::move(sample));
    }
    return {{"name", text(metric.name)},       {"unit", text(metric.unit)},
            {"direction", text(metric.direction)}, {"clock", text(metric.clock)},
            {"samples", std::move(samples)},   {"stats", statsJson(statsOf(std::move(values)))}};
}

Json benchmarkJson(const RunBenchmark& b) {
    Json metrics = Json::array();
    for (const auto& metric : b.metrics) metrics.push_back(metricJson(metric));
    return {{"id", text(b.id)},         {"suite", text(b.suite)},
            {"name", text(b.name)},     {"params", object(b.params)},
            {"status", text(b.status)}, {"reason", textOrNull(b.reason)},
            {"metrics", std::move(metrics)}};
}

Json subjectJson(const RunReport& run) {
    constexpr std::array kFields{"git_sha", "git_dirty",     "branch",     "commit_time",
                                 "binary_sha256", "code_sha256", "compiler", "compiler_version",
                                 "flags",   "build_type",    "cuda_arch"};
    Json out = Json::object();
    for (const char* field : kFields) {
        const auto at = run.subject.find(field);
        out[field] = at == run.subject.end() ? Json(nullptr) : textOrNull(at->second);
    }
    out["git_dirty"] = run.gitDirty ? Json(*run.gitDirty) : Json(nullptr);
    return out;
}

Json ciJson(const RunReport& run) {
    if (run.ciProvider.empty()) return nullptr;
    return {{"provider", text(run.ciProvider)}, {"job", textOrNull(run.ciJob)}, {"url", textOrNull(run.ciUrl)}};
}

}  // namespace

SampleStats statsOf(std::vector<double> values) {
    SampleStats stats;
    stats.n = static_cast<std::int64_t>(values.size());
    if (values.empty()) return stats;
    std::sort(values.begin(), values.end());
    const double n = static_cast<double>(values.size());
    stats.median = percentile(values, 0.5);
    stats.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    stats.min = values.front();
    stats.max = values.back();
    stats.p05 = percentile(values, 0.05);
    stats.p95 = percentile(values, 0.95);
    std::vector<double> deviations;
    double squares = 0;
    for (const double v : values) {
        deviations.push_back(std::abs(v - *stats.median));
        squares += (v - *stats.mean) * (v - *stats.mean);
    }
    std::sort(deviations.begin(), deviations.end());
    stats.mad = percentile(deviations, 0.5);
    if (values.size() > 1) {
        stats.stddev = std::sqrt(squares / (n - 1));
        if (*stats.mean != 0) stats.cv = *stats.stddev / std::abs(*stats.mean);
    }
    medianInterval(values, stats);
    return stats;
}

Json toJson(const RunReport& run) {
    Json out;
    out["schema_version"] = kRunSchemaVersion;
    Json argv = Json::array();
    for (const auto& argument : run.argv) argv.push_back(text(argument));
    out["run"] = {{"id", text(run.id)},
                  {"session_id", text(run.sessionId)},
                  {"started_at", text(run.startedAt)},
                  {"ended_at", text(run.endedAt)},
                  {"tool", {{"name", "ridge"}, {"version", text(run.toolVersion)}, {"git_sha", textOrNull(run.toolGitSha)}}},
                  {"argv", std::move(argv)},
                  {"seed", run.seed ? Json(*run.seed) : Json(nullptr)},
                  {"ci", ciJson(run)}};
    out["subject"] = subjectJson(run);
    out["environment"] = {{"key", environmentKey(run.keyFields)},
                          {"key_fields", object(run.keyFields)},
                          {"recorded", object(run.recorded)},
                          {"volatile", object(run.volatileFields)}};
    out["benchmarks"] = Json::array();
    for (const auto& b : run.benchmarks) out["benchmarks"].push_back(benchmarkJson(b));
    out["warnings"] = Json::array();
    for (const auto& w : run.warnings)
        out["warnings"].push_back(
            {{"code", text(w.code)}, {"message", text(w.message)}, {"benchmark", textOrNull(w.benchmark)}});
    out["labels"] = object(run.labels);
    return out;
}

std::string renderJson(const RunReport& run, int indent) {
    return toJson(run).dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ridge::reports
