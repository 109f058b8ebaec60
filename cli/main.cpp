// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <ios>
#include <string>
#include <system_error>
#include <vector>

#include "cli/app/app.h"
#include "cli/app/completion.h"
#include "cli/app/neighbours.h"
#include "cli/app/output_stream.h"
#include "cli/app/settings.h"
#include "cli/run/subject.h"
#include "cli/commands/archive.h"
#include "cli/commands/record_start.h"
#include "cli/commands/verdict_commands.h"
#include "reports/health/health.h"

namespace {

constexpr int kExitUsage = 2;

// Does a monitor read what this prints? It takes 2 for a node that is ill, and 4 for nothing that it knows.
bool isForMonitor(const std::vector<std::string>& arguments) {
    return arguments.size() > 1 && arguments[1] == "health" && std::find(arguments.begin(), arguments.end(), "--nagios") != arguments.end();
}

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

// What holds for every command whose data could not be written: a full disk is a measurement that failed (4), a place
// that cannot be written (closed, a broken pipe) is the caller's to mend (2). A threshold that was missed, and an error
// that was told, keep their code; a monitor takes none of these for the node's.
int withoutOutput(int code, int error, const std::vector<std::string>& arguments) {
    if (code != 0 && code != 1 && code != 3) return code;
    if (error == 0) error = fcntl(STDOUT_FILENO, F_GETFD) < 0 ? errno : ENOSPC;  // an earlier write failed, and nobody kept why
    const int failed = ridge::cli::fail(ridge::cli::writeError("to standard output", error));
    return code == 1 ? code : isForMonitor(arguments) ? 3 : failed;
}

int flushed(int code, const std::vector<std::string>& arguments) {
    errno = 0;
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    return withoutOutput(code, errno, arguments);
}

int printSettings(const CLI::App& app) {
    const CLI::App* command = &app;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    if (command == &app) return ridge::cli::fail(kExitUsage, "--dump-config needs a command: ridge --dump-config run");
    fmt::print("{}", ridge::cli::dumpSettings(*command));
    return 0;
}

int dispatch(const std::vector<std::string>& arguments, int argc, char** argv) {
    using namespace ridge::cli;
    CLI::App app{"Which wall a training or inference job is hitting, how much time it costs, and what fixing it can give."};
    app.name("ridge");
    Globals globals;
    globals.arguments = arguments;
    bool showVersion = false, jsonFirst = false;
    app.add_flag("--version,-V", showVersion, "Print the version (with --json: as JSON)");
    app.add_flag("--json", jsonFirst, "With --version: as JSON");
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
        if (isForMonitor(globals.arguments)) {
            fmt::print("{}", ridge::reports::nagiosUnknown(what));  // a monitor reads stdout, and takes 2 for a node that is ill
            return 3;
        }
        return fail(kExitUsage, fmt::format("{}; see {} --help", what, command));
    }
    if (showVersion) {
        printVersion(jsonFirst);
        return 0;
    }
    if (jsonFirst && !app.get_subcommands().empty())  // of many commands it would be another option, and say nothing
        return fail(kExitUsage, fmt::format("--json stands before the command; write it behind: ridge {} --json", app.get_subcommands().front()->get_name()));
    if (dumpConfig) return printSettings(app);
    if (!globals.action) return fail(kExitUsage, "no command was given; see ridge --help");
    return globals.action();
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv, argv + argc);
    try {
        return flushed(dispatch(arguments, argc, argv), arguments);
    } catch (const std::ios_base::failure& error) {
        return ridge::cli::fail(2, fmt::format("cannot write the output: {}", oneLine(error.what())));
    } catch (const std::system_error& error) {
        if (std::ferror(stdout) != 0) return withoutOutput(0, error.code().value(), arguments);
        return ridge::cli::fail(4, fmt::format("the system refused: {}", oneLine(error.what())));
    } catch (const std::exception& error) {
        return ridge::cli::fail(4, fmt::format("internal error: {}; please report it", oneLine(error.what())));
    }
}
