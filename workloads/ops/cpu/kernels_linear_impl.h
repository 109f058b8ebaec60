// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#pragma once
// Products of a few rows with a stored matrix, written once and compiled once per instruction set
// by the kernels_linear*.cpp that include it. A few weight rows at a time, each weight decoded once
// and used for up to eight rows of x; a stride is four vectors. Everything is always inlined or in
// an unnamed namespace: no code for a newer processor may leak into what older ones run.

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

RIDGE_INLINE V vectorOf(const float* lanes) {
    V all;
    std::memcpy(&all, lanes, sizeof all);
    return all;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// Bytes 8 half .. 8 half + 7 of a sixteen as floats of 2^24 times their value: put into the top
// byte of a word by a shuffle within each half of the register, and converted. Widening with sign
// crosses the halves, which takes twice the operations.
RIDGE_INLINE __m256 topBytes(__m256i twice, int half) {
    const __m256i first =
        _mm256_setr_epi8(-1, -1, -1, 0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3,  //
                         -1, -1, -1, 4, -1, -1, -1, 5, -1, -1, -1, 6, -1, -1, -1, 7);
    const __m256i second =
        _mm256_setr_epi8(-1, -1, -1, 8, -1, -1, -1, 9, -1, -1, -1, 10, -1, -1, -1, 11,  //
                         -1, -1, -1, 12, -1, -1, -1, 13, -1, -1, -1, 14, -1, -1, -1, 15);
    return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(twice, half == 0 ? first : second));
}
RIDGE_INLINE __m256i sixteenTwice(const char* from) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from)));
}
#endif

// Vector i of the four that hold weights [at, at + kStride) of a row, which are kTimes their value
// (a power of two: nothing is rounded by it); bytes(k) of k weights.
struct ReadF32 {
    static constexpr bool kScaled = false;
    static constexpr float kTimes = 1;
    RIDGE_INLINE constexpr std::int64_t bytes(std::int64_t k) { return 4 * k; }
    RIDGE_INLINE V vector(const char* row, std::int64_t at, int i) {
        return reinterpret_cast<const VRaw*>(row + 4 * at)[i];
    }
    RIDGE_INLINE float one(const char* row, std::int64_t at) {
        return reinterpret_cast<const float*>(row)[at];
    }
};
struct ReadBf16 {
    static constexpr bool kScaled = false;
    static constexpr float kTimes = 1;
    RIDGE_INLINE constexpr std::int64_t bytes(std::int64_t k) { return 2 * k; }
    RIDGE_INLINE float one(const char* row, std::int64_t at) {
        const auto bits =
            static_cast<std::uint32_t>(reinterpret_cast<const std::uint16_t*>(row)[at]) << 16;
        return __builtin_bit_cast(float, bits);
    }
    RIDGE_INLINE V vector(const char* row, std::int64_t at, int i) {
        const char* from = row + 2 * at;
#if defined(__AVX512F__)
        const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(from + 32 * i));
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
#elif defined(__AVX2__)
        const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from + 16 * i));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
#else
        float lanes[kLanes];
        for (int j = 0; j < kLanes; ++j) lanes[j] = one(from, i * kLanes + j);
        return vectorOf(lanes);
#endif
    }
};
struct ReadInt8 {
    static constexpr bool kScaled = true;
#if defined(__AVX2__) && !defined(__AVX512F__)
    static constexpr float kTimes = 0x1p24F;
#else
    static constexpr float kTimes = 1;
#endif
    RIDGE_INLINE constexpr std::int64_t bytes(std::int64_t k) {
        return k;
    }
    RIDGE_INLINE V vector(const char* row, std::int64_t at, int i) {
        const char* from = row + at;
#if defined(__AVX512F__)
        const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from + 16 * i));
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(part));
#elif defined(__AVX2__)
        return topBytes(sixteenTwice(from + i / 2 * 16), i % 2);
#else
        float lanes[kLanes];
        for (int j = 0; j < kLanes; ++j)
            lanes[j] = reinterpret_cast<const signed char*>(from)[i * kLanes + j];
        return vectorOf(lanes);
