// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// What the operators of the other model families cost at least: embedding bags and their dot
// interaction (DLRM, arXiv:1906.00091), convolutions, aggregation over a sparse graph (SpMM).
//
// Units and conventions are op_cost.h's: FLOP (a multiply-add counts 2), bytes, each operand once.
// "Once" for a table of which rows are looked up means each row that is looked up at all, however
// often: `distinct` is counted in the batch. For SpMM it means the dense operand once, which a
// graph whose neighbours are near each other comes close to and one in random order does not.
// Convolutions count products with the padding too, as frameworks do.

#include "workloads/formulas/op_cost.h"

#include <cstdint>

namespace ridge::workloads::formulas {

// `bags` sums of rows of `width` floats; `lookups` indices of 4 bytes name `distinct` rows.
[[nodiscard]] constexpr OpCost embeddingBag(std::uint64_t bags, std::uint64_t lookups,
                                            std::uint64_t distinct, std::uint64_t width) {
    return {lookups * width, 4 * distinct * width + 4 * lookups, 4 * bags * width};
}
// Each looked-up row -= rate * gradient of its bag: gradients and rows read, rows written.
[[nodiscard]] constexpr OpCost embeddingBagUpdate(std::uint64_t bags, std::uint64_t lookups,
                                                  std::uint64_t distinct, std::uint64_t width) {
    return {2 * lookups * width, 4 * (distinct + bags) * width + 4 * lookups, 4 * distinct * width};
}

// Of each sample's f vectors of `width`: the first one, and the products of all f (f - 1) / 2
// pairs.
[[nodiscard]] constexpr std::uint64_t interactionWidth(std::uint64_t f, std::uint64_t width) {
    return width + f * (f - 1) / 2;
}
[[nodiscard]] constexpr OpCost dotInteraction(std::uint64_t samples, std::uint64_t f,
                                              std::uint64_t width) {
    return {samples * (f * (f - 1) / 2) * 2 * width, 4 * samples * f * width,
            4 * samples * interactionWidth(f, width)};
}
// Each product's gradient goes into two vectors.
[[nodiscard]] constexpr OpCost dotInteractionBackward(std::uint64_t samples, std::uint64_t f,
                                                      std::uint64_t width) {
    return {2 * dotInteraction(samples, f, width).flops,
            4 * samples * (f * width + interactionWidth(f, width)), 4 * samples * f * width};
}

// y(rows, width) = A x(columns, width), A in CSR with 4-byte indices and float values.
[[nodiscard]] constexpr OpCost spmm(std::uint64_t rows, std::uint64_t columns,
                                    std::uint64_t nonZeros, std::uint64_t width) {
    return {2 * nonZeros * width, 8 * nonZeros + 4 * (rows + 1) + 4 * columns * width,
            4 * rows * width};
}

// Square kernels and images; `side` is the input's, padding kernel / 2.
struct ConvolutionShape {
    std::uint64_t samples = 1;
    std::uint64_t inputs = 1;   // channels
    std::uint64_t outputs = 1;  // channels
    std::uint64_t side = 1;
    std::uint64_t kernel = 1;
    std::uint64_t stride = 1;

    [[nodiscard]] constexpr std::uint64_t outSide() const { return (side + stride - 1) / stride; }
    [[nodiscard]] constexpr std::uint64_t inElements() const {
        return samples * side * side * inputs;
    }
    [[nodiscard]] constexpr std::uint64_t outElements() const {
        return samples * outSide() * outSide() * outputs;
    }
    [[nodiscard]] constexpr std::uint64_t weights() const {
        return outputs * inputs * kernel * kernel;
    }
};
// Forward; the gradients of input and of weights are as many products each.
[[nodiscard]] constexpr std::uint64_t convolutionFlops(const ConvolutionShape& shape) {
    return 2 * shape.outElements() * shape.inputs * shape.kernel * shape.kernel;
}
[[nodiscard]] constexpr OpCost convolution(const ConvolutionShape& shape, std::uint64_t s = 4) {
    return {convolutionFlops(shape), s * (shape.inElements() + shape.weights()),
            s * shape.outElements()};
}
[[nodiscard]] constexpr OpCost convolutionBackwardData(const ConvolutionShape& shape,
                                                       std::uint64_t s = 4) {
    return {convolutionFlops(shape), s * (shape.outElements() + shape.weights()),
            s * shape.inElements()};
}
[[nodiscard]] constexpr OpCost convolutionBackwardWeights(const ConvolutionShape& shape,
                                                          std::uint64_t s = 4) {
    return {convolutionFlops(shape), s * (shape.inElements() + shape.outElements()),
            s * shape.weights()};
}

inline constexpr std::uint64_t kBatchNormForwardFlops = 7;    // per element: two sums, then scaled
inline constexpr std::uint64_t kBatchNormBackwardFlops = 11;  // per element
inline constexpr std::uint64_t kLogisticLossFlops = 6;        // per row
inline constexpr std::uint64_t kSgdFlops = 2;                 // per parameter

// Statistics over `rows` of each of `channels`. The input is read once for them and once more to be
// scaled where it does not stay in a cache; the minimum is once.
[[nodiscard]] constexpr OpCost batchNormForward(std::uint64_t rows, std::uint64_t channels,
                                                std::uint64_t s = 4) {
    const std::uint64_t m = rows * channels;
    return {kBatchNormForwardFlops * m, s * (m + 2 * channels), s * (m + 2 * channels)};
}
[[nodiscard]] constexpr OpCost batchNormBackward(std::uint64_t rows, std::uint64_t channels,
                                                 std::uint64_t s = 4) {
    const std::uint64_t m = rows * channels;
    return {kBatchNormBackwardFlops * m, s * (2 * m + 3 * channels), s * (m + 2 * channels)};
}
// Mean of each channel over `pixels`, and its gradient spread over them.
[[nodiscard]] constexpr OpCost averagePool(std::uint64_t samples, std::uint64_t pixels,
                                           std::uint64_t channels, std::uint64_t s = 4) {
    return {samples * pixels * channels, s * samples * pixels * channels, s * samples * channels};
}
[[nodiscard]] constexpr OpCost averagePoolBackward(std::uint64_t samples, std::uint64_t pixels,
                                                   std::uint64_t channels, std::uint64_t s = 4) {
    return {samples * pixels * channels, s * samples * channels, s * samples * pixels * channels};
}
// Loss and gradient of one logit against a label of 0 or 1, gradient over the logit.
[[nodiscard]] constexpr OpCost logisticLoss(std::uint64_t rows) {
    return {kLogisticLossFlops * rows, 8 * rows, 8 * rows};
}
// 12 B per parameter.
[[nodiscard]] constexpr OpCost sgd(std::uint64_t parameters) {
    return {kSgdFlops * parameters, 8 * parameters, 4 * parameters};
}

}  // namespace ridge::workloads::formulas
