// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Products of a few rows with eight-bit weights where vectors have 256 bits: in whole numbers. As
// floats, every eight weights take a shuffle, a conversion and a multiply-add, and one row of x was
// done at 14 to 17 GB/s of weights out of the caches, no faster than memory gives them: both
// together took longer than reading alone. Widened to 16 bits, sixteen weights take a shift or two
// and one multiply-add, which is twice as fast. x is rounded to 16 bits with a scale per group of
// 64, as the weights have: by at most 2^-16 of the group's largest, 2^-8 of what rounding the
// weights costs. A group's sum is exact: 64 * 127 * 32767 < 2^28. Included by kernels_linear_impl.h
// alone, for its constants and macros.

#include "workloads/ops/cpu/kernels.h"

#include <immintrin.h>

namespace ridge::workloads::cpu {
namespace {

// Values of x in a call that fit, on the stack; more are multiplied as floats.
constexpr std::int64_t kMostFixed = std::int64_t{1} << 16;

// Of every 32 values of a row the even ones, then the odd ones, as the weights come apart. A
// group's scale is there eight times: a vector.
struct FixedRows {
    alignas(32) std::int16_t values[kMostFixed];
    alignas(32) float scales[kMostFixed / kGroup * 8];
};

// Four values from `at` on in the lower half, four from 16 after them in the upper one.
RIDGE_INLINE __m256 fourAndFour(const float* at) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(at)), _mm_loadu_ps(at + 16), 1);
}

RIDGE_INLINE float largestOf(__m256 lanes) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

// A group too small for its scale's reciprocal to be finite becomes zero. One with a value that is
// not finite gets no number for a scale, and so has every sum that it is in.
RIDGE_INLINE void toFixed(std::int64_t groups, const float* x, std::int16_t* values,
                          float* scales) {
    for (std::int64_t g = 0; g < groups; ++g, x += kGroup, values += kGroup, scales += 8) {
        __m256 largest = _mm256_setzero_ps(), nothing = largest;
        for (int i = 0; i < kGroup; i += 8) {
            const __m256 in = _mm256_loadu_ps(x + i);
            largest = _mm256_max_ps(largest, _mm256_andnot_ps(_mm256_set1_ps(-0.0F), in));
            nothing = _mm256_fmadd_ps(in, _mm256_setzero_ps(), nothing);
        }
        const float most = largestOf(largest);
        const bool some = most > 0x1p-100F;
        const __m256 times = _mm256_set1_ps(some ? 32767.0F / most : 0.0F);
        const __m256 scale = _mm256_set1_ps(some ? most / 32767.0F : 0.0F);
        _mm256_store_ps(scales, _mm256_add_ps(scale, nothing));
        for (int i = 0; i < kGroup; i += 32) {
            __m256 in[4];
            for (int j = 0; j < 4; ++j) in[j] = _mm256_mul_ps(fourAndFour(x + i + 4 * j), times);
            auto* out = reinterpret_cast<__m256i*>(values + i);
            out[0] = _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_shuffle_ps(in[0], in[1], 0x88)),
                                        _mm256_cvtps_epi32(_mm256_shuffle_ps(in[2], in[3], 0x88)));
            out[1] = _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_shuffle_ps(in[0], in[1], 0xDD)),
                                        _mm256_cvtps_epi32(_mm256_shuffle_ps(in[2], in[3], 0xDD)));
        }
    }
}

RIDGE_INLINE float sumOfEight(__m256 lanes) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

// How far ahead the second-level cache is told of weights when rows are taken one by one.
constexpr std::int64_t kBytesAhead = 6144;

