// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Memory, products, and the operators that touch each element once.
#include "workloads/ops/cuda/cuda_backend.h"
#include "workloads/ops/cuda/passes.h"
#include "workloads/ops/fp8.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ridge::workloads::cuda {

namespace {

constexpr int kMostAffine = 8;
constexpr std::int64_t kMostBlocks = 1024;  // of a reduction

// 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): no cancellation near 0.
constexpr float kGeluSlope = 2.0F * 0.7978845608028654F;
constexpr float kGeluCubic = 0.044715F;

__device__ inline float geluGate(float x) {
    return 1.0F / (1.0F + expf(-kGeluSlope * (x + kGeluCubic * x * x * x)));
}

// What an element becomes, by operator; called with the element's index.
struct Gelu {
    const float* x;
    float* y;
    __device__ void operator()(std::int64_t i) const { y[i] = x[i] * geluGate(x[i]); }
};

struct GeluGradient {
    const float* x;
    const float* dY;
    float* dX;
    __device__ void operator()(std::int64_t i) const {
        const float gate = geluGate(x[i]);
        const float slope = kGeluSlope * (1.0F + 3.0F * kGeluCubic * x[i] * x[i]);
        dX[i] = dY[i] * (gate + x[i] * gate * (1.0F - gate) * slope);
    }
};

struct Sum {
    const float* a;
    const float* b;
    float* out;
    __device__ void operator()(std::int64_t i) const { out[i] = a[i] + b[i]; }
};

struct RowSum {
    const float* x;
    const float* bias;
    float* out;
    std::int64_t width;
    __device__ void operator()(std::int64_t i) const { out[i] = x[i] + bias[i % width]; }
};

struct BiasGeluResidual {
    const float* x;
    const float* bias;
    const float* residual;
    float* out;
    std::int64_t width;
    __device__ void operator()(std::int64_t i) const {
        const float v = x[i] + bias[i % width];
        out[i] = residual[i] + v * geluGate(v);
    }
};

struct Narrow {
    const float* x;
    std::uint16_t* y;
    __device__ void operator()(std::int64_t i) const { y[i] = roundToBf16(x[i]); }
};

struct Widen {
    const std::uint16_t* x;
    float* y;
    __device__ void operator()(std::int64_t i) const { y[i] = widenBf16(x[i]); }
};

struct AffineChain {
    const float* x;
    float* y;
    Operators::Affine steps[kMostAffine];
    int count;
    __device__ void operator()(std::int64_t i) const {
        float value = x[i];
        for (int s = 0; s < count; ++s) value = steps[s].scale * value + steps[s].shift;
        y[i] = value;
    }
};

struct AdamW {
    AdamWArgs args;
    float decay;
    AdamWCorrections given;
    const float* corrections;  // instead of those; null: those
    float* weights;
    const float* gradients;
    float* firstMoments;
    float* secondMoments;
    __device__ void operator()(std::int64_t i) const {
        const float g = gradients[i];
        const float m = args.beta1 * firstMoments[i] + (1.0F - args.beta1) * g;
        const float v = args.beta2 * secondMoments[i] + (1.0F - args.beta2) * g * g;
        firstMoments[i] = m;
        secondMoments[i] = v;
        const float first = corrections != nullptr ? corrections[0] : given.first;
        const float second = corrections != nullptr ? corrections[1] : given.second;
        const float step = m * first / (sqrtf(v * second) + args.epsilon);
        weights[i] = weights[i] * decay - args.learningRate * step;
    }
};

__global__ void checksumKernel(const unsigned long long* words, std::int64_t count,
                               unsigned long long* sum) {
    unsigned long long mine = 0;
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         i < count; i += stride)
        mine ^= words[i];
    for (int lanes = kWarp / 2; lanes > 0; lanes /= 2)
        mine ^= __shfl_xor_sync(kAllLanes, mine, lanes);
    if (threadIdx.x % kWarp == 0) atomicXor(sum, mine);
}

}  // namespace

Tensor CudaOperators::allocate(std::int64_t count, ridge_dtype type) {
    RIDGE_CHECK(elementBits(type) > 0, "no tensor holds this type");
    RIDGE_CHECK(count > 0 && count * elementBits(type) % 8 == 0,
                "allocation of nothing, or a part of a byte");
    void* data = m_device->allocate(static_cast<std::size_t>(count * elementBits(type) / 8));
    return data == nullptr ? Tensor{} : Tensor{data, count, type};
}

void* CudaOperators::scratch(Slot slot, std::int64_t bytes) {
    Room& room = m_rooms[slot];
    if (room.bytes < bytes) {
        room.data = m_device->allocate(static_cast<std::size_t>(bytes));
        room.bytes = room.data == nullptr ? 0 : bytes;
    }
    return room.data;
}

void CudaOperators::upload(const Tensor& to, std::span<const float> from) {
    uploadBytes({to.f32(), to.count, to.type}, std::as_bytes(from));
}

void CudaOperators::upload(const Tensor& to, std::span<const std::int32_t> from) {
    uploadBytes({to.i32(), to.count, to.type}, std::as_bytes(from));
}

void CudaOperators::download(std::span<float> to, const Tensor& from) {
    downloadBytes(std::as_writable_bytes(to), {from.f32(), from.count, from.type});
}

