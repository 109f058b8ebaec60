// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// The class behind makeCudaFamilyOperators(): the families' operators over the Device of the CUDA
// operators that they go with, on the same stream. Everybody but this folder and its tests includes
// cuda_family_operators.h.
//
// cuda_family.cu: embeddings, interactions, the sparse product, elementwise; cuda_convolution.cu:
// convolutions and batch norms.
//
// All results are the same from run to run, with one exception: embeddingBagUpdate adds with
// atomics, so the last bits of a row depend on the order in which its bags arrive.

#include "workloads/families/family_operators.h"
#include "workloads/ops/cuda/device.h"

namespace ridge::workloads::cuda {

class CudaFamilyOperators : public FamilyOperators {
public:
    // The device outlives this object and frees what it allocated.
    explicit CudaFamilyOperators(Device& device) : m_device(device) {}

    const Status& status() const override { return m_device.status(); }
    std::int64_t primitiveCount() const override { return m_device.planCount(); }

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
    // At least this many bytes that live until the next call for the same slot; null when the
    // device has none (its status says so).
    enum Slot { kColumnRows, kOperand, kWeightCopy, kPartials, kSlots };
    void* scratch(Slot slot, std::int64_t bytes);

    Device& m_device;
    struct Room {
        void* data = nullptr;
        std::int64_t bytes = 0;
    };
    Room m_rooms[kSlots];
};

}  // namespace ridge::workloads::cuda
