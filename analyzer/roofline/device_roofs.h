// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Whose a roof is, where a trace has roofs of the processor and of a GPU: a GPU's says so in its name ("gpu ..." or the
// name of a device of the trace); all others are the processor's.

#include <vector>

#include "analyzer/attribution/ops.h"

namespace ridge::analyzer {

bool isRoofOfDevice(const Timeline& timeline, const Ceiling& ceiling);

// judgeGroups(), each group against the roofs of where it runs: ops of processes with a GPU against those of the devices,
// others against those of the processor. Where no roof is known to be a device's, all are taken for all.
void judgeGroupsWhereTheyRun(Ops& ops, const Timeline& timeline, const StepSet& steps, const std::vector<Ceiling>& ceilings,
                             const std::vector<CpuShare>& cpuShare, const std::vector<bool>& processHasGpu);

}  // namespace ridge::analyzer
