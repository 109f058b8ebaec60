// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the numerical proofs (checks.h, checks_operators.h, checks_generation.h) draw, put into tensors and
// compare. Values are the same on every machine.

#include "workloads/ops/operators.h"

#include <cstdint>
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
[[nodiscard]] double largestOf(const std::vector<double>& values);
// What matrices stored so hold.
[[nodiscard]] std::vector<float> roundedTo(const std::vector<float>& values, Storage storage);

}  // namespace ridge::workloads::tiny
