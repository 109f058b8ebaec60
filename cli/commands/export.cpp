// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge export: a run, or a timeline, in the formats that other tools read.
#include "cli/commands/verdict_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>

#include "analyzer/regression/read_run.h"
#include "analyzer/timeline/load.h"
#include "cli/app/output_stream.h"
#include "cli/app/outputs.h"
#include "cli/app/process.h"
#include "reports/run/formats.h"
#include "reports/trace/trace.h"

namespace ridge::cli {
namespace {

using analyzer::RunReport;

constexpr const char* kPerfetto = "perfetto";

const std::map<std::string, std::function<std::string(const RunReport&)>>& formats() {
    static const std::map<std::string, std::function<std::string(const RunReport&)>> kFormats{
        {"csv", reports::renderRunCsv},
        {"gbench", [](const RunReport& r) { return reports::renderGoogleBenchmark(r, false); }},
        {"gbench-rows", [](const RunReport& r) { return reports::renderGoogleBenchmark(r, true); }},
        {"smaller-is-better", [](const RunReport& r) { return reports::renderCustom(r, "lower"); }},
        {"bigger-is-better", [](const RunReport& r) { return reports::renderCustom(r, "higher"); }},
        {"openmetrics", reports::renderOpenMetrics}};
    return kFormats;
}

struct ExportArguments {
    std::string format, output = "-";
    std::vector<std::string> inputs;
};

// What is not in the export because it could not be read.
void tellLacks(const analyzer::Timeline& timeline) {
    for (const analyzer::TableReport& table : timeline.tables) {
        if (!table.error.empty()) fmt::print(stderr, "ridge: warning: {}: {}; what came before that is exported\n", table.table, table.error);
        if (table.leftOut() > 0) fmt::print(stderr, "ridge: warning: {}: {} of {} rows could not be taken and are left out\n", table.table, table.leftOut(), table.rows);
    }
    for (const analyzer::Remark& remark : timeline.remarks)
        if (remark.severity == Severity::kError) fmt::print(stderr, "ridge: warning: {}: {}\n", remark.check, remark.detail);
}

Status exportTimeline(const ExportArguments& a, const Globals& globals) {
    for (const std::string& input : a.inputs) RIDGE_TRY_STATUS(mayRead(input));
    const ProgressLine progress(!globals.quiet, "writing the trace");
    RIDGE_TRY(const analyzer::Timeline timeline, analyzer::load(a.inputs));
    RIDGE_TRY(OutputStream out, OutputStream::open(a.output));
    RIDGE_TRY(const reports::TraceCounts counts, reports::writeTrace(timeline, [&](std::string_view piece) { return out.write(piece); }));
    RIDGE_TRY_STATUS(out.finish());
    tellLacks(timeline);
    if (a.output != "-") note(globals, fmt::format("{}: {} slices, {} arrows, {} samples of counters", a.output, counts.slices, counts.arrows, counts.samples));
    return {};
}

int exportCommand(const ExportArguments& a, const Globals& globals) {
    if (const Status status = isNoInput(a.output, a.inputs); !status.ok()) return fail(status.error());
    if (a.output != "-")
        if (const Status status = mayWrite(a.output, globals.force); !status.ok()) return fail(status.error());
    if (a.format == kPerfetto) {
        const Status status = exportTimeline(a, globals);
        return status.ok() ? 0 : fail(status.error());
    }
    if (a.inputs.size() > 1) return fail(2, fmt::format("{} is of one run; name one", a.format));
    const auto files = analyzer::runFilesAt(a.inputs.front());
    if (!files.ok()) return fail(files.error());
    if (files->size() != 1) return fail(2, fmt::format("{} holds {} runs; name one of them", a.inputs.front(), files->size()));
    const auto run = analyzer::readRun(files->front());
    if (!run.ok()) return fail(run.error());
    const std::string text = formats().at(a.format)(*run);
    if (a.output == "-") {
        fmt::print("{}", text);
        return 0;
    }
    if (const Status status = writeOutput(a.output, text, globals.force); !status.ok()) return fail(status.error());
    return 0;
}

}  // namespace

void addExport(CLI::App& app, Globals& globals) {
    auto a = std::make_shared<ExportArguments>();
    CLI::App* command = app.add_subcommand("export", "A timeline for Perfetto; a run for Google Benchmark's tools, github-action-benchmark, Prometheus, as CSV");
    std::vector<std::string> names{kPerfetto};
    for (const auto& [name, render] : formats()) names.push_back(name);
    command->add_option("FORMAT", a->format, "perfetto of a timeline; csv, gbench, gbench-rows (one row per name), smaller-is-better, bigger-is-better, openmetrics of a run")->required()->check(CLI::IsMember(names));
    command->add_option("INPUT", a->inputs, "perfetto: a trace of any kind that analyze reads, or those of several ranks; else run.json, a folder of ridge run, Google Benchmark's JSON")->required();
    command->add_option("-o,--output", a->output, "Where to (-: stdout)")->type_name("FILE")->default_str("-");
    addCommonOptions(*command, globals, false);
    command->footer("Examples:\n  ridge export perfetto trace.sqlite -o trace.json    (open it at ui.perfetto.dev)\n"
                    "  ridge export gbench runs/a -o a.json && ridge export gbench runs/b -o b.json && compare.py benchmarks a.json b.json\n"
                    "  ridge export openmetrics runs/today -o /var/lib/prometheus/node-exporter/ridge.prom --force");
    command->callback([a, &globals] { globals.action = [a, &globals] { return exportCommand(*a, globals); }; });
}

}  // namespace ridge::cli
