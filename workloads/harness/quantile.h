// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Order statistics of a workload's own samples.

#include <vector>

namespace ridge::workloads {

// Linear interpolation between order statistics; values need not be sorted. 0 for none.
double quantile(std::vector<double> values, double q);

}  // namespace ridge::workloads
