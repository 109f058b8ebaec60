// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Products of a few rows with a stored matrix, written once and compiled once per instruction set
// by the kernels_linear*.cpp that include it. Two weight rows at a time (four for one row of x),
// each weight decoded once and used for up to four rows of x; a stride is four vectors. Everything
// is always inlined or in an unnamed namespace: no code for a newer processor may leak into what
// older ones run.

#include "workloads/ops/cpu/kernels.h"

#include <cstring>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

// GCC 12 warns of its own "undefined" operands inside the AVX-512 intrinsics (bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#define RIDGE_INLINE __attribute__((always_inline)) static inline

namespace ridge::workloads::cpu {
namespace {

#if defined(__AVX512F__)
typedef __m512 V;
#elif defined(__AVX2__)
typedef __m256 V;
#else
typedef float V __attribute__((vector_size(16)));
#endif
// As it lies in memory: any alignment.
typedef float VRaw __attribute__((vector_size(sizeof(V)), aligned(4), may_alias));

constexpr std::int64_t kLanes = sizeof(V) / 4;
constexpr std::int64_t kStride = 4 * kLanes;
constexpr std::int64_t kGroup = 64;

// The four vectors of weights [at, at + kStride) of a row; bytes(k) of k weights.
struct ReadF32 {
    static constexpr bool kScaled = false;
    RIDGE_INLINE constexpr std::int64_t bytes(std::int64_t k) { return 4 * k; }
    RIDGE_INLINE void vectors(const char* row, std::int64_t at, V* w) {
        for (int i = 0; i < 4; ++i) w[i] = reinterpret_cast<const VRaw*>(row + 4 * at)[i];
    }
    RIDGE_INLINE float one(const char* row, std::int64_t at) {
        return reinterpret_cast<const float*>(row)[at];
    }
};
struct ReadBf16 {
    static constexpr bool kScaled = false;
    RIDGE_INLINE constexpr std::int64_t bytes(std::int64_t k) { return 2 * k; }
    RIDGE_INLINE float one(const char* row, std::int64_t at) {
        const auto bits =
            static_cast<std::uint32_t>(reinterpret_cast<const std::uint16_t*>(row)[at]) << 16;
        return __builtin_bit_cast(float, bits);
    }
    RIDGE_INLINE void vectors(const char* row, std::int64_t at, V* w) {
        const char* from = row + 2 * at;
        for (int i = 0; i < 4; ++i) {
#if defined(__AVX512F__)
            const __m256i half =
                _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(from + 32 * i));
            w[i] = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
#elif defined(__AVX2__)
            const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from + 16 * i));
            w[i] = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
#else
            float lanes[kLanes];
            for (int j = 0; j < kLanes; ++j) lanes[j] = one(from, i * kLanes + j);
            std::memcpy(w + i, lanes, sizeof lanes);
#endif
        }
    }
};
struct ReadInt8 {
    static constexpr bool kScaled = true;
    RIDGE_INLINE constexpr std::int64_t bytes(std::int64_t k) { return k; }
    RIDGE_INLINE void vectors(const char* row, std::int64_t at, V* w) {
        const char* from = row + at;
        for (int i = 0; i < 4; ++i) {
#if defined(__AVX512F__)
            const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from + 16 * i));
            w[i] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(part));
#elif defined(__AVX2__)
            const __m128i part = _mm_loadl_epi64(reinterpret_cast<const __m128i_u*>(from + 8 * i));
            w[i] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(part));
#else
            float lanes[kLanes];
            for (int j = 0; j < kLanes; ++j)
                lanes[j] = reinterpret_cast<const signed char*>(from)[i * kLanes + j];
            std::memcpy(w + i, lanes, sizeof lanes);
#endif
        }
    }
};
// Byte j of a group holds element j and, in its upper half, element j + 32.
struct ReadInt4 {
    static constexpr bool kScaled = true;
    RIDGE_INLINE constexpr std::int64_t bytes(std::int64_t k) { return k / 2; }
    RIDGE_INLINE void vectors(const char* row, std::int64_t at, V* w) {
        const char* group = row + at / kGroup * (kGroup / 2);
#if defined(__AVX512F__)
        const __m512 values =
            _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
        for (int i = 0; i < 2; ++i) {
            const __m512i both = _mm512_cvtepu8_epi32(
                _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(group + 16 * i)));
            // The permutation looks at the lowest four bits of each lane only.
            w[i] = _mm512_permutexvar_ps(both, values);
            w[i + 2] = _mm512_permutexvar_ps(_mm512_srli_epi32(both, 4), values);
        }
#elif defined(__AVX2__)
        const bool upper = at % kGroup != 0;
        for (int i = 0; i < 4; ++i) {
            const __m256i both = _mm256_cvtepu8_epi32(
                _mm_loadl_epi64(reinterpret_cast<const __m128i_u*>(group + 8 * i)));
            const __m256i half =
                upper ? _mm256_srli_epi32(both, 4) : _mm256_and_si256(both, _mm256_set1_epi32(15));
            w[i] = _mm256_cvtepi32_ps(_mm256_sub_epi32(half, _mm256_set1_epi32(8)));
        }
#else
        const auto* bytesOf = reinterpret_cast<const unsigned char*>(group);
        for (int i = 0; i < 4; ++i) {
            float lanes[kLanes];
            for (int j = 0; j < kLanes; ++j) {
                const std::int64_t element = at % kGroup + i * kLanes + j;
                const int both = bytesOf[element % (kGroup / 2)];
                lanes[j] = static_cast<float>((element < kGroup / 2 ? both & 15 : both >> 4) - 8);
            }
            std::memcpy(w + i, lanes, sizeof lanes);
        }
#endif
    }
};

