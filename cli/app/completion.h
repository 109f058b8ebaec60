// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// ridge completion bash|zsh|fish: what a shell needs to complete commands, options and their values,
// made from the commands themselves, so that it cannot fall behind them. Strings are quoted for the
// shell; the scripts need nothing but the shell.

#include "cli/app/app.h"

#include <string>
#include <string_view>

namespace ridge::cli {

// shell: "bash", "zsh" or "fish".
std::string completionScript(const CLI::App& app, std::string_view shell);

void addCompletion(CLI::App& app, Globals& globals);

}  // namespace ridge::cli
