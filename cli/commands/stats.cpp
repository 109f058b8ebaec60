// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge stats: the classic reports of nsys stats, by their names, over our timelines and its exports.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "analyzer/stats/stats.h"
#include "base/text.h"
#include "cli/app/app.h"
#include "reports/stats/stats.h"

namespace ridge::cli {
namespace {

struct StatsArguments {
    std::vector<std::string> names;  // REPORT... TRACE, as given
    std::string format, output;
    std::size_t limit = 50;
    bool list = false;
};

int printList(const Globals& globals) {
    if (globals.json) {
        std::string out = "[";
        for (const auto& report : analyzer::statsReports())
            out += fmt::format("{}\n {{\"report\": \"{}\", \"alias\": \"{}\", \"title\": \"{}\", \"default\": {}}}", out.size() > 1 ? "," : "", report.name,
                               report.alias, report.title, report.inDefaultSet);
        fmt::print("{}\n]\n", out);
        return 0;
    }
    for (const auto& report : analyzer::statsReports())
        fmt::print("{:<24}{}{}\n", report.name, report.title, report.inDefaultSet ? "  (printed when no report is named)" : "");
    return 0;
}

// What stands before the trace are names of reports, each perhaps several with commas.
std::vector<std::string> reportsOf(const StatsArguments& a) {
    std::vector<std::string> reports;
    for (std::size_t i = 0; i + 1 < a.names.size(); ++i)
        for (const std::string_view name : split(a.names[i], ',')) reports.emplace_back(name);
    if (reports.empty())
        for (const auto& report : analyzer::statsReports())
            if (report.inDefaultSet) reports.emplace_back(report.name);
    return reports;
}

int statsCommand(const StatsArguments& a, const Globals& globals) {
    if (a.list) return printList(globals);
    if (a.names.empty()) return fail(2, "no trace was given; see ridge stats --help");
    const std::string& trace = a.names.back();
    std::error_code ec;
    const auto status = std::filesystem::status(trace, ec);
    const auto& known = analyzer::statsReports();
    if (!std::filesystem::exists(status) && std::any_of(known.begin(), known.end(), [&](const auto& r) { return r.name == trace || r.alias == trace; }))
        return fail(2, fmt::format("no trace was given after the report {}; see ridge stats --help", trace));
    if (const Status readable = mayRead(trace); !readable.ok()) return fail(readable.error());
    if (!a.output.empty()) {
        if (std::filesystem::equivalent(a.output, trace, ec)) return fail(2, fmt::format("{} is both input and output; name another output", a.output));
        if (const Status allowed = mayWrite(a.output, globals.force); !allowed.ok()) return fail(allowed.error());
    }
    if (globals.json && !a.format.empty() && a.format != "json")
        return fail(2, fmt::format("--json and --format {} name two formats; give one of them", a.format));
    const auto tables = analyzer::runStats(trace, reportsOf(a));
    if (!tables.ok()) return fail(tables.error());
    const std::string format = globals.json ? "json" : !a.format.empty() ? a.format : "table";
    const reports::TerminalOptions terminal{a.output.empty() && wantsColour(globals), a.output.empty() && isatty(STDOUT_FILENO) ? terminalWidth() : 0, 0};
    const std::string text = format == "json"  ? reports::renderStatsJson(*tables)
                             : format == "csv" ? reports::renderStatsCsv(*tables)
                                               : reports::renderStats(*tables, terminal, a.limit);
    if (a.output.empty()) {
        fmt::print("{}", text);
    } else if (const Status written = writeOutput(a.output, text, globals.force); !written.ok()) {
        return fail(written.error());
    }
    if (format == "csv")
        for (const auto& table : *tables)
            for (const auto& message : table.notes) note(globals, fmt::format("{}: {}", table.report, message));
    return 0;
}

}  // namespace

void addStats(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<StatsArguments>();
    CLI::App* command = app.add_subcommand("stats", "The classic nsys stats reports, by their names");
    command->add_option("REPORT TRACE", arguments->names, "Reports (with commas, or one after the other; none: the usual six), then the trace")->type_name("");
    command->add_option("--format", arguments->format, "table, csv, json")->check(CLI::IsMember({"table", "csv", "json"}))->default_str("table");
    command->add_option("-o,--output", arguments->output, "Write to FILE instead of stdout")->type_name("FILE");
    command->add_option("--limit", arguments->limit, "Rows of each table on a terminal; 0: all (csv and json have all)")->check(CLI::Range(0, 100000000))->default_str("50");
    command->add_flag("--list", arguments->list, "Show the reports, and stop");
    addCommonOptions(*command, globals);
    command->footer("Examples:\n  ridge stats trace.sqlite\n  ridge stats cuda_gpu_kern_sum nsys-export.sqlite\n  ridge stats nvtx_sum,cuda_api_sum trace.sqlite --format csv -o stats.csv");
    command->callback([arguments, &globals] { globals.action = [arguments, &globals] { return statsCommand(*arguments, globals); }; });
}

}  // namespace ridge::cli
