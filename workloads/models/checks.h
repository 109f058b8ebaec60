// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The numerical proofs that models owe before they are timed (those of operators: checks_operators.h). Each states what was compared and the
// worst error; none takes more than a fraction of a second. Tolerances (u = 6e-8, half an ulp of
// 1):
//   oracle          its gradients against central differences in double: 1e-6 of the larger, or of
//                   the gradients' root mean square where they are tiny
//   float32         loss and every gradient array within 1e-4 of the oracle; 5 losses within 1e-5
//   AdamW           4 u of the weight, and 1e-5 of the step
//   full size       change of the loss along the gradient within 1 % of |gradient|
//   generation      equal greedy tokens; logits within 1e-4 of the largest

#include "workloads/harness/workload.h"
#include "workloads/models/gpt_generator.h"
#include "workloads/models/gpt_trainer.h"

namespace ridge::workloads {

// Finite differences of the oracle itself; needs no operators.
[[nodiscard]] CheckResult checkOracleGradients();
// A tiny model over ops against the oracle: loss, all gradients, accumulated gradients.
[[nodiscard]] CheckResult checkTinyModel(Operators& ops, bool fusedAttention = false);
// Five training steps over ops against five of the oracle.
[[nodiscard]] CheckResult checkTinyTraining(Operators& ops, bool fusedAttention = false);
// Gradients of the tiny model with recomputation are those without, to the bit.
[[nodiscard]] CheckResult checkRecompute(Operators& ops, Recompute recompute);
// Gradients of a batch in that many micro-batches against the oracle's of the whole.
[[nodiscard]] CheckResult checkAccumulation(Operators& ops, std::int64_t microBatches);
// With products in fewer bits: the tiny model's gradients against those with f32 products, by the
// cosine between them (> 0.999; fp8, whose elements have 4 bits or 3 where those have 8, was seen
// at 0.957: > 0.92), and five training losses within 2 % of the float ones. f32 is what is set
// afterwards.
[[nodiscard]] CheckResult checkProducts(Operators& ops, ridge_dtype products);
[[nodiscard]] CheckResult checkAdamW(Operators& ops);
// Prefill and cached decode of a tiny model over ops against the oracle's logits.
[[nodiscard]] CheckResult checkTinyGeneration(Operators& ops);
// At full size: one forward and backward, then two forwards a little along the gradient. Changes
// the parameters; initialise() again afterwards.
[[nodiscard]] CheckResult checkDirectionalDerivative(GptTrainer& trainer);
// Decodes `tokens` tokens after a prompt and compares each with a prefill of everything before it.
// A rounded cache (limit > 1e-4) may round two ways: then a token may differ where the logits of
// both lie within the limit.
[[nodiscard]] CheckResult checkCachedDecode(GptGenerator& generator, std::int64_t prompt,
                                            std::int64_t tokens, double limit = 1e-4);

// Runs the checks in order up to the first that fails; joins the details.
[[nodiscard]] CheckResult checkAll(std::initializer_list<std::function<CheckResult()>> checks);

}  // namespace ridge::workloads
