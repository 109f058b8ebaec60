// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The proofs that the kernel families and inference owe before they are timed; like checks.h, each
// says what was compared and the worst error. Everything stored in few bits is compared with double
// arithmetic on the very values that it was rounded to, so the tolerances are those of float
// arithmetic (u = 6e-8): |error| / sum|a||b| <= min(8 u sqrt(K), K u). What rounding itself costs
// is held in bands: the logits' root-mean-square error relative to theirs, against float weights
// and cache: bf16 1e-2, int8 1e-2, int4 1.5e-1 (random weights, seen 3.8e-3, 9.3e-3, 1.4e-1).

#include "workloads/models/checks.h"

namespace ridge::workloads {

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
// A tiny model with these storages: logits against the oracle whose parameters are the rounded ones
// (1e-4 of the largest; a rounded cache 3e-2).
[[nodiscard]] CheckResult checkStoredModel(Operators& ops, Storage weights, Storage cache);
// Logits of a small model against the same with float weights and cache, in the bands above.
[[nodiscard]] CheckResult checkLogitBand(Operators& ops, Storage weights, Storage cache);
// Greedy tokens of a small model are the same from a contiguous and a paged cache, alone and in a
// batch, with the prompt whole and in chunks, one by one and verified several at a time.
[[nodiscard]] CheckResult checkTokensAgree(Operators& ops, Storage weights, Storage cache);

}  // namespace ridge::workloads
