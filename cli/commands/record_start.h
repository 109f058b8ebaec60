// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// ridge record where a launcher starts the program: what its environment needs, and the process that
// comes to us by it (schemas/spool/start.h).

#include <string>
#include <vector>

#include "cli/app/app.h"

namespace ridge::cli {

// Prints what a shell evaluates: the options that hold for `command`, as settings, and the library
// that makes `ridge record` of a process. output: the pattern of the timelines' names.
int printStartVariables(const CLI::App& command, const std::string& output);

// "ridge record --take-over FILE -- ..."
bool isTakenOver(const std::vector<std::string>& arguments);
// Its program without a recording, for what was wrong with the options.
int runUnrecorded(const std::vector<std::string>& arguments, const std::string& why);

}  // namespace ridge::cli
