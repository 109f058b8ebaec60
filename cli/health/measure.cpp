// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/health/measure.h"

#include <fmt/format.h>

#include <algorithm>

#include "analyzer/regression/sessions.h"
#include "base/clock.h"
#include "cli/app/app.h"
#include "cli/app/process.h"
#include "cli/run/ceilings.h"
#include "cli/run/result.h"

namespace ridge::cli {
namespace {

using analyzer::RunBenchmark;
using analyzer::RunMetric;
using analyzer::RunSample;

constexpr const char* kRoofs = "roofs";
constexpr double kLeastSeconds = 0.5;  // a part that has no more is not begun

// Caches and the cost of having something started are the program's and the moment's more than the node's: told, not judged.
bool isJudged(const analyzer::Ceiling& c) { return c.kind != "dispatch" && c.kind != "overhead" && (c.kind != "memory" || c.level == "DRAM"); }

std::string nameOf(const analyzer::Ceiling& c) {
    std::string out = "roof." + c.kind + "/" + c.name;
    for (const std::string* part : {&c.dtype, &c.level, &c.access})
        if (!part->empty() && out.find(*part) == std::string::npos) out += "." + *part;
    return out;
}

RunBenchmark benchmark(const std::string& name, const char* status, std::string reason) {
    RunBenchmark b;
    b.id = b.name = name;
    b.suite = "ridge-health";
    b.status = status;
    b.reason = std::move(reason);
    return b;
}

RunSample sampleOf(double value, std::int64_t process, std::int64_t slot) {
    RunSample s;
    s.value = value;
    s.process = process;
    s.slot = slot;
    s.tNs = realtimeNs();
    s.iterations = 1;
    return s;
}

std::optional<double> costOfMetric(const RunMetric& m) {
    const auto value = analyzer::sessionValue({&m});
    return value ? analyzer::costOf(*value, m.direction) : std::nullopt;
}

void setAside(RunMetric& m) {
    for (RunSample& s : m.samples)
        if (s.valid) {
            s.valid = false;
            s.cause = "measured twice, and this one was slower";
        }
}

}  // namespace

void keepBetter(RunBenchmark& first, const RunBenchmark& again) {
    if (again.status != "ok") return;
    for (const RunMetric& theirs : again.metrics) {
        const auto own = std::find_if(first.metrics.begin(), first.metrics.end(), [&](const RunMetric& m) { return m.name == theirs.name; });
        if (own == first.metrics.end()) {
            first.metrics.push_back(theirs);
            continue;
        }
        RunMetric second = theirs;
        const auto before = costOfMetric(*own), after = costOfMetric(second);
        if (before && after) setAside(*after < *before ? *own : second);
        own->samples.insert(own->samples.end(), second.samples.begin(), second.samples.end());
    }
}

HealthMeasurement::HealthMeasurement(std::string program, std::string backend, std::vector<Variant> variants, const Budget& budget, std::string folder)
    : m_program(std::move(program)), m_backend(std::move(backend)), m_folder(std::move(folder)), m_variants(std::move(variants)), m_budget(budget) {}

std::string HealthMeasurement::budgetWasOver() const { return fmt::format("the {:.3g} s of --budget were over", m_budget.seconds()); }

std::vector<RunBenchmark> HealthMeasurement::roofs(std::int64_t process) {
    if (m_budget.remaining() < kLeastSeconds) return {benchmark("roofs", "skipped", budgetWasOver())};
    const auto measured = measureCeilings(m_program, fmt::format("{}/roofs-{}.json", m_folder, process), std::max(0.5, m_budget.seconds() * kRoofShare), m_backend, m_budget.remaining());
    if (!measured.ok()) {
        const bool late = m_budget.remaining() < kLeastSeconds;
        return {benchmark("roofs", late || interruptedBy() ? "skipped" : "error", late ? budgetWasOver() : measured.error().message)};
    }
    std::vector<RunBenchmark> out;
    for (const analyzer::Ceiling& c : *measured) {
        RunBenchmark b = benchmark(nameOf(c), "ok", "");
        const bool time = c.unit == "s";
        b.metrics.push_back({time ? "time" : "rate", c.unit, !isJudged(c) ? "none" : time ? "lower" : "higher", "wall", {sampleOf(c.value, process, 0)}});
        out.push_back(std::move(b));
    }
    return out;
}

std::vector<RunBenchmark> HealthMeasurement::workload(const Variant& v, std::int64_t process) {
    const std::string base = fmt::format("{}/{}-{}", m_folder, folderNameFor(v.name), process);
    const auto ended = runProcess(commandFor(v, m_program, base + ".json", base + ".benchmark.json", m_backend), m_budget.remaining());
    if (!ended.ok()) return {benchmark(v.name, "error", ended.error().message)};
    if (ended->timedOut || interruptedBy()) return {benchmark(v.name, "skipped", interruptedBy() ? "interrupted" : budgetWasOver())};
    const auto result = readResult(base + ".json", v.name);
    if (!result.ok()) return {benchmark(v.name, "error", fmt::format("no result, exit code {}", ended->status))};
    RunBenchmark b = benchmark(v.name, result->status.c_str(), result->status == "ok" ? "" : result->detail);
    RunMetric steps{"step_time", "ns", "lower", "wall", {}};
    std::int64_t slot = 0;
    for (const double seconds : result->stepSeconds) steps.samples.push_back(sampleOf(seconds * 1e9, process, slot++));
    if (b.status == "ok") b.metrics.push_back(std::move(steps));
    return {std::move(b)};
}

std::vector<RunBenchmark> HealthMeasurement::timed(const std::string& part, const std::function<std::vector<RunBenchmark>()>& measure) {
    const double before = m_budget.elapsed();
    auto out = measure();
    m_seconds[part] = m_budget.elapsed() - before;
    return out;
}

void HealthMeasurement::measureAll() {
    const auto keep = [&](std::vector<RunBenchmark> found) { m_benchmarks.insert(m_benchmarks.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end())); };
    keep(timed(kRoofs, [&] { return roofs(0); }));
    for (const Variant& v : m_variants) {
        if (interruptedBy() || m_budget.remaining() < kLeastSeconds) keep({benchmark(v.name, "skipped", interruptedBy() ? "interrupted" : budgetWasOver())});
        else keep(timed(v.name, [&] { return workload(v, 0); }));
    }
}

