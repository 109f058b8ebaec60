// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What was measured: the program's own bytes, and how this build of it was made. What is not known is left
// out, and null in run.json: the commit of a build that was not made from a checkout; everything about the
// build when the workloads' program is somebody else's.

#include <functional>
#include <string>

#include "reports/json/run_json.h"

namespace ridge::cli {

// Of this build's checkout; empty when it was not made from one.
std::string buildCommit();
// The program is read as a whole; once late() says so its hash is left out. False: it was.
bool describeSubject(const std::string& workloadsProgram, reports::RunReport& run, const std::function<bool()>& late = [] { return false; });

}  // namespace ridge::cli
