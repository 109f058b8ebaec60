// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One summary per workload of the steps (a trace without names: one entry with an empty name).
// samples are the step times of the lowest rank and device.

#include "analyzer/context.h"

namespace ridge::analyzer {

void addSummaries(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
