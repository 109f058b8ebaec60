// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The run report (schemas/json/run-1.json): samples of every metric with what is needed to compare them
// with another run. `ridge run` fills it; compare and track read it.
//
// Statistics are computed here from the valid samples only: median of sorted values (mean of the two
// middle ones), sample standard deviation (n - 1), MAD without a factor, percentiles by linear
// interpolation (type 7), and the order-statistic confidence interval of the median, whose level is the
// exact binomial coverage of the ranks chosen. What cannot be computed is null.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ridge::reports {

inline constexpr int kRunSchemaVersion = 1;

struct RunSample {
    std::optional<double> value;  // absent: not a number; then cause says why
    std::int64_t process = 0;     // which fresh process
    std::int64_t block = 0, slot = 0;
    std::int64_t tNs = 0;         // UTC epoch
    std::int64_t iterations = 0;
    bool valid = true;
    std::string cause;
};

struct RunMetric {
    std::string name, unit;
    std::string direction;  // "lower", "higher", "none"
    std::string clock;      // "wall", "cpu", "gpu", "counter"
    std::vector<RunSample> samples;
};

struct RunBenchmark {
    std::string id, suite, name;
    std::map<std::string, std::string> params;
    std::string status;  // "ok", "skipped", "error"
    std::string reason;
    std::vector<RunMetric> metrics;
};

struct RunWarning {
    std::string code, message, benchmark;
};

struct RunReport {
    std::string id, sessionId, startedAt, endedAt;  // times RFC 3339 UTC
    std::string toolVersion, toolGitSha;
    std::vector<std::string> argv;
    std::optional<std::uint64_t> seed;
    std::string ciProvider, ciJob, ciUrl;           // empty: not under CI
    std::map<std::string, std::string> subject;     // fields of the schema; missing ones are null
    std::optional<bool> gitDirty;
    std::map<std::string, std::string> keyFields, recorded, volatileFields;
    std::vector<RunBenchmark> benchmarks;
    std::vector<RunWarning> warnings;
    std::map<std::string, std::string> labels;
};

struct SampleStats {
    std::int64_t n = 0;
    std::optional<double> median, mean, stddev, mad, min, max, p05, p95, cv, ciLow, ciHigh, ciLevel;
};
SampleStats statsOf(std::vector<double> values);

// SHA-256 of the canonical JSON (sorted keys, no spaces) of the key fields and the schema number.
std::string environmentKey(const std::map<std::string, std::string>& keyFields);

nlohmann::ordered_json toJson(const RunReport& run);
std::string renderJson(const RunReport& run, int indent = 1);

}  // namespace ridge::reports
