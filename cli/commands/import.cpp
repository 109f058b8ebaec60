// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge import: another tool's traces become a timeline file, for SQL, the viewer and later analysis.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "analyzer/import/write_timeline.h"
#include "analyzer/timeline/load.h"
#include "cli/app/app.h"
#include "cli/app/process.h"

namespace ridge::cli {
namespace {

struct ImportArguments {
    std::vector<std::string> traces;
    std::string output;
};

Status checkFiles(const ImportArguments& a, bool force) {
    std::error_code ec;
    for (const std::string& trace : a.traces) {
        if (!std::filesystem::exists(trace, ec)) return Error{ErrorCode::kBadInput, fmt::format("{}: no such file", trace)};
        RIDGE_TRY_STATUS(mayRead(trace));
        if (std::filesystem::equivalent(a.output, trace, ec))
            return Error{ErrorCode::kBadInput, fmt::format("{} is both input and output; name another output", trace)};
    }
    return mayWrite(a.output, force);
}

const char* ending(std::size_t count) { return count == 1 ? "" : "s"; }

std::int64_t countLost(const analyzer::Timeline& timeline) {
    std::int64_t lost = 0;
    for (const analyzer::TableReport& table : timeline.tables) lost += table.leftOut();
    return lost;
}

// Why a trace holds no row.
std::string whyEmpty(const analyzer::Timeline& timeline) {
    std::int64_t events = 0;
    std::string more;
    for (const analyzer::TableReport& table : timeline.tables) {
        if (table.table == "traceEvents") events += table.rows;
        if (!table.error.empty()) more += "; " + table.error;
    }
    for (const analyzer::Remark& remark : timeline.remarks)
        if (remark.severity != Severity::kInfo) more += "; " + remark.detail;
    return (events == 0 ? std::string("the trace holds no event") : fmt::format("none of the {} events of the trace is one that a timeline holds", events)) + more;
}

int importKineto(const ImportArguments& a, const Globals& globals) {
    if (const Status status = checkFiles(a, globals.force); !status.ok()) return fail(status.error());
    auto timeline = [&] {
        const ProgressLine progress(!globals.quiet, "reading " + a.traces.front());
        return analyzer::load(a.traces);
    }();
    if (!timeline.ok()) return fail(timeline.error());
    for (const analyzer::Source& source : timeline->sources)
        if (source.kind != "kineto")
            return fail(2, fmt::format("{} is no PyTorch profiler trace (it is of kind {}); ridge reads it as it is", source.path, source.kind));
    if (timeline->gpu.empty() && timeline->calls.empty() && timeline->ranges.empty() && timeline->syncs.empty())
        return fail(2, fmt::format("{}: {}; nothing was written", a.traces.front(), whyEmpty(*timeline)));
    if (const Status status = analyzer::writeTimeline(*timeline, a.output); !status.ok()) return fail(status.error());
    for (const analyzer::TableReport& table : timeline->tables)
        if (!table.error.empty()) note(globals, fmt::format("the trace is incomplete: {}; what came before is in {}", table.error, a.output));
    for (const analyzer::Remark& remark : timeline->remarks)
        if (remark.severity != Severity::kInfo) note(globals, remark.detail);
    const std::int64_t lost = countLost(*timeline);
    if (lost > 0) note(globals, fmt::format("{} rows had no usable time or said no GPU or thread and were left out (table RIDGE_LOSS)", lost));
    if (globals.json)
        fmt::print("{}\n", nlohmann::ordered_json{{"output", a.output}, {"gpu_rows", timeline->gpu.size()}, {"calls", timeline->calls.size()},
                                                  {"ranges", timeline->ranges.size()}, {"waits", timeline->syncs.size()},
                                                  {"collectives", timeline->collectives.size()}, {"left_out", lost}}
                               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    else if (!globals.quiet)
        fmt::print("{}: {} GPU row{}, {} call{}, {} range{} of {} process{}\n", a.output, timeline->gpu.size(), ending(timeline->gpu.size()),
                   timeline->calls.size(), ending(timeline->calls.size()), timeline->ranges.size(), ending(timeline->ranges.size()),
                   timeline->processes.size(), timeline->processes.size() == 1 ? "" : "es");
    return 0;
}

}  // namespace

void addImport(CLI::App& app, Globals& globals) {
    CLI::App* command = app.add_subcommand("import", "Another tool's traces into a timeline file");
    command->require_subcommand(1);
    command->footer("Example:\n  ridge import kineto trace.json.gz -o trace.sqlite");
    CLI::App* kineto = command->add_subcommand("kineto", "PyTorch profiler traces (JSON, also gzipped); several: the ranks of one run");
    auto arguments = std::make_shared<ImportArguments>();
    kineto->add_option("FILE", arguments->traces, "Traces of the PyTorch profiler")->required();
    kineto->add_option("-o,--output", arguments->output, "The timeline file to write")->required()->type_name("FILE");
    addCommonOptions(*kineto, globals);
    kineto->footer("Examples:\n  ridge import kineto trace.json.gz -o trace.sqlite\n  ridge import kineto rank0.json.gz rank1.json.gz -o run.sqlite");
    kineto->callback([arguments, &globals] { globals.action = [arguments, &globals] { return importKineto(*arguments, globals); }; });
}

}  // namespace ridge::cli
