// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// ridge merge: the timelines of several recordings, the ranks of a launcher, as one file.
#include "collector/recorder/merge.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <set>

#include "cli/app/app.h"
#include "cli/app/process.h"

namespace ridge::cli {
namespace {

struct MergeArguments {
    std::vector<std::string> traces;
    std::string output;
};

// A rank whose recorder was killed has no file for a shell's pattern to find.
void tellOfUnfinished(const std::vector<std::string>& traces, const Globals& globals) {
    namespace fs = std::filesystem;
    std::error_code ec;
    std::set<fs::path> folders;
    for (const std::string& trace : traces) folders.insert(fs::absolute(trace, ec).parent_path());
    for (const fs::path& folder : folders)
        for (const auto& entry : fs::directory_iterator(folder, ec)) {
            fs::path output = entry.path();
            if (output.extension() != ".spool" || !fs::exists(output / "session.json", ec)) continue;
            output.replace_extension();
            note(globals, fmt::format("beside the inputs lies a recording that is not finished: ridge record --recover {} -o {}",
                                      entry.path().string(), output.string()));
        }
}

int mergeCommand(const MergeArguments& a, const Globals& globals) {
    namespace fs = std::filesystem;
    if (a.output == "-") return fail(2, "-o -: a timeline cannot go to stdout; name a file (./- if that is its name)");
    if (const Status status = mayWrite(a.output, globals.force); !status.ok()) return fail(status.error());
    std::error_code ec;
    for (const std::string& trace : a.traces) {
        if (const Status status = mayRead(trace); !status.ok()) return fail(status.error());
        if (fs::equivalent(trace, a.output, ec)) return fail(2, fmt::format("{} is an input and the output; name another output", a.output));
    }
    const auto outcome = [&] {
        const ProgressLine progress(!globals.quiet, "merging into " + a.output);
        return recorder::mergeTimelines(a.traces, a.output);
    }();
    if (!outcome.ok()) return fail(outcome.error());
    for (const std::string& line : outcome->notes) note(globals, line);
    tellOfUnfinished(a.traces, globals);
    if (globals.json)
        fmt::print("{}\n", nlohmann::ordered_json{{"output", a.output}, {"inputs", a.traces.size()}, {"rows", outcome->rows}, {"notes", outcome->notes}}
                               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    else
        note(globals, fmt::format("{} rows of {} timelines written to {}", outcome->rows, a.traces.size(), a.output));
    return 0;
}

}  // namespace

void addMerge(CLI::App& app, Globals& globals) {
    auto arguments = std::make_shared<MergeArguments>();
    CLI::App* command = app.add_subcommand("merge", "Timelines of several ranks as one");
    command->add_option("TRACE", arguments->traces, "Timelines that ridge recorded, two or more")->required()->expected(2, 4096);
    command->add_option("-o,--output", arguments->output, "The timeline to write")->required()->type_name("FILE");
    addCommonOptions(*command, globals);
    command->footer("Examples:\n  mpirun -n 2 ridge record -o 'rank-%q{OMPI_COMM_WORLD_RANK}.sqlite' -- ./train\n"
                    "  ridge merge rank-*.sqlite -o all.sqlite\n"
                    "\nThe inputs stay as they are. Recordings of one machine are laid on one clock exactly, those of several by UTC.");
    command->callback([arguments, &globals] { globals.action = [arguments, &globals] { return mergeCommand(*arguments, globals); }; });
}

}  // namespace ridge::cli
