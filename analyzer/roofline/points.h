// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The roofline points of the answer: one per op group (workload, name, shape) that computes, largest
// time first. Bytes and FLOP are the model's (the payload), so source is "model".

#include "analyzer/context.h"

namespace ridge::analyzer {

void addRoofline(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
