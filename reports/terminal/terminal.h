// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The Analysis as a person reads it in a terminal: devices, workloads, where the time went, findings,
// and what the capture lacks. Colour and width are the caller's decision (NO_COLOR, --color, a pipe).

#include <cstddef>
#include <string>

#include "analyzer/model/analysis.h"

namespace ridge::reports {

struct TerminalOptions {
    bool colour = false;
    std::size_t width = 100;  // terminal columns; 0: do not cut
    std::size_t findings = 5;  // how many are printed; the rest is counted
};

// Everything: what `ridge analyze` prints.
std::string renderTerminal(const analyzer::Analysis& analysis, const TerminalOptions& options);
// The table of workloads alone: what `ridge run` prints. Empty string when there is no workload.
std::string renderWorkloadTable(const analyzer::Analysis& analysis, const TerminalOptions& options);
// What-ifs whose change was also measured, predicted against measured; empty when there are none.
std::string renderPairTable(const analyzer::Analysis& analysis, const TerminalOptions& options);

}  // namespace ridge::reports
