// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The tiny model that the numerical proofs train and generate with (checks.h, parallel_checks.h),
// and how they word a verdict. Values are the same on every machine and every rank.

#include "workloads/harness/workload.h"
#include "workloads/models/gpt_layout.h"
#include "workloads/models/reference/gpt_reference.h"
#include "workloads/ops/operators.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::workloads::tiny {

inline constexpr double kRoundoff = 6e-8;
inline constexpr GptConfig kTiny{
    .layers = 2, .width = 16, .heads = 2, .context = 6, .vocabulary = 24};
inline constexpr std::int64_t kTinySequences = 2;
inline constexpr std::uint64_t kSeed = 20240711;

struct TinyBatch {
    std::vector<std::int32_t> tokens, targets;

    // `count` of its sequences from the first on.
    [[nodiscard]] TinyBatch sequences(std::int64_t first, std::int64_t count) const;
};
[[nodiscard]] TinyBatch tinyBatch(std::int64_t sequences = kTinySequences,
                                  const GptConfig& config = kTiny);
// All random, biases and norms included, so that no gradient is tested at a special point.
[[nodiscard]] std::vector<float> tinyParameters(const GptConfig& config = kTiny);

[[nodiscard]] std::vector<float> host(Operators& ops, const Tensor& tensor);
// Passed when worst <= limit; a NaN fails.
[[nodiscard]] CheckResult verdict(const std::string& what, double worst, double limit,
                                  const std::string& where = {});
// Largest difference of each parameter array, relative to that array's largest element; wanted is
// multiplied by factor first.
[[nodiscard]] CheckResult compareArrays(const std::string& what, const std::vector<float>& got,
                                        const reference::Values& wanted, double factor,
                                        double limit);

}  // namespace ridge::workloads::tiny
