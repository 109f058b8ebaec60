// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Every column of one row of a timeline file, with ids resolved to their texts: what the details pane
// shows besides the slice itself. Opens a connection of its own; runs on a worker.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ridge::gui {

using RowDetails = std::vector<std::pair<std::string, std::string>>;

// Columns that are NULL are left out. Long texts are cut at 2000 bytes.
Result<RowDetails> rowDetails(const std::string& path, const std::string& table, std::int64_t rowid);

}  // namespace ridge::gui
