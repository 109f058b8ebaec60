// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ceilings/gap_watch.h"

#include <algorithm>

namespace ridge::workloads {

std::int64_t gapNs(const std::vector<Gap>& gaps, int cpu, std::int64_t startNs,
                   std::int64_t endNs) {
    std::int64_t sum = 0;
    for (const Gap& gap : gaps)
        if (gap.cpu == cpu)
            sum += std::max<std::int64_t>(
                0, std::min(gap.endNs, endNs) - std::max(gap.startNs, startNs));
    return sum;
}

}  // namespace ridge::workloads