// kWeights rows of W times kRows rows of x. A row of x gives the same bits however many are beside
// it.
template <int kWeights, int kRows>
RIDGE_INLINE void fixedTile(const FewRows& a, const FixedRows& x, std::int64_t firstWeight,
                            std::int64_t firstRow) {
    const std::int64_t groups = a.k / kGroup;
    const char* weights = static_cast<const char*>(a.weights) + firstWeight * a.k;
    const float* scales = a.scales + firstWeight * groups;
    const std::int16_t* values = x.values + firstRow * a.k;
    const float* valueScales = x.scales + firstRow * groups * 8;
    __m256 sums[kWeights][kRows];
#pragma GCC unroll 4
    for (int i = 0; i < kWeights; ++i)
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) sums[i][r] = _mm256_setzero_ps();
    for (std::int64_t g = 0; g < groups; ++g) {
#pragma GCC unroll 4
        for (int i = 0; i < kWeights; ++i) {
            const char* row = weights + i * a.k + g * kGroup;
            if (firstRow == 0)
                __builtin_prefetch(row + (kWeights > 1 ? kRowsAhead * a.k : kBytesAhead), 0, 2);
            const auto* from = reinterpret_cast<const __m256i_u*>(row);
            const __m256i first = _mm256_loadu_si256(from), second = _mm256_loadu_si256(from + 1);
            const __m256i even0 = _mm256_srai_epi16(_mm256_slli_epi16(first, 8), 8);
            const __m256i odd0 = _mm256_srai_epi16(first, 8);
            const __m256i even1 = _mm256_srai_epi16(_mm256_slli_epi16(second, 8), 8);
            const __m256i odd1 = _mm256_srai_epi16(second, 8);
            const __m256 scale = _mm256_set1_ps(scales[i * groups + g]);
#pragma GCC unroll 4
            for (int r = 0; r < kRows; ++r) {
                const auto* in = reinterpret_cast<const __m256i*>(values + r * a.k + g * kGroup);
                const __m256i sum =
                    _mm256_add_epi32(_mm256_add_epi32(_mm256_madd_epi16(even0, in[0]),
                                                      _mm256_madd_epi16(odd0, in[1])),
                                     _mm256_add_epi32(_mm256_madd_epi16(even1, in[2]),
                                                      _mm256_madd_epi16(odd1, in[3])));
                const __m256 both =
                    _mm256_mul_ps(scale, _mm256_load_ps(valueScales + (r * groups + g) * 8));
                sums[i][r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), both, sums[i][r]);
            }
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < kWeights; ++i)
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) {
            const std::int64_t column = firstWeight + i;
            a.y[(firstRow + r) * a.stride + column] =
                sumOfEight(sums[i][r]) + (a.bias == nullptr ? 0.0F : a.bias[column]);
        }
}

template <int kWeights>
RIDGE_INLINE void fixedRows(const FewRows& a, const FixedRows& x, std::int64_t weight) {
    std::int64_t row = 0;
    for (; row + 4 <= a.rows; row += 4) fixedTile<kWeights, 4>(a, x, weight, row);
    if (a.rows - row >= 2) {
        fixedTile<kWeights, 2>(a, x, weight, row);
        row += 2;
    }
    if (row < a.rows) fixedTile<kWeights, 1>(a, x, weight, row);
}

// Several rows of W at a time are several streams that the processor fetches ahead of use, if each
// has pages of its own. Rows of 1024 within one page went at 0.7 of reading four at a time, at 0.9
// one by one; rows of 4096 at 1.0 and 0.9.
constexpr std::int64_t kPage = 4096;

void linearFixed(const FewRows& a) {
    if (a.rows * a.k > kMostFixed) return linearFew<ReadInt8>(a);
    FixedRows x;
    toFixed(a.rows * a.k / kGroup, a.x, x.values, x.scales);
    std::int64_t weight = 0;
    if (a.k >= kPage) {
        if (a.rows == 1)
            for (; weight + 4 <= a.n; weight += 4) fixedTile<4, 1>(a, x, weight, 0);
        for (; weight + 2 <= a.n; weight += 2) fixedRows<2>(a, x, weight);
    }
    for (; weight < a.n; ++weight) fixedRows<1>(a, x, weight);
}

}  // namespace
}  // namespace ridge::workloads::cpu
