// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "reports/run/formats.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "analyzer/history/history.h"
#include "base/text.h"
#include "reports/common/csv.h"
#include "reports/json/run_json.h"

namespace ridge::reports {
namespace {

using Json = nlohmann::ordered_json;
using analyzer::RunBenchmark;
using analyzer::RunMetric;
using analyzer::RunReport;
using analyzer::RunSample;

bool usable(const RunSample& s) { return s.valid && s.value && std::isfinite(*s.value); }

std::vector<double> values(const RunMetric& m) {
    std::vector<double> out;
    for (const RunSample& s : m.samples)
        if (usable(s)) out.push_back(*s.value);
    return out;
}

std::string keyOf(const RunReport& run) { return run.environmentKey.empty() ? analyzer::environmentKey(run.keyFields) : run.environmentKey; }

std::string dumped(const Json& json) { return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"; }

// The metric that stands for the benchmark's time, and what remains as counters.
const RunMetric* timeOf(const RunBenchmark& b) {
    for (const char* name : {"step_time", "real_time", "time"})
        for (const RunMetric& m : b.metrics)
            if (m.name == name && (m.unit == "ns" || m.unit == "s")) return &m;
    for (const RunMetric& m : b.metrics)
        if (m.unit == "ns" || m.unit == "s") return &m;
    return nullptr;
}

Json row(const RunBenchmark& b, std::size_t family, std::size_t repetition, std::size_t repetitions, double ns, std::int64_t iterations) {
    return {{"name", toValidUtf8(b.name)},
            {"family_index", family},
            {"per_family_instance_index", 0},
            {"run_name", toValidUtf8(b.name)},
            {"run_type", "iteration"},
            {"repetitions", repetitions},
            {"repetition_index", repetition},
            {"threads", 1},
            {"iterations", std::max<std::int64_t>(1, iterations)},
            {"real_time", ns},
            {"cpu_time", ns},
            {"time_unit", "ns"}};
}

struct Family {
    std::string help, unit;
    std::vector<std::string> lines;
};

// Base units: what is in ns goes out in seconds.
std::string familyOf(const RunMetric& m, double& scale) {
    static const std::map<std::string, std::string> kNames{{"ns", "seconds"}, {"s", "seconds"}, {"B", "bytes"}, {"B/s", "bytes_per_second"}, {"FLOP", "flops"}, {"FLOP/s", "flops_per_second"}, {"J", "joules"},
                                                           {"W", "watts"},    {"Hz", "hertz"},  {"K", "kelvin"}, {"1/s", "per_second"},      {"share", "ratio"}};
    scale = m.unit == "ns" ? 1e-9 : 1;
    const auto at = kNames.find(m.unit);
    return "ridge_metric" + (at == kNames.end() ? std::string("_value") : "_" + at->second);
}

}  // namespace

std::string openMetricsLabel(const std::string& text) {
    std::string out;
    for (const char c : toValidUtf8(text)) out += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
    return out;
}

std::string renderRunCsv(const RunReport& run) {
    std::string out = "run_id,session_id,environment_key,git_sha,benchmark,metric,unit,direction,block,slot,process,iterations,value,valid\n";
    const auto sha = run.subject.find("git_sha");
    for (const RunBenchmark& b : run.benchmarks)
        for (const RunMetric& m : b.metrics)
            for (const RunSample& s : m.samples)
                out += csvLine({run.id, run.sessionId, keyOf(run), sha == run.subject.end() ? "" : sha->second, b.id, m.name, m.unit, m.direction, std::to_string(s.block), std::to_string(s.slot), std::to_string(s.process),
                                std::to_string(s.iterations), s.value && std::isfinite(*s.value) ? fmt::format("{}", *s.value) : "", usable(s) ? "1" : "0"});
    return out;
}

std::string renderGoogleBenchmark(const RunReport& run, bool oneRowPerName) {
    const auto host = run.recorded.find("host.name");
    const auto cpus = run.keyFields.find("cpu.usable");
    Json context{{"date", run.startedAt},
                 {"host_name", host == run.recorded.end() ? "" : toValidUtf8(host->second)},
                 {"executable", run.argv.empty() ? "" : toValidUtf8(run.argv.front())},
                 {"num_cpus", cpus == run.keyFields.end() ? 0 : std::atoi(cpus->second.c_str())},
                 {"mhz_per_cpu", 0},
                 {"cpu_scaling_enabled", false},
                 {"caches", Json::array()},
                 {"load_avg", Json::array()},
                 {"library_build_type", "release"},
                 {"ridge_run_id", toValidUtf8(run.id)},
                 {"ridge_environment_key", keyOf(run)}};
    Json rows = Json::array();
    std::size_t family = 0;
    for (const RunBenchmark& b : run.benchmarks) {
        const RunMetric* time = timeOf(b);
        if (b.status != "ok" || !time) {
            if (b.status == "ok" || oneRowPerName) continue;
            Json failed = row(b, family++, 0, 1, 0, 0);
            failed["error_occurred"] = true;
            failed["error_message"] = toValidUtf8(b.reason);
            rows.push_back(std::move(failed));
            continue;
        }
        const double scale = time->unit == "s" ? 1e9 : 1;
        std::vector<double> all = values(*time);
        if (all.empty()) continue;
        std::vector<std::pair<double, std::int64_t>> shown;
        if (oneRowPerName) shown.emplace_back(*statsOf(all).median, static_cast<std::int64_t>(all.size()));
        else
            for (const RunSample& s : time->samples)
                if (usable(s)) shown.emplace_back(*s.value, s.iterations);
        for (std::size_t i = 0; i < shown.size(); ++i) {
            Json one = row(b, family, i, shown.size(), shown[i].first * scale, shown[i].second);
            for (const RunMetric& m : b.metrics)
                if (const auto of = values(m); &m != time && !of.empty() && !one.contains(m.name)) one[toValidUtf8(m.name)] = *statsOf(of).median;
            rows.push_back(std::move(one));
        }
        ++family;
    }
    return dumped({{"context", std::move(context)}, {"benchmarks", std::move(rows)}});
}

std::string renderCustom(const RunReport& run, const std::string& direction) {
    Json out = Json::array();
    for (const RunBenchmark& b : run.benchmarks)
        for (const RunMetric& m : b.metrics) {
            const std::vector<double> all = values(m);
            if (m.direction != direction || all.empty()) continue;
            const SampleStats stats = statsOf(all);
            Json entry{{"name", toValidUtf8(b.name + " " + m.name)}, {"unit", m.unit == "1" ? "" : m.unit}, {"value", *stats.median}};
            if (stats.ciLow) entry["range"] = fmt::format("\u00b1 {:.4g}", std::max(*stats.ciHigh - *stats.median, *stats.median - *stats.ciLow));
            entry["extra"] = fmt::format("n {}\n95 % interval {}\nenvironment {}", stats.n, stats.ciLow ? fmt::format("{:.6g} to {:.6g}", *stats.ciLow, *stats.ciHigh) : std::string("-"), keyOf(run).substr(0, 16));
            out.push_back(std::move(entry));
        }
    return dumped(out);
}

std::string renderOpenMetrics(const RunReport& run) {
    std::map<std::string, Family> families;
    for (const RunBenchmark& b : run.benchmarks)
        for (const RunMetric& m : b.metrics) {
            const std::vector<double> all = values(m);
            if (all.empty()) continue;
            double scale = 1;
            const std::string name = familyOf(m, scale);
            Family& family = families[name];
            family.help = "A metric of a benchmark: median of its samples, and the interval of the median";
            const SampleStats stats = statsOf(all);
            for (const auto& [stat, value] : {std::pair("median", stats.median), std::pair("ci_low", stats.ciLow), std::pair("ci_high", stats.ciHigh)})
                if (value) family.lines.push_back(fmt::format("{}{{suite=\"{}\",benchmark=\"{}\",metric=\"{}\",stat=\"{}\"}} {}", name, openMetricsLabel(b.suite), openMetricsLabel(b.id), openMetricsLabel(m.name), stat, *value * scale));
        }
    std::string out;
    for (const auto& [name, family] : families) {
        out += fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, family.help, name);
        for (const std::string& line : family.lines) out += line + "\n";
    }
    if (const auto at = analyzer::parseTime(run.startedAt))
        out += fmt::format("# HELP ridge_run_timestamp_seconds When the run began\n# TYPE ridge_run_timestamp_seconds gauge\nridge_run_timestamp_seconds {}\n", *at);
    const auto field = [&](const char* name) {
        const auto at = run.keyFields.find(name);
        return at == run.keyFields.end() ? std::string() : openMetricsLabel(at->second);
    };
    out += fmt::format("# HELP ridge_environment_info The machine\n# TYPE ridge_environment_info gauge\nridge_environment_info{{key=\"{}\",cpu=\"{}\",gpu=\"{}\",driver=\"{}\"}} 1\n", keyOf(run), field("cpu.model"), field("gpu.model"),
                       field("gpu.driver"));
    return out + "# EOF\n";
}

}  // namespace ridge::reports
