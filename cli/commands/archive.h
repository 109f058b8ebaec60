// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The commands that make one file of a timeline into another: packed, unpacked, without secrets.

#include "cli/app/app.h"

namespace ridge::cli {

void addPack(CLI::App& app, Globals& globals);
void addUnpack(CLI::App& app, Globals& globals);
void addScrub(CLI::App& app, Globals& globals);

}  // namespace ridge::cli
