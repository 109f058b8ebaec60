// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The roofline with a communication axis (Ridgeline, Checconi et al. 2022; metrics.md 1.3 and 2): three walls
// in one plot.
//
//   x = memory bytes / network bytes      y = FLOP / memory byte      x y = FLOP / network byte
//   compute   if y >= P / BWm and x y >= P / BWn
//   memory    if y <  P / BWm and x >= BWm / BWn
//   network   else
//   time      = max(FLOP / P, Bm / BWm, Bn / BWn)
// A wall whose roof or whose traffic is not known is left out: its time is 0, x is nothing without network
// traffic.

#include "analyzer/context.h"

#include <optional>
#include <string>

namespace ridge::analyzer {

struct RidgelineInput {
    double flops = 0, memoryBytes = 0, networkBytes = 0;
    double peakFlops = 0, memoryBandwidth = 0, networkBandwidth = 0;  // per second; 0: not known
};

struct RidgelineAnswer {
    std::optional<double> x, y;
    double computeSeconds = 0, memorySeconds = 0, networkSeconds = 0, seconds = 0;
    std::string bound;  // "compute", "memory", "network"; empty: nothing known
};

RidgelineAnswer ridgeline(const RidgelineInput& input);

// Fills Analysis::ridgeline: one point per workload, of one rank's step.
void addRidgeline(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
