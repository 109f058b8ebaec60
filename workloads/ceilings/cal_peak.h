// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The workload family cal.peak: the roofs of --ceilings as results, so that they can be compared and
// kept like any other (ridge compare, ridge track). A step measures a family of roofs once, with the
// same code and proofs; each roof is a metric, the best of all timed steps, as a roof is a limit.
//
//   cal.peak/compute   the register loop of multiply-adds, products of each native type
//   cal.peak/memory    read, copy and triad at each level of the memory
//   cal.peak/dispatch  starting the smallest operator
//   cal.peak/gpu       a GPU's: products, memory, cache, links (pageable, page-locked, to another
//                      GPU), starts, graphs, events
// comm.fit and io.depth are the same for communication and storage. The loops of the first two carry
// no work payload, or the analyzer would hold the roofs against themselves: to it the thread does
// nothing that is named.

#include "workloads/ceilings/ceilings.h"
#include "workloads/harness/workload.h"

#include <functional>
#include <string>
#include <vector>

namespace ridge::workloads {

// measure: adds its roofs and notes. required: names of roofs that must be among them, else the
// check fails with the notes.
struct PeakFamily {
    std::function<Status(const CeilingsOptions& options, double budget, Ceilings& out)> measure;
    std::vector<std::string> required;
    double secondsPerStep = 0.2;
};
[[nodiscard]] std::unique_ptr<Workload> makeCalPeak(const PeakFamily& family);

// cuda: with a GPU's.
[[nodiscard]] std::vector<WorkloadSpec> calPeakSpecs(bool cuda = false);

}  // namespace ridge::workloads
