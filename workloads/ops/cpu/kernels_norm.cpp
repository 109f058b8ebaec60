// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cpu/kernels.h"

#include <cmath>

namespace ridge::workloads::cpu {

RIDGE_CLONES
void layerNormForwardRows(std::int64_t rows, std::int64_t width, const float* __restrict x,
                          const float* __restrict gamma, const float* __restrict beta,
                          float* __restrict y, float* __restrict mean, float* __restrict rstd) {
    const float inverse = 1.0F / static_cast<float>(width);
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* in = x + r * width;
        float* out = y + r * width;
        float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t i = 0; i < width; ++i) sum += in[i];
        const float mu = sum * inverse;
        float squares = 0.0F;
#pragma omp simd reduction(+ : squares)
        for (std::int64_t i = 0; i < width; ++i) squares += (in[i] - mu) * (in[i] - mu);
        const float scale = 1.0F / std::sqrt(squares * inverse + kNormEpsilon);
#pragma omp simd
        for (std::int64_t i = 0; i < width; ++i) out[i] = (in[i] - mu) * scale * gamma[i] + beta[i];
        mean[r] = mu;
        rstd[r] = scale;
    }
}

RIDGE_CLONES
void layerNormBackwardRows(std::int64_t rows, std::int64_t width, const float* __restrict dY,
                           const float* __restrict x, const float* __restrict gamma,
                           const float* __restrict mean, const float* __restrict rstd,
                           float* __restrict dX, bool accumulateInput, float* __restrict dGamma,
                           float* __restrict dBeta) {
    const float inverse = 1.0F / static_cast<float>(width);
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* in = x + r * width;
        const float* dOut = dY + r * width;
        float* dIn = dX + r * width;
        const float mu = mean[r];
        const float scale = rstd[r];
        float sum = 0.0F;
        float projected = 0.0F;
#pragma omp simd reduction(+ : sum, projected)
        for (std::int64_t i = 0; i < width; ++i) {
            const float normalised = (in[i] - mu) * scale;
            const float scaled = dOut[i] * gamma[i];
            sum += scaled;
            projected += scaled * normalised;
            dGamma[i] += dOut[i] * normalised;
            dBeta[i] += dOut[i];
        }
        sum *= inverse;
        projected *= inverse;
        // Without accumulation the old content is not read: it may be anything, NaN included.
        if (!accumulateInput) {
#pragma omp simd
            for (std::int64_t i = 0; i < width; ++i)
                dIn[i] = scale * (dOut[i] * gamma[i] - sum - (in[i] - mu) * scale * projected);
        } else {
#pragma omp simd
            for (std::int64_t i = 0; i < width; ++i)
                dIn[i] += scale * (dOut[i] * gamma[i] - sum - (in[i] - mu) * scale * projected);
        }
    }
}

}  // namespace ridge::workloads::cpu