RIDGE_INLINE float sumOf(const V& lanes) {
    float parts[kLanes];
    std::memcpy(parts, &lanes, sizeof parts);
    for (std::int64_t half = kLanes / 2; half > 0; half /= 2)
        for (std::int64_t i = 0; i < half; ++i) parts[i] += parts[i + half];
    return parts[0];
}

// How many weight rows ahead the second-level cache is told of. Measured beside reading alone, one
// row of x, bf16 and int8: 2 rows ahead into the first level 0.77 and 0.72 of it, 6 ahead into the
// second with four rows at a time 0.91 and 0.81, no prefetch 0.51 and 0.40.
constexpr std::int64_t kRowsAhead = 6;

// kWeights rows of W times kRows rows of x; weight rows to come are fetched as these are used. The
// prefetch may point past the matrix: it never faults.
template <typename Read, int kWeights, int kRows>
RIDGE_INLINE void tile(const FewRows& a, std::int64_t firstWeight, std::int64_t firstRow) {
    const std::int64_t rowBytes = Read::bytes(a.k);
    const char* weights = static_cast<const char*>(a.weights) + firstWeight * rowBytes;
    const float* scales = a.scales;
    if constexpr (Read::kScaled) scales += firstWeight * (a.k / kGroup);
    const float* x = a.x + firstRow * a.k;
    const std::int64_t whole = a.k / kStride * kStride;
    V sums[kWeights][kRows] = {};
    for (std::int64_t at = 0; at < whole; at += kStride) {
#pragma GCC unroll 4
        for (int i = 0; i < kWeights; ++i) {
            const char* row = weights + i * rowBytes;
            if (firstRow == 0)
                for (std::int64_t line = 0; line < Read::bytes(kStride); line += 64)
                    __builtin_prefetch(row + kRowsAhead * rowBytes + Read::bytes(at) + line, 0, 2);
            V w[4];
            Read::vectors(row, at, w);
#pragma GCC unroll 4
            for (int r = 0; r < kRows; ++r) {
                // Not auto: deduction would drop the alignment.
                const VRaw* in = reinterpret_cast<const VRaw*>(x + r * a.k + at);
                V part = w[0] * in[0];
                V other = w[1] * in[1];
                part += w[2] * in[2];
                other += w[3] * in[3];
                if constexpr (Read::kScaled)
                    sums[i][r] += scales[i * (a.k / kGroup) + at / kGroup] * (part + other);
                else
                    sums[i][r] += part + other;
            }
        }
    }
    for (int i = 0; i < kWeights; ++i)
        for (int r = 0; r < kRows; ++r) {
            float sum = sumOf(sums[i][r]);
            if constexpr (!Read::kScaled)
                for (std::int64_t j = whole; j < a.k; ++j)
                    sum += Read::one(weights + i * rowBytes, j) * x[r * a.k + j];
            const std::int64_t column = firstWeight + i;
            a.y[(firstRow + r) * a.stride + column] =
                sum + (a.bias == nullptr ? 0.0F : a.bias[column]);
        }
}

template <typename Read, int kWeights>
RIDGE_INLINE void allRows(const FewRows& a, std::int64_t weight) {
    std::int64_t row = 0;
    for (; row + 4 <= a.rows; row += 4) tile<Read, kWeights, 4>(a, weight, row);
    if (a.rows - row == 3) {
        tile<Read, kWeights, 3>(a, weight, row);
    } else if (a.rows - row == 2) {
        tile<Read, kWeights, 2>(a, weight, row);
    } else if (a.rows - row == 1) {
        tile<Read, kWeights, 1>(a, weight, row);
    }
}

template <typename Read>
void linearFew(const FewRows& a) {
    std::int64_t weight = 0;
    // One row of x leaves registers for twice as many weight rows.
    if (a.rows == 1)
        for (; weight + 4 <= a.n; weight += 4) tile<Read, 4, 1>(a, weight, 0);
    for (; weight + 2 <= a.n; weight += 2) allRows<Read, 2>(a, weight);
    if (weight < a.n) allRows<Read, 1>(a, weight);
}

constexpr LinearKernels kTable{linearFew<ReadF32>, linearFew<ReadBf16>, linearFew<ReadInt8>,
                               linearFew<ReadInt4>};

}  // namespace
}  // namespace ridge::workloads::cpu

#undef RIDGE_INLINE
#pragma GCC diagnostic pop
