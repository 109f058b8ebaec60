// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What moved inside the timelines of benchmarks whose verdict is a change: one line per lane, whose classes add up to the
// difference of its step, and its ops as well.

#include <string>
#include <vector>

#include "analyzer/compare/comparison.h"

namespace ridge::reports {

std::vector<std::string> whyLines(const analyzer::Comparison& comparison, const std::vector<std::string>& benchmarks);

}  // namespace ridge::reports
