// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Whose trace a file is, from its first bytes or its table of ranks: what tells two ranks of one run from
// a trace and the one it is to be compared with. Nothing: the file does not say, holds several, or cannot
// be read.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ridge::gui {

std::optional<std::int64_t> rankOfFile(const std::string& path);
// Each says its rank, and no two the same.
bool areRanksOfOneRun(const std::vector<std::string>& paths);

}  // namespace ridge::gui
