// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge analyze: traces in, the table a person wants out, and reports in files.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "analyzer/analyze.h"
#include "analyzer/ceilings.h"
#include "analyzer/store/store.h"
#include "analyzer/summary/rank_summary.h"
#include "cli/app/app.h"
#include "cli/app/process.h"
#include "reports/html/html.h"
#include "reports/json/report_json.h"
#include "reports/markdown/markdown.h"
#include "reports/terminal/terminal.h"

namespace ridge::cli {
namespace {

struct AnalyzeArguments {
    std::vector<std::string> traces;
    std::string ceilings, step, json, html, markdown, summary;
    bool jsonGiven = false, stepGiven = false, store = false, merge = false;
    std::size_t findings = 5;
};

Status checkOutputs(const AnalyzeArguments& a, bool force) {
    std::error_code ec;
    const std::vector<std::string> outputs{a.json, a.html, a.markdown, a.summary};
    for (std::size_t i = 0; i < outputs.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (!outputs[i].empty() && (outputs[i] == outputs[j] || std::filesystem::weakly_canonical(outputs[i], ec) == std::filesystem::weakly_canonical(outputs[j], ec)))
                return Error{ErrorCode::kBadInput, fmt::format("{} is named for two outputs; give each its own", outputs[i])};
    for (const std::string& output : outputs) {
        if (output.empty() || output == "-") continue;
        for (const std::string& trace : a.traces)
            if (std::filesystem::equivalent(output, trace, ec))
                return Error{ErrorCode::kBadInput, fmt::format("{} is both input and output; name another output", output)};
        RIDGE_TRY_STATUS(mayWrite(output, force));
    }
    return {};
}

Status writeReports(const AnalyzeArguments& a, const analyzer::Analysis& analysis, bool force) {
    if (!a.json.empty() && a.json != "-") RIDGE_TRY_STATUS(writeOutput(a.json, reports::renderJson(analysis), force));
    if (!a.html.empty() && a.html != "-") RIDGE_TRY_STATUS(writeOutput(a.html, reports::renderHtml(analysis), force));
    if (!a.markdown.empty() && a.markdown != "-") RIDGE_TRY_STATUS(writeOutput(a.markdown, reports::renderMarkdown(analysis), force));
    return {};
}

// One summary at a time is in memory besides what they add up to.
Result<analyzer::Summary> mergeSummaries(const std::vector<std::string>& paths) {
    analyzer::Summary all;
    for (const std::string& path : paths) {
        RIDGE_TRY(analyzer::Summary one, analyzer::readSummary(path));
        if (const Status status = analyzer::mergeInto(all, std::move(one)); !status.ok()) return withContext(status.error(), path);
    }
    return all;
}

Result<analyzer::Analysis> analyzed(const AnalyzeArguments& a, const Globals& globals, const analyzer::AnalyzeOptions& options) {
    const ProgressLine progress(!globals.quiet, (a.merge ? "merging from " : "analyzing ") + a.traces.front());
    if (!a.merge && a.summary.empty()) return analyzer::analyze(a.traces, options);
    analyzer::Analysis analysis;
    RIDGE_TRY(const analyzer::Summary summary, a.merge ? mergeSummaries(a.traces) : analyzer::summarize(a.traces, options, &analysis));
    if (a.summary == "-") fmt::print("{}", analyzer::summaryToJson(summary));
    else if (!a.summary.empty()) RIDGE_TRY_STATUS(writeOutput(a.summary, analyzer::summaryToJson(summary), globals.force));
    if (a.merge) return analyzer::toAnalysis(summary);
    return analysis;
}

// What was in the trace and could not be used: "events_without_category (50): events of the trace name ...; ".
std::string leftOut(const analyzer::Analysis& analysis) {
    std::string text;
    for (const analyzer::GateCheck& check : analysis.gate)
        if (check.severity != Severity::kInfo && check.count > 0 && check.check != "nothing_to_analyse" && check.check != "no_verdict")
            text += fmt::format("{} ({}): {}; ", check.check, check.count, check.detail);
    return text;
}

const analyzer::GateCheck* whyNoVerdict(const analyzer::Analysis& analysis) {
    for (const analyzer::GateCheck& check : analysis.gate)
        if (check.check == "no_verdict") return &check;
    return nullptr;
}

int analyzeCommand(AnalyzeArguments a, const Globals& globals) {
    // "--json trace.sqlite" takes the trace for the output file: with no trace left, it was the trace.
    if (a.jsonGiven && a.traces.empty() && !a.json.empty()) a.traces.push_back(std::exchange(a.json, ""));
    if (a.jsonGiven && a.json.empty()) a.json = "-";
    if (a.store && a.traces.size() != 1) return fail(2, "--store writes into the trace that it analyzes: name one");
    if (a.traces.empty()) return fail(2, "no trace was given; see ridge analyze --help");
    if (a.merge && (a.store || !a.step.empty() || !a.ceilings.empty())) return fail(2, "--merge puts summaries together; --store, --step and --ceilings belong where the traces are analyzed");
    if (a.stepGiven && a.step.empty()) return fail(2, "--step names the range that is one step; its name is empty");
    for (const std::string& trace : a.traces)
        if (const Status status = mayRead(trace); !status.ok()) return fail(status.error());
    if (const Status status = checkOutputs(a, globals.force); !status.ok()) return fail(status.error());
    analyzer::AnalyzeOptions options;
    options.stepName = a.step;
    if (!a.ceilings.empty()) {
        auto ceilings = analyzer::readCeilings(a.ceilings);
        if (!ceilings.ok()) return fail(ceilings.error());
        options.ceilings = std::move(*ceilings);
        if (options.ceilings.empty()) note(globals, fmt::format("{} lists no roof: nothing is held against it", a.ceilings));
    }
    auto analysis = analyzed(a, globals, options);
    if (!analysis.ok()) return fail(analysis.error());
    if (const Status status = writeReports(a, *analysis, globals.force); !status.ok()) return fail(status.error());
    if (a.store)
        if (const Status status = analyzer::storeAttribution(a.traces.front(), *analysis); !status.ok()) return fail(status.error());
    if (a.json == "-")
        fmt::print("{}", reports::renderJson(*analysis));
    else if (a.html == "-")
        fmt::print("{}", reports::renderHtml(*analysis));
    else if (a.markdown == "-")
        fmt::print("{}", reports::renderMarkdown(*analysis));
    else if (!globals.quiet && a.summary != "-")
        fmt::print("{}", reports::renderTerminal(*analysis, {wantsColour(globals), terminalWidth(), a.findings}));
    if (const auto* why = whyNoVerdict(*analysis)) return fail(3, fmt::format("{}: {}", a.traces.front(), why->detail));
    if (analysis->steps.empty())
        return fail(3, fmt::format("{} holds nothing to analyse: no step, no range and no GPU row; {}record with --trace nvtx,cuda, or mark "
                                   "the work with NVTX ranges", a.traces.front(), leftOut(*analysis)));
    return 0;
}

}  // namespace

void addAnalyze(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<AnalyzeArguments>();
    CLI::App* command = app.add_subcommand("analyze", "Which wall, what it costs, what fixing it can give");
    command->add_option("TRACE", arguments->traces, "Timelines of ridge record, Nsight Systems SQLite exports, PyTorch profiler (Kineto) traces (JSON, also gzipped); several: the ranks of one run, in any order");
    command->add_option("--ceilings", arguments->ceilings, "Measured roofs, from ridge ceilings");
    CLI::Option* step = command->add_option("--step", arguments->step, "Name of the range that is one step, for traces without step ranges");
    CLI::Option* json = command->add_option("--json", arguments->json, "The report as JSON, to FILE or to stdout")->expected(0, 1)->type_name("[FILE]");
    command->add_option("--html", arguments->html, "The report as one HTML file (-: to stdout)")->type_name("FILE");
    command->add_option("--markdown", arguments->markdown, "The report as Markdown (-: to stdout)")->type_name("FILE");
    command->add_option("--findings", arguments->findings, "How many findings to print")->check(CLI::Range(0, 10000))->default_str("5");
    command->add_flag("--store", arguments->store, "Store steps and classes in the trace itself (a timeline of ours), for SQL: view v_attribution");
    command->add_option("--summary", arguments->summary, "Write what a merge needs of these ranks (-: to stdout)")->type_name("FILE");
    command->add_flag("--merge", arguments->merge, "The inputs are summaries: one report of all their ranks (with --summary: one summary too)");
    addCommonOptions(*command, globals, false);
    command->footer("Examples:\n  ridge analyze trace.sqlite\n  srun sh -c 'ridge analyze -q rank$SLURM_PROCID.sqlite --summary sum$SLURM_PROCID.json' && ridge analyze --merge sum*.json\n  ridge analyze rank0.sqlite rank1.sqlite --json report.json --html report.html\n"
                    "  ridge analyze trace.json.gz\n  ridge analyze nsys-export.sqlite --step train_step --ceilings ceilings.json");
    command->callback([arguments, json, step, &globals] {
        arguments->jsonGiven = json->count() > 0;
        arguments->stepGiven = step->count() > 0;
        globals.action = [arguments, &globals] { return analyzeCommand(*arguments, globals); };
    });
}

}  // namespace ridge::cli
