// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Operators that other model families need beside ops/operators.h: bags of embeddings, their
// interaction, products with a sparse matrix, convolutions with what stands around them.
//
// As there: each public operator opens one ridge::WorkRange with its FLOPs and minimal bytes
// (formulas/family_cost.h) around the implementation's do*(), ranges never nest, shapes are the
// caller's duty (RIDGE_CHECK guards them), a failure is kept in status(). Tensors are float unless
// said, and of the Operators object that goes with this one. One thread uses an object at a time.

#include "base/result.h"
#include "workloads/formulas/family_cost.h"
#include "workloads/ops/tensor.h"

#include <cstdint>
#include <memory>

namespace ridge::workloads {

// `tables` tables of `rows` rows, one after the other in one tensor. Index i of bag (sample s,
// table t) is at (s * tables + t) * perBag + i and counts within its table.
struct BagArgs {
    std::int64_t tables = 1;
    std::int64_t rows = 1;
    std::int64_t width = 1;
    std::int64_t samples = 1;
    std::int64_t perBag = 1;
    std::int64_t distinct = 0;  // rows that the indices name at all, over all tables; for the bytes

    [[nodiscard]] std::int64_t bags() const { return samples * tables; }
    [[nodiscard]] std::int64_t lookups() const { return bags() * perBag; }
};

// Row r has the elements [offsets(r), offsets(r + 1)); offsets and indices are int32.
struct CsrMatrix {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t nonZeros = 0;
    Tensor offsets, indices, values;
};

// Images are NHWC, weights O, height, width, I. Padding is kernel / 2. `type`: what operands are
// rounded to before they are multiplied (f32 or bf16); arrays and sums are float.
struct ConvolutionArgs {
    formulas::ConvolutionShape shape;
    ridge_dtype type = RIDGE_DTYPE_F32;
};

struct BatchNormArgs {
    std::int64_t rows = 1;  // samples * height * width
    std::int64_t channels = 1;
    Tensor scale, shift, mean, variance;  // mean and variance are written by the forward pass
};

class FamilyOperators {
public:
    virtual ~FamilyOperators() = default;
    FamilyOperators() = default;
    FamilyOperators(const FamilyOperators&) = delete;
    FamilyOperators& operator=(const FamilyOperators&) = delete;

    [[nodiscard]] virtual const Status& status() const = 0;
    // How many compiled primitives exist; must not grow while steps are timed.
    [[nodiscard]] virtual std::int64_t primitiveCount() const = 0;

    // out(sample, table) = sum of the rows of its bag.
    void embeddingBag(const char* name, const BagArgs& args, const Tensor& table,
                      const Tensor& indices, const Tensor& out);
    // Gradient and plain SGD in one: every looked-up row -= rate * dOut(its bag).
    void embeddingBagUpdate(const char* name, const BagArgs& args, const Tensor& indices,
                            const Tensor& dOut, float rate, const Tensor& table);
    // out(s) = [dense(s) | products of all pairs of {dense(s), bags(s, 0..tables)}].
    void dotInteraction(const char* name, std::int64_t samples, std::int64_t tables,
                        std::int64_t width, const Tensor& dense, const Tensor& bags,
                        const Tensor& out);
    void dotInteractionBackward(const char* name, std::int64_t samples, std::int64_t tables,
                                std::int64_t width, const Tensor& dense, const Tensor& bags,
                                const Tensor& dOut, const Tensor& dDense, const Tensor& dBags);
    // losses(r) = log(1 + exp(-z)), z the logit for label 1 and minus the logit for 0; logits
    // become (sigmoid - label) * scale.
    void logisticLoss(const char* name, std::int64_t rows, const Tensor& logits,
                      const Tensor& labels, const Tensor& losses, float scale);

    // y(rows, width) = A x(columns, width).
    void spmm(const char* name, const CsrMatrix& matrix, std::int64_t width, const Tensor& x,
              const Tensor& y);

