// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Writes a timeline that came from another tool's trace as a timeline file (schemas/timeline.sql).
//
// Nothing that the analyzer uses is lost: analysing the file gives what analysing the trace gave. Ops and
// functions become NVTX ranges of the domains kineto.cpu_op and kineto.python_function (shapes under
// jsonTextId), annotations ranges of the default domain; arguments of collectives stand in RIDGE_COLLECTIVE,
// hand-offs between threads in RIDGE_FLOW, rows that could not be taken are counted in RIDGE_LOSS. A kernel's
// grid is its number of blocks x 1 x 1. The file appears whole or not at all.

#include <string>

#include "analyzer/timeline/timeline.h"
#include "base/result.h"

namespace ridge::analyzer {

Status writeTimeline(const Timeline& timeline, const std::string& path);

}  // namespace ridge::analyzer
