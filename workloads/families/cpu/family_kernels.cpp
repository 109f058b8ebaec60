// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/cpu/family_kernels.h"

#include "workloads/ops/cpu/kernels.h"

namespace ridge::workloads::cpu {

namespace {

// Sixteen floats wherever they lie: one register of AVX-512, two of AVX2, four of SSE.
using Lane __attribute__((vector_size(64), aligned(4), may_alias)) = float;
constexpr std::int64_t kLane = 16;

__attribute__((always_inline)) inline Lane& at(float* p) {
    return *reinterpret_cast<Lane*>(p);
}
__attribute__((always_inline)) inline const Lane& at(const float* p) {
    return *reinterpret_cast<const Lane*>(p);
}

}  // namespace

RIDGE_CLONES
void sumBags(const Bags& bags, std::int64_t first, std::int64_t last, const float* __restrict table,
             const std::int32_t* __restrict indices, float* __restrict out) {
    const std::int64_t width = bags.width;
    for (std::int64_t t = first; t < last; ++t) {
        const float* rows = table + t * bags.rows * width;
        for (std::int64_t s = 0; s < bags.samples; ++s) {
            const std::int64_t bag = s * bags.tables + t;
            const std::int32_t* named = indices + bag * bags.perBag;
            float* sum = out + bag * width;
            std::int64_t c = 0;
            for (; c + kLane <= width; c += kLane) {
                Lane total = {};
                for (std::int64_t i = 0; i < bags.perBag; ++i)
                    total += at(rows + named[i] * width + c);
                at(sum + c) = total;
            }
            for (; c < width; ++c) {
                float total = 0;
                for (std::int64_t i = 0; i < bags.perBag; ++i) total += rows[named[i] * width + c];
                sum[c] = total;
            }
        }
    }
}

RIDGE_CLONES
void updateBags(const Bags& bags, std::int64_t first, std::int64_t last,
                const std::int32_t* __restrict indices, const float* __restrict dOut, float rate,
                float* __restrict table) {
    const std::int64_t width = bags.width;
    for (std::int64_t t = first; t < last; ++t) {
        float* rows = table + t * bags.rows * width;
        for (std::int64_t s = 0; s < bags.samples; ++s) {
            const std::int64_t bag = s * bags.tables + t;
            const std::int32_t* named = indices + bag * bags.perBag;
            const float* gradient = dOut + bag * width;
            std::int64_t c = 0;
            for (; c + kLane <= width; c += kLane) {
                const Lane change = rate * at(gradient + c);
                for (std::int64_t i = 0; i < bags.perBag; ++i)
                    at(rows + named[i] * width + c) -= change;
            }
            for (; c < width; ++c)
                for (std::int64_t i = 0; i < bags.perBag; ++i)
                    rows[named[i] * width + c] -= rate * gradient[c];
        }
    }
}

RIDGE_CLONES
void interact(const Interaction& shape, std::int64_t first, std::int64_t last,
              const float* __restrict dense, const float* __restrict bags, float* __restrict out) {
    const std::int64_t width = shape.width, f = shape.tables + 1;
    const std::int64_t wide = width + f * (f - 1) / 2;
    for (std::int64_t s = first; s < last; ++s) {
        const float* own = dense + s * width;
        const float* sparse = bags + s * shape.tables * width;
        float* row = out + s * wide;
        for (std::int64_t c = 0; c < width; ++c) row[c] = own[c];
        float* products = row + width;
        for (std::int64_t i = 1; i < f; ++i) {
            const float* a = sparse + (i - 1) * width;
            for (std::int64_t j = 0; j < i; ++j) {
                const float* b = j == 0 ? own : sparse + (j - 1) * width;
                float dot = 0;
#pragma omp simd reduction(+ : dot)
                for (std::int64_t c = 0; c < width; ++c) dot += a[c] * b[c];
                *products++ = dot;
            }
        }
    }
}

RIDGE_CLONES
void interactBackward(const Interaction& shape, std::int64_t first, std::int64_t last,
                      const float* __restrict dense, const float* __restrict bags,
                      const float* __restrict dOut, float* __restrict dDense,
                      float* __restrict dBags) {
    const std::int64_t width = shape.width, f = shape.tables + 1;
    const std::int64_t wide = width + f * (f - 1) / 2;
    for (std::int64_t s = first; s < last; ++s) {
        const float* own = dense + s * width;
        const float* sparse = bags + s * shape.tables * width;
        const float* gradient = dOut + s * wide;
        float* dOwn = dDense + s * width;
        float* dSparse = dBags + s * shape.tables * width;
        for (std::int64_t c = 0; c < width; ++c) dOwn[c] = gradient[c];
        for (std::int64_t c = 0; c < shape.tables * width; ++c) dSparse[c] = 0;
        const float* products = gradient + width;
        for (std::int64_t i = 1; i < f; ++i) {
            const float* a = sparse + (i - 1) * width;
            float* dA = dSparse + (i - 1) * width;
            for (std::int64_t j = 0; j < i; ++j) {
                const float g = *products++;
                const float* b = j == 0 ? own : sparse + (j - 1) * width;
                float* dB = j == 0 ? dOwn : dSparse + (j - 1) * width;
#pragma omp simd
                for (std::int64_t c = 0; c < width; ++c) {
                    dA[c] += g * b[c];
                    dB[c] += g * a[c];
                }
            }
        }
    }
}

RIDGE_CLONES
void spmmRows(std::int64_t first, std::int64_t last, std::int64_t width,
              const std::int32_t* __restrict offsets, const std::int32_t* __restrict indices,
              const float* __restrict values, const float* __restrict x, float* __restrict y) {
    for (std::int64_t r = first; r < last; ++r) {
        float* out = y + r * width;
        const std::int32_t begin = offsets[r], end = offsets[r + 1];
        std::int64_t c = 0;
        for (; c + 4 * kLane <= width; c += 4 * kLane) {
            Lane sum0 = {}, sum1 = {}, sum2 = {}, sum3 = {};
            for (std::int32_t e = begin; e < end; ++e) {
                const float* row = x + indices[e] * width + c;
                const float value = values[e];
                sum0 += value * at(row);
                sum1 += value * at(row + kLane);
                sum2 += value * at(row + 2 * kLane);
                sum3 += value * at(row + 3 * kLane);
            }
            at(out + c) = sum0;
            at(out + c + kLane) = sum1;
            at(out + c + 2 * kLane) = sum2;
            at(out + c + 3 * kLane) = sum3;
        }
        for (; c + kLane <= width; c += kLane) {
            Lane sum = {};
            for (std::int32_t e = begin; e < end; ++e)
                sum += values[e] * at(x + indices[e] * width + c);
            at(out + c) = sum;
        }
        for (; c < width; ++c) {
            float sum = 0;
            for (std::int32_t e = begin; e < end; ++e) sum += values[e] * x[indices[e] * width + c];
            out[c] = sum;
        }
    }
}

RIDGE_CLONES
void reluRange(std::int64_t count, const float* x, float* y) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] > 0.0F ? x[i] : 0.0F;
}

