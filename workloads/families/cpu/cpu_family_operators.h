// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The class behind makeCpuFamilyOperators(), for this folder and for tests, which break one
// operator on purpose (derive, override, turn a sign) to see that a workload notices.

#include "workloads/families/cpu/dnnl_convolution.h"
#include "workloads/families/family_operators.h"

namespace ridge::workloads {

class CpuFamilyOperators : public FamilyOperators {
public:
    explicit CpuFamilyOperators(int threads);

    const Status& status() const override { return m_status; }
    std::int64_t primitiveCount() const override { return m_convolution.primitiveCount(); }

protected:
    void doEmbeddingBag(const BagArgs& args, const Tensor& table, const Tensor& indices,
                        const Tensor& out) override;
    void doEmbeddingBagUpdate(const BagArgs& args, const Tensor& indices, const Tensor& dOut,
                              float rate, const Tensor& table) override;
    void doDotInteraction(std::int64_t samples, std::int64_t tables, std::int64_t width,
                          const Tensor& dense, const Tensor& bags, const Tensor& out) override;
    void doDotInteractionBackward(std::int64_t samples, std::int64_t tables, std::int64_t width,
                                  const Tensor& dense, const Tensor& bags, const Tensor& dOut,
                                  const Tensor& dDense, const Tensor& dBags) override;
    void doLogisticLoss(std::int64_t rows, const Tensor& logits, const Tensor& labels,
                        const Tensor& losses, float scale) override;
    void doSpmm(const CsrMatrix& matrix, std::int64_t width, const Tensor& x,
                const Tensor& y) override;
    void doConvolution(const ConvolutionArgs& args, const Tensor& x, const Tensor& weights,
                       const Tensor& y) override;
    void doConvolutionBackwardData(const ConvolutionArgs& args, const Tensor& dY,
                                   const Tensor& weights, const Tensor& dX) override;
    void doConvolutionBackwardWeights(const ConvolutionArgs& args, const Tensor& x,
                                      const Tensor& dY, const Tensor& dWeights) override;
    void doBatchNorm(const BatchNormArgs& args, const Tensor& x, const Tensor& y) override;
    void doBatchNormBackward(const BatchNormArgs& args, const Tensor& x, const Tensor& dY,
                             const Tensor& dX, const Tensor& dScale, const Tensor& dShift) override;
    void doAveragePool(std::int64_t samples, std::int64_t pixels, std::int64_t channels,
                       const Tensor& x, const Tensor& y) override;
    void doAveragePoolBackward(std::int64_t samples, std::int64_t pixels, std::int64_t channels,
                               const Tensor& dY, const Tensor& dX) override;
    void doRelu(const Tensor& x, const Tensor& y) override;
    void doReluBackward(const Tensor& y, const Tensor& dY, const Tensor& dX) override;
    void doAddRelu(const Tensor& a, const Tensor& b, const Tensor& y) override;
    void doSgd(float rate, const Tensor& weights, const Tensor& gradients) override;

private:
    void keep(const Status& status) {
        if (m_status.ok() && !status.ok()) m_status = status;
    }

    int m_threads;
    Status m_status;
    cpu::DnnlConvolution m_convolution;
};

}  // namespace ridge::workloads
