// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Steps of a trace that names none: the repetition of its kernel sequence.
//
// Per device, the names of its kernels in order of their start are one sequence s. A period P is believed
// when s[i] = s[i + P] for at least 85 % of the kernels, over at least four repetitions and fifty kernels.
// Among believable periods (distances at which runs of kernels recur) the best matching one wins that has a
// beginning; of equals (within 1 %) the shortest: layers repeat inside a step, but not across its border. A
// step begins at the run of kernels, once per period, before which the device waits longest in the median. Cost: O(n) per candidate,
// at most kCandidates of them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "analyzer/timeline/timeline.h"

namespace ridge::analyzer {

struct Period {
    std::size_t kernels = 0;           // per step
    std::vector<std::size_t> starts;   // positions in the sequence at which a step begins, ascending; the
                                       // last is where the last whole step ends
};

// names: the sequence; gaps: idle ns before each kernel.
std::optional<Period> findPeriod(const std::vector<std::uint32_t>& names, const std::vector<Ns>& gaps);

}  // namespace ridge::analyzer
