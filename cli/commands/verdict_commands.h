// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The commands around runs and their verdicts, beside compare and run --baseline.

#include "cli/app/app.h"

namespace ridge::cli {

void addAb(CLI::App& app, Globals& globals);
void addExport(CLI::App& app, Globals& globals);
void addHealth(CLI::App& app, Globals& globals);
void addTrack(CLI::App& app, Globals& globals);

}  // namespace ridge::cli
