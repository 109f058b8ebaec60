// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Attention of one query against stored keys and values of one head.
#include "workloads/ops/cpu/kernels.h"

#include <bit>

namespace ridge::workloads::cpu {

namespace {

__attribute__((always_inline)) inline float widened(float value) {
    return value;
}
__attribute__((always_inline)) inline float widened(std::uint16_t value) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}
__attribute__((always_inline)) inline float widened(std::int8_t value) {
    return static_cast<float>(value);
}

template <typename T>
__attribute__((always_inline)) inline void scoresOf(std::int64_t tokens, std::int64_t headDim,
                                                    float scale, const float* __restrict query,
                                                    const T* __restrict keys,
                                                    const float* __restrict keyScales,
                                                    float* __restrict scores) {
    for (std::int64_t t = 0; t < tokens; ++t) {
        const T* key = keys + t * headDim;
        float dot = 0.0F;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t i = 0; i < headDim; ++i) dot += query[i] * widened(key[i]);
        scores[t] = dot * (keyScales == nullptr ? scale : scale * keyScales[t]);
    }
}

template <typename T>
__attribute__((always_inline)) inline void valuesOf(std::int64_t tokens, std::int64_t headDim,
                                                    const float* __restrict weights,
                                                    const T* __restrict values,
                                                    const float* __restrict valueScales,
                                                    float* __restrict out) {
    std::int64_t t = 0;
    // Four tokens a pass: out is loaded and stored a quarter as often.
    for (; t + 4 <= tokens; t += 4) {
        const T* value = values + t * headDim;
        float w[4];
        for (int j = 0; j < 4; ++j)
            w[j] = valueScales == nullptr ? weights[t + j] : weights[t + j] * valueScales[t + j];
#pragma omp simd
        for (std::int64_t i = 0; i < headDim; ++i)
            out[i] +=
                (w[0] * widened(value[i]) + w[1] * widened(value[headDim + i])) +
                (w[2] * widened(value[2 * headDim + i]) + w[3] * widened(value[3 * headDim + i]));
    }
    for (; t < tokens; ++t) {
        const float w = valueScales == nullptr ? weights[t] : weights[t] * valueScales[t];
#pragma omp simd
        for (std::int64_t i = 0; i < headDim; ++i) out[i] += w * widened(values[t * headDim + i]);
    }
}

}  // namespace

RIDGE_CLONES
void cacheScoresF32(std::int64_t tokens, std::int64_t headDim, float scale, const float* query,
                    const float* keys, float* scores) {
    scoresOf(tokens, headDim, scale, query, keys, nullptr, scores);
}

RIDGE_CLONES
void cacheScoresBf16(std::int64_t tokens, std::int64_t headDim, float scale, const float* query,
                     const std::uint16_t* keys, float* scores) {
    scoresOf(tokens, headDim, scale, query, keys, nullptr, scores);
}

RIDGE_CLONES
void cacheScoresInt8(std::int64_t tokens, std::int64_t headDim, float scale, const float* query,
                     const std::int8_t* keys, const float* keyScales, float* scores) {
    scoresOf(tokens, headDim, scale, query, keys, keyScales, scores);
}

RIDGE_CLONES
void cacheValuesF32(std::int64_t tokens, std::int64_t headDim, const float* weights,
                    const float* values, float* out) {
    valuesOf(tokens, headDim, weights, values, nullptr, out);
}

RIDGE_CLONES
void cacheValuesBf16(std::int64_t tokens, std::int64_t headDim, const float* weights,
                     const std::uint16_t* values, float* out) {
    valuesOf(tokens, headDim, weights, values, nullptr, out);
}

RIDGE_CLONES
void cacheValuesInt8(std::int64_t tokens, std::int64_t headDim, const float* weights,
                     const std::int8_t* values, const float* valueScales, float* out) {
    valuesOf(tokens, headDim, weights, values, valueScales, out);
}

}  // namespace ridge::workloads::cpu
