// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What a step would take if ...: per workload and change an interval, never one number. One end is the
// replay (what the order of the work allows), the other the closed form of metrics.md 1.6 (what the class
// of time could give at best).
//
//   change              replay                                          closed form
//   comm_hidden         communication takes nobody's time; not less     max(T - exposed, busiest comm lane)
//                       than the busiest communication lane
//   no_launch_cost      launches, calls and gaps between kernels are 0  T - (launch + api + kernel_gap)
//   input_hidden        I/O takes nobody's time; not less than the I/O  T - io_input
//   checkpoint_hidden   the same                                        T - io_checkpoint
//   sync_removed        nobody waits for the device in a call           T - sync
//   copies_hidden       copies take nobody's time                       T - copy
//   straggler_removed   the rank that is last works as long as the      T - its marginal delays
//                       median of its peers
//   at_roof:OP          the op takes the time of its roof               T - its time above the roof
//   fused               a run of elementwise ops does not write, and    the same bytes at the roof
//                       read again, what lies between them
//   attention_fused     attention that stores its scores, or is in    the same under a causal mask
//                       three passes, is one pass
// Neither is always the shorter one. Both are shown, and the interval is from the shorter to the longer of them. Work that
// is hidden is still done, and slows down what it is hidden behind. So the longer end of what is hidden is not less than
// the processor time that ranks without a device take per step, over the CPUs of their machine (processor.h): with two ranks on two CPUs the
// sums and polling of a collective take from the products what they take themselves. Of what comm_hidden and copies_hidden
// gain beyond that, the longer end keeps only what overlapCost() leaves.
// Of fused, the longer end counts only what certainly is a run (fusion.h).
// The replay sees the steps that are in a graph, part by part of a long trace; what it gains there (median against
// median) is taken from the median step.

#include "analyzer/critical_path/graph.h"

#include <memory>
#include <string>
#include <vector>

namespace ridge::analyzer {

// Fills Analysis::whatIf from graph after graph, for changes that gain at least half a percent of the step.
class WhatIfReport {
public:
    WhatIfReport(const Context& context, Analysis& answer);
    ~WhatIfReport();
    WhatIfReport(const WhatIfReport&) = delete;
    WhatIfReport& operator=(const WhatIfReport&) = delete;
    void add(const PathGraph& graph);
    void finish();

private:
    class Workload;
    Analysis& m_answer;
    std::vector<std::unique_ptr<Workload>> m_workloads;
};

// How much of each hidden nanosecond contention takes back (metrics.md 1.4). Measured where something overlaps in this
// trace: the high end of its cost over the overlap, of the worst device. Else 0.4, the most that Lee et al. 2025 (arXiv
// 2507.03114) saw compute beside collectives slow down; their mean is 0.19, and nothing need be lost.
struct OverlapCost {
    double share = 0;  // 0 to 1
    bool measured = false;
};
OverlapCost overlapCost(const Analysis& answer);

// Pairs of workloads that differ by one change: puts the measured median step of `fast` beside what was
// predicted for `slow`. Pairs without both workloads, or without the prediction, are left out.
struct WhatIfPair {
    std::string slow, fast, change;
};
void joinPairs(Analysis& analysis, const std::vector<WhatIfPair>& pairs);

}  // namespace ridge::analyzer
