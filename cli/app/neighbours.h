// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Where the parts of the installation are: beside the executable in a build tree (bin/, lib/) and in an
// installed bundle (bin/, lib/ridge/). $RIDGE_WORKLOADS and $RIDGE_AGENT_DIR come first when set.

#include <string>

#include "base/result.h"

namespace ridge::cli {

// Errors: kUnsupported, with the places that were looked at.
Result<std::string> findWorkloads();
// ridge-view; absent where the project was built without Qt.
Result<std::string> findViewer();
// The folder with libridge_agent.so and libridge_io.so.
Result<std::string> findAgentDir();
// The program in $PATH, or nothing.
std::string findInPath(const std::string& program);

}  // namespace ridge::cli
