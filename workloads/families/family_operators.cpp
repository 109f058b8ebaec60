// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/family_operators.h"

#include <ridge/work.h>

namespace ridge::workloads {

namespace {

std::uint64_t u64(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

Work payload(ridge_op_kind kind, const formulas::OpCost& cost,
             ridge_dtype dtype = RIDGE_DTYPE_F32) {
    return opWork(kind, dtype, cost.flops, cost.bytesRead, cost.bytesWritten);
}

void checkAtLeast(const Tensor& tensor, std::int64_t count) {
    RIDGE_CHECK(tensor.count >= count, "tensor is smaller than the operator's shape");
}

void checkBags(const BagArgs& args, const Tensor& table, const Tensor& indices,
               const Tensor& bags) {
    checkAtLeast(table, args.tables * args.rows * args.width);
    checkAtLeast(indices, args.lookups());
    checkAtLeast(bags, args.bags() * args.width);
}

void checkConvolution(const formulas::ConvolutionShape& shape, const Tensor& in,
                      const Tensor& weights, const Tensor& out) {
    checkAtLeast(in, static_cast<std::int64_t>(shape.inElements()));
    checkAtLeast(weights, static_cast<std::int64_t>(shape.weights()));
    checkAtLeast(out, static_cast<std::int64_t>(shape.outElements()));
}

}  // namespace

void FamilyOperators::embeddingBag(const char* name, const BagArgs& args, const Tensor& table,
                                   const Tensor& indices, const Tensor& out) {
    checkBags(args, table, indices, out);
    const WorkRange range(
        name,
        payload(RIDGE_OP_EMBEDDING, formulas::embeddingBag(u64(args.bags()), u64(args.lookups()),
                                                           u64(args.distinct), u64(args.width))));
    doEmbeddingBag(args, table, indices, out);
}

void FamilyOperators::embeddingBagUpdate(const char* name, const BagArgs& args,
                                         const Tensor& indices, const Tensor& dOut, float rate,
                                         const Tensor& table) {
    checkBags(args, table, indices, dOut);
    const WorkRange range(
        name, payload(RIDGE_OP_EMBEDDING,
                      formulas::embeddingBagUpdate(u64(args.bags()), u64(args.lookups()),
                                                   u64(args.distinct), u64(args.width))));
    doEmbeddingBagUpdate(args, indices, dOut, rate, table);
}

void FamilyOperators::dotInteraction(const char* name, std::int64_t samples, std::int64_t tables,
                                     std::int64_t width, const Tensor& dense, const Tensor& bags,
                                     const Tensor& out) {
    checkAtLeast(dense, samples * width);
    checkAtLeast(bags, samples * tables * width);
    checkAtLeast(out, samples * static_cast<std::int64_t>(
                                    formulas::interactionWidth(u64(tables) + 1, u64(width))));
    const WorkRange range(
        name, payload(RIDGE_OP_GEMM,
                      formulas::dotInteraction(u64(samples), u64(tables) + 1, u64(width))));
    doDotInteraction(samples, tables, width, dense, bags, out);
}

void FamilyOperators::dotInteractionBackward(const char* name, std::int64_t samples,
                                             std::int64_t tables, std::int64_t width,
                                             const Tensor& dense, const Tensor& bags,
                                             const Tensor& dOut, const Tensor& dDense,
                                             const Tensor& dBags) {
    checkAtLeast(dDense, samples * width);
    checkAtLeast(dBags, samples * tables * width);
    checkAtLeast(dOut, samples * static_cast<std::int64_t>(
                                     formulas::interactionWidth(u64(tables) + 1, u64(width))));
    const WorkRange range(
        name, payload(RIDGE_OP_GEMM,
                      formulas::dotInteractionBackward(u64(samples), u64(tables) + 1, u64(width))));
    doDotInteractionBackward(samples, tables, width, dense, bags, dOut, dDense, dBags);
}

void FamilyOperators::logisticLoss(const char* name, std::int64_t rows, const Tensor& logits,
                                   const Tensor& labels, const Tensor& losses, float scale) {
    checkAtLeast(logits, rows);
    checkAtLeast(labels, rows);
    checkAtLeast(losses, rows);
    const WorkRange range(name, payload(RIDGE_OP_OTHER, formulas::logisticLoss(u64(rows))));
    doLogisticLoss(rows, logits, labels, losses, scale);
}

void FamilyOperators::spmm(const char* name, const CsrMatrix& matrix, std::int64_t width,
                           const Tensor& x, const Tensor& y) {
    checkAtLeast(matrix.offsets, matrix.rows + 1);
    checkAtLeast(matrix.indices, matrix.nonZeros);
    checkAtLeast(matrix.values, matrix.nonZeros);
    checkAtLeast(x, matrix.columns * width);
    checkAtLeast(y, matrix.rows * width);
    const WorkRange range(
        name, payload(RIDGE_OP_OTHER, formulas::spmm(u64(matrix.rows), u64(matrix.columns),
                                                     u64(matrix.nonZeros), u64(width))));
    doSpmm(matrix, width, x, y);
}

void FamilyOperators::convolution(const char* name, const ConvolutionArgs& args, const Tensor& x,
                                  const Tensor& weights, const Tensor& y) {
    checkConvolution(args.shape, x, weights, y);
    const WorkRange range(name,
                          payload(RIDGE_OP_GEMM, formulas::convolution(args.shape), args.type));
    doConvolution(args, x, weights, y);
}

void FamilyOperators::convolutionBackwardData(const char* name, const ConvolutionArgs& args,
                                              const Tensor& dY, const Tensor& weights,
                                              const Tensor& dX) {
    checkConvolution(args.shape, dX, weights, dY);
    const WorkRange range(
        name, payload(RIDGE_OP_GEMM, formulas::convolutionBackwardData(args.shape), args.type));
    doConvolutionBackwardData(args, dY, weights, dX);
}

void FamilyOperators::convolutionBackwardWeights(const char* name, const ConvolutionArgs& args,
                                                 const Tensor& x, const Tensor& dY,
                                                 const Tensor& dWeights) {
    checkConvolution(args.shape, x, dWeights, dY);
    const WorkRange range(
        name, payload(RIDGE_OP_GEMM, formulas::convolutionBackwardWeights(args.shape), args.type));
    doConvolutionBackwardWeights(args, x, dY, dWeights);
}

void FamilyOperators::batchNorm(const char* name, const BatchNormArgs& args, const Tensor& x,
                                const Tensor& y) {
    checkAtLeast(x, args.rows * args.channels);
    checkAtLeast(y, args.rows * args.channels);
    for (const Tensor* each : {&args.scale, &args.shift, &args.mean, &args.variance})
        checkAtLeast(*each, args.channels);
    const WorkRange range(name, payload(RIDGE_OP_NORM, formulas::batchNormForward(
                                                           u64(args.rows), u64(args.channels))));
    doBatchNorm(args, x, y);
}

void FamilyOperators::batchNormBackward(const char* name, const BatchNormArgs& args,
                                        const Tensor& x, const Tensor& dY, const Tensor& dX,
                                        const Tensor& dScale, const Tensor& dShift) {
    for (const Tensor* each : {&x, &dY, &dX}) checkAtLeast(*each, args.rows * args.channels);
    checkAtLeast(dScale, args.channels);
    checkAtLeast(dShift, args.channels);
    const WorkRange range(name, payload(RIDGE_OP_NORM, formulas::batchNormBackward(
                                                           u64(args.rows), u64(args.channels))));
    doBatchNormBackward(args, x, dY, dX, dScale, dShift);
}

void FamilyOperators::averagePool(const char* name, std::int64_t samples, std::int64_t pixels,
                                  std::int64_t channels, const Tensor& x, const Tensor& y) {
    checkAtLeast(x, samples * pixels * channels);
    checkAtLeast(y, samples * channels);
    const WorkRange range(
        name,
        payload(RIDGE_OP_OTHER, formulas::averagePool(u64(samples), u64(pixels), u64(channels))));
    doAveragePool(samples, pixels, channels, x, y);
}

void FamilyOperators::averagePoolBackward(const char* name, std::int64_t samples,
                                          std::int64_t pixels, std::int64_t channels,
                                          const Tensor& dY, const Tensor& dX) {
    checkAtLeast(dX, samples * pixels * channels);
    checkAtLeast(dY, samples * channels);
    const WorkRange range(
        name, payload(RIDGE_OP_OTHER,
                      formulas::averagePoolBackward(u64(samples), u64(pixels), u64(channels))));
    doAveragePoolBackward(samples, pixels, channels, dY, dX);
}

void FamilyOperators::relu(const char* name, const Tensor& x, const Tensor& y) {
    checkAtLeast(y, x.count);
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE, formulas::elementwise(u64(x.count), 1, 1)));
    doRelu(x, y);
}

void FamilyOperators::reluBackward(const char* name, const Tensor& y, const Tensor& dY,
                                   const Tensor& dX) {
    checkAtLeast(y, dY.count);
    checkAtLeast(dX, dY.count);
    const WorkRange range(
        name, payload(RIDGE_OP_ELEMENTWISE, formulas::elementwise(u64(dY.count), 2, 1)));
    doReluBackward(y, dY, dX);
}

void FamilyOperators::addRelu(const char* name, const Tensor& a, const Tensor& b, const Tensor& y) {
    checkAtLeast(b, a.count);
    checkAtLeast(y, a.count);
    const WorkRange range(name,
                          payload(RIDGE_OP_ELEMENTWISE, formulas::elementwise(u64(a.count), 2, 2)));
    doAddRelu(a, b, y);
}

void FamilyOperators::sgd(const char* name, float rate, const Tensor& weights,
                          const Tensor& gradients) {
    checkAtLeast(gradients, weights.count);
    const WorkRange range(name, payload(RIDGE_OP_OPTIMIZER, formulas::sgd(u64(weights.count))));
    doSgd(rate, weights, gradients);
}

}  // namespace ridge::workloads