#endif
    }
};
// Byte j of a group holds element j and, in its upper half, element j + 32.
struct ReadInt4 {
    static constexpr bool kScaled = true;
#if defined(__AVX2__) && !defined(__AVX512F__)
    static constexpr float kTimes = 0x1p28F;
#else
    static constexpr float kTimes = 1;
#endif
    RIDGE_INLINE constexpr std::int64_t bytes(std::int64_t k) {
        return k / 2;
    }
    RIDGE_INLINE V vector(const char* row, std::int64_t at, int i) {
        const char* group = row + at / kGroup * (kGroup / 2);
#if defined(__AVX512F__)
        const __m512 values =
            _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
        const __m512i both = _mm512_cvtepu8_epi32(
            _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(group + 16 * (i % 2))));
        // The permutation looks at the lowest four bits of each lane only.
        return _mm512_permutexvar_ps(i < 2 ? both : _mm512_srli_epi32(both, 4), values);
#elif defined(__AVX2__)
        // In the upper half of a byte, with its highest bit turned over, a nibble n is the signed
        // byte 16 (n - 8).
        __m256i both = sixteenTwice(group + i / 2 * 16);
        if (at % kGroup == 0) both = _mm256_slli_epi16(both, 4);
        const __m256i upper = _mm256_and_si256(both, _mm256_set1_epi8(static_cast<char>(0xF0)));
        return topBytes(_mm256_xor_si256(upper, _mm256_set1_epi8(static_cast<char>(0x80))), i % 2);
#else
        const auto* bytesOf = reinterpret_cast<const unsigned char*>(group);
        float lanes[kLanes];
        for (int j = 0; j < kLanes; ++j) {
            const std::int64_t element = at % kGroup + i * kLanes + j;
            const int both = bytesOf[element % (kGroup / 2)];
            lanes[j] = static_cast<float>((element < kGroup / 2 ? both & 15 : both >> 4) - 8);
        }
        return vectorOf(lanes);
#endif
    }
};

RIDGE_INLINE float sumOf(const V& lanes) {
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps(lanes);
#else
    float parts[kLanes];
    std::memcpy(parts, &lanes, sizeof parts);
    for (std::int64_t half = kLanes / 2; half > 0; half /= 2)
        for (std::int64_t i = 0; i < half; ++i) parts[i] += parts[i + half];
    return parts[0];
#endif
}

