// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the numerical proofs (checks.h, checks_operators.h, checks_generation.h) draw, put into tensors and
// compare. Values are the same on every machine.

#include "workloads/harness/workload.h"
#include "workloads/ops/operators.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ridge::workloads::tiny {

// `count` values in [-1, 1).
[[nodiscard]] std::vector<float> draw(std::int64_t count, std::uint64_t seed);
[[nodiscard]] Tensor put(Operators& ops, const std::vector<float>& values);
[[nodiscard]] inline double at(const std::vector<float>& values, std::int64_t index) {
    return static_cast<double>(values[static_cast<std::size_t>(index)]);
}
// A NaN is the worst.
inline void keepWorst(double& worst, double error) {
    if (!(error <= worst)) worst = error;
}
// Values of the same calls at another time, within 1e-5 of the largest: sums of a device may be in another order.
[[nodiscard]] CheckResult sameAsBefore(const std::string& what, const std::vector<float>& now, const std::vector<float>& before);
inline constexpr std::size_t kReplayedSteps = 2;  // the second's loss has everything of the first in it
// Losses of the first steps, taken again from the same weights after the timed steps: to the bit, or on a device within
// 1e-5 of them; and the last timed step's is a number.
[[nodiscard]] CheckResult sameLosses(const std::vector<double>& again, const std::vector<double>& before, double last, bool onDevice);
[[nodiscard]] double largestOf(const std::vector<double>& values);
// What matrices stored so hold.
[[nodiscard]] std::vector<float> roundedTo(const std::vector<float>& values, Storage storage);

}  // namespace ridge::workloads::tiny
