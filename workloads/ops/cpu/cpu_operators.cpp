// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cpu/cpu_operators.h"

#include "workloads/ops/cpu/cpu_backend.h"
#include "workloads/ops/cpu/kernels.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <sys/mman.h>

namespace ridge::workloads {

namespace {

using cpu::forRanges;

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kCacheLine = 64;
constexpr std::int64_t kElementAlign = 4096;  // elements per part of an elementwise loop, at least
constexpr std::int64_t kElementBytes = 4;

}  // namespace

Status CpuOperators::canMultiply(ridge_dtype type) const {
    return cpu::DnnlGemm::native(type);
}

Tensor CpuOperators::allocate(std::int64_t count, ridge_dtype type) {
    RIDGE_CHECK(elementBits(type) > 0, "no tensor holds this type");
    RIDGE_CHECK(count > 0 && count * elementBits(type) % 8 == 0,
                "allocation of nothing, or a part of a byte");
    const auto bytes = static_cast<std::size_t>(count * elementBits(type) / 8);
    const bool large = bytes >= kHugePage;
    const auto align = static_cast<std::align_val_t>(large ? kHugePage : kCacheLine);
    void* data = ::operator new(bytes, align, std::nothrow);
    if (data == nullptr) {
        keep(Error{ErrorCode::kMeasurement, "no memory for a buffer of " + std::to_string(bytes) +
                                                " bytes: use a smaller preset"});
        return {};
    }
    // Advice only: where huge pages are off, small ones do.
    if (large) (void)madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
    std::memset(data, 0, bytes);
    m_blocks.push_back({data, align});
    return {data, count, type};
}

void CpuOperators::doGemv(const Tensor& weight, const Tensor& x, const Tensor& bias,
                          const Tensor& y, std::int64_t n, std::int64_t k) {
    const float* b = bias.empty() ? nullptr : bias.f32();
    forRanges(m_threads, n, 16, [&](std::int64_t begin, std::int64_t end) {
        cpu::gemvRows(end - begin, k, weight.f32() + begin * k, x.f32(),
                      b == nullptr ? b : b + begin, y.f32() + begin);
    });
}

void CpuOperators::doCacheAppend(const Tensor& qkv, const Tensor& keys, const Tensor& values,
                                 std::int64_t at, std::int64_t rows, std::int64_t width) {
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* row = qkv.f32() + r * 3 * width;
        copyBytes(keys.f32() + (at + r) * width, row + width, width * kElementBytes);
        copyBytes(values.f32() + (at + r) * width, row + 2 * width, width * kElementBytes);
    }
}

void CpuOperators::doAttentionDecode(std::int64_t heads, std::int64_t headDim, std::int64_t context,
                                     const Tensor& qkv, const Tensor& keys, const Tensor& values,
                                     const Tensor& out) {
    float* scores = scratch(heads * context);
    forRanges(m_threads, heads, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t h = begin; h < end; ++h)
            cpu::decodeHead(headDim, context, heads * headDim, qkv.f32() + h * headDim,
                            keys.f32() + h * headDim, values.f32() + h * headDim,
                            scores + h * context, out.f32() + h * headDim);
    });
}

void CpuOperators::doLayerNormForward(std::int64_t rows, std::int64_t width, const Tensor& x,
                                      const Tensor& gamma, const Tensor& beta, const Tensor& y,
                                      const Tensor& mean, const Tensor& rstd) {
    forRanges(m_threads, rows, 16, [&](std::int64_t begin, std::int64_t end) {
        cpu::layerNormForwardRows(end - begin, width, x.f32() + begin * width, gamma.f32(),
                                  beta.f32(), y.f32() + begin * width, mean.f32() + begin,
                                  rstd.f32() + begin);
    });
}

void CpuOperators::doLayerNormBackward(std::int64_t rows, std::int64_t width, const Tensor& dY,
                                       const Tensor& x, const Tensor& gamma, const Tensor& mean,
                                       const Tensor& rstd, const LayerNormGradients& gradients) {
    const auto bytes = static_cast<std::size_t>(width * kElementBytes);
    if (!gradients.accumulateParameters) {
        std::memset(gradients.dGamma.f32(), 0, bytes);
        std::memset(gradients.dBeta.f32(), 0, bytes);
    }
    // Rows share the parameter gradients, so this one stays on one thread.
    cpu::layerNormBackwardRows(rows, width, dY.f32(), x.f32(), gamma.f32(), mean.f32(), rstd.f32(),
                               gradients.dX.f32(), gradients.accumulateInput,
                               gradients.dGamma.f32(), gradients.dBeta.f32());
}

