// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cpu/fast_math.h"
#include "workloads/ops/cpu/kernels.h"

#include <bit>
#include <cmath>

namespace ridge::workloads::cpu {

namespace {

// 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): no cancellation near 0.
constexpr float kGeluSlope = 2.0F * 0.7978845608028654F;
constexpr float kGeluCubic = 0.044715F;

// exp(-2u) as a power of two. The exponent's rounding is up to 2^-24 of it, which shows in a gate
// only where the gate is all but 0 or 1.
constexpr float kLog2E = 1.44269504088896341F;
constexpr float kGateSlope = -kLog2E * kGeluSlope;

__attribute__((always_inline)) inline float geluGate(float x) {
    return 1.0F / (1.0F + fastExp2(x * (kGateSlope * kGeluCubic * (x * x) + kGateSlope)));
}

}  // namespace

RIDGE_CLONES
void geluForwardRange(std::int64_t count, const float* __restrict x, float* __restrict y) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] * geluGate(x[i]);
}

RIDGE_CLONES
void geluBackwardRange(std::int64_t count, const float* __restrict x, const float* dY, float* dX) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
        const float gate = geluGate(x[i]);
        const float slope = kGeluSlope * (1.0F + 3.0F * kGeluCubic * x[i] * x[i]);
        dX[i] = dY[i] * (gate + x[i] * gate * (1.0F - gate) * slope);
    }
}

RIDGE_CLONES
void addRange(std::int64_t count, const float* a, const float* b, float* out) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

RIDGE_CLONES
void biasGeluResidualRow(std::int64_t width, const float* __restrict x,
                         const float* __restrict bias, const float* __restrict residual,
                         float* __restrict out) {
#pragma omp simd
    for (std::int64_t i = 0; i < width; ++i) {
        const float v = x[i] + bias[i];
        out[i] = residual[i] + v * geluGate(v);
    }
}

// The vector forms of ops/weights.h toBf16 and fromBf16; NaN stays NaN.
RIDGE_CLONES
void toBf16Range(std::int64_t count, const float* __restrict x, std::uint16_t* __restrict y) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(x[i]);
        const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
        const std::uint32_t quiet = (bits >> 16) | 0x40U;
        y[i] = static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? quiet : rounded);
    }
}

RIDGE_CLONES
void fromBf16Range(std::int64_t count, const std::uint16_t* __restrict x, float* __restrict y) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        y[i] = std::bit_cast<float>(static_cast<std::uint32_t>(x[i]) << 16);
}

RIDGE_CLONES
void columnSumRows(std::int64_t rows, std::int64_t width, std::int64_t stride,
                   const float* __restrict x, float* __restrict sum) {
    std::int64_t r = 0;
    // Four rows a pass: the sums are loaded and stored a quarter as often.
    for (; r + 4 <= rows; r += 4) {
        const float* a = x + r * stride;
#pragma omp simd
        for (std::int64_t i = 0; i < width; ++i)
            sum[i] += (a[i] + a[stride + i]) + (a[2 * stride + i] + a[3 * stride + i]);
    }
    for (; r < rows; ++r) {
        const float* a = x + r * stride;
#pragma omp simd
        for (std::int64_t i = 0; i < width; ++i) sum[i] += a[i];
    }
}

RIDGE_CLONES
void affineRange(std::int64_t count, float scale, float shift, const float* __restrict x,
                 float* __restrict y) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) y[i] = scale * x[i] + shift;
}

RIDGE_CLONES
void affine4Range(std::int64_t count, const float* scales, const float* shifts,
                  const float* __restrict x, float* __restrict y) {
    const float a0 = scales[0], a1 = scales[1], a2 = scales[2], a3 = scales[3];
    const float b0 = shifts[0], b1 = shifts[1], b2 = shifts[2], b3 = shifts[3];
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        y[i] = a3 * (a2 * (a1 * (a0 * x[i] + b0) + b1) + b2) + b3;
}

RIDGE_CLONES
std::uint64_t xorRange(std::int64_t count, const std::uint64_t* __restrict x) {
    constexpr std::int64_t kLanes = 32;
    std::uint64_t lanes[kLanes] = {};
    const std::int64_t whole = count / kLanes * kLanes;
    for (std::int64_t i = 0; i < whole; i += kLanes) {
        // Beyond the page at which the processor's own prefetching stops; past the end it is
        // harmless.
        for (std::int64_t line = 0; line < kLanes; line += 8)
            __builtin_prefetch(reinterpret_cast<const char*>(x + i + line) + 4096);
#pragma omp simd
        for (std::int64_t j = 0; j < kLanes; ++j) lanes[j] ^= x[i + j];
    }
    std::uint64_t sum = 0;
    for (std::int64_t i = whole; i < count; ++i) sum ^= x[i];
    for (const std::uint64_t lane : lanes) sum ^= lane;
    return sum;
}

RIDGE_CLONES
void adamWRange(std::int64_t count, const AdamWFactors& factors, float* __restrict weights,
                const float* __restrict gradients, float* __restrict firstMoments,
                float* __restrict secondMoments) {
    const AdamWFactors f = factors;
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
        const float g = gradients[i];
        const float m = f.beta1 * firstMoments[i] + (1.0F - f.beta1) * g;
        const float v = f.beta2 * secondMoments[i] + (1.0F - f.beta2) * g * g;
        firstMoments[i] = m;
        secondMoments[i] = v;
        const float step = m * f.firstCorrection / (std::sqrt(v * f.secondCorrection) + f.epsilon);
        weights[i] = weights[i] * f.decay - f.learningRate * step;
    }
}

RIDGE_CLONES
void gemvRows(std::int64_t rows, std::int64_t k, const float* __restrict weight,
              const float* __restrict x, const float* __restrict bias, float* __restrict y) {
    // One row after the other is one stream of addresses; the prefetch reaches over the page
    // boundary at which the processor's own stops. It may point past the matrix: a prefetch never
    // faults.
    constexpr std::int64_t kLanes = 64;
    constexpr std::int64_t kAhead = 1024;
    const std::int64_t whole = k / kLanes * kLanes;
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* w = weight + r * k;
        float lanes[kLanes] = {};
        for (std::int64_t i = 0; i < whole; i += kLanes) {
            for (std::int64_t line = 0; line < kLanes; line += 16)
                __builtin_prefetch(reinterpret_cast<const char*>(w) + (i + kAhead + line) * 4);
#pragma omp simd
            for (std::int64_t j = 0; j < kLanes; ++j) lanes[j] += w[i + j] * x[i + j];
        }
        float sum = bias == nullptr ? 0.0F : bias[r];
        for (std::int64_t i = whole; i < k; ++i) sum += w[i] * x[i];
        for (const float lane : lanes) sum += lane;
        y[r] = sum;
    }
}

}  // namespace ridge::workloads::cpu
