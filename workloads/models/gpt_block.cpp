// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/models/gpt_block.h"

namespace ridge::workloads {

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
                           .accumulate = false,
                           .leftIsGradient = true,
                           .rightIsWeight = true});
    ops.gemm(names.weight, {.layout = GemmLayout::kTN,
                            .m = a.outputs,
                            .n = a.inputs,
                            .k = a.rows,
                            .a = a.dY,
                            .b = a.x,
                            .c = a.dWeight,
                            .bias = {},
                            .accumulate = accumulate,
                            .leftIsGradient = true});
    if (!a.dBias.empty()) ops.columnSum(names.bias, a.dY, a.rows, a.outputs, a.dBias, accumulate);
}

BlockParameters::BlockParameters(const GptConfig& config, const GptBlockOffsets& at,
                                 const Tensor& flat) {
    const std::int64_t c = config.width;
    const auto matrix = [&](std::int64_t offset, std::int64_t n, std::int64_t k) {
        return Weight{flat.slice(offset, n * k), {}, n, k};
    };
    norm1Gamma = flat.slice(at.norm1Gamma, c);
    norm1Beta = flat.slice(at.norm1Beta, c);
    qkvWeight = matrix(at.qkvWeight, 3 * c, c);
    qkvBias = flat.slice(at.qkvBias, 3 * c);
    outWeight = matrix(at.outWeight, c, c);
    outBias = flat.slice(at.outBias, c);
    norm2Gamma = flat.slice(at.norm2Gamma, c);
    norm2Beta = flat.slice(at.norm2Beta, c);
    upWeight = matrix(at.upWeight, 4 * c, c);
    upBias = flat.slice(at.upBias, 4 * c);
    downWeight = matrix(at.downWeight, c, 4 * c);
    downBias = flat.slice(at.downBias, c);
}

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

void blockForward(Operators& ops, const GptConfig& config, const BlockParameters& p,
                  const BlockBuffers& buffers, const Tensor& input, const Tensor& branch,
                  std::int64_t rows, const std::function<void()>& attend) {
    const std::int64_t c = config.width;
    const std::int64_t plain = rows * c;
    ops.layerNormForward("norm1", rows, c, input, p.norm1Gamma, p.norm1Beta, buffers.norm1,
                         buffers.mean1, buffers.rstd1);
    ops.linear("qkv", p.qkvWeight, buffers.norm1, p.qkvBias, buffers.qkv, rows);
    attend();
    ops.linear("attention.out", p.outWeight, buffers.attention, p.outBias, branch, rows);
    ops.add("residual1", input.slice(0, plain), branch, buffers.middle);
    ops.layerNormForward("norm2", rows, c, buffers.middle, p.norm2Gamma, p.norm2Beta, buffers.norm2,
                         buffers.mean2, buffers.rstd2);
    ops.linear("mlp.up", p.upWeight, buffers.norm2, p.upBias, buffers.up, rows);
    ops.geluForward("mlp.gelu", buffers.up.slice(0, 4 * plain), buffers.gelu);
    ops.linear("mlp.down", p.downWeight, buffers.gelu, p.downBias, branch, rows);
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
                   {dStream, buffers.gelu, p.downWeight.values, scratch.wide, g.downWeight.values,
                    g.downBias, rows, c, 4 * c},
                   accumulate);
    ops.geluBackward("mlp.gelu.dx", buffers.up, scratch.wide, scratch.wide);
    linearBackward(ops, {"mlp.up.dx", "mlp.up.dw", "mlp.up.db"},
                   {scratch.wide, buffers.norm2, p.upWeight.values, scratch.narrow,
                    g.upWeight.values, g.upBias, rows, 4 * c, c},
                   accumulate);
    ops.layerNormBackward("norm2.dx", rows, c, scratch.narrow, buffers.middle, p.norm2Gamma,
                          buffers.mean2, buffers.rstd2,
                          {dStream, g.norm2Gamma, g.norm2Beta, true, accumulate});
    // Attention branch.
    linearBackward(ops, {"attention.out.dx", "attention.out.dw", "attention.out.db"},
                   {dStream, buffers.attention, p.outWeight.values, scratch.narrow,
                    g.outWeight.values, g.outBias, rows, c, c},
                   accumulate);
    attendBackward(scratch.narrow, scratch.wide);
    linearBackward(ops, {"qkv.dx", "qkv.dw", "qkv.db"},
                   {scratch.wide, buffers.norm1, p.qkvWeight.values, scratch.narrow,
                    g.qkvWeight.values, g.qkvBias, rows, 3 * c, c},
                   accumulate);
    ops.layerNormBackward("norm1.dx", rows, c, scratch.narrow, input, p.norm1Gamma, buffers.mean1,
                          buffers.rstd1, {dStream, g.norm1Gamma, g.norm1Beta, true, accumulate});
}

}  // namespace ridge::workloads
