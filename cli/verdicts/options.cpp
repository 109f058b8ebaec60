// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "cli/verdicts/options.h"

#include <charconv>
#include <filesystem>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/app/outputs.h"
#include "cli/app/validators.h"
#include "reports/verdicts/verdicts.h"

namespace ridge::cli {
namespace {

constexpr std::size_t kShownUnchanged = 40;


}  // namespace

void addRuleOptions(CLI::App& command, VerdictOptions& options) {
    command.add_option("--min-effect", options.minEffect, "The smallest change that matters, as 5% or 0.05")->default_str("5%");
    command.add_option("--alpha", options.alpha, "How often a job without a change may be accused")->check(finiteRange(1e-6, 0.2))->default_str("0.01");
    command.add_option("--fail-on", options.failOn, "inconclusive: exit with 3 when something could not be decided")->check(CLI::IsMember({"regressed", "inconclusive"}))->default_str("regressed");
}

CLI::Option* addReportOptions(CLI::App& command, VerdictOptions& options) {
    CLI::Option* json = command.add_option("--json", options.json, "The verdicts as JSON, to FILE or to stdout")->expected(0, 1)->type_name("[FILE]");
    command.add_option("--markdown", options.markdown, "As Markdown, for a job summary (-: to stdout)")->type_name("FILE");
    command.add_option("--junit", options.junit, "As JUnit XML (-: to stdout)")->type_name("FILE");
    command.add_option("--html", options.html, "As one HTML page with every sample (-: to stdout)")->type_name("FILE");
    command.add_option("--openmetrics", options.openmetrics, "As gauges for Prometheus (-: to stdout)")->type_name("FILE");
    return json;
}

Result<double> parseShare(const std::string& text, const std::string& option) {
    std::string_view number = trim(text);
    const bool percent = number.ends_with('%');
    if (percent) number = trim(number.substr(0, number.size() - 1));
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (percent) value /= 100;
    if (error != std::errc{} || end != number.data() + number.size() || !(value >= 0.001) || !(value <= 1))
        return Error{ErrorCode::kBadInput, fmt::format("{} {}: give a share from 0.1% to 100%, as 5% or 0.05", option, text)};
    return value;
}

Result<statistics::Rules> rulesOf(const VerdictOptions& options) {
    statistics::Rules rules;
    RIDGE_TRY(rules.minEffect, parseShare(options.minEffect, "--min-effect"));
    rules.alpha = options.alpha;
    return rules;
}

Status checkReports(const VerdictOptions& o, const std::vector<std::string>& inputs, bool force) {
    std::error_code ec;
    const std::vector<std::string> outputs{o.json, o.markdown, o.junit, o.html, o.openmetrics};
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i].empty()) continue;
        for (std::size_t j = 0; j < i; ++j)
            if (!outputs[j].empty() && (outputs[i] == outputs[j] || std::filesystem::weakly_canonical(outputs[i], ec) == std::filesystem::weakly_canonical(outputs[j], ec)))
                return Error{ErrorCode::kBadInput, fmt::format("{} is named for two outputs; give each its own", outputs[i])};
        RIDGE_TRY_STATUS(isNoInput(outputs[i], inputs));
        RIDGE_TRY_STATUS(hasFolder(outputs[i]));
        if (outputs[i] != "-") RIDGE_TRY_STATUS(mayWrite(outputs[i], force));
    }
    return {};
}

Status writeReports(const VerdictOptions& o, const analyzer::Verdicts& v, const Globals& globals) {
    const bool strict = o.failOn == "inconclusive";
    bool printed = false;
    const auto give = [&](const std::string& path, const auto& render) -> Status {
        if (path.empty()) return {};
        if (path != "-") return writeOutput(path, render(), globals.force);
        fmt::print("{}", render());
        printed = true;
        return {};
    };
    RIDGE_TRY_STATUS(give(o.json, [&] { return reports::renderJson(v); }));
    RIDGE_TRY_STATUS(give(o.markdown, [&] { return reports::renderMarkdown(v); }));
    RIDGE_TRY_STATUS(give(o.junit, [&] { return reports::renderJunit(v, strict); }));
    RIDGE_TRY_STATUS(give(o.html, [&] { return reports::renderHtml(v); }));
    RIDGE_TRY_STATUS(give(o.openmetrics, [&] { return reports::renderOpenMetrics(v); }));
    if (!printed && !globals.quiet && v.comparable()) fmt::print("{}", reports::renderTerminal(v, {wantsColour(globals), terminalWidth(), kShownUnchanged}));
    return {};
}

int exitCodeOf(const analyzer::Verdicts& v, const VerdictOptions& o) {
    if (v.interrupted && interruptedBy()) return 128 + interruptedBy();
    if (!v.comparable()) return 3;
    if (v.count(statistics::Outcome::kRegressed) > 0) return 1;
    if (!v.failed.empty()) return 4;
    if (o.failOn == "inconclusive" && (v.results.empty() || v.count(statistics::Outcome::kInconclusive) > 0)) return 3;
    return 0;
}

}  // namespace ridge::cli