void CudaOperators::uploadBytes(const Tensor& to, std::span<const std::byte> from) {
    const std::int64_t bytes = std::min(to.bytes(), std::ssize(from));
    if (bytes > 0) m_device->toDevice(to.data, from.data(), static_cast<std::size_t>(bytes));
    written(to);
}

void CudaOperators::downloadBytes(std::span<std::byte> to, const Tensor& from) {
    const std::int64_t bytes = std::min(from.bytes(), std::ssize(to));
    if (bytes > 0) m_device->toHost(to.data(), from.data, static_cast<std::size_t>(bytes));
}

void CudaOperators::doGemm(const GemmArgs& args) {
    const bool transposedA = args.layout == GemmLayout::kTN;
    const bool transposedB = args.layout == GemmLayout::kNT;
    const bool eightBits = isFp8(args.a.type);
    m_device->multiply({.layout = args.layout,
                        .m = args.m,
                        .n = args.n,
                        .k = args.k,
                        .type = args.a.type,
                        .typeB = args.b.type,
                        .outType = args.c.type,
                        .tensorFloat = tensorFloat() && args.a.type == RIDGE_DTYPE_F32,
                        .alpha = 1.0F,
                        .beta = args.accumulate ? 1.0F : 0.0F,
                        .a = args.a.data,
                        .lda = transposedA ? args.m : args.k,
                        .stepA = 0,
                        .b = args.b.data,
                        .ldb = transposedB ? args.k : args.n,
                        .stepB = 0,
                        .c = args.c.data,
                        .ldc = args.n,
                        .stepC = 0,
                        .batch = 1,
                        .bias = eightBits ? nullptr : orNull(args.bias),
                        .scaleA = orNull(args.leftScale),
                        .scaleB = orNull(args.rightScale)});
    // Eight-bit products take no float bias.
    if (eightBits && !args.bias.empty())
        forElements(*m_device, args.m * args.n,
                    RowSum{args.c.f32(), args.bias.f32(), args.c.f32(), args.n});
}

void CudaOperators::doGeluForward(const Tensor& x, const Tensor& y) {
    forElements(*m_device, x.count, Gelu{x.f32(), y.f32()});
}

void CudaOperators::doGeluBackward(const Tensor& x, const Tensor& dY, const Tensor& dX) {
    forElements(*m_device, x.count, GeluGradient{x.f32(), dY.f32(), dX.f32()});
}

void CudaOperators::doAdd(const Tensor& a, const Tensor& b, const Tensor& out) {
    forElements(*m_device, a.count, Sum{a.f32(), b.f32(), out.f32()});
}

void CudaOperators::doBiasAdd(std::int64_t rows, std::int64_t width, const Tensor& x,
                              const Tensor& bias, const Tensor& out) {
    forElements(*m_device, rows * width, RowSum{x.f32(), bias.f32(), out.f32(), width});
}

void CudaOperators::doBiasGeluResidual(std::int64_t rows, std::int64_t width, const Tensor& x,
                                       const Tensor& bias, const Tensor& residual,
                                       const Tensor& out) {
    forElements(*m_device, rows * width,
                BiasGeluResidual{x.f32(), bias.f32(), residual.f32(), out.f32(), width});
}

void CudaOperators::doCast(const Tensor& from, const Tensor& to) {
    if (from.type == RIDGE_DTYPE_F32)
        forElements(*m_device, from.count, Narrow{from.f32(), to.bf16()});
    else
        forElements(*m_device, from.count, Widen{from.bf16(), to.f32()});
}

void CudaOperators::doAffineChain(std::span<const Affine> steps, const Tensor& x, const Tensor& y) {
    RIDGE_CHECK(!steps.empty() && steps.size() <= kMostAffine, "a chain of one to eight");
    AffineChain chain{x.f32(), y.f32(), {}, static_cast<int>(steps.size())};
    std::copy(steps.begin(), steps.end(), chain.steps);
    forElements(*m_device, x.count, chain);
}

void CudaOperators::doAdamW(const AdamWArgs& args, const Tensor& weights, const Tensor& gradients,
                            const Tensor& firstMoments, const Tensor& secondMoments) {
    forElements(*m_device, weights.count,
                AdamW{args, 1.0F - args.learningRate * args.weightDecay, correctionsOf(args),
                      orNull(args.corrections), weights.f32(), gradients.f32(), firstMoments.f32(),
                      secondMoments.f32()});
}

std::uint64_t CudaOperators::doChecksum(const Tensor& x) {
    const std::int64_t words = x.bytes() / 8;
    auto* sum = static_cast<unsigned long long*>(scratch(kResults, 8));
    if (sum == nullptr) return 0;
    m_device->zero(sum, 8);
    launch(
        *m_device, checksumKernel,
        dim3(static_cast<unsigned>(std::min<std::int64_t>(blocksFor(words, kBlock), kMostBlocks))),
        dim3(kBlock), static_cast<const unsigned long long*>(x.data), words, sum);
    std::uint64_t result = 0;
    m_device->toHost(&result, sum, 8);
    std::uint64_t rest = 0;
    if (x.bytes() > 8 * words)
        m_device->toHost(&rest, static_cast<const char*>(x.data) + 8 * words,
                         static_cast<std::size_t>(x.bytes() - 8 * words));
    return result ^ rest;
}

}  // namespace ridge::workloads::cuda