    void convolution(const char* name, const ConvolutionArgs& args, const Tensor& x,
                     const Tensor& weights, const Tensor& y);
    void convolutionBackwardData(const char* name, const ConvolutionArgs& args, const Tensor& dY,
                                 const Tensor& weights, const Tensor& dX);
    void convolutionBackwardWeights(const char* name, const ConvolutionArgs& args, const Tensor& x,
                                    const Tensor& dY, const Tensor& dWeights);
    // Training: statistics of this batch. Epsilon 1e-5.
    void batchNorm(const char* name, const BatchNormArgs& args, const Tensor& x, const Tensor& y);
    void batchNormBackward(const char* name, const BatchNormArgs& args, const Tensor& x,
                           const Tensor& dY, const Tensor& dX, const Tensor& dScale,
                           const Tensor& dShift);
    // y(sample, channel) = mean over its pixels.
    void averagePool(const char* name, std::int64_t samples, std::int64_t pixels,
                     std::int64_t channels, const Tensor& x, const Tensor& y);
    void averagePoolBackward(const char* name, std::int64_t samples, std::int64_t pixels,
                             std::int64_t channels, const Tensor& dY, const Tensor& dX);

    // y = max(x, 0); y may be x. Backward by the output: dX = y > 0 ? dY : 0; dX may be dY.
    void relu(const char* name, const Tensor& x, const Tensor& y);
    void reluBackward(const char* name, const Tensor& y, const Tensor& dY, const Tensor& dX);
    // y = max(a + b, 0); y may be either.
    void addRelu(const char* name, const Tensor& a, const Tensor& b, const Tensor& y);
    // weights -= rate * gradients.
    void sgd(const char* name, float rate, const Tensor& weights, const Tensor& gradients);

protected:
    virtual void doEmbeddingBag(const BagArgs& args, const Tensor& table, const Tensor& indices,
                                const Tensor& out) = 0;
    virtual void doEmbeddingBagUpdate(const BagArgs& args, const Tensor& indices,
                                      const Tensor& dOut, float rate, const Tensor& table) = 0;
    virtual void doDotInteraction(std::int64_t samples, std::int64_t tables, std::int64_t width,
                                  const Tensor& dense, const Tensor& bags, const Tensor& out) = 0;
    virtual void doDotInteractionBackward(std::int64_t samples, std::int64_t tables,
                                          std::int64_t width, const Tensor& dense,
                                          const Tensor& bags, const Tensor& dOut,
                                          const Tensor& dDense, const Tensor& dBags) = 0;
    virtual void doLogisticLoss(std::int64_t rows, const Tensor& logits, const Tensor& labels,
                                const Tensor& losses, float scale) = 0;
    virtual void doSpmm(const CsrMatrix& matrix, std::int64_t width, const Tensor& x,
                        const Tensor& y) = 0;
    virtual void doConvolution(const ConvolutionArgs& args, const Tensor& x, const Tensor& weights,
                               const Tensor& y) = 0;
    virtual void doConvolutionBackwardData(const ConvolutionArgs& args, const Tensor& dY,
                                           const Tensor& weights, const Tensor& dX) = 0;
    virtual void doConvolutionBackwardWeights(const ConvolutionArgs& args, const Tensor& x,
                                              const Tensor& dY, const Tensor& dWeights) = 0;
    virtual void doBatchNorm(const BatchNormArgs& args, const Tensor& x, const Tensor& y) = 0;
    virtual void doBatchNormBackward(const BatchNormArgs& args, const Tensor& x, const Tensor& dY,
                                     const Tensor& dX, const Tensor& dScale,
                                     const Tensor& dShift) = 0;
    virtual void doAveragePool(std::int64_t samples, std::int64_t pixels, std::int64_t channels,
                               const Tensor& x, const Tensor& y) = 0;
    virtual void doAveragePoolBackward(std::int64_t samples, std::int64_t pixels,
                                       std::int64_t channels, const Tensor& dY,
                                       const Tensor& dX) = 0;
    virtual void doRelu(const Tensor& x, const Tensor& y) = 0;
    virtual void doReluBackward(const Tensor& y, const Tensor& dY, const Tensor& dX) = 0;
    virtual void doAddRelu(const Tensor& a, const Tensor& b, const Tensor& y) = 0;
    virtual void doSgd(float rate, const Tensor& weights, const Tensor& gradients) = 0;
};

// Over host memory: convolutions and batch norms by oneDNN, the rest by loops of our own. 0
// threads: as ops/cpu/threads.h decides.
[[nodiscard]] std::unique_ptr<FamilyOperators> makeCpuFamilyOperators(int threads);

}  // namespace ridge::workloads
