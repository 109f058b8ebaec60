// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/formulas/transformer.h"

namespace ridge::workloads::formulas {

namespace {

// 2 L C T per token for each of the two products, halved when only the causal half counts.
std::uint64_t attentionFlopsPerToken(const TransformerShape& shape, std::uint64_t context,
                                     AttentionConvention convention) {
    const std::uint64_t full = 4 * shape.layers * shape.width * context;
    return convention == AttentionConvention::kFull ? full : full / 2;
}

}  // namespace

std::uint64_t blockParameters(const TransformerShape& shape) {
    const std::uint64_t width = shape.width;
    const std::uint64_t kvWidth = shape.keyValueHeads() * shape.headDim();
    const std::uint64_t attention = 2 * width * width + 2 * width * kvWidth;  // q, out; k, v
    const std::uint64_t mlpWidth = shape.mlpWidth == 0 ? 4 * width : shape.mlpWidth;
    const std::uint64_t mlp = (shape.gatedMlp ? 3 : 2) * width * mlpWidth;
    return shape.layers * (attention + mlp);
}

std::uint64_t matmulParameters(const TransformerShape& shape) {
    return blockParameters(shape) + shape.vocabulary * shape.width;
}

std::uint64_t forwardFlopsPerToken(const TransformerShape& shape, AttentionConvention convention) {
    return 2 * matmulParameters(shape) + attentionFlopsPerToken(shape, shape.context, convention);
}

std::uint64_t trainingStepFlops(const TransformerShape& shape, std::uint64_t sequences,
                                AttentionConvention convention) {
    return 3 * forwardFlopsPerToken(shape, convention) * sequences * shape.context;
}

std::uint64_t recomputedStepFlops(const TransformerShape& shape, std::uint64_t sequences,
                                  AttentionConvention convention) {
    return 4 * forwardFlopsPerToken(shape, convention) * sequences * shape.context;
}

std::uint64_t attentionRecomputeFlops(const TransformerShape& shape, std::uint64_t sequences,
                                      AttentionConvention convention) {
    return attentionFlopsPerToken(shape, shape.context, convention) * sequences * shape.context;
}

std::uint64_t blockRecomputeFlops(const TransformerShape& shape, std::uint64_t sequences,
                                  AttentionConvention convention) {
    return 2 * blockParameters(shape) * sequences * shape.context +
           attentionRecomputeFlops(shape, sequences, convention);
}

std::uint64_t prefillFlops(const TransformerShape& shape, std::uint64_t prompt,
                           std::uint64_t headRows, AttentionConvention convention) {
    return 2 * blockParameters(shape) * prompt + 2 * shape.vocabulary * shape.width * headRows +
           attentionFlopsPerToken(shape, prompt, convention) * prompt;
}

std::uint64_t prefillBytes(const TransformerShape& shape, std::uint64_t prompt,
                           std::uint64_t weightBytes, std::uint64_t kvBytes) {
    return matmulParameters(shape) * weightBytes + prompt * kvBytesPerToken(shape, kvBytes);
}

std::uint64_t kvBytesPerToken(const TransformerShape& shape, std::uint64_t kvBytes) {
    return 2 * shape.layers * shape.keyValueHeads() * shape.headDim() * kvBytes;
}

std::uint64_t decodeStepFlops(const TransformerShape& shape, std::uint64_t batch,
                              std::uint64_t context) {
    return batch * (2 * matmulParameters(shape) + 4 * shape.layers * shape.width * context);
}

std::uint64_t decodeStepBytes(const TransformerShape& shape, std::uint64_t batch,
                              std::uint64_t context, std::uint64_t weightBytes,
                              std::uint64_t kvBytes) {
    return matmulParameters(shape) * weightBytes +
           batch * context * kvBytesPerToken(shape, kvBytes);
}

std::uint64_t weightBytes(const TransformerShape& shape, Storage storage) {
    return storedBytes(storage, matmulParameters(shape));
}

std::uint64_t kvBytesPerToken(const TransformerShape& shape, Storage cache) {
    return 2 * shape.layers *
           storedBytes(cache, shape.keyValueHeads() * shape.headDim(), shape.headDim());
}

std::uint64_t decodeStepBytes(const TransformerShape& shape, Storage weights, Storage cache,
                              std::uint64_t contextSum) {
    return weightBytes(shape, weights) + contextSum * kvBytesPerToken(shape, cache);
}

std::uint64_t passFlops(const TransformerShape& shape, std::uint64_t position, std::uint64_t rows,
                        std::uint64_t headRows) {
    return 2 * blockParameters(shape) * rows + 2 * shape.vocabulary * shape.width * headRows +
           4 * shape.layers * shape.width * attendedPairs(position, rows);
}

double decodeCrossoverBatch(double peakFlops, double readBandwidth, std::uint64_t weightBytes) {
    return peakFlops * static_cast<double>(weightBytes) / (2.0 * readBandwidth);
}

double decodeTimeFloor(std::uint64_t bytes, double readBandwidth) {
    return static_cast<double>(bytes) / readBandwidth;
}

std::uint64_t adamWBytes(std::uint64_t parameters) {
    return adamW(parameters).bytes();
}

std::uint64_t activationBytesPerLayer(const TransformerShape& shape, std::uint64_t sequences) {
    const std::uint64_t tokens = sequences * shape.context;
    return tokens * (34 * shape.width + 5 * shape.heads * shape.context);
}

double modelStateBytes(std::uint64_t parameters, int zeroStage, std::uint64_t ranks) {
    const auto count = static_cast<double>(parameters);
    const auto n = static_cast<double>(ranks);
    switch (zeroStage) {
        case 0:
            return 16.0 * count;
        case 1:
            return 4.0 * count + 12.0 * count / n;
        case 2:
            return 2.0 * count + 14.0 * count / n;
        default:
            return 16.0 * count / n;
    }
}

}  // namespace ridge::workloads::formulas