void CpuOperators::doGeluForward(const Tensor& x, const Tensor& y) {
    forRanges(m_threads, x.count, kElementAlign, [&](std::int64_t begin, std::int64_t end) {
        cpu::geluForwardRange(end - begin, x.f32() + begin, y.f32() + begin);
    });
}

void CpuOperators::doGeluBackward(const Tensor& x, const Tensor& dY, const Tensor& dX) {
    forRanges(m_threads, x.count, kElementAlign, [&](std::int64_t begin, std::int64_t end) {
        cpu::geluBackwardRange(end - begin, x.f32() + begin, dY.f32() + begin, dX.f32() + begin);
    });
}

void CpuOperators::doAdd(const Tensor& a, const Tensor& b, const Tensor& out) {
    forRanges(m_threads, a.count, kElementAlign, [&](std::int64_t begin, std::int64_t end) {
        cpu::addRange(end - begin, a.f32() + begin, b.f32() + begin, out.f32() + begin);
    });
}

void CpuOperators::doColumnSum(const Tensor& x, std::int64_t rows, std::int64_t width,
                               const Tensor& sum, bool accumulate) {
    if (!accumulate) std::memset(sum.f32(), 0, static_cast<std::size_t>(width * kElementBytes));
    forRanges(m_threads, width, 64, [&](std::int64_t begin, std::int64_t end) {
        cpu::columnSumRows(rows, end - begin, width, x.f32() + begin, sum.f32() + begin);
    });
}

void CpuOperators::doEmbeddingForward(std::int64_t rows, std::int64_t context, std::int64_t width,
                                      std::int64_t firstPosition, const Tensor& tokens,
                                      const Tensor& tokenTable, const Tensor& positionTable,
                                      const Tensor& out) {
    for (std::int64_t r = 0; r < rows; ++r) {
        const std::int64_t position = firstPosition + r % context;
        cpu::addRange(width, tokenTable.f32() + tokens.i32()[r] * width,
                      positionTable.f32() + position * width, out.f32() + r * width);
    }
}

void CpuOperators::doEmbeddingBackward(std::int64_t rows, std::int64_t context, std::int64_t width,
                                       const Tensor& tokens, const Tensor& dOut,
                                       const Tensor& dTokenTable, const Tensor& dPositionTable,
                                       bool accumulatePositions) {
    if (!accumulatePositions)
        std::memset(dPositionTable.f32(), 0,
                    static_cast<std::size_t>(context * width * kElementBytes));
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* gradient = dOut.f32() + r * width;
        float* token = dTokenTable.f32() + tokens.i32()[r] * width;
        float* position = dPositionTable.f32() + r % context * width;
        cpu::addRange(width, token, gradient, token);
        cpu::addRange(width, position, gradient, position);
    }
}

void CpuOperators::doSoftmaxCrossEntropy(std::int64_t rows, std::int64_t vocabulary,
                                         const Tensor& logits, const Tensor& targets,
                                         const Tensor& losses, float scale) {
    forRanges(m_threads, rows, 4, [&](std::int64_t begin, std::int64_t end) {
        cpu::softmaxCrossEntropyRows(end - begin, vocabulary, logits.f32() + begin * vocabulary,
                                     targets.i32() + begin, losses.f32() + begin, scale);
    });
}

std::int32_t CpuOperators::doArgmax(const Tensor& x) {
    const float* values = x.f32();
    std::int64_t best = 0;
    for (std::int64_t i = 1; i < x.count; ++i)
        if (values[i] > values[best]) best = i;
    return static_cast<std::int32_t>(best);
}

void CpuOperators::doClear(const Tensor& tensor) {
    std::memset(tensor.data, 0, static_cast<std::size_t>(tensor.bytes()));
}

