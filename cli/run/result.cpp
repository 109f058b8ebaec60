// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/run/result.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <numeric>

#include "analyzer/roofline/roofs.h"
#include "analyzer/summary/own_cpu.h"
#include "base/file.h"
#include "base/without_mark.h"

namespace ridge::cli {
namespace {

using Json = nlohmann::json;
using reports::RunMetric;
using reports::RunSample;

constexpr std::array<std::string_view, 13> kUnits{"ns", "s", "B", "B/s", "FLOP", "FLOP/s", "J", "W", "Hz", "K", "1", "1/s", "share"};

std::optional<double> asNumber(const Json& value) {
    return value.is_number() ? std::optional<double>(value.get<double>()) : std::nullopt;
}

WorkloadResult parseEntry(const Json& entry) {
    WorkloadResult r;
    r.status = entry.value("status", "error");
    r.detail = entry.value("detail", "");
    if (!entry.contains("runs")) return r;
    for (const Json& run : entry["runs"]) {
        for (const Json& seconds : run.at("step_seconds"))
            if (const auto value = asNumber(seconds)) r.stepSeconds.push_back(*value);
        r.metrics.clear();  // of the last run
        for (const Json& m : run.at("metrics"))
            r.metrics.push_back({m.at("name").get<std::string>(), asNumber(m.at("value")), m.value("unit", "1"), m.value("direction", "none")});
    }
    return r;
}

RunMetric& metricNamed(std::vector<RunMetric>& metrics, const RunMetric& wanted) {
    for (RunMetric& m : metrics)
        if (m.name == wanted.name) return m;
    metrics.push_back(wanted);
    return metrics.back();
}

// A share of a measured roof: above this one of the two is wrong, as in the roofline.
bool aboveItsRoof(std::string_view name, double value) { return (name == "mbu" || name == "roof_share") && value > analyzer::kUnreliable; }
bool aboveItsRoof(const analyzer::WorkloadMetric& m) { return m.value && aboveItsRoof(m.name, *m.value); }

// The value is kept, and no comparison takes it.
void voidAboveItsRoof(const std::string& name, RunSample& sample, const std::string& workload, std::vector<reports::RunWarning>& warnings) {
    if (!sample.value || !aboveItsRoof(name, *sample.value)) return;
    sample.valid = false;
    sample.cause = fmt::format("{} {:.3f} is above its roof: the roof was measured too low, or the work is counted wrong", name, *sample.value);
    warnings.push_back({"unreliable_metric", sample.cause, workload});
}

// What the analyzer found in one attempt: a value per process, so that comparisons see these as well.
void addAnalysis(std::vector<RunMetric>& metrics, const analyzer::Analysis& analysis, const std::string& workload, RunSample sample,
                 std::vector<reports::RunWarning>& warnings) {
    for (const auto& w : analysis.workloads) {
        if (w.name != workload || w.steps == 0) continue;
        const auto add = [&](const std::string& name, const char* unit, const char* direction, double value) {
            sample.value = value;
            sample.iterations = w.steps;
            RunSample one = sample;
            voidAboveItsRoof(name, one, workload, warnings);
            metricNamed(metrics, {name, unit, direction, "wall", {}}).samples.push_back(one);
        };
        for (std::size_t c = 0; c < kWallClassCount; ++c)
            if (w.classes[c] > 0)
                add(fmt::format("class.{}", kWallClassNames[c]), "ns", "lower", static_cast<double>(w.classes[c]) / static_cast<double>(w.steps));
        if (w.roofShare) add("roof_share", "share", "higher", *w.roofShare);
        for (const auto& m : w.metrics)
            if (m.name == analyzer::kCpuShareMetric && m.value) add(m.name, "share", "none", *m.value);
        const auto perStep = [&](WallClass c) { return static_cast<double>(w.classes[static_cast<std::size_t>(c)]) / static_cast<double>(w.steps); };
        const double exposed = perStep(WallClass::kCommTransfer) + perStep(WallClass::kCommWait) + perStep(WallClass::kCommUnsplit);
        if (exposed > 0) add("exposed_communication", "ns", "lower", exposed);
        const double all = static_cast<double>(std::accumulate(w.classes.begin(), w.classes.end(), analyzer::Ns{0})) / static_cast<double>(w.steps);
        // A share also grows when the rest gets faster: told, and left to class.memory_wall to judge.
        if (all > 0) add("memory_wall_share", "share", "none", perStep(WallClass::kMemoryWall) / all);
    }
    for (const auto& energy : analysis.energy.workloads) {
        if (energy.workload != workload || energy.steps == 0 || !(energy.joulesPerStep > 0)) continue;
        sample.value = energy.joulesPerStep;
        sample.iterations = energy.steps;
        metricNamed(metrics, {"joules_per_step", "J", "lower", "counter", {}}).samples.push_back(sample);
        if (energy.joulesPerToken && *energy.joulesPerToken > 0) {
            sample.value = *energy.joulesPerToken;
            metricNamed(metrics, {"joules_per_token", "J", "lower", "counter", {}}).samples.push_back(sample);
        }
    }
}

// A process whose CPU other load had: its times are kept, and told apart.
void warnOfStarved(const analyzer::Analysis& analysis, const std::string& workload, std::vector<reports::RunWarning>& warnings) {
    for (const auto& w : analysis.workloads)
        if (const auto share = analyzer::starvedShare(w); w.name == workload && w.steps > 0 && share)
            warnings.push_back({"shared_cpu", fmt::format("compute ops were on a CPU for only {:.0f} % of their time: other load had it, and times are longer by that", *share * 100), workload});
}

const analyzer::WorkloadMetric* valued(const std::vector<analyzer::WorkloadMetric>& metrics, std::string_view name) {
    const auto at = std::find_if(metrics.begin(), metrics.end(), [&](const auto& m) { return m.name == name; });
    return at != metrics.end() && at->value && *at->value > 0 ? &*at : nullptr;
}

}  // namespace

void holdAgainstReadRoof(std::vector<analyzer::WorkloadMetric>& metrics, const std::vector<analyzer::Ceiling>& ceilings, bool onDevice) {
    const auto *rate = valued(metrics, "bytes_per_s"), *own = valued(metrics, "read_bandwidth");
    if (!rate || !own || !valued(metrics, "mbu")) return;
    double roof = *own->value;
    for (const auto& c : ceilings)
        if (c.kind == "memory" && c.level == "DRAM" && c.access == "read" && c.name.starts_with("gpu") == onDevice) roof = std::max(roof, c.value);
    const double bytesPerSecond = *rate->value;
    for (auto& m : metrics) {
        if (m.name == "read_bandwidth") m.value = roof;
        if (m.name == "mbu") m.value = bytesPerSecond / roof;
    }
}

Result<WorkloadResult> readResult(const std::string& path, const std::string& workload) {
    RIDGE_TRY(const std::string text, readFile(path));
    const Json json = Json::parse(text, nullptr, false);
    try {
        for (const Json& entry : json.at("workloads"))
            if (entry.at("name") == workload) return parseEntry(entry);
    } catch (const Json::exception& error) {
        return Error{ErrorCode::kMeasurement, fmt::format("{}: {}", path, withoutMark(error.what()))};
    }
    return Error{ErrorCode::kMeasurement, fmt::format("{} has no result of {}", path, workload)};
}

std::string Outcome::status() const {
    if (attempts.empty()) return "skipped";
    for (const Attempt& a : attempts)
        if (a.result.status == "error" || !a.recordingError.empty()) return "error";
    return attempts.front().result.status;
}

std::string Outcome::reason() const {
    if (attempts.empty()) return "interrupted before it began";
    for (const Attempt& a : attempts) {
        if (!a.recordingError.empty()) return a.recordingError;
        if (a.result.status != "ok") return a.result.detail.empty() ? fmt::format("exit code {}", a.exitStatus) : a.result.detail;
    }
    return {};
}

analyzer::WorkloadFacts factsOf(const Outcome& outcome) {
    analyzer::WorkloadFacts facts;
    facts.name = outcome.variant.name;
    facts.params = outcome.variant.params;
    facts.expected = outcome.variant.expected;
    const std::string status = outcome.status();
    facts.check = status == "ok" ? "passed" : status == "error" ? "failed" : "";
    facts.checkDetail = status == "ok" ? outcome.attempts.front().result.detail : outcome.reason();
    if (!outcome.attempts.empty()) facts.metrics = outcome.attempts.front().result.metrics;
    for (auto& m : facts.metrics)
        if (aboveItsRoof(m)) m.name += "_unreliable";
    return facts;
}

reports::RunBenchmark benchmarkOf(const Outcome& outcome, const std::vector<analyzer::Analysis>& analyses,
                                  std::vector<reports::RunWarning>& warnings) {
    reports::RunBenchmark b{outcome.variant.name, "ridge", outcome.variant.name, outcome.variant.params, outcome.status(), outcome.reason(), {}};
    RunMetric steps{"step_time", "ns", "lower", "wall", {}};
    std::vector<RunMetric> others;
    for (std::size_t p = 0; p < outcome.attempts.size(); ++p) {
        const Attempt& attempt = outcome.attempts[p];
        RunSample sample;
        sample.process = static_cast<std::int64_t>(p);
        sample.block = attempt.session;
        sample.tNs = attempt.startedUtcNs;
        sample.valid = attempt.result.status == "ok";
        if (!sample.valid) sample.cause = attempt.result.detail.empty() ? "the workload failed" : attempt.result.detail;
        std::int64_t slot = 0;
        for (const double seconds : attempt.result.stepSeconds) {
            RunSample step = sample;
            step.value = seconds * 1e9;
            step.slot = slot++;
            step.iterations = 1;
            steps.samples.push_back(step);
        }
        for (const auto& m : attempt.result.metrics) {
            const bool known = std::find(kUnits.begin(), kUnits.end(), m.unit) != kUnits.end();
            if (!known) warnings.push_back({"unknown_unit", fmt::format("{}: unit \"{}\" is not in the list; written as 1", m.name, m.unit), outcome.variant.name});
            RunSample one = sample;
            one.value = m.value;
            one.iterations = slot;
            voidAboveItsRoof(m.name, one, outcome.variant.name, warnings);
            metricNamed(others, {m.name, known ? m.unit : "1", m.direction, "wall", {}}).samples.push_back(one);
        }
        if (p >= analyses.size()) continue;
        addAnalysis(others, analyses[p], outcome.variant.name, sample, warnings);
        warnOfStarved(analyses[p], outcome.variant.name, warnings);
    }
    if (!steps.samples.empty()) b.metrics.push_back(std::move(steps));
    b.metrics.insert(b.metrics.end(), others.begin(), others.end());
    return b;
}

}  // namespace ridge::cli
