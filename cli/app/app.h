// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What every command shares: where output goes, how an error looks, which exit code it has.
//
// Data goes to stdout, messages to stderr. An error is one line, "ridge: what, where, what to do".
// An output that exists is not overwritten without --force.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;  // CLI11's header, which costs ten seconds of compiling, belongs where options are added
}

namespace ridge::cli {

inline constexpr int kExitInterrupted = 130;

struct Globals {
    bool json = false;
    bool quiet = false;
    bool force = false;
    std::string colour = "auto";  // auto, always, never
    std::vector<std::string> arguments;  // all of the command line, the program's name first
    std::function<int()> action;         // of the command that was given
};

std::string version();

// Adds --json (unless the command has its own), --force, -q, --color.
void addCommonOptions(CLI::App& command, Globals& globals, bool withJson = true);

int fail(const Error& error);
int fail(int exitCode, const std::string& message);
void note(const Globals& globals, const std::string& message);

// On stdout: --color, NO_COLOR, TERM and whether it is a terminal.
bool wantsColour(const Globals& globals);
// Columns of the terminal on stdout, else what COLUMNS says; 0: neither is there, and nothing need be cut.
std::size_t terminalWidth();

// Fails when the path exists and --force was not given, or is a directory.
Status mayWrite(const std::string& path, bool force);
// May this be opened as a trace? A named pipe or a device would be waited for, for ever; what is not there
// is left to the one who opens it.
Status mayRead(const std::string& path);
// mayWrite() and an atomic write.
Status writeOutput(const std::string& path, const std::string& content, bool force);

// True after SIGINT or SIGTERM, once catchInterrupts() was called; the signal's number is kept.
void catchInterrupts();
int interruptedBy();
// For whoever took the signal another way.
void setInterrupted(int signal);

// Time as 2026-01-05T10:00:00Z, or as a file name without colons.
std::string utcNow();
std::string utcNowForPath();

void addRun(CLI::App& app, Globals& globals);
void addRecord(CLI::App& app, Globals& globals);
void addAnalyze(CLI::App& app, Globals& globals);
void addCompare(CLI::App& app, Globals& globals);
void addStats(CLI::App& app, Globals& globals);
void addImport(CLI::App& app, Globals& globals);
void addMerge(CLI::App& app, Globals& globals);
void addCeilings(CLI::App& app, Globals& globals);
void addDoctor(CLI::App& app, Globals& globals);
void addView(CLI::App& app, Globals& globals);

}  // namespace ridge::cli
