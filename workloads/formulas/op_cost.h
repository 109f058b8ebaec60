// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What one operator costs at least: floating-point operations and bytes moved, each operand once.
//
// Units: FLOP (a multiply-add counts 2, a transcendental or a division 1) and bytes. Element sizes
// `s` are bytes per element. Nothing here knows a machine. Sources: the GEMM and attention counts
// are the usual ones (PaLM appendix B, Megatron-LM, FlashAttention's benchmark); the per-element
// counts of the vector operators are ours, constants below, and matter little: those operators are
// memory-bound.
//
// Attention has two conventions that differ by 2. kFull counts the whole T x T square (PaLM,
// nanoGPT); kCausal counts the half that a causal mask leaves (llm.c, Megatron-LM). Always say
// which.

#include <cstdint>

namespace ridge::workloads::formulas {

struct OpCost {
    std::uint64_t flops = 0;
    std::uint64_t bytesRead = 0;
    std::uint64_t bytesWritten = 0;

    [[nodiscard]] constexpr std::uint64_t bytes() const { return bytesRead + bytesWritten; }
};

// FLOP per byte; 0 where no byte moves.
[[nodiscard]] constexpr double intensity(const OpCost& cost) {
    return cost.bytes() == 0 ? 0.0
                             : static_cast<double>(cost.flops) / static_cast<double>(cost.bytes());
}

enum class AttentionConvention { kCausal, kFull };
[[nodiscard]] constexpr const char* name(AttentionConvention convention) {
    return convention == AttentionConvention::kCausal ? "causal" : "full";
}

// How values lie in memory. Quantised values carry one float scale for each group of neighbours: 64
// along a row of weights, one head of one token in a KV cache.
enum class Storage { kF32, kBf16, kInt8, kInt4 };
inline constexpr std::uint64_t kWeightGroup = 64;
[[nodiscard]] constexpr const char* name(Storage storage) {
    switch (storage) {
        case Storage::kBf16:
            return "bf16";
        case Storage::kInt8:
            return "int8";
        case Storage::kInt4:
            return "int4";
        case Storage::kF32:
            break;
    }
    return "fp32";
}
[[nodiscard]] constexpr std::uint64_t storedBytes(Storage storage, std::uint64_t elements,
                                                  std::uint64_t group = kWeightGroup) {
    switch (storage) {
        case Storage::kBf16:
            return 2 * elements;
        case Storage::kInt8:
            return elements + 4 * (elements / group);
        case Storage::kInt4:
            return elements / 2 + 4 * (elements / group);
        case Storage::kF32:
            break;
    }
    return 4 * elements;
}

inline constexpr std::uint64_t kLayerNormForwardFlops = 8;    // per element
inline constexpr std::uint64_t kLayerNormBackwardFlops = 14;  // per element
inline constexpr std::uint64_t kGeluForwardFlops = 9;         // per element, tanh form
inline constexpr std::uint64_t kGeluBackwardFlops = 16;       // per element, tanh form
inline constexpr std::uint64_t kSoftmaxFlops = 4;             // per score
inline constexpr std::uint64_t kCrossEntropyFlops = 5;        // per logit, forward and backward
inline constexpr std::uint64_t kAdamWFlops = 12;              // per parameter

// C(m,n) = A(m,k) B(k,n) [+ bias] [+ C]: 2mnk FLOP for the product; bias and accumulation add bytes
// only, by convention, so that sums over a model equal 6N.
[[nodiscard]] constexpr OpCost gemm(std::uint64_t m, std::uint64_t n, std::uint64_t k,
                                    std::uint64_t s = 4, std::uint64_t sOut = 4, bool bias = false,
                                    bool accumulate = false) {
    return {2 * m * n * k,
            s * (m * k + k * n) + (bias ? sOut * n : 0) + (accumulate ? sOut * m * n : 0),
            sOut * m * n};
}

// y(m,n) = x(m,k) W(n,k)^T [+ bias] in float arithmetic, W stored as `storage`.
[[nodiscard]] constexpr OpCost linear(std::uint64_t m, std::uint64_t n, std::uint64_t k,
                                      Storage storage, bool bias = false) {
    return {2 * m * n * k, 4 * m * k + storedBytes(storage, n * k) + (bias ? 4 * n : 0), 4 * m * n};
}

struct AttentionShape {
    std::uint64_t batch = 1;
    std::uint64_t heads = 1;
    std::uint64_t tokens = 1;  // queries = keys = tokens
    std::uint64_t headDim = 1;

