// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Is the capture fit to be analysed (metrics.md 1.9)? One entry per check that applies; severity info
// with count 0: passed. captureConfidence() is the ceiling that the gate sets on every finding.

#include "analyzer/context.h"

namespace ridge::analyzer {

void addGate(const Context& context, Analysis& answer);

// After the findings: lowers or takes away those that rest on what a check found spoilt; what was taken away
// is named by the check "withheld_findings".
void applyGate(Analysis& answer);

// high: nothing found; medium: warnings; low: errors.
Confidence captureConfidence(const Analysis& answer);

}  // namespace ridge::analyzer
