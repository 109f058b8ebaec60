// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_block.h"

namespace ridge::workloads {

namespace {

struct LinearNames {
    const char* input;
    const char* weight;
    const char* bias;
};

// dX = dY W (when wanted), dW = dY^T X, db = column sums of dY.
struct LinearBackward {
    Tensor dY, x, weight;
    Tensor dX, dWeight, dBias;
    std::int64_t rows, outputs, inputs;
};

void linearBackward(Operators& ops, const LinearNames& names, const LinearBackward& a,
                    bool accumulate) {
    ops.gemm(names.input, {.layout = GemmLayout::kNN,
                           .m = a.rows,
                           .n = a.inputs,
                           .k = a.outputs,
                           .a = a.dY,
                           .b = a.weight,
                           .c = a.dX,
                           .bias = {},
                           .accumulate = false});
    ops.gemm(names.weight, {.layout = GemmLayout::kTN,
                            .m = a.outputs,
                            .n = a.inputs,
                            .k = a.rows,
                            .a = a.dY,
                            .b = a.x,
                            .c = a.dWeight,
                            .bias = {},
                            .accumulate = accumulate});
    ops.columnSum(names.bias, a.dY, a.rows, a.outputs, a.dBias, accumulate);
}

}  // namespace

BlockParameters::BlockParameters(const GptConfig& config, const GptBlockOffsets& at,
                                 const Tensor& flat)
    : norm1Gamma(flat.slice(at.norm1Gamma, config.width)),
      norm1Beta(flat.slice(at.norm1Beta, config.width)),
      qkvWeight(flat.slice(at.qkvWeight, 3 * config.width * config.width)),
      qkvBias(flat.slice(at.qkvBias, 3 * config.width)),
      outWeight(flat.slice(at.outWeight, config.width * config.width)),
      outBias(flat.slice(at.outBias, config.width)),
      norm2Gamma(flat.slice(at.norm2Gamma, config.width)),
      norm2Beta(flat.slice(at.norm2Beta, config.width)),
      upWeight(flat.slice(at.upWeight, 4 * config.width * config.width)),
      upBias(flat.slice(at.upBias, 4 * config.width)),
      downWeight(flat.slice(at.downWeight, 4 * config.width * config.width)),
      downBias(flat.slice(at.downBias, config.width)) {}

BlockBuffers BlockBuffers::allocate(Operators& ops, const GptConfig& config, std::int64_t rows) {
    const std::int64_t plain = rows * config.width;
    BlockBuffers buffers;
    buffers.norm1 = ops.allocate(plain);
    buffers.mean1 = ops.allocate(rows);
    buffers.rstd1 = ops.allocate(rows);
    buffers.qkv = ops.allocate(3 * plain);
    buffers.attention = ops.allocate(plain);
    buffers.middle = ops.allocate(plain);
    buffers.norm2 = ops.allocate(plain);
    buffers.mean2 = ops.allocate(rows);
    buffers.rstd2 = ops.allocate(rows);
    buffers.up = ops.allocate(4 * plain);
    buffers.gelu = ops.allocate(4 * plain);
    buffers.output = ops.allocate(plain);
    return buffers;
}

void linearForward(Operators& ops, const char* name, const Tensor& x, const Tensor& weight,
                   const Tensor& bias, const Tensor& y, std::int64_t rows, std::int64_t outputs,
                   std::int64_t inputs) {
    if (rows == 1) {
        ops.gemv(name, weight, x, bias, y, outputs, inputs);
        return;
    }
    ops.gemm(name, {.layout = GemmLayout::kNT,
                    .m = rows,
                    .n = outputs,
                    .k = inputs,
                    .a = x,
                    .b = weight,
                    .c = y,
                    .bias = bias,
                    .accumulate = false});
}

void blockForward(Operators& ops, const GptConfig& config, const BlockParameters& p,
                  const BlockBuffers& buffers, const Tensor& input, const Tensor& branch,
                  std::int64_t rows, const std::function<void()>& attend) {
    const std::int64_t c = config.width;
    const std::int64_t plain = rows * c;
    ops.layerNormForward("norm1", rows, c, input, p.norm1Gamma, p.norm1Beta, buffers.norm1,
                         buffers.mean1, buffers.rstd1);
    linearForward(ops, "qkv", buffers.norm1, p.qkvWeight, p.qkvBias, buffers.qkv, rows, 3 * c, c);
    attend();
    linearForward(ops, "attention.out", buffers.attention, p.outWeight, p.outBias, branch, rows, c,
                  c);
    ops.add("residual1", input.slice(0, plain), branch, buffers.middle);
    ops.layerNormForward("norm2", rows, c, buffers.middle, p.norm2Gamma, p.norm2Beta, buffers.norm2,
                         buffers.mean2, buffers.rstd2);
    linearForward(ops, "mlp.up", buffers.norm2, p.upWeight, p.upBias, buffers.up, rows, 4 * c, c);
    ops.geluForward("mlp.gelu", buffers.up.slice(0, 4 * plain), buffers.gelu);
    linearForward(ops, "mlp.down", buffers.gelu, p.downWeight, p.downBias, branch, rows, c, 4 * c);
    ops.add("residual2", buffers.middle.slice(0, plain), branch, buffers.output);
}

void blockBackward(
    Operators& ops, const GptConfig& config, const BlockParameters& p, const BlockParameters& g,
    const BlockBuffers& buffers, const Tensor& input, const Tensor& dStream,
    const BlockScratch& scratch, std::int64_t rows, bool accumulate,
    const std::function<void(const Tensor& dOut, const Tensor& dQkv)>& attendBackward) {
    const std::int64_t c = config.width;
    // MLP branch: the stream's gradient passes through and is added to by the norm's.
    linearBackward(ops, {"mlp.down.dx", "mlp.down.dw", "mlp.down.db"},
                   {dStream, buffers.gelu, p.downWeight, scratch.wide, g.downWeight, g.downBias,
                    rows, c, 4 * c},
                   accumulate);
    ops.geluBackward("mlp.gelu.dx", buffers.up, scratch.wide, scratch.wide);
    linearBackward(ops, {"mlp.up.dx", "mlp.up.dw", "mlp.up.db"},
                   {scratch.wide, buffers.norm2, p.upWeight, scratch.narrow, g.upWeight, g.upBias,
                    rows, 4 * c, c},
                   accumulate);
    ops.layerNormBackward("norm2.dx", rows, c, scratch.narrow, buffers.middle, p.norm2Gamma,
                          buffers.mean2, buffers.rstd2,
                          {dStream, g.norm2Gamma, g.norm2Beta, true, accumulate});
    // Attention branch.
    linearBackward(ops, {"attention.out.dx", "attention.out.dw", "attention.out.db"},
                   {dStream, buffers.attention, p.outWeight, scratch.narrow, g.outWeight, g.outBias,
                    rows, c, c},
                   accumulate);
    attendBackward(scratch.narrow, scratch.wide);
    linearBackward(ops, {"qkv.dx", "qkv.dw", "qkv.db"},
                   {scratch.wide, buffers.norm1, p.qkvWeight, scratch.narrow, g.qkvWeight,
                    g.qkvBias, rows, 3 * c, c},
                   accumulate);
    ops.layerNormBackward("norm1.dx", rows, c, scratch.narrow, input, p.norm1Gamma, buffers.mean1,
                          buffers.rstd1, {dStream, g.norm1Gamma, g.norm1Beta, true, accumulate});
}

}  // namespace ridge::workloads
