// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge record: a program under the recorder. Exits with the program's own code; 4 only when the
// recording itself failed.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

#include "base/text.h"
#include "cli/app/app.h"
#include "cli/app/neighbours.h"
#include "collector/recorder/record.h"

namespace ridge::cli {
namespace {

struct RecordArguments {
    std::vector<std::string> program;
    std::string output, recoverDir, json, trace = "nvtx,cuda";
    bool noSample = false;
    double duration = 0;
};

Status applyTrace(const std::string& list, recorder::RecordOptions& options) {
    options.traceNvtx = options.traceCuda = options.traceIo = false;
    if (list == "none") return {};
    for (const std::string_view name : split(list, ',')) {
        if (name == "nvtx") options.traceNvtx = true;
        else if (name == "cuda") options.traceCuda = true;
        else if (name == "io") options.traceIo = true;
        else return Error{ErrorCode::kBadInput, fmt::format("--trace: unknown source \"{}\"; there are nvtx, cuda, io and none", name)};
    }
    return {};
}

// Where the program's own stdout is not to be mixed with ours, the summary goes to a file; "-": stdout.
Status writeSummary(const recorder::RecordOutcome& outcome, const std::string& path) {
    if (path.empty()) return {};
    const nlohmann::ordered_json json{{"schema_version", 1},          {"output", toValidUtf8(outcome.output)},
                                          {"started", outcome.started}, {"program_status", outcome.programStatus}, {"events", outcome.events},
                                          {"lost", outcome.lost},         {"processes", outcome.processes},
                                          {"duration_ns", outcome.durationNs}, {"notes", outcome.notes}};
    const std::string text = json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (path != "-") return writeOutput(path, text, true);
    fmt::print("{}", text);
    return {};
}

// Returns code, or 4 when the summary could not be written.
int report(const recorder::RecordOutcome& outcome, int code, const RecordArguments& a, const Globals& globals) {
    const Status written = writeSummary(outcome, a.json);
    if (!written.ok()) code = fail(4, written.error().message);
    if (!outcome.started) {  // an error, so not silenced by -q
        for (const std::string& line : outcome.notes) fail(0, line);
        return code;
    }
    for (const std::string& line : outcome.notes) note(globals, line);
    note(globals, fmt::format("{} events of {} process{} in {} written to {}{}", outcome.events, outcome.processes,
                              outcome.processes == 1 ? "" : "es", formatDuration(outcome.durationNs), outcome.output,
                              outcome.lost ? fmt::format("; {} records were lost, see RIDGE_LOSS", outcome.lost) : ""));
    return code;
}

int recordCommand(const RecordArguments& a, const Globals& globals) {
    const bool recovers = !a.recoverDir.empty();
    if (recovers == !a.program.empty())
        return fail(2, recovers ? "--recover makes a file of what an earlier recording left; it takes no program"
                                : "no program was given; write it after --, as in: ridge record -- python3 train.py");
    if (const Status status = mayWrite(a.output, globals.force); !status.ok()) return fail(status.error());
    if (!a.json.empty() && a.json != "-")
        if (const Status status = mayWrite(a.json, globals.force); !status.ok()) return fail(status.error());
    if (recovers) {
        const auto outcome = recorder::recover(a.recoverDir, a.output, globals.force);
        if (!outcome.ok()) return fail(outcome.error());
        return report(*outcome, 0, a, globals);
    }
    recorder::RecordOptions options;
    options.command = a.program;
    options.output = a.output;
    options.force = globals.force;
    options.sampleSystem = options.detectPreemption = !a.noSample;
    options.durationSeconds = a.duration;
    options.quiet = globals.quiet;
    if (const Status status = applyTrace(a.trace, options); !status.ok()) return fail(status.error());
    const auto agent = findAgentDir();
    if (!agent.ok()) return fail(4, agent.error().message);
    options.agentLibDir = *agent;
    const auto outcome = recorder::record(options);
    if (!outcome.ok()) return fail(outcome.error().code == ErrorCode::kBadInput ? 2 : 4, outcome.error().message);
    return report(*outcome, outcome->programStatus, a, globals);
}

}  // namespace

void addRecord(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<RecordArguments>();
    CLI::App* command = app.add_subcommand("record", "Run a program and write its timeline");
    command->add_option("PROGRAM", arguments->program, "The program and its arguments, after --");
    command->add_option("-o,--output", arguments->output, "The timeline to write")->default_str("trace.sqlite");
    arguments->output = "trace.sqlite";
    command->add_option("--trace", arguments->trace, "Sources: nvtx, cuda, io, or none")->default_str("nvtx,cuda");
    command->add_flag("--no-sample", arguments->noSample, "Do not sample CPU, memory, power and preemption");
    command->add_option("--duration", arguments->duration, "Stop recording after so many seconds; 0: until the program ends")->check(CLI::NonNegativeNumber);
    command->add_option("--recover", arguments->recoverDir, "Make the file from what a killed recording left in DIR")->type_name("DIR");
    command->add_option("--json", arguments->json, "A summary as JSON, to FILE; -: to stdout, after the program's own output")->type_name("FILE");
    addCommonOptions(*command, globals, false);
    command->footer("Examples:\n  ridge record -o trace.sqlite -- python3 train.py --epochs 1\n  ridge record --trace nvtx,cuda,io -- mpirun -n 2 ./train\n"
                    "  ridge record --recover /tmp/ridge-spool-1234 -o trace.sqlite\n\nExits with the program's own code, 128 + n when signal n ended it; 4 when the recording failed.");
    command->callback([arguments, &globals] { globals.action = [arguments, &globals] { return recordCommand(*arguments, globals); }; });
}

}  // namespace ridge::cli
