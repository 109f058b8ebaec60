// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include <cmath>

#include "workloads/ops/cpu/fast_math.h"
#include "workloads/ops/cpu/kernels.h"

namespace ridge::workloads::cpu {

namespace {

// 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): no cancellation near 0.
constexpr float kGeluSlope = 2.0F * 0.7978845608028654F;
constexpr float kGeluCubic = 0.044715F;

__attribute__((always_inline)) inline float geluGate(float x) {
    return 1.0F / (1.0F + fastExp(-kGeluSlope * (x + kGeluCubic * x * x * x)));
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
void columnSumRows(std::int64_t rows, std::int64_t width, std::int64_t stride, const float* __restrict x,
                   float* __restrict sum) {
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
void affine4Range(std::int64_t count, const float* scales, const float* shifts, const float* __restrict x,
                  float* __restrict y) {
    const float a0 = scales[0], a1 = scales[1], a2 = scales[2], a3 = scales[3];
    const float b0 = shifts[0], b1 = shifts[1], b2 = shifts[2], b3 = shifts[3];
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i)
        y[i] = a3 * (a2 * (a1 * (a0 * x[i] + b0) + b1) + b2) + b3;
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
void gemvRows(std::int64_t rows, std::int64_t k, const float* __restrict weight, const float* __restrict x,
              const float* __restrict bias, float* __restrict y) {
    std::int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const float* w0 = weight + r * k;
        const float* w1 = w0 + k;
        const float* w2 = w1 + k;
        const float* w3 = w2 + k;
        float s0 = 0.0F, s1 = 0.0F, s2 = 0.0F, s3 = 0.0F;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
        for (std::int64_t i = 0; i < k; ++i) {
            s0 += w0[i] * x[i];
            s1 += w1[i] * x[i];
            s2 += w2[i] * x[i];
            s3 += w3[i] * x[i];
        }
        y[r] = s0;
        y[r + 1] = s1;
        y[r + 2] = s2;
        y[r + 3] = s3;
    }
    for (; r < rows; ++r) {
        const float* w = weight + r * k;
        float s = 0.0F;
#pragma omp simd reduction(+ : s)
        for (std::int64_t i = 0; i < k; ++i) s += w[i] * x[i];
        y[r] = s;
    }
    if (bias != nullptr)
        for (std::int64_t i = 0; i < rows; ++i) y[i] += bias[i];
}

}  // namespace ridge::workloads::cpu