    [[nodiscard]] constexpr std::uint64_t rowElements() const {
        return batch * heads * tokens * headDim;
    }
    [[nodiscard]] constexpr std::uint64_t scoreElements() const {
        return batch * heads * tokens * tokens;
    }
};

// 4 B H T^2 d, half of it causal. Softmax and scaling are not counted, by convention.
[[nodiscard]] constexpr std::uint64_t attentionForwardFlops(const AttentionShape& shape,
                                                            AttentionConvention convention) {
    const std::uint64_t full = 4 * shape.scoreElements() * shape.headDim;
    return convention == AttentionConvention::kFull ? full : full / 2;
}
// With the probabilities stored: 2 x forward (four products).
[[nodiscard]] constexpr std::uint64_t attentionBackwardFlops(const AttentionShape& shape,
                                                             AttentionConvention convention) {
    return 2 * attentionForwardFlops(shape, convention);
}
// With recomputation as in FlashAttention: 2.5 x forward (five products).
[[nodiscard]] constexpr std::uint64_t attentionBackwardFlashFlops(const AttentionShape& shape,
                                                                  AttentionConvention convention) {
    return attentionForwardFlops(shape, convention) / 2 * 5;
}
// Forward bytes. Unfused: scores and probabilities each written and read once. Fused: q, k, v, out.
[[nodiscard]] constexpr std::uint64_t attentionUnfusedBytes(const AttentionShape& shape,
                                                            std::uint64_t s) {
    return 4 * shape.rowElements() * s + 4 * shape.scoreElements() * s;
}
[[nodiscard]] constexpr std::uint64_t attentionFusedBytes(const AttentionShape& shape,
                                                          std::uint64_t s) {
    return 4 * shape.rowElements() * s;
}
// The training operator as written here: the full square is computed, one head at a time in cache,
// and the probabilities are stored for the backward pass.
[[nodiscard]] constexpr OpCost attentionForwardStored(const AttentionShape& shape,
                                                      std::uint64_t s = 4) {
    return {attentionForwardFlops(shape, AttentionConvention::kFull), 3 * shape.rowElements() * s,
            (shape.rowElements() + shape.scoreElements()) * s};
}
// Reads q, k, v, the gradient of the output and the probabilities; writes three gradients.
[[nodiscard]] constexpr OpCost attentionBackwardStored(const AttentionShape& shape,
                                                       std::uint64_t s = 4) {
    return {attentionBackwardFlops(shape, AttentionConvention::kFull),
            (4 * shape.rowElements() + shape.scoreElements()) * s, 3 * shape.rowElements() * s};
}
// The unfused operator in three passes over memory: scores = q k^T, softmax in place, out = p v.
// Sum of bytes: 4 B H T d s + 4 B H T^2 s.
[[nodiscard]] constexpr OpCost attentionScores(const AttentionShape& shape, std::uint64_t s = 4) {
    return {attentionForwardFlops(shape, AttentionConvention::kFull) / 2,
            2 * shape.rowElements() * s, shape.scoreElements() * s};
}
[[nodiscard]] constexpr OpCost attentionSoftmax(const AttentionShape& shape, std::uint64_t s = 4) {
    return {kSoftmaxFlops * shape.scoreElements(), shape.scoreElements() * s,
            shape.scoreElements() * s};
}
[[nodiscard]] constexpr OpCost attentionValues(const AttentionShape& shape, std::uint64_t s = 4) {
    return {attentionForwardFlops(shape, AttentionConvention::kFull) / 2,
            (shape.rowElements() + shape.scoreElements()) * s, shape.rowElements() * s};
}
// Fused (tiled, online softmax): q, k, v read, out and one float per row and head (log of the sum
// of exponentials) written. Backward recomputes the scores: five products, q, k, v, out and its
// gradient read, three gradients written.
[[nodiscard]] constexpr OpCost attentionForwardFused(const AttentionShape& shape,
                                                     AttentionConvention convention,
                                                     std::uint64_t s = 4) {
    return {attentionForwardFlops(shape, convention), 3 * shape.rowElements() * s,
            shape.rowElements() * s + 4 * shape.batch * shape.heads * shape.tokens};
}
[[nodiscard]] constexpr OpCost attentionBackwardFused(const AttentionShape& shape,
                                                      AttentionConvention convention,
                                                      std::uint64_t s = 4) {
    return {attentionBackwardFlashFlops(shape, convention),
            5 * shape.rowElements() * s + 4 * shape.batch * shape.heads * shape.tokens,
            3 * shape.rowElements() * s};
}
// Attention of some keys merged into that of others: both outputs and logarithms read, one of each
// written, 3 FLOP an element of the output.
[[nodiscard]] constexpr OpCost attentionMerge(const AttentionShape& shape, std::uint64_t s = 4) {
    const std::uint64_t sums = 4 * shape.batch * shape.heads * shape.tokens;
    return {3 * shape.rowElements(), 2 * (shape.rowElements() * s + sums),
            shape.rowElements() * s + sums};
}
// The gradient of a router's logits: a dot product for each choice, between the token's gradient and
// what the expert gave; probabilities read, gradients written.
[[nodiscard]] constexpr OpCost routerGradient(std::uint64_t tokens, std::uint64_t choices,
                                              std::uint64_t experts, std::uint64_t width,
                                              std::uint64_t s = 4) {
    return {2 * tokens * choices * width, (2 * choices * width + experts) * tokens * s,
            tokens * experts * s};
}
// `rows` new rows of a sequence that has `position` cached ones, each against everything up to
// itself: rows * position + rows (rows + 1) / 2 pairs, 4 H d FLOP each. Keys and values are read
// once as they are stored; q and out are float.
[[nodiscard]] constexpr std::uint64_t attendedPairs(std::uint64_t position, std::uint64_t rows) {
    return rows * position + rows * (rows + 1) / 2;
}
[[nodiscard]] constexpr OpCost attentionCached(std::uint64_t heads, std::uint64_t headDim,
                                               std::uint64_t position, std::uint64_t rows,
                                               Storage cache) {
    const std::uint64_t width = heads * headDim;
    return {4 * attendedPairs(position, rows) * width,
            2 * storedBytes(cache, (position + rows) * width, headDim) + 4 * rows * width,
            4 * rows * width};
}
// `rows` keys and values are read as floats and written as they are stored.
[[nodiscard]] constexpr OpCost cacheAppend(std::uint64_t heads, std::uint64_t headDim,
                                           std::uint64_t rows, Storage cache) {
    const std::uint64_t elements = rows * heads * headDim;
    return {0, 8 * elements, 2 * storedBytes(cache, elements, headDim)};
}
// One query row against `context` cached keys and values of `kvHeads` heads: 4 T H d FLOP.
[[nodiscard]] constexpr OpCost attentionDecode(std::uint64_t heads, std::uint64_t kvHeads,
                                               std::uint64_t headDim, std::uint64_t context,
                                               std::uint64_t s = 4) {
    return {4 * context * heads * headDim, (2 * context * kvHeads + heads) * headDim * s,
            heads * headDim * s};
}

// Rows of `width`: input read, output written, plus two statistics per row and the two parameters.
[[nodiscard]] constexpr OpCost layerNormForward(std::uint64_t rows, std::uint64_t width,
                                                std::uint64_t s = 4) {
    const std::uint64_t m = rows * width;
    return {kLayerNormForwardFlops * m, (m + 2 * width) * s, (m + 2 * rows) * s};
}
// Reads input and output gradient, writes (or adds to) the input gradient; 3 m s, plus statistics
// and parameter gradients. Adding reads the old gradient too.
[[nodiscard]] constexpr OpCost layerNormBackward(std::uint64_t rows, std::uint64_t width,
                                                 bool accumulate = false, std::uint64_t s = 4) {
    const std::uint64_t m = rows * width;
    return {kLayerNormBackwardFlops * m, ((accumulate ? 3 : 2) * m + 2 * rows + width) * s,
            (m + 2 * width) * s};
}
// An elementwise operator: `inputs` arrays of m read, one written.
[[nodiscard]] constexpr OpCost elementwise(std::uint64_t m, std::uint64_t inputs,
                                           std::uint64_t flopsPerElement, std::uint64_t s = 4) {
    return {flopsPerElement * m, inputs * m * s, m * s};
}
// A chain of k unary operators: 2 k m s bytes one by one, 2 m s fused; the FLOP are the same.
[[nodiscard]] constexpr OpCost elementwiseChain(std::uint64_t m, std::uint64_t k, bool fused,
                                                std::uint64_t flopsPerElement = 2,
                                                std::uint64_t s = 4) {
    const std::uint64_t passes = fused ? 1 : k;
    return {flopsPerElement * k * m, passes * m * s, passes * m * s};
}
// residual + gelu(x + bias): three passes over memory one by one (7 m s), 3 m s fused.
[[nodiscard]] constexpr OpCost biasAdd(std::uint64_t rows, std::uint64_t width,
                                       std::uint64_t s = 4) {
    return {rows * width, (rows + 1) * width * s, rows * width * s};
}
[[nodiscard]] constexpr OpCost biasGeluResidual(std::uint64_t rows, std::uint64_t width,
                                                std::uint64_t s = 4) {
    return {(kGeluForwardFlops + 2) * rows * width, (2 * rows + 1) * width * s, rows * width * s};
}
// Sum of each column (the gradient of a bias).
[[nodiscard]] constexpr OpCost columnSum(std::uint64_t rows, std::uint64_t width,
                                         std::uint64_t s = 4) {
    return {rows * width, rows * width * s, width * s};
}
// Token and position rows are read and added; indices are 4 bytes.
[[nodiscard]] constexpr OpCost embeddingForward(std::uint64_t rows, std::uint64_t width,
                                                std::uint64_t s = 4) {
    return {rows * width, 2 * rows * width * s + 4 * rows, rows * width * s};
}
// The gradient is read once and added into a token row and a position row, each read and written.
[[nodiscard]] constexpr OpCost embeddingBackward(std::uint64_t rows, std::uint64_t width,
                                                 std::uint64_t s = 4) {
    return {2 * rows * width, 3 * rows * width * s + 4 * rows, 2 * rows * width * s};
}
// Loss and gradient in one operator: logits read once, gradient written over them once.
[[nodiscard]] constexpr OpCost softmaxCrossEntropy(std::uint64_t rows, std::uint64_t vocabulary,
                                                   std::uint64_t s = 4) {
    const std::uint64_t m = rows * vocabulary;
    return {kCrossEntropyFlops * m, m * s + 4 * rows, m * s + 4 * rows};
}
// 28 B per parameter: reads weight, gradient and both moments, writes weight and both moments
// (fp32).
[[nodiscard]] constexpr OpCost adamW(std::uint64_t parameters) {
    return {kAdamWFlops * parameters, 16 * parameters, 12 * parameters};
}
[[nodiscard]] constexpr OpCost copy(std::uint64_t bytes) {
    return {0, bytes, bytes};
}

}  // namespace ridge::workloads::formulas
