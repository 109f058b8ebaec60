// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// One transformer block, forward and backward, written once over Operators for training, prefill
// and decoding. The caller gives the parameters, the buffers and the attention step (which differs:
// stored probabilities, cache, one query). Rows are tokens of all sequences; nothing allocates.

#include "workloads/models/gpt_layout.h"
#include "workloads/ops/operators.h"

#include <cstdint>
#include <functional>

namespace ridge::workloads {

// A block's parameters, or their gradients: views of the flat array, or matrices stored otherwise.
struct BlockParameters {
    Tensor norm1Gamma, norm1Beta, qkvBias, outBias;
    Tensor norm2Gamma, norm2Beta, upBias, downBias;
    Weight qkvWeight, outWeight, upWeight, downWeight;

    BlockParameters() = default;
    BlockParameters(const GptConfig& config, const GptBlockOffsets& at, const Tensor& flat);
};

// What a forward pass leaves behind. Inference uses one set for all layers.
struct BlockBuffers {
    Tensor norm1, mean1, rstd1;  // rows x C, rows, rows
    Tensor qkv;                  // rows x 3C
    Tensor attention;            // rows x C
    Tensor middle;               // rows x C: input + attention branch
    Tensor norm2, mean2, rstd2;
    Tensor up, gelu;  // rows x 4C
    Tensor output;    // rows x C: middle + MLP branch

    static BlockBuffers allocate(Operators& ops, const GptConfig& config, std::int64_t rows);
};

// The gradients of y = x W^T + b: dX = dY W, dW = dY^T x, db = column sums of dY (none when dBias
// is empty). dX is replaced; accumulate adds to the other two.
struct LinearNames {
    const char* input;
    const char* weight;
    const char* bias;
};
struct LinearBackward {
    Tensor dY, x, weight;
    Tensor dX, dWeight, dBias;
    std::int64_t rows, outputs, inputs;
};
void linearBackward(Operators& ops, const LinearNames& names, const LinearBackward& a,
                    bool accumulate);

// attend() fills buffers.attention from buffers.qkv; `branch` is rows x C of scratch.
void blockForward(Operators& ops, const GptConfig& config, const BlockParameters& parameters,
                  const BlockBuffers& buffers, const Tensor& input, const Tensor& branch,
                  std::int64_t rows, const std::function<void()>& attend);

struct BlockScratch {
    Tensor wide;    // rows x 4C
    Tensor narrow;  // rows x C
};
// dStream is the gradient of the block's output and becomes that of its input. attendBackward(dOut,
// dQkv) differentiates the attention step.
void blockBackward(
    Operators& ops, const GptConfig& config, const BlockParameters& parameters,
    const BlockParameters& gradients, const BlockBuffers& buffers, const Tensor& input,
    const Tensor& dStream, const BlockScratch& scratch, std::int64_t rows, bool accumulate,
    const std::function<void(const Tensor& dOut, const Tensor& dQkv)>& attendBackward);

}  // namespace ridge::workloads
