// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge compare: two runs in; which class, which op and why, out.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "analyzer/ceilings.h"
#include "analyzer/compare/comparison.h"
#include "cli/app/app.h"
#include "cli/app/outputs.h"
#include "cli/app/process.h"
#include "cli/verdicts/stored.h"
#include "cli/verdicts/timelines.h"
#include "reports/comparison/comparison.h"

namespace ridge::cli {
namespace {

namespace fs = std::filesystem;

struct CompareArguments {
    std::vector<std::string> a, b;
    std::vector<std::string> inputs, pairs;
    std::string ceilings, step, json, html, markdown, junit, openmetrics;
    bool jsonGiven = false, stepGiven = false, timelines = false;
    VerdictOptions rules;
    std::vector<std::string> allowed;
    int warmup = -1;
    std::size_t rows = 10;
};

Status checkOutputs(const CompareArguments& a, bool force) {
    std::error_code ec;
    const std::vector<std::string> outputs{a.json, a.html, a.markdown, a.junit, a.openmetrics};
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i].empty()) continue;
        for (std::size_t j = 0; j < i; ++j)
            if (!outputs[j].empty() && (outputs[i] == outputs[j] || fs::weakly_canonical(outputs[i], ec) == fs::weakly_canonical(outputs[j], ec)))
                return Error{ErrorCode::kBadInput, fmt::format("{} is named for two outputs; give each its own", outputs[i])};
        if (outputs[i] == "-") continue;
        for (const auto* side : {&a.a, &a.b}) RIDGE_TRY_STATUS(isNoInput(outputs[i], *side));
        RIDGE_TRY_STATUS(hasFolder(outputs[i]));
        RIDGE_TRY_STATUS(mayWrite(outputs[i], force));
    }
    return {};
}

Status writeReports(const CompareArguments& a, const analyzer::Comparison& c, bool force) {
    if (!a.json.empty() && a.json != "-") RIDGE_TRY_STATUS(writeOutput(a.json, reports::renderJson(c), force));
    if (!a.html.empty() && a.html != "-") RIDGE_TRY_STATUS(writeOutput(a.html, reports::renderHtml(c), force));
    if (!a.markdown.empty() && a.markdown != "-") RIDGE_TRY_STATUS(writeOutput(a.markdown, reports::renderMarkdown(c), force));
    if (!a.junit.empty() && a.junit != "-") RIDGE_TRY_STATUS(writeOutput(a.junit, reports::renderJunit(c), force));
    return {};
}

// "base=new"; the names may hold '=' themselves: every place to cut is tried by whoever matches.
Result<std::pair<std::string, std::string>> pairOf(const std::string& text) {
    const std::size_t at = text.find("=>");
    if (at != std::string::npos && at > 0 && at + 2 < text.size()) return std::pair(text.substr(0, at), text.substr(at + 2));
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size() || at != std::string::npos || text.find('=', equals + 1) != std::string::npos)
        return Error{ErrorCode::kBadInput, fmt::format("--pair {}: give NAME_IN_A=>NAME_IN_B", text)};
    return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

// Two inputs: A and B. More: --a and --b say which traces are which side.
Status sides(CompareArguments& a) {
    if (!a.inputs.empty() && (!a.a.empty() || !a.b.empty())) return Error{ErrorCode::kBadInput, "name the two runs, or use --a and --b; not both"};
    if (a.inputs.size() == 2) {
        a.a = {a.inputs[0]};
        a.b = {a.inputs[1]};
    }
    if (a.a.empty() || a.b.empty()) return Error{ErrorCode::kBadInput, "two runs are compared: ridge compare A B, or --a TRACE... --b TRACE... for runs of several traces"};
    std::error_code ec;
    for (const auto* side : {&a.a, &a.b})
        for (const std::string& trace : *side) {
            if (!(side->size() == 1 && fs::is_directory(trace, ec))) RIDGE_TRY_STATUS(mayRead(trace));
            if (!fs::exists(trace, ec)) return Error{ErrorCode::kBadInput, fmt::format("{}: there is no such run or trace", trace)};
        }
    return {};
}

// A misspelt name would pair nothing, in silence.
Status haveTheirNames(const std::vector<analyzer::RunProfile>& left, const std::vector<analyzer::RunProfile>& right, const std::vector<std::pair<std::string, std::string>>& pairs) {
    const auto wants = [](const std::vector<analyzer::RunProfile>& runs, const std::string& name, const char* side) -> Status {
        std::string has;
        for (const analyzer::RunProfile& run : runs) {
            if (workloadOf(run) == name) return {};
            has += (has.empty() ? "" : ", ") + workloadOf(run);
        }
        return Error{ErrorCode::kBadInput, fmt::format("--pair: {} has no workload {}; it has {}", side, name, has.empty() ? "none" : has)};
    };
    for (const auto& [nameA, nameB] : pairs) {
        RIDGE_TRY_STATUS(wants(left, nameA, "A"));
        RIDGE_TRY_STATUS(wants(right, nameB, "B"));
    }
    return {};
}

