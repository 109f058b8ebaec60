// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// A run, as schemas/json/run-1.json has it: every sample of every metric, with what is needed to compare it with another
// run. `ridge run` and `ridge ab` fill it, reports/json writes it, analyzer/regression reads it back and judges.
//
// A sample is one measured value; a process is one fresh process; a session is what shares its surroundings (one
// invocation). Samples that are not valid stay, with their cause, and count nowhere.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ridge::analyzer {

struct RunSample {
    std::optional<double> value;  // absent: not a number; then cause says why
    std::int64_t process = 0;     // which fresh process
    std::int64_t block = 0, slot = 0;
    std::int64_t tNs = 0;         // UTC epoch
    std::int64_t iterations = 0;
    bool valid = true;
    std::string cause;            // why it is not valid
    std::optional<std::int64_t> preemptedNs;  // CPU time that the machine was not given meanwhile; absent: not measured
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
    std::string environmentKey;                     // as read from a file; a writer computes it from the key fields
    std::vector<RunBenchmark> benchmarks;
    std::vector<RunWarning> warnings;
    std::map<std::string, std::string> labels;
};

}  // namespace ridge::analyzer
