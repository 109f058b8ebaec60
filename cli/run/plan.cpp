// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/run/plan.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <regex>

#include "base/without_mark.h"

namespace ridge::cli {
namespace {

using Json = nlohmann::json;

std::string asText(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::optional<analyzer::Verdict> parseVerdict(const Json& value) {
    if (!value.is_object()) return std::nullopt;
    const auto wallClass = parseWallClass(value.value("class", ""));
    const auto cause = parseCause(value.value("cause", ""));
    if (!wallClass || !cause) return std::nullopt;
    return analyzer::Verdict{*wallClass, *cause};
}

Variant parseVariant(const Json& entry) {
    Variant v;
    v.name = entry.at("name").get<std::string>();
    v.family = entry.value("family", v.name.substr(0, v.name.find('/')));
    v.formula = entry.value("formula", "");
    if (entry.contains("params"))
        for (const auto& [key, value] : entry["params"].items()) v.params[key] = asText(value);
    if (entry.contains("presets")) v.presets = entry["presets"].get<std::vector<std::string>>();
    v.ranks = std::max(1, entry.value("ranks", 1));
    v.steps = entry.value("steps", std::int64_t{0});
    v.briefSteps = entry.value("brief_steps", std::int64_t{0});  // a program that has none is not asked to be brief
    if (entry.contains("expected")) v.expected = parseVerdict(entry["expected"]);
    if (entry.contains("pair"))
        v.pair = analyzer::WhatIfPair{v.name, entry["pair"].value("fast", ""), entry["pair"].value("change", "")};
    return v;
}

bool answersTo(const Variant& v, const std::string& wanted) {
    return v.name == wanted || v.family == wanted || v.name.starts_with(wanted + "/") || v.name.starts_with(wanted + ".");
}

bool inPreset(const Variant& v, const std::string& preset) {
    return preset.empty() || std::find(v.presets.begin(), v.presets.end(), preset) != v.presets.end();
}

}  // namespace

Result<std::vector<Variant>> parseDescription(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_array()) return Error{ErrorCode::kInternal, "ridge-workloads --describe did not print a JSON array"};
    std::vector<Variant> all;
    try {
        for (const Json& entry : json) all.push_back(parseVariant(entry));
    } catch (const Json::exception& error) {
        return Error{ErrorCode::kInternal, fmt::format("ridge-workloads --describe printed something unexpected: {}", withoutMark(error.what()))};
    }
    return all;
}

Result<std::vector<Variant>> select(const std::vector<Variant>& all, const Selection& selection) {
    for (const std::string& wanted : selection.names)
        if (std::none_of(all.begin(), all.end(), [&](const Variant& v) { return answersTo(v, wanted); }))
            return Error{ErrorCode::kBadInput, fmt::format("there is no workload \"{}\"; ridge run --list shows them", wanted)};
    std::regex filter;
    try {
        filter = std::regex(selection.filter, std::regex::extended);
    } catch (const std::regex_error&) {
        return Error{ErrorCode::kBadInput, fmt::format("--filter: \"{}\" is not a regular expression", selection.filter)};
    }
    std::vector<Variant> chosen;
    for (const Variant& v : all) {
        const bool named = selection.names.empty() ||
                           std::any_of(selection.names.begin(), selection.names.end(), [&](const auto& wanted) { return answersTo(v, wanted); });
        if (!named || !inPreset(v, selection.preset)) continue;
        if (!selection.filter.empty() && !std::regex_search(v.name, filter)) continue;
        chosen.push_back(v);
        chosen.back().brief = selection.preset == "smoke" && v.briefSteps > 0;
        if (selection.ranks > 0 && v.ranks > 1) chosen.back().ranks = selection.ranks;
    }
    if (chosen.empty()) return Error{ErrorCode::kBadInput, "no workload is left after --preset and --filter; ridge run --list shows them"};
    return chosen;
}

std::vector<std::string> commandFor(const Variant& variant, const std::string& workloadsProgram, const std::string& resultFile,
                                    const std::string& benchmarkFile, const std::string& backend) {
    std::string pattern = "^";
    for (const char c : variant.name) {
        if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) pattern += '\\';
        pattern += c;
    }
    std::vector<std::string> command;
    if (variant.ranks > 1) command = {"mpirun", "--oversubscribe", "-n", std::to_string(variant.ranks)};
    command.insert(command.end(), {workloadsProgram, "--benchmark_filter=" + pattern + "$", "--result=" + resultFile,
                                   "--benchmark_out=" + benchmarkFile, "--benchmark_out_format=json"});
    if (variant.brief) command.push_back("--brief");
    if (backend != "cpu") command.push_back("--backend=" + backend);
    if (const auto transport = variant.params.find("transport"); transport != variant.params.end())
        command.push_back("--transport=" + transport->second);
    return command;
}

std::string folderNameFor(const std::string& name) {
    std::string out;
    for (const char c : name) {
        const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (safe) out += c;
        else if (c == '/') out += "__";
        else out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
    return out.empty() || out.front() == '.' ? "_" + out : out;
}

}  // namespace ridge::cli
