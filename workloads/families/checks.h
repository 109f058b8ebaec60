// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The proofs that the other model families owe before they are timed. Each is stated with its worst
// error.
//   gradients   a tiny model's, of every parameter, against central differences of the same loss in
//               double and plain loops: within 1e-4 of the larger, or of the gradients' root mean
//               square where they are tiny
//   training    five steps of SGD: losses within 1e-5 of the double run's
//   full size   the change of the loss along its gradient within 1 % of |gradient| squared
//   bf16        gradients beside those of float by the cosine between them, > 0.999

#include "workloads/families/family_model.h"
#include "workloads/harness/workload.h"

#include <functional>

namespace ridge::workloads {

// Mean loss at these parameters, in double.
using LossOracle = std::function<double(std::span<const double>)>;

[[nodiscard]] CheckResult checkFamilyTraining(const std::string& what, FamilyModel& model,
                                              const LossOracle& oracle, std::uint64_t seed);
// Leaves the parameters where they were but for rounding.
[[nodiscard]] CheckResult checkAlongGradient(FamilyModel& model, double limit = 1e-2);
[[nodiscard]] CheckResult checkSameDirection(FamilyModel& exact, FamilyModel& rounded,
                                             std::uint64_t seed);

}  // namespace ridge::workloads
