// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The analyses of the workloads of one run as one: what belongs to a workload is put one after the other,
// what belongs to the machine is kept once. Devices that occur in several timelines are added up, so their
// times are sums over timelines.

#include <vector>

#include "analyzer/model/analysis.h"

namespace ridge::cli {

analyzer::Analysis mergeAnalyses(const std::vector<analyzer::Analysis>& parts);

}  // namespace ridge::cli
