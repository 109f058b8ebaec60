// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/regression/sessions.h"

#include <algorithm>
#include <cmath>
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

}  // namespace ridge::analyzer
