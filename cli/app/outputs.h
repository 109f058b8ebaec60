// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What every command asks of an output before it spends a minute on what to write there.

#include <string>
#include <vector>

#include "base/result.h"

namespace ridge::cli {

// Is output one of the inputs, or a run's record or a trace within a folder that is one? --force does not mean that.
// Inputs that do not exist are nobody's output. Errors: kBadInput.
Status isNoInput(const std::string& output, const std::vector<std::string>& inputs);

// Is the folder that it would lie in there? Errors: kBadInput.
Status hasFolder(const std::string& output);

}  // namespace ridge::cli