void CpuOperators::doAdamW(const AdamWArgs& args, const Tensor& weights, const Tensor& gradients,
                           const Tensor& firstMoments, const Tensor& secondMoments) {
    AdamWCorrections corrections = correctionsOf(args);
    if (!args.corrections.empty())
        corrections = {args.corrections.f32()[0], args.corrections.f32()[1]};
    const cpu::AdamWFactors factors{.learningRate = args.learningRate,
                                    .beta1 = args.beta1,
                                    .beta2 = args.beta2,
                                    .epsilon = args.epsilon,
                                    .decay = 1.0F - args.learningRate * args.weightDecay,
                                    .firstCorrection = corrections.first,
                                    .secondCorrection = corrections.second};
    forRanges(m_threads, weights.count, kElementAlign, [&](std::int64_t begin, std::int64_t end) {
        cpu::adamWRange(end - begin, factors, weights.f32() + begin, gradients.f32() + begin,
                        firstMoments.f32() + begin, secondMoments.f32() + begin);
    });
}

void CpuOperators::doAffineChain(std::span<const Affine> steps, const Tensor& x, const Tensor& y) {
    RIDGE_CHECK(steps.size() == 1 || steps.size() == 4, "the CPU fuses chains of four");
    if (steps.size() == 1) {
        forRanges(m_threads, x.count, kElementAlign, [&](std::int64_t begin, std::int64_t end) {
            cpu::affineRange(end - begin, steps[0].scale, steps[0].shift, x.f32() + begin,
                             y.f32() + begin);
        });
        return;
    }
    const float scales[] = {steps[0].scale, steps[1].scale, steps[2].scale, steps[3].scale};
    const float shifts[] = {steps[0].shift, steps[1].shift, steps[2].shift, steps[3].shift};
    forRanges(m_threads, x.count, kElementAlign, [&](std::int64_t begin, std::int64_t end) {
        cpu::affine4Range(end - begin, scales, shifts, x.f32() + begin, y.f32() + begin);
    });
}

std::uint64_t CpuOperators::doChecksum(const Tensor& x) {
    const std::int64_t words = x.bytes() / 8;
    std::atomic<std::uint64_t> sum{0};
    forRanges(m_threads, words, kElementAlign, [&](std::int64_t begin, std::int64_t end) {
        sum.fetch_xor(cpu::xorRange(end - begin, static_cast<const std::uint64_t*>(x.data) + begin),
                      std::memory_order_relaxed);
    });
    std::uint64_t rest = 0;
    if (x.bytes() > 8 * words)
        std::memcpy(&rest, static_cast<const char*>(x.data) + 8 * words,
                    static_cast<std::size_t>(x.bytes() - 8 * words));
    return sum.load() ^ rest;
}

void CpuOperators::doCast(const Tensor& from, const Tensor& to) {
    forRanges(m_threads, from.count, kElementAlign, [&](std::int64_t begin, std::int64_t end) {
        if (from.type == RIDGE_DTYPE_F32)
            cpu::toBf16Range(end - begin, from.f32() + begin, to.bf16() + begin);
        else
            cpu::fromBf16Range(end - begin, from.bf16() + begin, to.f32() + begin);
    });
}

void CpuOperators::doBiasAdd(std::int64_t rows, std::int64_t width, const Tensor& x,
                             const Tensor& bias, const Tensor& out) {
    forRanges(m_threads, rows, 4, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r)
            cpu::addRange(width, x.f32() + r * width, bias.f32(), out.f32() + r * width);
    });
}

void CpuOperators::doBiasGeluResidual(std::int64_t rows, std::int64_t width, const Tensor& x,
                                      const Tensor& bias, const Tensor& residual,
                                      const Tensor& out) {
    forRanges(m_threads, rows, 4, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r)
            cpu::biasGeluResidualRow(width, x.f32() + r * width, bias.f32(),
                                     residual.f32() + r * width, out.f32() + r * width);
    });
}

Result<std::unique_ptr<Operators>> makeCpuOperators(int threads) {
    try {
        return std::unique_ptr<Operators>(std::make_unique<CpuOperators>(threads));
    } catch (const std::exception& error) {
        return Error{ErrorCode::kUnsupported,
                     std::string("oneDNN cannot start here: ") + error.what()};
    }
}

}  // namespace ridge::workloads
