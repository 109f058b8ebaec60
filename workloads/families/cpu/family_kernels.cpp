// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "workloads/families/cpu/family_kernels.h"

#include "workloads/ops/cpu/kernels.h"

namespace ridge::workloads::cpu {

namespace {

// Rows are added up in vectors of the processor's own width: of a wider type GCC keeps sums in
// memory, and a row of 64 floats then takes five times as long where there is only AVX2.
// Wherever they lie. As members, since a type that is a template's argument loses its alignment.
struct Lanes4 {
    using Type __attribute__((vector_size(16), aligned(4), may_alias)) = float;
};
struct Lanes8 {
    using Type __attribute__((vector_size(32), aligned(4), may_alias)) = float;
};
struct Lanes16 {
    using Type __attribute__((vector_size(64), aligned(4), may_alias)) = float;
};

template <typename Lanes>
__attribute__((always_inline)) inline typename Lanes::Type& at(float* p) {
    return *reinterpret_cast<typename Lanes::Type*>(p);
}
template <typename Lanes>
__attribute__((always_inline)) inline const typename Lanes::Type& at(const float* p) {
    return *reinterpret_cast<const typename Lanes::Type*>(p);
}

// Rows of a table and how they are added up: each times its value, or (null) as it is.
struct RowsToSum {
    std::int64_t count, width;
    const std::int32_t* named;
    const float* values;
};

// kLanes vectors of the sum, from column c on. Of few vectors, four rows have sums of their own:
// one after the other, each addition would wait for the one before, four cycles a row.
template <typename Lanes, int kLanes, bool kWeighted>
__attribute__((always_inline)) inline void sumColumns(const RowsToSum& rows, const float* table,
                                                      std::int64_t c, float* out) {
    constexpr std::int64_t kFloats = sizeof(typename Lanes::Type) / sizeof(float);
    constexpr int kAtOnce = kLanes <= 2 ? 4 : 1;
    typename Lanes::Type sums[kAtOnce][kLanes] = {};
    const auto add = [&](std::int64_t i, typename Lanes::Type * to) __attribute__((always_inline)) {
        const float* row = table + rows.named[i] * rows.width + c;
#pragma GCC unroll 8
        for (int l = 0; l < kLanes; ++l) {
            if constexpr (kWeighted)
                to[l] += rows.values[i] * at<Lanes>(row + l * kFloats);
            else
                to[l] += at<Lanes>(row + l * kFloats);
        }
    };
    std::int64_t i = 0;
    for (; i + kAtOnce <= rows.count; i += kAtOnce)
#pragma GCC unroll 4
        for (int part = 0; part < kAtOnce; ++part) add(i + part, sums[part]);
    for (; i < rows.count; ++i) add(i, sums[0]);
#pragma GCC unroll 8
    for (int l = 0; l < kLanes; ++l) {
        typename Lanes::Type sum = sums[0][l];
#pragma GCC unroll 4
        for (int part = 1; part < kAtOnce; ++part) sum += sums[part][l];
        at<Lanes>(out + c + l * kFloats) = sum;
    }
}

template <typename Lanes, bool kWeighted>
__attribute__((always_inline)) inline void sumRows(const RowsToSum& rows, const float* table,
                                                   float* out) {
    constexpr std::int64_t kFloats = sizeof(typename Lanes::Type) / sizeof(float);
    constexpr int kMany = kFloats >= 16 ? 4 : 8, kFew = static_cast<int>(16 / kFloats);
    std::int64_t c = 0;
    for (; c + kMany * kFloats <= rows.width; c += kMany * kFloats)
        sumColumns<Lanes, kMany, kWeighted>(rows, table, c, out);
    for (; c + kFew * kFloats <= rows.width; c += kFew * kFloats)
        sumColumns<Lanes, kFew, kWeighted>(rows, table, c, out);
    for (; c < rows.width; ++c) {
        float total = 0;
        for (std::int64_t i = 0; i < rows.count; ++i) {
            const float value = table[rows.named[i] * rows.width + c];
            total += kWeighted ? rows.values[i] * value : value;
        }
        out[c] = total;
    }
}

template <typename Lanes>
__attribute__((always_inline)) inline void sumBagsIn(const Bags& bags, std::int64_t first,
                                                     std::int64_t last, const float* table,
                                                     const std::int32_t* indices, float* out) {
    for (std::int64_t t = first; t < last; ++t)
        for (std::int64_t s = 0; s < bags.samples; ++s) {
            const std::int64_t bag = s * bags.tables + t;
            sumRows<Lanes, false>({bags.perBag, bags.width, indices + bag * bags.perBag, nullptr},
                                  table + t * bags.rows * bags.width, out + bag * bags.width);
        }
}

template <typename Lanes>
__attribute__((always_inline)) inline void updateBagsIn(const Bags& bags, std::int64_t first,
                                                        std::int64_t last,
                                                        const std::int32_t* indices,
                                                        const float* dOut, float rate,
                                                        float* table) {
    constexpr std::int64_t kFloats = sizeof(typename Lanes::Type) / sizeof(float);
    const std::int64_t width = bags.width;
    for (std::int64_t t = first; t < last; ++t) {
        float* rows = table + t * bags.rows * width;
        for (std::int64_t s = 0; s < bags.samples; ++s) {
            const std::int64_t bag = s * bags.tables + t;
            const std::int32_t* named = indices + bag * bags.perBag;
            const float* gradient = dOut + bag * width;
            // A row's columns together: it is fetched once.
            for (std::int64_t i = 0; i < bags.perBag; ++i) {
                float* row = rows + named[i] * width;
                std::int64_t c = 0;
                for (; c + kFloats <= width; c += kFloats)
                    at<Lanes>(row + c) -= rate * at<Lanes>(gradient + c);
                for (; c < width; ++c) row[c] -= rate * gradient[c];
            }
        }
    }
}

template <typename Lanes>
__attribute__((always_inline)) inline void spmmRowsIn(
    std::int64_t first, std::int64_t last, std::int64_t width, const std::int32_t* offsets,
    const std::int32_t* indices, const float* values, const float* x, float* y) {
    for (std::int64_t r = first; r < last; ++r)
        sumRows<Lanes, true>(
            {offsets[r + 1] - offsets[r], width, indices + offsets[r], values + offsets[r]}, x,
            y + r * width);
}

// The three of one width, each compiled for the processors that have it.
struct RowKernels {
    decltype(&sumBags) sum;
    decltype(&updateBags) update;
    decltype(&spmmRows) spmm;
};
#define RIDGE_ROW_KERNELS(TARGET, LANES, SUFFIX)                                               \
    TARGET void sumBags##SUFFIX(const Bags& bags, std::int64_t first, std::int64_t last,       \
                                const float* table, const std::int32_t* indices, float* out) { \
        sumBagsIn<LANES>(bags, first, last, table, indices, out);                              \
    }                                                                                          \
    TARGET void updateBags##SUFFIX(const Bags& bags, std::int64_t first, std::int64_t last,    \
                                   const std::int32_t* indices, const float* dOut, float rate, \
                                   float* table) {                                             \
        updateBagsIn<LANES>(bags, first, last, indices, dOut, rate, table);                    \
    }                                                                                          \
    TARGET void spmmRows##SUFFIX(std::int64_t first, std::int64_t last, std::int64_t width,    \
                                 const std::int32_t* offsets, const std::int32_t* indices,     \
                                 const float* values, const float* x, float* y) {              \
        spmmRowsIn<LANES>(first, last, width, offsets, indices, values, x, y);                 \
    }                                                                                          \
    constexpr RowKernels kRows##SUFFIX{sumBags##SUFFIX, updateBags##SUFFIX, spmmRows##SUFFIX};

