// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The proofs that what is done once and used again still is what would be done anew: recorded steps
// and passes (ops/graphs.h), whose scalars could be those of the recording, and the kept codes of
// weights in fp8, which could be those of the step before. Both must agree to the last bit with the
// model that records and keeps nothing, over several steps that differ.

#include "workloads/models/checks.h"

namespace ridge::workloads {

// Three training steps of the tiny model, each with a batch of its own, the first issued and the
// others recorded: losses and parameters against three that were issued. f32 is what products are
// computed in afterwards.
[[nodiscard]] CheckResult checkRecordedStep(Operators& ops, ridge_dtype products,
                                            bool fusedAttention = false);
// The same at full size: two steps each way on these batches. Changes the parameters; what
// restart() does must begin each run with the same ones. recordStep() has been called.
struct FullSizeBatch {
    std::span<const std::int32_t> tokens, targets;
};
[[nodiscard]] CheckResult checkRecordedStepAtFullSize(GptTrainer& trainer,
                                                      std::span<const FullSizeBatch> batches,
                                                      const std::function<void()>& restart);
// Tokens and logits of two sequences decoded from a paged cache, over the ends of its blocks and
// after a rewind, by a recorded pass against an issued one.
[[nodiscard]] CheckResult checkRecordedDecode(Operators& ops, Storage weights, Storage cache);
// Three training steps of two micro-batches with products in fp8: kept codes against codes made for
// every product. Other products keep nothing.
[[nodiscard]] CheckResult checkKeptWeights(Operators& ops, ridge_dtype products);

}  // namespace ridge::workloads
