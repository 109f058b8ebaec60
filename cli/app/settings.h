// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Options that need not be typed each time. What holds, the first that names an option:
//   the command line
//   the environment     RIDGE_<COMMAND>_<OPTION>, as RIDGE_RUN_PRESET=smoke
//   the project's file  ridge.toml of this folder or the nearest above it; or --config FILE
//   the user's file     $XDG_CONFIG_HOME/ridge/config.toml (~/.config/ridge/config.toml)
// A section of such a file is a command, a key the long name of an option (CLI11's part of TOML). A
// key that is no option is an error: a misspelt one would be silently without effect. A project's
// file that belongs neither to the user nor to root is not read: it can name programs to run.

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace ridge::cli {

// After all commands were added: gives app --config and the options their names in the environment.
// arguments: the command line; where it asks for help no file is read, so that a broken one is no
// obstacle.
void addSettings(CLI::App& app, const std::vector<std::string>& arguments);

// What CLI11 says of an error, with the file it comes from where it is not on the command line.
std::string describeError(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& arguments);

// What holds for `command` (of the parsed app), as a section of such a file; defaults as comments.
std::string dumpSettings(const CLI::App& command);

}  // namespace ridge::cli
