// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// FLOP, bytes and state of a whole transformer: training step, prefill, decode.
//
// N is the number of matmul parameters: attention and MLP matrices of L layers plus the head V*C (a
// tied embedding counts once; biases, norms and positions do not). Units: FLOP, bytes, tokens.
// Sources: PaLM appendix B (full attention), llm.c and Megatron-LM (causal), Korthikanti et al.
// 2022 (activations), ZeRO (model state).

#include "workloads/formulas/op_cost.h"

#include <cstdint>

namespace ridge::workloads::formulas {

struct TransformerShape {
    std::uint64_t layers = 1;
    std::uint64_t width = 1;
    std::uint64_t heads = 1;
    std::uint64_t kvHeads = 0;   // 0 = heads (multi-head attention)
    std::uint64_t mlpWidth = 0;  // 0 = 4 * width
    bool gatedMlp = false;       // three MLP matrices (SwiGLU) instead of two
    std::uint64_t vocabulary = 1;
    std::uint64_t context = 1;  // T

    [[nodiscard]] std::uint64_t headDim() const { return width / heads; }
    [[nodiscard]] std::uint64_t keyValueHeads() const { return kvHeads == 0 ? heads : kvHeads; }
};

[[nodiscard]] std::uint64_t blockParameters(const TransformerShape& shape);   // all layers, no head
[[nodiscard]] std::uint64_t matmulParameters(const TransformerShape& shape);  // N

// 2N + 4LCT (full) or 2N + 2LCT (causal), per token.
[[nodiscard]] std::uint64_t forwardFlopsPerToken(const TransformerShape& shape,
                                                 AttentionConvention convention);
// 6N tok + 12LCT tok (full) or + 6LCT tok (causal), tok = sequences * T.
[[nodiscard]] std::uint64_t trainingStepFlops(const TransformerShape& shape,
                                              std::uint64_t sequences,
                                              AttentionConvention convention);
// The same with the forward pass recomputed in full: 8N tok + 16LCT tok (full); for HFU only.
[[nodiscard]] std::uint64_t recomputedStepFlops(const TransformerShape& shape,
                                                std::uint64_t sequences,
                                                AttentionConvention convention);
// What full recomputation of the blocks adds to a step (embedding, last norm and head are not
// repeated): 2 N_blocks tok + 4LCT tok (full) or + 2LCT tok (causal).
[[nodiscard]] std::uint64_t blockRecomputeFlops(const TransformerShape& shape,
                                                std::uint64_t sequences,
                                                AttentionConvention convention);
// What selective recomputation adds: the attention alone, 4LCT tok (full) or 2LCT tok (causal).
[[nodiscard]] std::uint64_t attentionRecomputeFlops(const TransformerShape& shape,
                                                    std::uint64_t sequences,
                                                    AttentionConvention convention);
// Prompt of P tokens; logits for `headRows` of them (P for the textbook 2NP + 2LCP^2 causal, 1 when
// only the last token's logits are wanted).
[[nodiscard]] std::uint64_t prefillFlops(const TransformerShape& shape, std::uint64_t prompt,
                                         std::uint64_t headRows, AttentionConvention convention);
// Weights once and the KV write.
[[nodiscard]] std::uint64_t prefillBytes(const TransformerShape& shape, std::uint64_t prompt,
                                         std::uint64_t weightBytes, std::uint64_t kvBytes);

// 2 L H_kv d s bytes per token of context.
[[nodiscard]] std::uint64_t kvBytesPerToken(const TransformerShape& shape, std::uint64_t kvBytes);
// b (2N + 4LCt): every sequence at context t (the new token included).
[[nodiscard]] std::uint64_t decodeStepFlops(const TransformerShape& shape, std::uint64_t batch,
                                            std::uint64_t context);
// N s_w + b t KV.
[[nodiscard]] std::uint64_t decodeStepBytes(const TransformerShape& shape, std::uint64_t batch,
                                            std::uint64_t context, std::uint64_t weightBytes,
                                            std::uint64_t kvBytes);
// The same as they are stored: weights in `storage` with their scales, a cache with one scale per
// head, token and side when it is int8. `contextSum` = sum over the sequences of their contexts.
[[nodiscard]] std::uint64_t weightBytes(const TransformerShape& shape, Storage storage);
[[nodiscard]] std::uint64_t kvBytesPerToken(const TransformerShape& shape, Storage cache);
[[nodiscard]] std::uint64_t decodeStepBytes(const TransformerShape& shape, Storage weights,
                                            Storage cache, std::uint64_t contextSum);
// A pass over `rows` new tokens of a sequence that has `position` cached ones (a chunk of a prompt,
// a decoded token, a verification), logits for `headRows` of them: 2 N_blocks rows + 2VC headRows +
// 4LC (rows position + rows (rows + 1) / 2). Chunks of a prompt add up to the whole; with all
// logits it is the textbook's causal 2NP + 2LCP^2 plus the diagonal 2LCP that the textbook drops.
[[nodiscard]] std::uint64_t passFlops(const TransformerShape& shape, std::uint64_t position,
                                      std::uint64_t rows, std::uint64_t headRows);
// b* = F s_w / (2 W): above it a decode step is limited by arithmetic. peak FLOP/s, readBandwidth
// B/s.
[[nodiscard]] double decodeCrossoverBatch(double peakFlops, double readBandwidth,
                                          std::uint64_t weightBytes);
// Shortest time per output token, s: bytes / read bandwidth.
[[nodiscard]] double decodeTimeFloor(std::uint64_t bytes, double readBandwidth);

// 28 B per parameter and step.
[[nodiscard]] std::uint64_t adamWBytes(std::uint64_t parameters);
// 16-bit activations kept per layer, no recomputation: T B C (34 + 5 H T / C).
[[nodiscard]] std::uint64_t activationBytesPerLayer(const TransformerShape& shape,
                                                    std::uint64_t sequences);
// Mixed precision (2 + 2 + 4 + 4 + 4 B per parameter), sharded by ZeRO stage 0..3 over n ranks.
[[nodiscard]] double modelStateBytes(std::uint64_t parameters, int zeroStage, std::uint64_t ranks);

}  // namespace ridge::workloads::formulas
