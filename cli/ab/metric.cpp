// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/ab/metric.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <regex>

#include "analyzer/regression/read_run.h"
#include "analyzer/regression/sessions.h"
#include "analyzer/statistics/ranks.h"
#include "base/text.h"
#include "base/without_mark.h"

namespace ridge::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestLine = 8192;  // std::regex recurses: a longer line is cut

Error none(const std::string& why) { return {ErrorCode::kMeasurement, why}; }

bool wanted(const MetricSpec& spec, const std::string& name) { return spec.text == "*" || spec.text == name; }

Result<std::vector<Reading>> ofRegex(const MetricSpec& spec, std::string_view output, std::string_view messages) {
    const std::regex pattern(spec.text);
    std::vector<double> values;
    for (const std::string_view stream : {output, messages}) {
        for (const std::string_view whole : split(stream, '\n')) {
            const std::string line(whole.substr(0, kLongestLine));
            std::smatch match;
            if (!std::regex_search(line, match, pattern)) continue;
            const std::string text = std::string(trim(match[match.size() > 1 ? 1 : 0].str()));
            double value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return none(fmt::format("\"{}\" is no number (regex:{})", text, spec.text));
            values.push_back(value);
        }
        if (!values.empty()) break;  // stdout first; stderr only where stdout has nothing
    }
    if (values.empty()) return none(fmt::format("nothing in its output matches regex:{}", spec.text));
    const auto count = static_cast<std::int64_t>(values.size());
    return std::vector<Reading>{{"command", "value", spec.unit.empty() ? "1" : spec.unit, spec.higherIsBetter ? "higher" : "lower", statistics::median(std::move(values)), count}};
}

// Programs print lines before their JSON.
std::string_view jsonPart(std::string_view output) {
    const std::size_t at = output.find('{');
    return at == std::string_view::npos ? std::string_view() : output.substr(at);
}

Result<std::vector<Reading>> ofGoogleBenchmark(const MetricSpec& spec, std::string_view output) {
    auto benchmarks = analyzer::parseGoogleBenchmark(jsonPart(output), "its output");
    if (!benchmarks.ok()) return none(benchmarks.error().message + "; run it with --benchmark_format=json");
    std::vector<Reading> readings;
    for (const analyzer::RunBenchmark& b : *benchmarks) {
        if (!wanted(spec, b.id)) continue;
        if (b.status != "ok") return none(fmt::format("{}: {}", b.id, b.reason));
        for (const analyzer::RunMetric& m : b.metrics) {
            if (m.name != (spec.field.empty() ? "real_time" : spec.field)) continue;
            auto values = analyzer::validValues(m);
            const auto count = static_cast<std::int64_t>(values.size());
            const bool told = spec.higherIsBetter || m.direction == "none";
            readings.push_back({b.id, m.name, m.unit, told ? (spec.higherIsBetter ? "higher" : "lower") : m.direction, statistics::median(std::move(values)), count});
        }
    }
    if (readings.empty()) return none(fmt::format("its output has no benchmark {}{}", spec.text, spec.field.empty() ? "" : " with a field " + spec.field));
    return readings;
}

Result<std::vector<Reading>> ofRun(const MetricSpec& spec, std::string_view output) {
    const Json json = Json::parse(jsonPart(output), nullptr, false);
    if (!json.is_object() || !json.contains("workloads")) return none("its output is no report of ridge run; run it with --json");
    std::vector<Reading> readings;
    try {
        for (const Json& w : json.at("workloads")) {
            const std::string name = w.at("name").get<std::string>();
            if (!wanted(spec, name)) continue;
            if (w.at("check").is_string() && w.at("check") != "passed") return none(fmt::format("{}: {}", name, w.value("check_detail", "its check failed")));
            if (spec.field.empty()) {
                readings.push_back({name, "step_time", "ns", "lower", w.at("median_step_ns").get<double>(), w.at("steps").get<std::int64_t>()});
            } else if (const auto m = w.at("metrics").find(spec.field); m != w.at("metrics").end() && m->at("value").is_number()) {
                readings.push_back({name, spec.field, m->value("unit", "1"), m->value("direction", "lower"), m->at("value").get<double>(), w.at("steps").get<std::int64_t>()});
            }
        }
    } catch (const Json::exception& error) {
        return none(fmt::format("its report: {}", withoutMark(error.what())));
    }
    if (readings.empty()) return none(fmt::format("its report has no workload {}{}", spec.text, spec.field.empty() ? "" : " with a metric " + spec.field));
    return readings;
}

}  // namespace

Result<MetricSpec> parseMetric(const std::string& text) {
    MetricSpec spec;
    if (text == "time") return spec;
    const std::size_t colon = text.find(':');
    const std::string kind = text.substr(0, colon);
    const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (rest.empty() || (kind != "regex" && kind != "gbench" && kind != "run"))
        return Error{ErrorCode::kBadInput, fmt::format("--metric {}: give time, regex:PATTERN, gbench:NAME or run:NAME", text)};
    if (kind == "regex") {
        spec.kind = MetricSpec::Kind::kRegex;
        spec.text = rest;
        try {
            const std::regex probe(rest);
        } catch (const std::regex_error& error) {
            return Error{ErrorCode::kBadInput, fmt::format("--metric {}: {}", text, error.what())};
        }
        return spec;
    }
    spec.kind = kind == "gbench" ? MetricSpec::Kind::kGoogleBenchmark : MetricSpec::Kind::kRun;
    const std::size_t at = rest.rfind('@');
    spec.text = rest.substr(0, at);
    if (at != std::string::npos) spec.field = rest.substr(at + 1);
    return spec;
}

Result<std::vector<Reading>> readingsOf(const MetricSpec& spec, std::int64_t elapsedNs, std::string_view output, std::string_view messages) {
    switch (spec.kind) {
        case MetricSpec::Kind::kTime: return std::vector<Reading>{{"command", "time", "ns", "lower", static_cast<double>(elapsedNs), 1}};
        case MetricSpec::Kind::kRegex: return ofRegex(spec, output, messages);
        case MetricSpec::Kind::kGoogleBenchmark: return ofGoogleBenchmark(spec, output);
        case MetricSpec::Kind::kRun: return ofRun(spec, output);
    }
    return none("unknown metric");
}

}  // namespace ridge::cli