RIDGE_CLONES
void reluBackwardRange(std::int64_t count, const float* y, const float* dY, float* dX) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) dX[i] = y[i] > 0.0F ? dY[i] : 0.0F;
}

RIDGE_CLONES
void addReluRange(std::int64_t count, const float* a, const float* b, float* y) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
        const float sum = a[i] + b[i];
        y[i] = sum > 0.0F ? sum : 0.0F;
    }
}

RIDGE_CLONES
void sgdRange(std::int64_t count, float rate, float* __restrict weights,
              const float* __restrict gradients) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) weights[i] -= rate * gradients[i];
}

RIDGE_CLONES
void averagePixels(std::int64_t pixels, std::int64_t channels, const float* __restrict x,
                   float* __restrict y) {
    for (std::int64_t c = 0; c < channels; ++c) y[c] = 0;
    for (std::int64_t p = 0; p < pixels; ++p)
#pragma omp simd
        for (std::int64_t c = 0; c < channels; ++c) y[c] += x[p * channels + c];
    const float share = 1.0F / static_cast<float>(pixels);
    for (std::int64_t c = 0; c < channels; ++c) y[c] *= share;
}

RIDGE_CLONES
void spreadPixels(std::int64_t pixels, std::int64_t channels, const float* __restrict dY,
                  float* __restrict dX) {
    const float share = 1.0F / static_cast<float>(pixels);
    for (std::int64_t p = 0; p < pixels; ++p)
#pragma omp simd
        for (std::int64_t c = 0; c < channels; ++c) dX[p * channels + c] = share * dY[c];
}

}  // namespace ridge::workloads::cpu
