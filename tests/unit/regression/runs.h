// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Runs made by hand.

#include <string>
#include <vector>

#include "analyzer/regression/judge.h"

namespace ridge::analyzer::test {

// One session; the values are one per process.
inline StoredRun runOf(const std::string& session, const std::vector<double>& values, const std::string& direction = "lower", const std::string& startedAt = "2026-01-05T10:00:00Z") {
    RunReport run;
    run.id = run.sessionId = session;
    run.startedAt = run.endedAt = startedAt;
    run.keyFields = {{"cpu.model", "x"}};
    run.environmentKey = "key";
    RunMetric metric{"time", direction == "higher" ? "1/s" : "ns", direction, "wall", {}};
    std::int64_t process = 0;
    for (const double value : values) {
        RunSample sample;
        sample.value = value;
        sample.process = process++;
        metric.samples.push_back(sample);
    }
    run.benchmarks.push_back({"step", "t", "step", {}, "ok", "", {metric}});
    return {run, session + ".json"};
}

inline std::vector<StoredRun> sessions(const std::string& name, const std::vector<double>& values, const std::string& direction = "lower") {
    std::vector<StoredRun> out;
    for (std::size_t i = 0; i < values.size(); ++i) out.push_back(runOf(name + std::to_string(i), {values[i], values[i] * 1.001, values[i] * 0.999}, direction));
    return out;
}

}  // namespace ridge::analyzer::test