// Options of the command line that the kind of input has no use for: nothing is ignored in silence.
void tellOfUnused(const Globals& globals, bool runs) {
    static constexpr std::array<std::string_view, 5> kOfTimelines{"--pair", "--step", "--warmup", "--ceilings", "--rows"};
    static constexpr std::array<std::string_view, 4> kOfRuns{"--min-effect", "--alpha", "--fail-on", "--allow-env-mismatch"};
    std::string unused;
    for (const std::string_view option : runs ? std::span<const std::string_view>(kOfTimelines) : std::span<const std::string_view>(kOfRuns))
        if (std::any_of(globals.arguments.begin(), globals.arguments.end(), [&](const std::string& word) { return word.substr(0, word.find('=')) == option; }))
            unused += (unused.empty() ? "" : ", ") + std::string(option);
    if (!unused.empty()) note(globals, unused + (runs ? ": for timelines (--timelines), without effect on verdicts between runs" : ": for verdicts between runs, without effect on traces"));
}

int compareCommand(CompareArguments a, const Globals& globals) {
    // Which of the two runs "--json RUN" has taken for its file cannot be told.
    if (a.jsonGiven && a.inputs.size() == 1 && a.a.empty() && !a.json.empty())
        return fail(2, fmt::format("--json took {} for its file; put --json last, or give it a file of its own", a.json));
    if (a.jsonGiven && a.json.empty()) a.json = "-";
    if (const Status status = sides(a); !status.ok()) return fail(status.error());
    if (const Status status = checkOutputs(a, globals.force); !status.ok()) return fail(status.error());
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const std::string& text : a.pairs) {
        auto pair = pairOf(text);
        if (!pair.ok()) return fail(pair.error());
        pairs.push_back(std::move(*pair));
    }
    if (a.stepGiven && a.step.empty()) return fail(2, "--step names the range that is one step; its name is empty");
    // Runs are judged; timelines are explained.
    const bool runs = !a.timelines && areRuns(a.a) && areRuns(a.b);
    if (!runs)
        for (const auto* side : {&a.a, &a.b})
            for (const std::string& path : *side)
                if (!a.timelines && areRuns({path})) return fail(2, fmt::format("{} is a run and the other side is none; name runs or traces on both", path));
    tellOfUnused(globals, runs);
    if (runs) {
        a.rules.json = a.json;
        a.rules.html = a.html;
        a.rules.markdown = a.markdown;
        a.rules.junit = a.junit;
        a.rules.openmetrics = a.openmetrics;
        return compareStored({a.a, a.b, a.allowed, a.rules}, globals);
    }
    if (!a.openmetrics.empty()) return fail(2, "--openmetrics is for verdicts; between traces there are none: name runs");
    analyzer::CompareOptions options;
    options.analyze.stepName = a.step;
    options.warmup = a.warmup;
    options.pairs = std::move(pairs);
    if (!a.ceilings.empty()) {
        auto ceilings = analyzer::readCeilings(a.ceilings);
        if (!ceilings.ok()) return fail(ceilings.error());
        options.analyze.ceilings = std::move(*ceilings);
        if (options.analyze.ceilings.empty()) note(globals, fmt::format("{} lists no roof: nothing is held against it", a.ceilings));
    } else {
        options.analyze.ceilings = roofsBeside({a.a.front(), a.b.front()});
    }
    const ProgressLine progress(!globals.quiet, "comparing " + a.a.front() + " and " + a.b.front());
    const auto left = profilesOf(a.a, options.analyze);
    if (!left.ok()) return fail(left.error());
    const auto right = profilesOf(a.b, options.analyze);
    if (!right.ok()) return fail(right.error());
    if (!options.pairs.empty() && left->size() == 1 && right->size() == 1)
        note(globals, "--pair tells which workloads of two folders belong together; each side is one run here, so it says nothing");
    else if (const Status status = haveTheirNames(*left, *right, options.pairs); !status.ok()) return fail(status.error());
    if (a.warmup > 0)
        for (const auto* side : {&*left, &*right})
            for (const analyzer::RunProfile& run : *side)
                if (std::all_of(run.lanes.begin(), run.lanes.end(), [&](const auto& lane) { return lane.steps.size() <= static_cast<std::size_t>(a.warmup); }))
                    note(globals, fmt::format("--warmup {}: {} has no more steps than that; not all of them can be left out", a.warmup,
                                              side == &*left ? "A" : "B"));
    const analyzer::Comparison comparison = joinedComparison(*left, *right, options);
    if (const Status status = writeReports(a, comparison, globals.force); !status.ok()) return fail(status.error());
    if (a.json == "-") fmt::print("{}", reports::renderJson(comparison));
    else if (a.html == "-") fmt::print("{}", reports::renderHtml(comparison));
    else if (a.markdown == "-") fmt::print("{}", reports::renderMarkdown(comparison));
    else if (a.junit == "-") fmt::print("{}", reports::renderJunit(comparison));
    else if (!globals.quiet && !comparison.refusal) fmt::print("{}", reports::renderTerminal(comparison, {wantsColour(globals), terminalWidth(), a.rows}));
    if (comparison.refusal) return fail(3, comparison.refusal->reason);
    return 0;
}

}  // namespace

