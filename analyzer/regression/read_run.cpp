// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "analyzer/regression/read_run.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/sha256.h"
#include "base/without_mark.h"
#include "base/text.h"

namespace ridge::analyzer {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr int kSchemaVersion = 1;

std::string textOr(const Json& object, const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::map<std::string, std::string> texts(const Json& object) {
    std::map<std::string, std::string> out;
    if (object.is_object())
        for (const auto& [key, value] : object.items())
            if (value.is_string()) out[key] = value.get<std::string>();
    return out;
}

RunSample sampleOf(const Json& json) {
    RunSample s;
    const Json& value = json.at("value");
    if (value.is_number() && std::isfinite(value.get<double>())) s.value = value.get<double>();
    s.process = json.at("process").get<std::int64_t>();
    s.block = json.at("block").get<std::int64_t>();
    s.slot = json.at("slot").get<std::int64_t>();
    s.tNs = json.at("t_ns").get<std::int64_t>();
    s.iterations = json.at("iterations").get<std::int64_t>();
    s.valid = json.at("valid").get<bool>() && s.value.has_value();
    s.cause = textOr(json, "cause");
    if (const auto gap = json.find("preempted_ns"); gap != json.end() && gap->is_number_integer()) s.preemptedNs = gap->get<std::int64_t>();
    return s;
}

RunBenchmark benchmarkOf(const Json& json) {
    RunBenchmark b{json.at("id").get<std::string>(), textOr(json, "suite"), json.at("name").get<std::string>(), texts(json.at("params")), json.at("status").get<std::string>(),
                   textOr(json, "reason"), {}};
    for (const Json& m : json.at("metrics")) {
        RunMetric metric{m.at("name").get<std::string>(), m.at("unit").get<std::string>(), m.at("direction").get<std::string>(), textOr(m, "clock"), {}};
        for (const Json& sample : m.at("samples")) metric.samples.push_back(sampleOf(sample));
        b.metrics.push_back(std::move(metric));
    }
    return b;
}

RunReport runOf(const Json& json) {
    RunReport r;
    const Json& run = json.at("run");
    r.id = run.at("id").get<std::string>();
    r.sessionId = run.at("session_id").get<std::string>();
    r.startedAt = textOr(run, "started_at");
    r.endedAt = textOr(run, "ended_at");
    r.toolVersion = textOr(run.at("tool"), "version");
    r.toolGitSha = textOr(run.at("tool"), "git_sha");
    for (const Json& argument : run.at("argv")) r.argv.push_back(argument.get<std::string>());
    if (run.at("seed").is_number_unsigned()) r.seed = run.at("seed").get<std::uint64_t>();
    if (const Json& ci = run.at("ci"); ci.is_object()) {
        r.ciProvider = textOr(ci, "provider");
        r.ciJob = textOr(ci, "job");
        r.ciUrl = textOr(ci, "url");
    }
    r.subject = texts(json.at("subject"));
    if (const auto dirty = json.at("subject").find("git_dirty"); dirty != json.at("subject").end() && dirty->is_boolean()) r.gitDirty = dirty->get<bool>();
    const Json& environment = json.at("environment");
    r.environmentKey = textOr(environment, "key");
    r.keyFields = texts(environment.at("key_fields"));
    r.recorded = texts(environment.at("recorded"));
    r.volatileFields = texts(environment.at("volatile"));
    for (const Json& b : json.at("benchmarks")) r.benchmarks.push_back(benchmarkOf(b));
    for (const Json& w : json.at("warnings")) r.warnings.push_back({textOr(w, "code"), textOr(w, "message"), textOr(w, "benchmark")});
    if (const auto labels = json.find("labels"); labels != json.end()) r.labels = texts(*labels);
    return r;
}

double toNs(std::string_view unit) { return unit == "us" ? 1e3 : unit == "ms" ? 1e6 : unit == "s" ? 1e9 : 1; }

// Fields of a row that are no counters.
bool isCounter(const std::string& key, const Json& value) {
    static const std::vector<std::string> kOwn{"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations", "real_time", "cpu_time"};
    return value.is_number() && std::find(kOwn.begin(), kOwn.end(), key) == kOwn.end();
}

RunMetric& metricOf(RunBenchmark& b, const RunMetric& wanted) {
    for (RunMetric& m : b.metrics)
        if (m.name == wanted.name) return m;
    b.metrics.push_back(wanted);
    return b.metrics.back();
}

void addRow(RunBenchmark& b, const Json& row) {
    RunSample sample;
    if (const auto at = row.find("iterations"); at != row.end() && at->is_number()) sample.iterations = at->get<std::int64_t>();
    const auto add = [&](const RunMetric& metric, double value) {
        RunMetric& m = metricOf(b, metric);
        sample.value = std::isfinite(value) ? std::optional(value) : std::nullopt;
        sample.valid = sample.value.has_value();
        sample.slot = static_cast<std::int64_t>(m.samples.size());
        m.samples.push_back(sample);
    };
    const double unit = toNs(textOr(row, "time_unit"));
    add({"real_time", "ns", "lower", "wall", {}}, row.at("real_time").get<double>() * unit);
    add({"cpu_time", "ns", "lower", "cpu", {}}, row.at("cpu_time").get<double>() * unit);
    for (const auto& [key, value] : row.items()) {
        if (!isCounter(key, value)) continue;
        const bool rate = key == "items_per_second" || key == "bytes_per_second";
        add({key, key == "bytes_per_second" ? "B/s" : rate ? "1/s" : "1", rate ? "higher" : "none", "counter", {}}, value.get<double>());
    }
}

std::vector<RunBenchmark> googleBenchmarks(const Json& json) {
    std::vector<RunBenchmark> out;
    for (const Json& row : json.at("benchmarks")) {
        if (textOr(row, "run_type") == "aggregate") continue;
        std::string name = textOr(row, "run_name");
        if (name.empty()) name = row.at("name").get<std::string>();
        auto at = std::find_if(out.begin(), out.end(), [&](const RunBenchmark& b) { return b.id == name; });
        if (at == out.end()) {
            out.push_back({name, "google-benchmark", name, {}, "ok", "", {}});
            at = out.end() - 1;
        }
        const bool skipped = row.value("skipped", false), failed = row.value("error_occurred", false);
        if (skipped || failed) {
            at->status = "error";
            at->reason = textOr(row, failed ? "error_message" : "skip_message");
            if (at->reason.empty()) at->reason = "the benchmark gave up";
            continue;
        }
        addRow(*at, row);
    }
    return out;
}

RunReport googleRun(const Json& json, const std::string& path) {
    RunReport r;
    const Json& context = json.at("context");
    r.startedAt = textOr(context, "date");
    r.endedAt = r.startedAt;
    r.id = fs::path(path).filename().string() + (r.startedAt.empty() ? "" : "@" + r.startedAt);
    r.sessionId = r.id;  // repetitions inside one process are one session
    for (const char* key : {"host_name", "executable"}) r.recorded["gbench." + std::string(key)] = textOr(context, key);
    for (const char* key : {"num_cpus", "cpu_scaling_enabled", "library_build_type"})
        if (const auto at = context.find(key); at != context.end()) r.keyFields["gbench." + std::string(key)] = at->is_string() ? at->get<std::string>() : at->dump();
    if (const auto mhz = context.find("mhz_per_cpu"); mhz != context.end()) r.volatileFields["gbench.mhz_per_cpu"] = mhz->dump();
    r.environmentKey = environmentKey(r.keyFields);
    r.benchmarks = googleBenchmarks(json);
    return r;
}

Error wrong(const std::string& path, const std::string& what) { return {ErrorCode::kBadInput, path + ": " + what}; }

}  // namespace

std::string environmentKey(const std::map<std::string, std::string>& keyFields) {
    Json canonical;  // sorts its keys
    canonical["schema"] = kSchemaVersion;
    canonical["fields"] = Json::object();
    for (const auto& [key, value] : keyFields) canonical["fields"][toValidUtf8(key)] = toValidUtf8(value);
    return sha256Hex(canonical.dump());
}

RunKind kindOf(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return RunKind::kOther;
    if (json.contains("run") && json.contains("benchmarks")) return RunKind::kRun;
    return json.contains("context") && json.contains("benchmarks") ? RunKind::kGoogleBenchmark : RunKind::kOther;
}

Result<RunReport> parseRun(std::string_view text, const std::string& path) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return wrong(path, "is no JSON document; name a run.json or Google Benchmark's JSON");
    try {
        if (json.contains("context") && json.contains("benchmarks")) return googleRun(json, path);
        if (!json.contains("run")) return wrong(path, "is neither a run.json nor Google Benchmark's JSON");
        if (const int version = json.at("schema_version").get<int>(); version != kSchemaVersion)
            return wrong(path, "has schema version " + std::to_string(version) + "; this program reads " + std::to_string(kSchemaVersion));
        return runOf(json);
    } catch (const Json::exception& error) {
        return wrong(path, "is damaged: " + withoutMark(error.what()));
    }
}

Result<RunReport> readRun(const std::string& path) {
    RIDGE_TRY(const std::string text, readFile(path));
    return parseRun(text, path);
}

Result<std::vector<RunBenchmark>> parseGoogleBenchmark(std::string_view text, const std::string& path) {
    const Json json = Json::parse(text, nullptr, false);
    try {
        if (!json.is_object() || !json.contains("benchmarks")) return wrong(path, "is not Google Benchmark's JSON");
        return googleBenchmarks(json);
    } catch (const Json::exception& error) {
        return wrong(path, "is damaged: " + withoutMark(error.what()));
    }
}

Result<std::vector<std::string>> runFilesAt(const std::string& path) {
    std::error_code ec;
    if (!fs::is_directory(path, ec)) return std::vector<std::string>{path};
    const std::string own = path + "/run.json";
    if (fs::is_regular_file(own, ec)) return std::vector<std::string>{own};
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(path, ec)) {
        const fs::path file = entry.path() / "run.json";
        if (fs::is_regular_file(file, ec)) files.push_back(file.string());
    }
    if (files.empty()) return Error{ErrorCode::kBadInput, path + " holds no run.json; name folders of ridge run"};
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace ridge::analyzer
