// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/ops/cpu/fast_math.h"
#include "workloads/ops/cpu/kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ridge::workloads::cpu {

namespace {

constexpr std::int64_t kVector = 16;  // floats of the widest vector

// Replaces row[0, n) by exp(row - max) and returns the sum; the maximum goes to `largest`.
__attribute__((always_inline)) inline float exponentials(std::int64_t n, float* __restrict row,
                                                         float& largest) {
    float top = -std::numeric_limits<float>::max();
#pragma omp simd reduction(max : top)
    for (std::int64_t i = 0; i < n; ++i) top = row[i] > top ? row[i] : top;
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < n; ++i) {
        row[i] = fastExp(row[i] - top);
        sum += row[i];
    }
    largest = top;
    return sum;
}

}  // namespace

RIDGE_CLONES
void causalSoftmaxRows(std::int64_t tokens, float* __restrict scores) {
    for (std::int64_t r = 0; r < tokens; ++r) {
        float* row = scores + r * tokens;
        // Whole vectors: the masked rest of the last one gets the least exponential, 1e-38, which
        // does not change a sum that contains exp(0), and is zeroed with the other masked elements.
        const std::int64_t padded = std::min(tokens, (r + kVector) / kVector * kVector);
        for (std::int64_t i = r + 1; i < padded; ++i) row[i] = -std::numeric_limits<float>::max();
        float largest = 0.0F;
        const float scale = 1.0F / exponentials(padded, row, largest);
#pragma omp simd
        for (std::int64_t i = 0; i < padded; ++i) row[i] *= scale;
        for (std::int64_t i = r + 1; i < tokens; ++i) row[i] = 0.0F;
    }
}

RIDGE_CLONES
void causalSoftmaxBackwardRows(std::int64_t tokens, const float* __restrict probabilities,
                               float scale, float* __restrict gradient) {
    for (std::int64_t r = 0; r < tokens; ++r) {
        const float* p = probabilities + r * tokens;
        float* g = gradient + r * tokens;
        // Whole vectors again: masked probabilities are 0, and so is what they give.
        const std::int64_t padded = std::min(tokens, (r + kVector) / kVector * kVector);
        float dot = 0.0F;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t i = 0; i < padded; ++i) dot += p[i] * g[i];
#pragma omp simd
        for (std::int64_t i = 0; i < padded; ++i) g[i] = scale * p[i] * (g[i] - dot);
        for (std::int64_t i = padded; i < tokens; ++i) g[i] = 0.0F;
    }
}

RIDGE_CLONES
void softmaxRows(std::int64_t rows, std::int64_t columns, float* __restrict scores) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = scores + r * columns;
        float largest = 0.0F;
        const float scale = 1.0F / exponentials(columns, row, largest);
#pragma omp simd
        for (std::int64_t i = 0; i < columns; ++i) row[i] *= scale;
    }
}

RIDGE_CLONES
void maskedSoftmaxRows(std::int64_t rows, std::int64_t columns, std::int64_t visible,
                       float* __restrict scores) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = scores + r * columns;
        const std::int64_t n = std::min(columns, visible + r);
        float largest = 0.0F;
        const float scale = 1.0F / exponentials(n, row, largest);
#pragma omp simd
        for (std::int64_t i = 0; i < n; ++i) row[i] *= scale;
        for (std::int64_t i = n; i < columns; ++i) row[i] = 0.0F;
    }
}

RIDGE_CLONES
void onlineSoftmaxTile(std::int64_t rows, std::int64_t columns, std::int64_t visible,
                       float* __restrict scores, float* __restrict maxima, float* __restrict sums,
                       float* __restrict factors) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = scores + r * columns;
        const std::int64_t n =
            visible < 0 ? columns : std::clamp<std::int64_t>(visible + r, 0, columns);
        float top = maxima[r];