std::vector<std::string> HealthMeasurement::measureAgain(const std::vector<std::string>& wanted) {
    std::vector<std::string> without;
    const auto isWorkload = [&](const std::string& name) { return std::any_of(m_variants.begin(), m_variants.end(), [&](const Variant& v) { return v.name == name; }); };
    const auto again = [&](const std::string& part, const std::vector<std::string>& members, const std::function<std::vector<RunBenchmark>()>& measure) {
        if (members.empty()) return;
        if (interruptedBy() || m_budget.remaining() < 1.3 * m_seconds[part]) {
            without.insert(without.end(), members.begin(), members.end());
            return;
        }
        const auto found = measure();
        for (const std::string& member : members) {
            const auto other = std::find_if(found.begin(), found.end(), [&](const RunBenchmark& b) { return b.id == member; });
            const auto own = std::find_if(m_benchmarks.begin(), m_benchmarks.end(), [&](const RunBenchmark& b) { return b.id == member; });
            if (own == m_benchmarks.end() || other == found.end() || other->status != "ok") without.push_back(member);
            else keepBetter(*own, *other);
        }
    };
    std::vector<std::string> ofRoofs;
    for (const std::string& name : wanted)
        if (!isWorkload(name)) ofRoofs.push_back(name);
    for (const Variant& v : m_variants)
        if (std::find(wanted.begin(), wanted.end(), v.name) != wanted.end()) again(v.name, {v.name}, [&] { return workload(v, 1); });
    again(kRoofs, ofRoofs, [&] { return roofs(1); });
    return without;
}

}  // namespace ridge::cli
