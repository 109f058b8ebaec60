// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a step takes of the processors of its machine. Work that is hidden behind other work is still done: where
// ranks use CPUs for it (the copies, sums and polling of a collective on the CPU, a loader that unpacks), hiding
// cannot make a step shorter than the processor time of all ranks of a machine over its CPUs,
//   T' >= sum over the ranks of the machine of CPU time per step / CPUs
// (conservation of work; Graham's bound for any schedule on m processors, "Bounds on multiprocessing timing
// anomalies", SIAM J. Appl. Math. 17, 1969). Polling counts too: it takes the processor from what would hide it.
// CPU time is process.cpu's, CPUs are usableCpus(); both are of the recording.

#include "analyzer/steps/steps.h"
#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer {

// Share of a machine's CPUs that the ranks of a workload used in its steps, 0 to 1; of several machines the busiest. 0:
// the trace does not say.
double processorShare(const Timeline& timeline, const StepSet& steps, std::int32_t workload);

}  // namespace ridge::analyzer
