// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The proofs that operators owe before they are timed; like checks.h, each says what was compared and the worst
// error. Everything stored in few bits is compared with double arithmetic on the very values that it was rounded
// to, so the tolerances are those of float arithmetic (u = 6e-8): |error| / sum|a||b| <= min(8 u sqrt(K), K u), and
// 3e-5 more where eight-bit weights are multiplied with activations of 16 bits.

#include "workloads/harness/workload.h"
#include "workloads/ops/operators.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ridge::workloads {

struct GemmShape {
    GemmLayout layout;
    std::int64_t m, n, k;
};

// A product of floats, and twice bit-equal.
[[nodiscard]] CheckResult checkGemm(Operators& ops, const GemmShape& shape);
// A product of stored weights with `rows` rows of float, and twice bit-equal.
[[nodiscard]] CheckResult checkLinear(Operators& ops, std::int64_t rows, std::int64_t n,
                                      std::int64_t k, Storage storage);
// Random codes of E4M3, 0.25 to 3.75 of either sign.
[[nodiscard]] std::vector<std::byte> fp8Codes(std::int64_t count, std::uint64_t seed);
// A product whose operands are bf16, tf32, fp8 (NT only, in sixteens) or int8 (unsigned left); int8
// to the last digit. After tf32 that is what f32 products are computed in.
[[nodiscard]] CheckResult checkTypedGemm(Operators& ops, const GemmShape& shape, ridge_dtype type);
enum class AttentionKind { kStored, kUnfused, kFused };
// Forward (and for stored and fused backward) of every head against plain loops in double; 1e-5 of
// the largest.
[[nodiscard]] CheckResult checkAttention(Operators& ops, const AttentionArgs& args,
                                         AttentionKind kind, bool backward);

}  // namespace ridge::workloads
