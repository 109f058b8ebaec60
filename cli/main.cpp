// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <ios>
#include <string>
#include <system_error>

#include "cli/app/app.h"
#include "cli/app/completion.h"
#include "cli/app/neighbours.h"
#include "cli/app/settings.h"
#include "cli/run/subject.h"
#include "cli/commands/archive.h"
#include "cli/commands/record_start.h"
#include "cli/commands/verdict_commands.h"
#include "reports/health/health.h"

namespace {

constexpr int kExitUsage = 2;

std::string oneLine(std::string text) {
    for (char& c : text)
        if (c == '\n' || c == '\r') c = ' ';
    return text;
}

void printVersion(bool json) {
    if (!json) {
        fmt::print("ridge {}\n", ridge::cli::version());
        return;
    }
    const std::string commit = ridge::cli::buildCommit();
    nlohmann::ordered_json version{{"name", "ridge"}, {"version", ridge::cli::version()}, {"git", nullptr}, {"report_schema", 1}, {"run_schema", 1}, {"comparison_schema", 1}};
    if (!commit.empty()) version["git"] = commit;
    version["features"] = {{"workloads", ridge::cli::findWorkloads().ok()}, {"agent", ridge::cli::findAgentDir().ok()}, {"viewer", ridge::cli::findViewer().ok()}};
    fmt::print("{}\n", version.dump());
}

constexpr const char* kNoOutput = "cannot write to standard output: is its disk full?";

int printSettings(const CLI::App& app) {
    const CLI::App* command = &app;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    if (command == &app) return ridge::cli::fail(kExitUsage, "--dump-config needs a command: ridge --dump-config run");
    fmt::print("{}", ridge::cli::dumpSettings(*command));
    return 0;
}

int dispatch(int argc, char** argv) {
    using namespace ridge::cli;
    CLI::App app{"Which wall a training or inference job is hitting, how much time it costs, and what fixing it can give."};
    app.name("ridge");
    Globals globals;
    globals.arguments.assign(argv, argv + argc);
    bool showVersion = false;
    app.add_flag("--version,-V", showVersion, "Print the version (with --json: as JSON)");
    app.add_flag("--json", globals.json, "With --version: as JSON");
    bool dumpConfig = false;
    app.add_flag("--dump-config", dumpConfig, "Print what holds for the command's options, as a ridge.toml, and stop");
    app.require_subcommand(0, 1);
    app.footer(
        "Examples:\n"
        "  ridge run --preset smoke\n"
        "  ridge record -o trace.sqlite -- python3 train.py\n"
        "  ridge analyze trace.sqlite --html report.html\n"
        "  ridge compare before.sqlite after.sqlite\n"
        "  ridge doctor\n"
        "\nAn option that is not given is taken from RIDGE_<COMMAND>_<OPTION>, ridge.toml, ~/.config/ridge/config.toml.\n"
        "Exit codes: 0 done; 1 a regression or a failed threshold was found; 2 usage or unreadable input; 3 no verdict\n"
        "possible; 4 the measurement failed; 77 this machine cannot do it; 130/143 interrupted. record exits with the\n"
        "program's own code.");
    addRun(app, globals);
    addRecord(app, globals);
    addAnalyze(app, globals);
    addAb(app, globals);
    addCompare(app, globals);
    addStats(app, globals);
    addImport(app, globals);
    addMerge(app, globals);
    addPack(app, globals);
    addUnpack(app, globals);
    addScrub(app, globals);
    addCeilings(app, globals);
    addDoctor(app, globals);
    addTrack(app, globals);
    addExport(app, globals);
    addHealth(app, globals);
    addView(app, globals);
    addCompletion(app, globals);
    addSettings(app, globals.arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help
        const auto given = app.get_subcommands();
        const std::string command = given.empty() ? "ridge" : "ridge " + given.front()->get_name();
        const std::string what = oneLine(describeError(app, error, globals.arguments));
        if (isTakenOver(globals.arguments)) return runUnrecorded(globals.arguments, what);
        if (command == "ridge health" && std::find(globals.arguments.begin(), globals.arguments.end(), "--nagios") != globals.arguments.end()) {
            fmt::print("{}", ridge::reports::nagiosUnknown(what));  // a monitor reads stdout, and takes 2 for a node that is ill
            return 3;
        }
        return fail(kExitUsage, fmt::format("{}; see {} --help", what, command));
    }
    if (showVersion) {
        printVersion(globals.json);
        return 0;
    }
    if (dumpConfig) return printSettings(app);
    if (!globals.action) return fail(kExitUsage, "no command was given; see ridge --help");
    return globals.action();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const int code = dispatch(argc, argv);
        // A threshold that was missed says so by its code whether or not its table could be written.
        if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && (code == 0 || code == 3)) return ridge::cli::fail(2, kNoOutput);
        return code;
    } catch (const std::ios_base::failure& error) {
        return ridge::cli::fail(2, fmt::format("cannot write the output: {}", oneLine(error.what())));
    } catch (const std::system_error& error) {
        if (std::ferror(stdout) != 0) return ridge::cli::fail(2, kNoOutput);
        return ridge::cli::fail(4, fmt::format("the system refused: {}", oneLine(error.what())));
    } catch (const std::exception& error) {
        return ridge::cli::fail(4, fmt::format("internal error: {}; please report it", oneLine(error.what())));
    }
}
