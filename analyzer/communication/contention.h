// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What overlap costs (metrics.md 1.4): the same kernel (name and grid; of CPU ops: name and shape) while
// communication runs, against alone.
//
//   ratio = median duration with / median duration alone
//   cost = sum over the overlapped instances of (duration - median alone)
//   its 95 % interval: normal, with the variance that drawing both lists anew without end has: of the sum in
//   closed form, of the median by Maritz and Jarrett (1978)
//   net hidden = overlap - cost
// Overlapped: more than half of it; alone: none of it. A signature needs five of each. The cost of one may
// be negative (chance); the sum is not cut at 0. Nothing is drawn: the same trace gives the same interval.

#include "analyzer/context.h"

#include <string>
#include <vector>

namespace ridge::analyzer {

struct TimedInstance {
    std::uint64_t signature = 0;
    Ns start = 0, end = 0;
};

struct SignatureContention {
    std::uint64_t signature = 0;
    std::int64_t alone = 0, overlapped = 0;
    Ns medianAloneNs = 0, medianOverlappedNs = 0, costNs = 0;
};

struct ContentionAnswer {
    std::vector<SignatureContention> signatures;  // the largest cost first
    Ns costNs = 0, costLowNs = 0, costHighNs = 0;
};

ContentionAnswer measureContention(const std::vector<TimedInstance>& instances, const IntervalSet& communication);

// Fills Analysis::contention, one entry per device or CPU rank that overlaps.
void addContention(const Context& context, Analysis& answer);

}  // namespace ridge::analyzer
