// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge export: a run in the formats that other tools read.
#include "cli/commands/verdict_commands.h"

#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>

#include "analyzer/regression/read_run.h"
#include "reports/run/formats.h"

namespace ridge::cli {
namespace {

using analyzer::RunReport;

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
    std::string format, input, output = "-";
};

int exportCommand(const ExportArguments& a, const Globals& globals) {
    if (a.output != "-")
        if (const Status status = mayWrite(a.output, globals.force); !status.ok()) return fail(status.error());
    const auto files = analyzer::runFilesAt(a.input);
    if (!files.ok()) return fail(files.error());
    if (files->size() != 1) return fail(2, fmt::format("{} holds {} runs; name one of them", a.input, files->size()));
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
    CLI::App* command = app.add_subcommand("export", "A run in the formats of other tools: Google Benchmark, github-action-benchmark, CSV, OpenMetrics");
    std::vector<std::string> names;
    for (const auto& [name, render] : formats()) names.push_back(name);
    command->add_option("FORMAT", a->format, "csv, gbench, gbench-rows (one row per name), smaller-is-better, bigger-is-better, openmetrics")->required()->check(CLI::IsMember(names));
    command->add_option("INPUT", a->input, "run.json, a folder of ridge run, Google Benchmark's JSON")->required();
    command->add_option("-o,--output", a->output, "Where to (-: stdout)")->type_name("FILE")->default_str("-");
    addCommonOptions(*command, globals, false);
    command->footer("Examples:\n  ridge export gbench runs/a -o a.json && ridge export gbench runs/b -o b.json && compare.py benchmarks a.json b.json\n"
                    "  ridge export openmetrics runs/today -o /var/lib/prometheus/node-exporter/ridge.prom --force");
    command->callback([a, &globals] { globals.action = [a, &globals] { return exportCommand(*a, globals); }; });
}

}  // namespace ridge::cli
