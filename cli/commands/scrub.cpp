// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge scrub: a copy of a timeline that can be handed to others.
#include "collector/recorder/archive/scrub.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>

#include "cli/app/process.h"
#include "cli/commands/archive.h"

namespace ridge::cli {
namespace {

struct ScrubArguments {
    std::string trace, output;
    archive::ScrubOptions options;
};

int scrubCommand(const ScrubArguments& a, const Globals& globals) {
    for (const std::string& word : a.options.words)
        if (word.empty()) return fail(2, "--word is empty; name the text that is to be taken out");
    std::error_code ec;
    if (std::filesystem::equivalent(a.trace, a.output, ec)) return fail(2, fmt::format("{} is the input and the output; a file is never scrubbed in place, name another output", a.output));
    if (const Status status = mayRead(a.trace); !status.ok()) return fail(status.error());
    if (a.output == "-") return fail(2, "-o -: a timeline cannot go to stdout; name a file (./- if that is its name)");
    if (const Status status = mayWrite(a.output, globals.force); !status.ok()) return fail(status.error());
    const auto outcome = [&] {
        const ProgressLine progress(!globals.quiet, "scrubbing into " + a.output);
        return archive::scrubTimeline(a.trace, a.output, a.options);
    }();
    if (!outcome.ok()) return fail(outcome.error());
    for (const std::string& line : outcome->notes) note(globals, line);
    if (globals.json) {
        nlohmann::ordered_json removed = nlohmann::ordered_json::object();
        for (const auto& [kind, count] : outcome->removed) removed[kind] = count;
        fmt::print("{}\n", nlohmann::ordered_json{{"output", a.output}, {"tables", outcome->tables}, {"rows", outcome->rows}, {"removed", removed}, {"notes", outcome->notes}}
                               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return 0;
    }
    for (const auto& [kind, count] : outcome->removed) fmt::print("{:>10}  {}\n", count, kind);
    if (outcome->removed.empty()) fmt::print("nothing was found to take out\n");
    note(globals, fmt::format("{} rows of {} tables written to {}; look through it before you hand it on: a secret under no telling name stays (--word removes it)", outcome->rows,
                              outcome->tables, a.output));
    return 0;
}

}  // namespace

void addScrub(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<ScrubArguments>();
    CLI::App* command = app.add_subcommand("scrub", "A copy of a timeline without secrets, environments, outputs of programs, names of hosts and users");
    command->add_option("TRACE", arguments->trace, "A timeline, or an Nsight Systems SQLite export")->required();
    command->add_option("-o,--output", arguments->output, "The copy to write")->required()->type_name("FILE");
    command->add_flag("--paths", arguments->options.paths, "Take out the folders of paths too");
    command->add_option("--word", arguments->options.words, "A further word to take out wherever it stands; may be given often")->type_name("TEXT")->allow_extra_args(false);
    addCommonOptions(*command, globals);
    command->footer("Examples:\n  ridge scrub trace.sqlite -o clean.sqlite\n  ridge scrub nsys-export.sqlite -o clean.sqlite --paths --word project-x\n"
                    "\nThe input stays as it is. Every row and every number stays; only texts change. What was taken out is counted on stdout.\n"
                    "Of environments what steers speed and what launchers set for each rank stays (CUDA_*, NCCL_*, OMP_*, RANK, ...), unless it looks like a secret.");
    command->callback([arguments, &globals] { globals.action = [arguments, &globals] { return scrubCommand(*arguments, globals); }; });
}

}  // namespace ridge::cli
