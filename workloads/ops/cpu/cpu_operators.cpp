// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cpu/cpu_operators.h"

#include "workloads/ops/cpu/dnnl_gemm.h"
#include "workloads/ops/cpu/kernels.h"
#include "workloads/ops/cpu/threads.h"

#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <sys/mman.h>
#include <vector>

namespace ridge::workloads {

namespace {

using cpu::forRanges;

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kCacheLine = 64;
constexpr std::int64_t kElementAlign = 4096;  // elements per part of an elementwise loop, at least
constexpr std::int64_t kElementBytes = 4;

class CpuOperators final : public Operators {
public:
    explicit CpuOperators(int threads) : m_threads(cpu::configureThreads(threads)) {}
    ~CpuOperators() override {
        for (const Block& block : m_blocks) ::operator delete(block.data, block.align);
    }

    using Operators::allocate;
    Tensor allocate(std::int64_t count, ridge_dtype type) override;
    void upload(const Tensor& to, std::span<const float> from) override {
        copyBytes(to.f32(), from.data(), std::min(to.count, std::ssize(from)));
    }
    void upload(const Tensor& to, std::span<const std::int32_t> from) override {
        copyBytes(to.i32(), from.data(), std::min(to.count, std::ssize(from)));
    }
    void download(std::span<float> to, const Tensor& from) override {
        copyBytes(to.data(), from.f32(), std::min(from.count, std::ssize(to)));
    }
    void synchronize() override {}
    const Status& status() const override { return m_status; }
    std::string describe() const override {
        return "cpu: oneDNN " + cpu::DnnlGemm::version() + ", " + std::to_string(m_threads) +
               (m_threads == 1 ? " thread" : " threads");
    }
    std::int64_t primitiveCount() const override { return m_gemm.primitiveCount(); }

protected:
    void doGemm(const GemmArgs& args) override { keep(m_gemm.product(args)); }
    void doGemv(const Tensor& weight, const Tensor& x, const Tensor& bias, const Tensor& y,
                std::int64_t n, std::int64_t k) override;
    void doAttentionForward(const AttentionArgs& args, const Tensor& qkv,
                            const Tensor& probabilities, const Tensor& out) override;
    void doAttentionBackward(const AttentionArgs& args, const Tensor& qkv,
                             const Tensor& probabilities, const Tensor& dOut,
                             const Tensor& dQkv) override;
    void doCacheAppend(const Tensor& qkv, const Tensor& keys, const Tensor& values, std::int64_t at,
                       std::int64_t rows, std::int64_t width) override;
    void doAttentionDecode(std::int64_t heads, std::int64_t headDim, std::int64_t context,
                           const Tensor& qkv, const Tensor& keys, const Tensor& values,
                           const Tensor& out) override;
    void doLayerNormForward(std::int64_t rows, std::int64_t width, const Tensor& x,
                            const Tensor& gamma, const Tensor& beta, const Tensor& y,
                            const Tensor& mean, const Tensor& rstd) override;
    void doLayerNormBackward(std::int64_t rows, std::int64_t width, const Tensor& dY,
                             const Tensor& x, const Tensor& gamma, const Tensor& mean,
                             const Tensor& rstd, const LayerNormGradients& gradients) override;
    void doGeluForward(const Tensor& x, const Tensor& y) override;
    void doGeluBackward(const Tensor& x, const Tensor& dY, const Tensor& dX) override;
    void doAdd(const Tensor& a, const Tensor& b, const Tensor& out) override;
    void doColumnSum(const Tensor& x, std::int64_t rows, std::int64_t width, const Tensor& sum,
                     bool accumulate) override;
    void doEmbeddingForward(std::int64_t rows, std::int64_t context, std::int64_t width,
                            std::int64_t firstPosition, const Tensor& tokens,
                            const Tensor& tokenTable, const Tensor& positionTable,
                            const Tensor& out) override;
    void doEmbeddingBackward(std::int64_t rows, std::int64_t context, std::int64_t width,
                             const Tensor& tokens, const Tensor& dOut, const Tensor& dTokenTable,
                             const Tensor& dPositionTable, bool accumulatePositions) override;
    void doSoftmaxCrossEntropy(std::int64_t rows, std::int64_t vocabulary, const Tensor& logits,
                               const Tensor& targets, const Tensor& losses, float scale) override;
    std::int32_t doArgmax(const Tensor& x) override;
    void doAdamW(const AdamWArgs& args, const Tensor& weights, const Tensor& gradients,
                 const Tensor& firstMoments, const Tensor& secondMoments) override;
    void doAffineChain(std::span<const Affine> steps, const Tensor& x, const Tensor& y) override;

private:
    struct Block {
        void* data;
        std::align_val_t align;
    };

    void keep(const Status& status) {
        if (m_status.ok() && !status.ok()) m_status = status;
    }
    static void copyBytes(void* to, const void* from, std::int64_t count) {
        if (count > 0) std::memcpy(to, from, static_cast<std::size_t>(count * kElementBytes));
    }
    // At least `count` floats that live until the next call.
    float* scratch(std::int64_t count) {
        const auto wanted = static_cast<std::size_t>(count);
        if (m_scratch.size() < wanted) m_scratch.resize(wanted);
        return m_scratch.data();
    }

