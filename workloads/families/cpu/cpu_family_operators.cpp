// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/cpu/cpu_family_operators.h"

#include "workloads/families/cpu/family_kernels.h"
#include "workloads/ops/cpu/threads.h"

#include <cmath>

namespace ridge::workloads {

using cpu::forRanges;

namespace {

constexpr std::int64_t kElements = 1024;  // a part of an array for one thread at least

cpu::Bags bagsOf(const BagArgs& args) {
    return {args.tables, args.rows, args.width, args.samples, args.perBag};
}

}  // namespace

CpuFamilyOperators::CpuFamilyOperators(int threads) : m_threads(cpu::configureThreads(threads)) {}

// By tables: no two threads ever write the same row.
void CpuFamilyOperators::doEmbeddingBag(const BagArgs& args, const Tensor& table,
                                        const Tensor& indices, const Tensor& out) {
    forRanges(m_threads, args.tables, 1, [&](std::int64_t begin, std::int64_t end) {
        cpu::sumBags(bagsOf(args), begin, end, table.f32(), indices.i32(), out.f32());
    });
}

void CpuFamilyOperators::doEmbeddingBagUpdate(const BagArgs& args, const Tensor& indices,
                                              const Tensor& dOut, float rate, const Tensor& table) {
    forRanges(m_threads, args.tables, 1, [&](std::int64_t begin, std::int64_t end) {
        cpu::updateBags(bagsOf(args), begin, end, indices.i32(), dOut.f32(), rate, table.f32());
    });
}

void CpuFamilyOperators::doDotInteraction(std::int64_t samples, std::int64_t tables,
                                          std::int64_t width, const Tensor& dense,
                                          const Tensor& bags, const Tensor& out) {
    forRanges(m_threads, samples, 16, [&](std::int64_t begin, std::int64_t end) {
        cpu::interact({tables, width}, begin, end, dense.f32(), bags.f32(), out.f32());
    });
}

void CpuFamilyOperators::doDotInteractionBackward(std::int64_t samples, std::int64_t tables,
                                                  std::int64_t width, const Tensor& dense,
                                                  const Tensor& bags, const Tensor& dOut,
                                                  const Tensor& dDense, const Tensor& dBags) {
    forRanges(m_threads, samples, 16, [&](std::int64_t begin, std::int64_t end) {
        cpu::interactBackward({tables, width}, begin, end, dense.f32(), bags.f32(), dOut.f32(),
                              dDense.f32(), dBags.f32());
    });
}

void CpuFamilyOperators::doLogisticLoss(std::int64_t rows, const Tensor& logits,
                                        const Tensor& labels, const Tensor& losses, float scale) {
    float* z = logits.f32();
    const float* label = labels.f32();
    float* loss = losses.f32();
    for (std::int64_t r = 0; r < rows; ++r) {
        // log(1 + e^z) - label z, without overflow for either sign.
        const float size = std::exp(-std::abs(z[r]));
        loss[r] = std::log1p(size) + std::max(z[r], 0.0F) - label[r] * z[r];
        const float sigmoid = (z[r] >= 0 ? 1.0F : size) / (1.0F + size);
        z[r] = (sigmoid - label[r]) * scale;
    }
}

void CpuFamilyOperators::doSpmm(const CsrMatrix& matrix, std::int64_t width, const Tensor& x,
                                const Tensor& y) {
    forRanges(m_threads, matrix.rows, 64, [&](std::int64_t begin, std::int64_t end) {
        cpu::spmmRows(begin, end, width, matrix.offsets.i32(), matrix.indices.i32(),
                      matrix.values.f32(), x.f32(), y.f32());
    });
}

void CpuFamilyOperators::doConvolution(const ConvolutionArgs& args, const Tensor& x,
                                       const Tensor& weights, const Tensor& y) {
    keep(m_convolution.forward(args, x.f32(), weights.f32(), y.f32()));
}

void CpuFamilyOperators::doConvolutionBackwardData(const ConvolutionArgs& args, const Tensor& dY,
                                                   const Tensor& weights, const Tensor& dX) {
    keep(m_convolution.backwardData(args, dY.f32(), weights.f32(), dX.f32()));
}

void CpuFamilyOperators::doConvolutionBackwardWeights(const ConvolutionArgs& args, const Tensor& x,
                                                      const Tensor& dY, const Tensor& dWeights) {
    keep(m_convolution.backwardWeights(args, x.f32(), dY.f32(), dWeights.f32()));
}

void CpuFamilyOperators::doBatchNorm(const BatchNormArgs& args, const Tensor& x, const Tensor& y) {
    keep(m_convolution.norm(args, x.f32(), y.f32()));
}

void CpuFamilyOperators::doBatchNormBackward(const BatchNormArgs& args, const Tensor& x,
                                             const Tensor& dY, const Tensor& dX,
                                             const Tensor& dScale, const Tensor& dShift) {
    keep(m_convolution.normBackward(args, x.f32(), dY.f32(), dX.f32(), dScale.f32(), dShift.f32()));
}

void CpuFamilyOperators::doAveragePool(std::int64_t samples, std::int64_t pixels,
                                       std::int64_t channels, const Tensor& x, const Tensor& y) {
    forRanges(m_threads, samples, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t s = begin; s < end; ++s)
            cpu::averagePixels(pixels, channels, x.f32() + s * pixels * channels,
                               y.f32() + s * channels);
    });
}

void CpuFamilyOperators::doAveragePoolBackward(std::int64_t samples, std::int64_t pixels,
                                               std::int64_t channels, const Tensor& dY,
                                               const Tensor& dX) {
    forRanges(m_threads, samples, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t s = begin; s < end; ++s)
            cpu::spreadPixels(pixels, channels, dY.f32() + s * channels,
                              dX.f32() + s * pixels * channels);
    });
}

void CpuFamilyOperators::doRelu(const Tensor& x, const Tensor& y) {
    forRanges(m_threads, x.count, kElements, [&](std::int64_t begin, std::int64_t end) {
        cpu::reluRange(end - begin, x.f32() + begin, y.f32() + begin);
    });
}

void CpuFamilyOperators::doReluBackward(const Tensor& y, const Tensor& dY, const Tensor& dX) {
    forRanges(m_threads, dY.count, kElements, [&](std::int64_t begin, std::int64_t end) {
        cpu::reluBackwardRange(end - begin, y.f32() + begin, dY.f32() + begin, dX.f32() + begin);
    });
}

void CpuFamilyOperators::doAddRelu(const Tensor& a, const Tensor& b, const Tensor& y) {
    forRanges(m_threads, a.count, kElements, [&](std::int64_t begin, std::int64_t end) {
        cpu::addReluRange(end - begin, a.f32() + begin, b.f32() + begin, y.f32() + begin);
    });
}

void CpuFamilyOperators::doSgd(float rate, const Tensor& weights, const Tensor& gradients) {
    forRanges(m_threads, weights.count, kElements, [&](std::int64_t begin, std::int64_t end) {
        cpu::sgdRange(end - begin, rate, weights.f32() + begin, gradients.f32() + begin);
    });
}

std::unique_ptr<FamilyOperators> makeCpuFamilyOperators(int threads) {
    return std::make_unique<CpuFamilyOperators>(threads);
}

}  // namespace ridge::workloads
