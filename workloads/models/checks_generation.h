// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The proofs that inference owes before it is timed; like checks.h, each says what was compared and the worst
// error. What rounding costs is held in bands: the logits' root-mean-square error relative to theirs, against float
// weights and cache: bf16 1e-2, int8 1e-2, int4 1.5e-1 (random weights, seen 3.8e-3, 9.3e-3, 1.4e-1).

#include "workloads/models/checks.h"

namespace ridge::workloads {

// A tiny model with these storages: logits against the oracle whose parameters are the rounded ones
// (1e-4 of the largest; a rounded cache 3e-2).
[[nodiscard]] CheckResult checkStoredModel(Operators& ops, Storage weights, Storage cache);
// Logits of a small model against the same with float weights and cache, in the bands above.
[[nodiscard]] CheckResult checkLogitBand(Operators& ops, Storage weights, Storage cache);
// Greedy tokens of a small model are the same from a contiguous and a paged cache, alone and in a
// batch, with the prompt whole and in chunks, one by one and verified several at a time.
[[nodiscard]] CheckResult checkTokensAgree(Operators& ops, Storage weights, Storage cache);

}  // namespace ridge::workloads