RIDGE_ROW_KERNELS(, Lanes4, Portable)
#if defined(__x86_64__)
RIDGE_ROW_KERNELS(__attribute__((target("arch=x86-64-v3"))), Lanes8, V3)
RIDGE_ROW_KERNELS(__attribute__((target("avx512f"))), Lanes16, Avx512)
#endif
#undef RIDGE_ROW_KERNELS

const RowKernels& rowKernels() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return kRowsAvx512;
    if (__builtin_cpu_supports("x86-64-v3")) return kRowsV3;
#endif
    return kRowsPortable;
}

}  // namespace

void sumBags(const Bags& bags, std::int64_t first, std::int64_t last, const float* table,
             const std::int32_t* indices, float* out) {
    rowKernels().sum(bags, first, last, table, indices, out);
}

void updateBags(const Bags& bags, std::int64_t first, std::int64_t last,
                const std::int32_t* indices, const float* dOut, float rate, float* table) {
    rowKernels().update(bags, first, last, indices, dOut, rate, table);
}

void spmmRows(std::int64_t first, std::int64_t last, std::int64_t width,
              const std::int32_t* offsets, const std::int32_t* indices, const float* values,
              const float* x, float* y) {
    rowKernels().spmm(first, last, width, offsets, indices, values, x, y);
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
