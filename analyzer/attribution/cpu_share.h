// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Whether compute ops had the CPU that they could have used. The kernel says of each thread how long
// it ran and how long it was ready to run and did not (counters thread.cpu and thread.wait, of
// /proc/PID/task/TID/schedstat); a thread that sleeps, for a message or for its loader, is neither.
//
//     onCpu = ran / (ran + waited)       over the compute ops of the workload's processes, all threads
//     undisturbed = 1 - min(waited, others) / (ran + waited)
//     others = CPUs in use (cpu.busy) less those that the trace's processes used (process.cpu)
//
// Two threads of one program that share a CPU lower the first alone: their ops take longer, and no
// other load is to blame. Time that a hypervisor takes is in neither; the gap watch sees it.

#include "analyzer/attribution/ops.h"

#include <vector>

namespace ridge::analyzer {

// Per workload; 1 where a trace does not say. Processes that use a GPU are left out: their ops run there.
std::vector<CpuShare> cpuShares(const Timeline& timeline, const StepSet& steps, const Ops& ops,
                                const std::vector<bool>& processHasGpu);

}  // namespace ridge::analyzer
