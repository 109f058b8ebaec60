// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Steps that last longer than their neighbours: a median hides them. Told are how many there are, whether they come
// back with a period (a checkpoint each 10th step), and which class of time they have more of.
//
// Slow: longer than the median by a fifth, and by four times the median distance from it (a noisy series has no slow
// steps). Periodic: at least three of them, four in five of the distances between neighbours are the same, and none of
// that phase is missing but one in five. Cost: the excess of the slow steps over the median, laid on all steps.

#include <cstddef>
#include <optional>
#include <vector>

#include "analyzer/findings/registry.h"

namespace ridge::analyzer {

struct SlowSteps {
    std::vector<std::size_t> places;  // in the series, rising
    Ns medianNs = 0, excessNs = 0;    // excess: of all of them together
    std::size_t period = 0;           // in steps; 0: none
};
// Of the lengths of steps in their order. Fewer than kFewestForTail, or none that is slow: nothing.
inline constexpr std::size_t kFewestForTail = 10;
std::optional<SlowSteps> findSlowSteps(const std::vector<Ns>& lengths);

namespace rules {
std::vector<Finding> slowSteps(const RuleInput& input);
}

}  // namespace ridge::analyzer
