// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/regression/sessions.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "analyzer/regression/judge.h"
#include "analyzer/statistics/ranks.h"

namespace ridge::analyzer {

std::optional<double> costOf(double value, const std::string& direction) {
    if (!(value > 0) || !std::isfinite(value)) return std::nullopt;
    return direction == "higher" ? -std::log(value) : std::log(value);
}

double valueOf(double cost, const std::string& direction) { return std::exp(direction == "higher" ? -cost : cost); }

std::vector<double> validValues(const RunMetric& metric) {
    std::vector<double> values;
    for (const RunSample& s : metric.samples)
        if (s.valid && s.value && std::isfinite(*s.value)) values.push_back(*s.value);
    return values;
}

std::optional<double> sessionValue(const std::vector<const RunMetric*>& metrics) {
    std::vector<double> ofProcesses;
    for (const RunMetric* metric : metrics) {
        std::map<std::int64_t, std::vector<double>> processes;
        for (const RunSample& s : metric->samples)
            if (s.valid && s.value && std::isfinite(*s.value)) processes[s.process].push_back(*s.value);
        for (auto& [process, values] : processes) ofProcesses.push_back(statistics::median(std::move(values)));
    }
    if (ofProcesses.empty()) return std::nullopt;
    return statistics::median(std::move(ofProcesses));
}

std::vector<double> sessionMedians(const std::vector<StoredRun>& runs, const std::string& benchmark, const std::string& metric) {
    std::vector<std::string> order;
    std::map<std::string, std::vector<const RunMetric*>> sessions;
    for (const StoredRun& r : runs)
        for (const RunBenchmark& b : r.run.benchmarks) {
            if (b.id != benchmark) continue;
            for (const RunMetric& m : b.metrics) {
                if (m.name != metric) continue;
                if (!sessions.count(r.run.sessionId)) order.push_back(r.run.sessionId);
                sessions[r.run.sessionId].push_back(&m);
            }
        }
    std::vector<double> values;
    for (const std::string& session : order)
        if (const auto value = sessionValue(sessions[session])) values.push_back(*value);
    return values;
}

std::vector<StoredRun> sessionsWithin(const StoredRun& run) {
    constexpr int kMost = 1000;
    const auto label = run.run.labels.find(std::string(kSessionsLabel));
    const int sessions = label == run.run.labels.end() ? 1 : std::atoi(label->second.c_str());
    if (sessions < 2 || sessions > kMost) return {run};
    std::vector<StoredRun> out;
    for (int session = 0; session < sessions; ++session) {
        StoredRun one = run;
        one.run.id = one.run.sessionId = run.run.sessionId + "#" + std::to_string(session + 1);
        for (RunBenchmark& b : one.run.benchmarks)
            for (RunMetric& m : b.metrics) std::erase_if(m.samples, [&](const RunSample& s) { return s.block != session; });
        out.push_back(std::move(one));
    }
    return out;
}

std::vector<StoredRun> everySession(const std::vector<StoredRun>& runs) {
    std::vector<StoredRun> out;
    for (const StoredRun& run : runs)
        for (StoredRun& session : sessionsWithin(run)) out.push_back(std::move(session));
    return out;
}

}  // namespace ridge::analyzer