void addCompare(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<CompareArguments>();
    CLI::App* command = app.add_subcommand("compare", "Runs: a verdict per metric, and why. Traces: what is different in B, class by class and op by op; adds up exactly");
    command->add_option("RUN", arguments->inputs, "A and B: runs (run.json, folders of ridge run, folders of such folders, Google Benchmark's JSON), or traces of any kind that analyze reads")->expected(0, 2)->type_name("A B");
    command->add_option("--a", arguments->a, "The runs or traces of A, where it has several (sessions, ranks)")->type_name("RUN...");
    command->add_option("--b", arguments->b, "The runs or traces of B")->type_name("RUN...");
    command->add_flag("--timelines", arguments->timelines, "Of folders of ridge run: explain their timelines, without a verdict");
    command->add_option("--allow-env-mismatch", arguments->allowed, "A field of the environment that may differ between the runs (*: any)")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->type_name("FIELD");
    addRuleOptions(*command, arguments->rules);
    command->add_option("--pair", arguments->pairs, "Compare workload NAME of A with another of B (NAME=>NAME)")->type_name("A=>B");
    CLI::Option* step = command->add_option("--step", arguments->step, "Name of the range that is one step, for traces without step ranges");
    command->add_option("--warmup", arguments->warmup, "Steps left out at the start (default: none where the trace marks its warm-up, else 1)")->check(CLI::Range(0, 1000000));
    command->add_option("--ceilings", arguments->ceilings, "Measured roofs, from ridge ceilings (default: those in the folders of ridge run)");
    command->add_option("--rows", arguments->rows, "How many ops to print")->check(CLI::Range(0, 100000))->default_str("10");
    CLI::Option* json = command->add_option("--json", arguments->json, "The comparison as JSON, to FILE or to stdout")->expected(0, 1)->type_name("[FILE]");
    command->add_option("--html", arguments->html, "The comparison as one HTML file (-: to stdout)")->type_name("FILE");
    command->add_option("--markdown", arguments->markdown, "The comparison as Markdown (-: to stdout)")->type_name("FILE");
    command->add_option("--junit", arguments->junit, "The comparison as JUnit XML; nothing in it fails, what cannot be compared is skipped (-: to stdout)")->type_name("FILE");
    command->add_option("--openmetrics", arguments->openmetrics, "Of runs: the verdicts as gauges for Prometheus (-: to stdout)")->type_name("FILE");
    addCommonOptions(*command, globals, false);
    command->footer("Runs: the unit is the session (one invocation); fewer than 5 on a side are at most inconclusive.\n"
                    "Against 5, a baseline of 5 can accuse the one metric of a run, 10 one of 14, 14 one of 50, 19 one of 200; it says so where they are too few.\n"
                    "Traces: it explains a difference; whether there is one is decided by repeated runs.\n"
                    "Exit codes: 0 no regression, or explained; 1 regressed; 2 unreadable input; 3 not comparable, with the reason, or inconclusive with --fail-on inconclusive;\n4 a benchmark of the candidate failed.\n\n"
                    "Examples:\n  ridge compare before.sqlite after.sqlite\n  ridge compare monday.pt.trace.json.gz today.pt.trace.json.gz --html diff.html\n"
                    "  ridge compare baseline/ runs/ --json    (folders of runs: every run.json below is a session)\n  ridge compare --a base/rank*.json.gz --b new/rank*.json.gz --rows 30");
    command->callback([arguments, json, step, &globals] {
        arguments->jsonGiven = json->count() > 0;
        arguments->stepGiven = step->count() > 0;
        globals.action = [arguments, &globals] { return compareCommand(*arguments, globals); };
    });
}

}  // namespace ridge::cli