#pragma omp simd reduction(max : top)
        for (std::int64_t i = 0; i < n; ++i) top = row[i] > top ? row[i] : top;
        const float factor = fastExp(maxima[r] - top);
        float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t i = 0; i < n; ++i) {
            row[i] = fastExp(row[i] - top);
            sum += row[i];
        }
        for (std::int64_t i = n; i < columns; ++i) row[i] = 0.0F;
        sums[r] = sums[r] * factor + sum;
        maxima[r] = top;
        factors[r] = factor;
    }
}

RIDGE_CLONES
void probabilitiesTile(std::int64_t rows, std::int64_t columns, std::int64_t visible,
                       const float* __restrict logSums, float* __restrict scores) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = scores + r * columns;
        const std::int64_t n =
            visible < 0 ? columns : std::clamp<std::int64_t>(visible + r, 0, columns);
        const float shift = logSums[r];
#pragma omp simd
        for (std::int64_t i = 0; i < n; ++i) row[i] = fastExp(row[i] - shift);
        for (std::int64_t i = n; i < columns; ++i) row[i] = 0.0F;
    }
}

RIDGE_CLONES
void scoreGradientTile(std::int64_t rows, std::int64_t columns, float scale,
                       const float* __restrict p, const float* __restrict dots,
                       float* __restrict gradient) {
    for (std::int64_t r = 0; r < rows; ++r) {
        const float* row = p + r * columns;
        float* g = gradient + r * columns;
        const float dot = dots[r];
#pragma omp simd
        for (std::int64_t i = 0; i < columns; ++i) g[i] = scale * row[i] * (g[i] - dot);
    }
}

RIDGE_CLONES
void scaleRows(std::int64_t rows, std::int64_t width, std::int64_t stride,
               const float* __restrict factors, float* __restrict x) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = x + r * stride;
        const float factor = factors[r];
#pragma omp simd
        for (std::int64_t i = 0; i < width; ++i) row[i] *= factor;
    }
}

RIDGE_CLONES
void rowDots(std::int64_t rows, std::int64_t width, std::int64_t stride, const float* __restrict a,
             const float* __restrict b, float* __restrict dots) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float dot = 0.0F;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t i = 0; i < width; ++i) dot += a[r * stride + i] * b[r * stride + i];
        dots[r] = dot;
    }
}

RIDGE_CLONES
void softmaxCrossEntropyRows(std::int64_t rows, std::int64_t vocabulary, float* __restrict logits,
                             const std::int32_t* __restrict targets, float* __restrict losses,
                             float scale) {
    for (std::int64_t r = 0; r < rows; ++r) {
        float* row = logits + r * vocabulary;
        const float wanted = row[targets[r]];
        float largest = 0.0F;
        const float sum = exponentials(vocabulary, row, largest);
        losses[r] = std::log(sum) + (largest - wanted);
        const float factor = scale / sum;
#pragma omp simd
        for (std::int64_t i = 0; i < vocabulary; ++i) row[i] *= factor;
        row[targets[r]] -= scale;
    }
}

RIDGE_CLONES
void decodeHead(std::int64_t headDim, std::int64_t context, std::int64_t stride,
                const float* __restrict query, const float* __restrict keys,
                const float* __restrict values, float* __restrict scores, float* __restrict out) {
    const float scale = 1.0F / std::sqrt(static_cast<float>(headDim));
    for (std::int64_t t = 0; t < context; ++t) {
        const float* key = keys + t * stride;
        float dot = 0.0F;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t i = 0; i < headDim; ++i) dot += query[i] * key[i];
        scores[t] = dot * scale;
    }
    float largest = 0.0F;
    const float inverse = 1.0F / exponentials(context, scores, largest);
    for (std::int64_t i = 0; i < headDim; ++i) out[i] = 0.0F;
    for (std::int64_t t = 0; t < context; ++t) {
        const float weight = scores[t] * inverse;
        const float* value = values + t * stride;
#pragma omp simd
        for (std::int64_t i = 0; i < headDim; ++i) out[i] += weight * value[i];
    }
}

}  // namespace ridge::workloads::cpu