// Spelt out: the compiler may fuse a * b + c in one tile and multiply first in another.
RIDGE_INLINE float multiplyAdd(float a, float b, float c) {
#if defined(__AVX512F__) || defined(__FMA__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

// A tile's sums stay in registers beside one vector of each of its weight rows and one of x: 24 of
// AVX-512's 32 registers, 8 of 16. Measured for 8 rows of x in float, by processor time, against
// reading the weights alone: 0.71 of it for 4096 x 4096, 0.91 for 16384 x 1024 (the library's
// product 0.52, with weights packed beforehand 0.62 to 0.71; 2 by 4 here before 0.61). Blocks of k
// for which x stays in the first-level cache changed nothing.
#if defined(__AVX512F__)
constexpr int kTileWeights = 3, kTileRows = 8;
#else
constexpr int kTileWeights = 2, kTileRows = 4;
#endif
constexpr int kSingleWeights = 4;  // for one row of x

// How many weight rows ahead the second-level cache is told of. Measured beside reading alone, one
// row of x, bf16 and int8: 2 rows ahead into the first level 0.77 and 0.72 of it, 6 ahead into the
// second with four rows at a time 0.91 and 0.81, no prefetch 0.51 and 0.40. 8 rows of x: 3 to 12
// ahead do not differ.
constexpr std::int64_t kRowsAhead = 6;

// kWeights rows of W times kRows rows of x; weight rows to come are fetched as these are used. The
// prefetch may point past the matrix: it never faults. A row of x gives the same bits however many
// are beside it, but for scaled weights, whose scale one row takes after the group's sum.
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
        if (firstRow == 0)
            for (int i = 0; i < kWeights; ++i)
                for (std::int64_t line = 0; line < Read::bytes(kStride); line += 64)
                    __builtin_prefetch(
                        weights + (i + kRowsAhead) * rowBytes + Read::bytes(at) + line, 0, 2);
        if constexpr (Read::kScaled && kRows == 1) {
#pragma GCC unroll 4
            for (int i = 0; i < kWeights; ++i) {
                const char* row = weights + i * rowBytes;
                const VRaw* in = reinterpret_cast<const VRaw*>(x + at);
                V part = Read::vector(row, at, 0) * in[0];
                V other = Read::vector(row, at, 1) * in[1];
                part += Read::vector(row, at, 2) * in[2];
                other += Read::vector(row, at, 3) * in[3];
                sums[i][0] += scales[i * (a.k / kGroup) + at / kGroup] * (part + other);
            }
            continue;
        }
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) {
            V w[kWeights];
#pragma GCC unroll 4
            for (int i = 0; i < kWeights; ++i) {
                w[i] = Read::vector(weights + i * rowBytes, at, v);
                if constexpr (Read::kScaled) w[i] *= scales[i * (a.k / kGroup) + at / kGroup];
            }
#pragma GCC unroll 8
            for (int r = 0; r < kRows; ++r) {
                const V in = reinterpret_cast<const VRaw*>(x + r * a.k + at)[v];
#pragma GCC unroll 4
                for (int i = 0; i < kWeights; ++i) sums[i][r] += w[i] * in;
            }
        }
    }
    for (int i = 0; i < kWeights; ++i)
        for (int r = 0; r < kRows; ++r) {
            float sum = sumOf(sums[i][r]);
            if constexpr (Read::kTimes > 1) sum *= 1.0F / Read::kTimes;
            if constexpr (!Read::kScaled)
                for (std::int64_t j = whole; j < a.k; ++j)
                    sum = multiplyAdd(Read::one(weights + i * rowBytes, j), x[r * a.k + j], sum);
            const std::int64_t column = firstWeight + i;
            a.y[(firstRow + r) * a.stride + column] =
                sum + (a.bias == nullptr ? 0.0F : a.bias[column]);
        }
}

// The last rows: fewer than a whole tile of them.
template <typename Read, int kWeights, int kRows>
RIDGE_INLINE void lastRows(const FewRows& a, std::int64_t weight, std::int64_t row) {
    if constexpr (kRows > 0) {
        if (a.rows - row == kRows)
            tile<Read, kWeights, kRows>(a, weight, row);
        else
            lastRows<Read, kWeights, kRows - 1>(a, weight, row);
    }
}

template <typename Read, int kWeights>
RIDGE_INLINE void allRows(const FewRows& a, std::int64_t weight) {
    std::int64_t row = 0;
    for (; row + kTileRows <= a.rows; row += kTileRows)
        tile<Read, kWeights, kTileRows>(a, weight, row);
    lastRows<Read, kWeights, kTileRows - 1>(a, weight, row);
}

template <typename Read>
void linearFew(const FewRows& a) {
    std::int64_t weight = 0;
    if (a.rows == 1) {
        for (; weight + kSingleWeights <= a.n; weight += kSingleWeights)
            tile<Read, kSingleWeights, 1>(a, weight, 0);
    } else {
        for (; weight + kTileWeights <= a.n; weight += kTileWeights)
            allRows<Read, kTileWeights>(a, weight);
    }
    for (; weight < a.n; ++weight) allRows<Read, 1>(a, weight);
}

}  // namespace
}  // namespace ridge::workloads::cpu

#if defined(__AVX2__) && !defined(__AVX512F__)
#include "workloads/ops/cpu/kernels_linear_fixed.h"
#endif

namespace ridge::workloads::cpu {
namespace {

#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr auto kInt8 = linearFixed;
#else
constexpr auto kInt8 = linearFew<ReadInt8>;
#endif
constexpr LinearKernels kTable{linearFew<ReadF32>, linearFew<ReadBf16>, kInt8, linearFew<ReadInt4>};

}  // namespace
}  // namespace ridge::workloads::cpu

#undef RIDGE_INLINE
#pragma GCC diagnostic pop