    int m_threads;
    Status m_status;
    cpu::DnnlGemm m_gemm;
    std::vector<Block> m_blocks;
    std::vector<float> m_scratch;
};

Tensor CpuOperators::allocate(std::int64_t count, ridge_dtype type) {
    RIDGE_CHECK(type == RIDGE_DTYPE_F32 || type == RIDGE_DTYPE_INT32,
                "the CPU holds float32 and int32");
    RIDGE_CHECK(count > 0, "allocation of nothing");
    const auto bytes = static_cast<std::size_t>(count * kElementBytes);
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

void CpuOperators::doAttentionForward(const AttentionArgs& args, const Tensor& qkv,
                                      const Tensor& probabilities, const Tensor& out) {
    const std::int64_t t = args.tokens;
    const std::int64_t d = args.headDim;
    const std::int64_t width = args.heads * d;
    const float scale = 1.0F / std::sqrt(static_cast<float>(d));
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair) {
        const std::int64_t row = pair / args.heads * t;
        const std::int64_t column = pair % args.heads * d;
        const float* q = qkv.f32() + row * 3 * width + column;
        float* p = probabilities.f32() + pair * t * t;
        keep(m_gemm.strided({.layout = GemmLayout::kNT,
                             .m = t,
                             .n = t,
                             .k = d,
                             .alpha = scale,
                             .a = q,
                             .lda = 3 * width,
                             .b = q + width,
                             .ldb = 3 * width,
                             .c = p,
                             .ldc = t}));
        cpu::causalSoftmaxRows(t, p);
        keep(m_gemm.strided({.layout = GemmLayout::kNN,
                             .m = t,
                             .n = d,
                             .k = t,
                             .a = p,
                             .lda = t,
                             .b = q + 2 * width,
                             .ldb = 3 * width,
                             .c = out.f32() + row * width + column,
                             .ldc = width}));
    }
}

void CpuOperators::doAttentionBackward(const AttentionArgs& args, const Tensor& qkv,
                                       const Tensor& probabilities, const Tensor& dOut,
                                       const Tensor& dQkv) {
    const std::int64_t t = args.tokens;
    const std::int64_t d = args.headDim;
    const std::int64_t width = args.heads * d;
    const std::int64_t wide = 3 * width;
    const float scale = 1.0F / std::sqrt(static_cast<float>(d));
    float* g = scratch(t * t);
    for (std::int64_t pair = 0; pair < args.batch * args.heads; ++pair) {
        const std::int64_t row = pair / args.heads * t;
        const std::int64_t column = pair % args.heads * d;
        const float* q = qkv.f32() + row * wide + column;
        const float* p = probabilities.f32() + pair * t * t;
        const float* dO = dOut.f32() + row * width + column;
        float* dQ = dQkv.f32() + row * wide + column;
        keep(m_gemm.strided({.layout = GemmLayout::kNT,
                             .m = t,
                             .n = t,
                             .k = d,
                             .a = dO,
                             .lda = width,
                             .b = q + 2 * width,
                             .ldb = wide,
                             .c = g,
                             .ldc = t}));
        keep(m_gemm.strided({.layout = GemmLayout::kTN,
                             .m = t,
                             .n = d,
                             .k = t,
                             .a = p,
                             .lda = t,
                             .b = dO,
                             .ldb = width,
                             .c = dQ + 2 * width,
                             .ldc = wide}));
        cpu::causalSoftmaxBackwardRows(t, p, scale, g);
        keep(m_gemm.strided({.layout = GemmLayout::kNN,
                             .m = t,
                             .n = d,
                             .k = t,
                             .a = g,
                             .lda = t,
                             .b = q + width,
                             .ldb = wide,
                             .c = dQ,
                             .ldc = wide}));
        keep(m_gemm.strided({.layout = GemmLayout::kTN,
                             .m = t,
                             .n = d,
                             .k = t,
                             .a = g,
                             .lda = t,
                             .b = q,
                             .ldb = wide,
                             .c = dQ + width,
                             .ldc = wide}));
    }
}

void CpuOperators::doCacheAppend(const Tensor& qkv, const Tensor& keys, const Tensor& values,
                                 std::int64_t at, std::int64_t rows, std::int64_t width) {
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* row = qkv.f32() + r * 3 * width;
        copyBytes(keys.f32() + (at + r) * width, row + width, width);
        copyBytes(values.f32() + (at + r) * width, row + 2 * width, width);
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

void CpuOperators::doAdamW(const AdamWArgs& args, const Tensor& weights, const Tensor& gradients,
                           const Tensor& firstMoments, const Tensor& secondMoments) {
    const auto steps = static_cast<double>(args.step);
    const cpu::AdamWFactors factors{
        .learningRate = args.learningRate,
        .beta1 = args.beta1,
        .beta2 = args.beta2,
        .epsilon = args.epsilon,
        .decay = 1.0F - args.learningRate * args.weightDecay,
        .firstCorrection =
            static_cast<float>(1.0 / (1.0 - std::pow(static_cast<double>(args.beta1), steps))),
        .secondCorrection =
            static_cast<float>(1.0 / (1.0 - std::pow(static_cast<double>(args.beta2), steps)))};
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

}  // namespace

Result<std::unique_ptr<Operators>> makeCpuOperators(int threads) {
    try {
        return std::unique_ptr<Operators>(std::make_unique<CpuOperators>(threads));
    } catch (const std::exception& error) {
        return Error{ErrorCode::kUnsupported,
                     std::string("oneDNN cannot start here: ") + error.what()};
    }
}

}  // namespace ridge::workloads
